"""`requirements.yml` is read as ansible-galaxy reads it, and mistakes are told with their line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.requirements.written import Kind, Way, read_requirements

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.errors import Problem

ROLES = [
    ("geerlingguy.nginx", (Way.GALAXY, "geerlingguy.nginx", "geerlingguy.nginx", "")),
    ("'geerlingguy.nginx,3.1.0,nginx'", (Way.GALAXY, "nginx", "geerlingguy.nginx", "3.1.0")),
    ("{src: geerlingguy.nginx, version: 3}", (Way.GALAXY, "geerlingguy.nginx", "geerlingguy.nginx", "3")),
    ("git+https://x.org/a/ansible-b.git", (Way.GIT, "ansible-b", "https://x.org/a/ansible-b.git", "")),
    ("'git+https://x.org/a/b.git,v1'", (Way.GIT, "b", "https://x.org/a/b.git", "v1")),
    ("https://github.com/a/b", (Way.GIT, "b", "https://github.com/a/b", "")),
    ("{src: 'git@x.org:a/b.git', name: acme.b}", (Way.GIT, "acme.b", "git@x.org:a/b.git", "")),
    ("{src: 'https://x.org/b', scm: git}", (Way.GIT, "b", "https://x.org/b", "")),
    ("https://x.org/dist/b.tar.gz", (Way.ARCHIVE, "b", "https://x.org/dist/b.tar.gz", "")),
    ("{src: ../b.tgz, name: acme.b}", (Way.ARCHIVE, "acme.b", "../b.tgz", "")),
    ("../shared/b", (Way.FOLDER, "b", "../shared/b", "")),
]
COLLECTIONS = [
    ("community.general", (Way.GALAXY, "community.general", "community.general", "")),
    ("community.general:>=8.0.0", (Way.GALAXY, "community.general", "community.general", ">=8.0.0")),
    ("{name: community.general, version: '*'}", (Way.GALAXY, "community.general", "community.general", "")),
    ("{name: a.b, source: 'https://x.org'}", (Way.GALAXY, "a.b", "a.b", "")),
    ("{name: 'https://x.org/b.git', type: git, version: v2}", (Way.GIT, "", "https://x.org/b.git", "v2")),
    ("git+file:///b#/sub/", (Way.GIT, "", "file:///b#/sub/", "")),
    ("{name: a.b, source: 'git@x.org:a/b.git', type: git}", (Way.GIT, "a.b", "git@x.org:a/b.git", "")),
    ("./a-b-1.0.0.tar.gz", (Way.ARCHIVE, "", "./a-b-1.0.0.tar.gz", "")),
    ("{name: ./local, type: dir}", (Way.FOLDER, "", "./local", "")),
]
BAD = [
    ("- {src: a.b, versoin: 1}", "1: unknown key 'versoin' of a role (did you mean 'version'?)"),
    ("roles:\n  - {src: a.b, version: 1.10}", "2: 'version' must be text: put it in quotes"),
    ("roels: []", "1: unknown key 'roels' (did you mean 'roles'?)"),
    ("collections:\n  - acme", "2: 'acme' is no name of a collection (namespace.name), and there is no such file"),
    ("- acme", "1: 'acme' is no name on Galaxy (namespace.role), and there is no such file or folder"),
    ("- {src: 'hg+https://x.org/a', scm: hg}", "1: scm 'hg' is not supported"),
    ("collections:\n  - {name: a.b, type: gti}", "2: unknown type 'gti' (did you mean 'git'?)"),
    ("- a.b\n- a.b", "2: the role 'a.b' stands twice, first in line 1"),
    ("roles: {a: b}", "1: must be a list"),
    ("- [a]", "1: must be a name, or a mapping with `name` and `version`"),
    ("- {version: '1'}", "1: a role needs `src` or `name`"),
    ("- {src: ../x, name: ../../etc}", "1: '../../etc' is no name of a role: give it one with `name:`"),
]


@pytest.mark.parametrize(("kind", "text", "read"), [
    *((Kind.ROLE, *row) for row in ROLES), *((Kind.COLLECTION, *row) for row in COLLECTIONS)
])  # fmt: skip
def test_entry_when_it_is_written_as_ansible_takes_it(
    tmp_path: Path, kind: Kind, text: str, read: tuple[Way, str, str, str]
) -> None:
    """The way, the name, the source and the version."""
    (tmp_path / "requirements.yml").write_text(f"---\n{kind}s:\n  - {text}\n")
    problems: list[Problem] = []
    (one,) = read_requirements(tmp_path, problems)
    assert (one.way, one.name, one.source, one.version, one.line) == (*read, 3)
    assert problems == []


@pytest.mark.parametrize(("text", "told"), BAD)
def test_entry_when_it_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    """Its line, what is wrong, and the nearest right name."""
    (tmp_path / "requirements.yml").write_text(text)
    problems: list[Problem] = []
    read_requirements(tmp_path, problems)
    assert [str(one).removeprefix(f"{tmp_path}/requirements.yml:").startswith(told) for one in problems] == [True]
