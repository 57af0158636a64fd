"""Roles and collections from elsewhere: pinned, installed, used by a build, and counted where they are used."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from tests.lab.small import PROGRAMS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.small import Small

pytestmark = pytest.mark.long(90)

GALAXY = "namespace: acme\nname: {name}\nversion: 1.0.0\nreadme: README.md\nauthors: [tests]\n"
#: The role names both collections, and takes a value that a vault holds.
ROLE = """
- name: Leave a mark with a module of one collection and a filter of the other
  acme.net.mark:
    path: /etc/proxy
    text: "{{ proxy_password | acme.text.loud }}"
"""
PROXY_TESTS = '''
def test_proxy(host):
    """The module and the filter were used, with what the vault holds."""
    assert host.file("/etc/proxy").content_string == "OPEN SESAME!"
'''
MODULE = """
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(argument_spec={"path": {"type": "path"}, "text": {"type": "str", "no_log": True}})
with open(module.params["path"], "w") as file:
    file.write(module.params["text"])
module.exit_json(changed=True)
"""
FILTER = """
class FilterModule:
    def filters(self):
        return {"loud": lambda text: text.upper() + "!"}
"""
REQUIREMENTS = """
roles:
  - {{name: acme.proxy, src: "git+file://{there}/proxy", version: v1}}
collections:
  - {{name: "git+file://{there}/net", type: git, version: main}}
  - {{name: "{there}/acme-text-1.0.0.tar.gz", type: file}}
"""


def git(folder: Path, *arguments: str) -> None:
    names = ["-c", "user.name=tests", "-c", "user.email=tests@example.com"]
    subprocess.run(["git", "-C", folder, *names, *arguments], check=True, capture_output=True)


def commit(folder: Path, files: dict[str, str]) -> None:
    """Write files of a repository, which is made when it is not there, and commit them."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "a change")


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A folder with a role and a collection in git repositories, and a collection in an archive."""
    there = tmp_path.parent / f"{tmp_path.name}-there"
    commit(there / "proxy", {"tasks/main.yml": ROLE, "tests/test_proxy.py": PROXY_TESTS})
    git(there / "proxy", "tag", "v1")
    collection = {"galaxy.yml": GALAXY.format(name="net"), "README.md": "A net.\n"}
    commit(there / "net", {**collection, "plugins/modules/mark.py": MODULE})
    text = {"galaxy.yml": GALAXY.format(name="text"), "README.md": "Texts.\n", "plugins/filter/loud.py": FILTER}
    commit(there / "text", text)
    argv = [str(PROGRAMS / "ansible-galaxy"), "collection", "build", str(there / "text"), "--output-path", str(there)]
    subprocess.run(argv, check=True, capture_output=True)
    return there


@pytest.fixture
def proxied(small: Small, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    """A workspace whose image `top` has the role on `tiny`, which has nothing from elsewhere."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(there / "cache"))
    password = tmp_path.parent / f"{tmp_path.name}-vault"
    password.write_text("sesame")
    small.write("ansible.cfg", f"[defaults]\nvault_password_file = {password}\n")
    vaulted = subprocess.run(
        [PROGRAMS / "ansible-vault", "encrypt_string", "--vault-password-file", str(password)],
        input="open sesame", capture_output=True, text=True, check=True,
    ).stdout.partition("\n")[2]  # fmt: skip
    small.image("top", "tiny", "workload: {roles: [acme.proxy]}")
    image = (small.root / "packer/images/top.yml").read_text().partition("layers:")[0]
    value = "".join(f"          {line.strip()}\n" for line in vaulted.splitlines())
    layers = f"  - workload:\n      roles: [acme.proxy]\n      vars:\n        proxy_password: !vault |\n{value}"
    small.write("packer/images/top.yml", f"{image}layers:\n{layers}")
    small.write("requirements.yml", REQUIREMENTS.format(there=there))
    return small


def said(small: Small, *arguments: str, code: int) -> str:
    """What `ami` says to a person; it must end with `code`."""
    argv = [str(PROGRAMS / "ami"), *arguments]
    with tempfile.TemporaryFile("w+") as words:
        try:
            done = subprocess.run(argv, cwd=small.root, stdout=subprocess.PIPE, stderr=words, text=True, check=False)
        finally:  # also when it never ends
            words.seek(0)
            said = words.read()
            sys.stderr.write(said)
    assert done.returncode == code, done.stdout
    return said


def test_build_when_a_role_and_its_collections_come_from_elsewhere(proxied: Small, there: Path) -> None:
    """Without a lock nothing is fetched. With one an empty cache is filled, and the image is built and validated.

    A collection that changed rebuilds the image that uses it alone, and not before it is taken into the lock.
    """
    unlocked = said(proxied, "build", "--yes", code=2)
    assert "requirements.yml:3: role 'acme.proxy' is not in requirements.lock" in unlocked
    assert "hint: ami deps" in unlocked
    proxied.ami("deps")
    shutil.rmtree(there / "cache")
    assert "not installed on this machine" in said(proxied, "plan", code=3)

    built = said(proxied, "build", "--yes", code=0)
    assert "installing collection 'acme.net' 1.0.0" in built
    assert {name: one["state"] for name, one in proxied.listed().items()} == {"tiny": "validated", "top": "validated"}

    commit(there / "net", {"plugins/modules/mark.py": MODULE.replace("exit_json(", "exit_json(path='', ")})
    assert proxied.planned() == {"tiny": "reuse", "top": "reuse"}
    proxied.ami("deps", "--upgrade")
    assert proxied.planned() == {"tiny": "reuse", "top": "build"}

    for name in ("proxy", "net", "acme-text-1.0.0.tar.gz"):
        (there / name).rename(there / f"{name}-gone")
    proxied.ami("deps")  # the cache has everything
    assert proxied.planned() == {"tiny": "reuse", "top": "build"}

    proxied.write("roles/marker/tasks/main.yml", "- acme.nett.mark: {}\n")
    missing = said(proxied, "plan", code=2)
    assert "roles/marker/tasks/main.yml:1: no collection 'acme.nett': no requirement brings it" in missing
    assert "(did you mean 'acme.net'?)" in missing
