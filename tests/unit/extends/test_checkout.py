"""The files of a locked commit: exact, whole, made anew when they were changed, and there without a network."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import AmiError, DefinitionError, LackError
from orchestrator.extends.checkout import checkout_of, folder_of
from tests.unit.extends.conftest import git

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.extends.pin import ExtendsPin
    from tests.unit.extends.conftest import FactoryRepository

CHECK_OUT = """
import sys
from pathlib import Path
from orchestrator.extends.checkout import checkout_of
from orchestrator.extends.pin import ExtendsPin
from orchestrator.extends.place import GitPlace
url, ref, commit, tree = sys.argv[1:]
print(checkout_of(GitPlace(url, ref, "", Path("ami.yml"), 1), ExtendsPin(url, ref, "", commit, tree, Path("l"), 1)))
"""


def refused(act: Callable[[], object], kind: type[AmiError] = DefinitionError) -> str:
    with pytest.raises(kind) as caught:
        act()
    return str(caught.value)


def check_out(pin: ExtendsPin) -> list[str]:
    """A process of its own that wants a commit."""
    return [sys.executable, "-c", CHECK_OUT, pin.url, pin.ref, pin.commit, pin.tree]


def test_files_when_settings_would_change_them(
    factory: FactoryRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither attributes of the repository nor a person's umask and settings reach what is checked out."""
    factory.commit({".gitattributes": "* text eol=crlf ident\n*.bin filter=x\n", "a.txt": "$Id$\n", "b.bin": "b\n"})
    (factory.folder / "run.sh").write_text("#!/bin/sh\n")
    (factory.folder / "run.sh").chmod(0o755)
    (factory.folder / "link").symlink_to("run.sh")
    factory.commit({}, tag="v2")
    (tmp_path / "config").write_text('[core]\n autocrlf = true\n symlinks = false\n[filter "x"]\n smudge = tr b c\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    before = os.umask(0o077)
    try:
        folder = checkout_of(factory.place("v2"), factory.pin("v2"))
    finally:
        os.umask(before)
    assert (folder / "a.txt").read_bytes() == b"$Id$\n"
    assert (folder / "b.bin").read_bytes() == b"b\n"
    assert (folder / "link").readlink() == Path("run.sh")
    modes = {name: (folder / name).stat().st_mode & 0o777 for name in ("a.txt", "run.sh", "roles")}
    assert modes == {"a.txt": 0o644, "run.sh": 0o755, "roles": 0o755}


@pytest.mark.parametrize("change", ["edit", "mode", "more", "less", "empty folder", "link"])
def test_files_when_somebody_changed_them(factory: FactoryRepository, change: str) -> None:
    """They are made anew from the clone, without the repository, and that is said."""
    pin = factory.pin("v1.0.0")
    folder = folder_of(pin.commit)
    tasks = folder / "roles/one/tasks/main.yml"
    match change:
        case "edit":
            tasks.write_text("- shell: evil\n")
        case "mode":
            tasks.chmod(0o755)
        case "more":
            (folder / "ansible.cfg").write_text("[defaults]\n")
        case "less":
            tasks.unlink()
        case "empty folder":
            (folder / "collections").mkdir()
        case _:
            tasks.unlink()
            tasks.symlink_to("/etc/hostname")
    shutil.rmtree(factory.folder)
    done = subprocess.run(check_out(pin), capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"{folder}\n", f"{folder} was changed on this machine: it is made anew\n")
    assert tasks.read_text() == "[]\n"
    assert sorted(path.name for path in folder.iterdir()) == ["ami.yml", "roles"]


def test_files_when_programs_left_theirs(factory: FactoryRepository) -> None:
    """Python's compiled files go without a word; what a workspace keeps in `.ami` stays."""
    pin = factory.pin("v1.0.0")
    folder = folder_of(pin.commit)
    (folder / "roles/one/__pycache__").mkdir()
    (folder / ".ami/deps").mkdir(parents=True)
    done = subprocess.run(check_out(pin), capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"{folder}\n", "")
    assert (folder / ".ami/deps").is_dir()
    assert not (folder / "roles/one/__pycache__").exists()


def test_checkout_when_all_is_here_and_git_is_not(factory: FactoryRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was checked out once needs no repository and no program."""
    pin = factory.pin("v1.0.0")
    shutil.rmtree(factory.folder)
    monkeypatch.setenv("PATH", "")
    assert (checkout_of(factory.place("v1.0.0"), pin) / "ami.yml").is_file()


def test_checkout_when_the_cache_is_empty(factory: FactoryRepository, tmp_path: Path) -> None:
    """The locked commit comes again, although the tag is elsewhere by now; without a lock nothing is fetched."""
    pin = factory.pin("v1.0.0")
    factory.commit({"ami.yml": "name: other\n"}, tag="v1.0.0")
    shutil.rmtree(tmp_path / "cache")
    assert (checkout_of(factory.place("v1.0.0"), pin) / "ami.yml").read_text() == "name: factory\n"
    shutil.rmtree(tmp_path / "cache")
    assert refused(lambda: checkout_of(factory.place("v1.0.0"), None)) == (
        f"{factory.team}/ami.yml:3: '{factory.url}' is not locked: there is no ami.lock"
    )
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("ref", "folder", "expected"),
    [
        ("v2.0.0", "", "`extends` has ref 'v2.0.0', and ami.lock has ref 'v1.0.0'"),
        ("v1.0.0", "images", "`extends` has folder 'images', and ami.lock has no folder"),
    ],
)
def test_checkout_when_the_lock_is_of_another_place(
    factory: FactoryRepository, ref: str, folder: str, expected: str
) -> None:
    """The line of `ami.yml`, both values, and what to do."""
    pin = factory.pin("v1.0.0")
    with pytest.raises(DefinitionError) as caught:
        checkout_of(factory.place(ref, folder), pin)
    assert str(caught.value) == f"{factory.team}/ami.yml:3: {expected}"
    assert caught.value.hint == "ami update"


def test_checkout_when_the_lock_was_edited(factory: FactoryRepository, tmp_path: Path) -> None:
    """A tree that is not the commit's, and a commit that is nowhere, name the line of the lock."""
    pin = replace(factory.pin("v1.0.0"), path=tmp_path / "ami.lock", line=6)
    other = replace(pin, tree="0" * 40)
    assert "ami.lock:6: the commit" in refused(lambda: checkout_of(factory.place("v1.0.0"), other))
    gone = replace(pin, commit="1" * 40)
    assert "ami.lock:6: the commit 111111111111 of" in refused(lambda: checkout_of(factory.place("v1.0.0"), gone))
    assert (folder_of(pin.commit) / "ami.yml").is_file()


def test_checkout_when_only_the_commit_is_asked_for(factory: FactoryRepository, tmp_path: Path) -> None:
    """A commit that a branch lost is fetched by itself, as long as the server has it."""
    lost = factory.commit({"more": "x\n"})
    pin = factory.pin("main")
    factory.git("reset", "--quiet", "--hard", "v1.0.0")
    shutil.rmtree(tmp_path / "cache")
    assert checkout_of(factory.place("main"), pin) == folder_of(lost)


def test_commit_when_it_is_refused(factory: FactoryRepository, tmp_path: Path) -> None:
    """A link that leads out, a submodule, and a folder `.ami`: the place in `ami.yml`, and nothing is checked out."""
    (factory.folder / "roles/out").symlink_to("../../elsewhere")
    factory.commit({}, tag="links")
    text = refused(lambda: factory.pin("links"))
    assert "is refused: the link 'roles/out' leads out of it, to '../../elsewhere'" in text
    assert text.startswith(f"{factory.team}/ami.yml:3: {factory.url} at links")
    (factory.folder / "roles/out").unlink()
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    git(other, "commit", "--quiet", "--allow-empty", "-m", "x")
    factory.git("submodule", "--quiet", "add", str(other), "vendor")
    factory.commit({}, tag="modules")
    assert "it has a submodule at 'vendor'" in refused(lambda: factory.pin("modules"))
    factory.git("rm", "--quiet", "-f", "vendor")
    factory.commit({".ami/known-amis.json": "{}"}, tag="state")
    assert "it has '.ami/known-amis.json', where a workspace keeps" in refused(lambda: factory.pin("state"))
    assert not list((tmp_path / "cache/ami/extends").iterdir())


def test_repository_when_it_cannot_be_fetched(factory: FactoryRepository, tmp_path: Path) -> None:
    """The place in `ami.yml` and git's own words; a clone that has not all commits is none."""
    shallow = tmp_path / "shallow"
    factory.commit({"more": "x\n"})
    git(tmp_path, "clone", "--quiet", "--depth=1", factory.url, str(shallow))
    there = replace(factory, folder=shallow)
    text = refused(lambda: there.pin("main"), LackError)
    assert text == f"{factory.team}/ami.yml:3: '{there.url}' is a shallow clone: it has not all of its commits"
    gone = replace(factory, folder=tmp_path / "gone")
    text = refused(lambda: gone.pin("main"), LackError)
    assert text.startswith(f"{factory.team}/ami.yml:3: '{gone.url}' cannot be fetched: ")
    assert f"'{tmp_path}/gone' does not appear to be a git repository" in text
    assert [path.name for path in (tmp_path / "cache/ami/clones").iterdir() if path.suffix != ".lock"] == []


def test_checkout_when_two_processes_want_it(factory: FactoryRepository, tmp_path: Path) -> None:
    """Both have it, and one made it."""
    pin = factory.pin("v1.0.0")
    shutil.rmtree(tmp_path / "cache")
    both = [
        subprocess.Popen(check_out(pin), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [one.communicate() for one in both] == [(f"{folder_of(pin.commit)}\n", "")] * 2


def test_clone_when_it_is_killed(factory: FactoryRepository, tmp_path: Path) -> None:
    """Half a clone is none: the next process makes a whole one, and removes what the killed one left."""
    pin = factory.pin("v1.0.0")
    shutil.rmtree(tmp_path / "cache")
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    real = shutil.which("git")
    slow.write_text(
        f'#!/bin/sh\ncase "$*" in *clone*) {real} "$@"; touch {tmp_path}/begun; sleep 60;; *) exec {real} "$@";; esac\n'
    )
    slow.chmod(0o755)
    env = {**os.environ, "PATH": f"{slow.parent}:{os.environ['PATH']}"}
    killed = subprocess.Popen(check_out(pin), env=env, start_new_session=True)
    while not (tmp_path / "begun").exists():
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    repositories = tmp_path / "cache/ami/clones"
    assert [path.name for path in repositories.glob("ami-held-*")]
    assert checkout_of(factory.place("v1.0.0"), pin).is_dir()
    assert not list(repositories.glob("ami-held-*"))


def test_clone_when_the_disk_damaged_it(factory: FactoryRepository, tmp_path: Path) -> None:
    """It is made anew when it is needed."""
    pin = factory.pin("v1.0.0")
    (clone,) = (tmp_path / "cache/ami/clones").glob("*.git")
    shutil.rmtree(tmp_path / "cache/ami/extends")
    for path in clone.glob("objects/*/*"):
        path.chmod(0o600)
        path.write_bytes(b"")
    assert (checkout_of(factory.place("v1.0.0"), pin) / "ami.yml").is_file()


def test_cache_when_it_cannot_be_written(factory: FactoryRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its place, why, and how to name another one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(factory.folder / "ami.yml"))
    with pytest.raises(LackError) as caught:
        factory.pin("v1.0.0")
    expected = f"the cache {factory.folder}/ami.yml/ami/clones cannot be written: Not a directory"
    assert (str(caught.value), caught.value.hint) == (expected, "XDG_CACHE_HOME names another place for it")
