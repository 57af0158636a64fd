from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator import process
from orchestrator.build.ansible import vault
from orchestrator.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable

VAULT = str(Path(sys.executable).parent / "ansible-vault")


@pytest.fixture
def encrypted(tmp_path: Path) -> Callable[[str], Path]:
    """A file with a value, encrypted with the password of `tmp_path/password`."""
    (tmp_path / "password").write_text("sesame")

    def encrypt(text: str) -> Path:
        path = tmp_path / "secret.yml"
        path.write_text(text)
        process.run([VAULT, "encrypt", "--vault-password-file", str(tmp_path / "password"), str(path)])
        return path

    return encrypt


def test_a_workspace_without_ansible_cfg_takes_the_password_of_the_environment(
    encrypted: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none of a person's own settings, which a build does not have either."""
    path = encrypted("token: s3cret\n")
    home, workspace = tmp_path / "home", tmp_path / "workspace"
    home.mkdir()
    workspace.mkdir()
    (home / ".ansible.cfg").write_text(f"[defaults]\nvault_password_file = {tmp_path / 'password'}\n")
    monkeypatch.setenv("HOME", str(home))
    with pytest.raises(DefinitionError, match=r"secret\.yml:1: is encrypted, and no vault password is configured"):
        vault.decrypted([path], workspace)
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(tmp_path / "password"))
    assert "s3cret" in vault.decrypted([path], workspace)
