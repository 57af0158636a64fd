"""What the role hardening_accounts says to every login shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import jinja2
import pytest

ROLE = Path(__file__).parents[3] / "roles/hardening_accounts"


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """The file as a machine has it."""
    text = (ROLE / "templates/etc/profile.d/hardening.sh.j2").read_text()
    values = {"ansible_managed": "x", "hardening_accounts_umask": "027", "hardening_accounts_shell_timeout": 600}
    path = tmp_path / "hardening.sh"
    path.write_text(jinja2.Environment(trim_blocks=True, autoescape=True).from_string(text).render(values))
    return path


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(("before", "expected"), [("", "600"), ("TMOUT=900", "600"), ("readonly TMOUT=900", "900")])
def test_login_when_the_time_out_is_fixed_already(profile: Path, shell: str, before: str, expected: str) -> None:
    """As on a machine that was hardened before: the shell goes on, and nobody can change the time-out."""
    says = f"{before}\n. {profile}\necho $TMOUT $(umask)\n"
    done = subprocess.run([shell, "-c", says], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{expected} 0027\n", "")
    said = subprocess.run([shell, "-c", f"{says}TMOUT=0; echo changed"], capture_output=True, text=True, check=False)
    assert "changed" not in said.stdout
