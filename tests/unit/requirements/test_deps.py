"""What `ami deps` brings from real repositories, archives and folders, and what it refuses."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.workspace import load
from orchestrator.errors import DefinitionError, LackError
from orchestrator.requirements import content
from orchestrator.requirements.bring import bring, locked

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.requirements.conftest import Elsewhere

OWN = "is in the workspace itself, and that one goes first: see collections/ for acme.own"
TASKS = {"tasks/main.yml": "[]\n"}


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(DefinitionError) as caught:
        act()
    return str(caught.value)


def archive(path: Path, *members: tarfile.TarInfo) -> None:
    with tarfile.open(path, "w:gz") as file:
        for member in members:
            file.addfile(member, io.BytesIO(b"x" * member.size))


def member(name: str, *, link: str = "", kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, 0 if link else 1
    return made


def test_deps_when_sources_change(elsewhere: Elsewhere) -> None:
    """The lock holds what was there; a new commit comes with --upgrade; the cache serves when the source is gone."""
    role = elsewhere.commit("proxy", TASKS, tag="v1")
    net = elsewhere.collection("net")
    (elsewhere.there / "plain/tasks").mkdir(parents=True)
    elsewhere.write(
        "requirements.yml",
        f"roles:\n  - {{name: acme.proxy, src: 'git+file://{role}', version: v1}}\n  - ../there/plain\n"
        f"collections:\n  - {{name: 'git+file://{net}', type: git}}\n",
    )
    first = {one.pin.name: one.pin for one in elsewhere.deps()}
    assert list(first) == ["acme.proxy", "plain", "acme.net"]
    assert elsewhere.link("roles/acme.proxy/tasks/main.yml").read_text() == "[]\n"
    assert elsewhere.link("collections/ansible_collections/acme/net/MANIFEST.json").is_file()
    assert {"acme.proxy", "plain"} <= load(elsewhere.root).roles.keys()

    elsewhere.commit("net", {"plugins/modules/new.py": "\n"})
    assert {one.pin.name: one.pin for one in elsewhere.deps()} == first
    assert elsewhere.said == []
    second = {one.pin.name: one.pin for one in elsewhere.deps(upgrade=True)}
    assert {name for name in first if first[name].sha256 != second[name].sha256} == {"acme.net"}
    assert elsewhere.link("collections/ansible_collections/acme/net/plugins/modules/new.py").is_file()

    shutil.rmtree(elsewhere.there)
    assert {one.pin.name: one.pin for one in elsewhere.deps()} == second
    elsewhere.write("requirements.yml", "[]\n")
    assert elsewhere.deps() == ()
    assert not elsewhere.link("roles/acme.proxy").exists()


def test_bring_when_the_cache_is_empty_or_spoiled(elsewhere: Elsewhere) -> None:
    """What the lock pins is installed again with the same digest; a source with other content by now is refused."""
    role = elsewhere.commit("proxy", TASKS)
    (elsewhere.there / "plain/tasks").mkdir(parents=True)
    (elsewhere.there / "plain/tasks/main.yml").write_text("[] # plain\n")
    elsewhere.write("requirements.yml", f"- {{name: acme.proxy, src: 'git+file://{role}'}}\n- ../there/plain\n")
    pins = {one.pin.name: one.pin for one in elsewhere.deps()}
    elsewhere.commit("proxy", {"tasks/more.yml": "[]\n"})

    (content.place_of(pins["acme.proxy"].sha256) / "tasks/main.yml").write_text("spoiled\n")
    bring(elsewhere.root, fetch=True, tell=elsewhere.said.append)
    assert elsewhere.link("roles/acme.proxy/tasks/main.yml").read_text() == "[]\n"
    assert [line for line in elsewhere.said if line.startswith("installing role 'acme.proxy'")]

    shutil.rmtree(content.cache())
    with pytest.raises(LackError, match=r"not installed on this machine.*role 'acme.proxy'"):
        bring(elsewhere.root, fetch=False, tell=elsewhere.said.append)
    (elsewhere.there / "plain/tasks/main.yml").write_text("changed\n")
    told = refused(lambda: bring(elsewhere.root, fetch=True, tell=elsewhere.said.append))
    assert "requirements.lock:11: role 'plain': '../there/plain' has other content now: its digest is " in told


def test_lock_when_it_does_not_fit(elsewhere: Elsewhere) -> None:
    """What is new, changed and gone in requirements.yml is told with its line, and nothing is fetched."""
    for name in ("one", "two", "three"):
        elsewhere.commit(name, TASKS, tag="v1")
    lines = [f"- {{src: 'git+file://{elsewhere.there}/{name}', version: v1}}\n" for name in ("one", "two", "three")]
    elsewhere.write("requirements.yml", "".join(lines))
    elsewhere.deps()
    elsewhere.write("requirements.yml", f"{lines[0]}{lines[1].replace('v1', 'v2')}- acme.four\n")
    told = refused(lambda: locked(elsewhere.root)).splitlines()
    assert told == [
        "requirements.lock:12: role 'three' is in no entry of requirements.yml",
        "requirements.yml:2: role 'two' asks for version 'v2', and requirements.lock:19 has 'v1'",
        "requirements.yml:3: role 'acme.four' is not in requirements.lock",
    ]


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([member("r/tasks/main.yml"), member("r/../../evil")], "'r/../../evil' would be written outside of it"),
        ([member("/etc/evil")], "'/etc/evil' would be written outside of it"),
        ([member("r/a", link="/etc/passwd", kind=tarfile.SYMTYPE)], "the link 'r/a' leads out of it, to '/etc/passwd'"),
        ([member("r/a", link="../../x", kind=tarfile.SYMTYPE)], "the link 'r/a' leads out of it, to '../../x'"),
        ([member("r/a", link="../x", kind=tarfile.LNKTYPE)], "the link 'r/a' leads out of it, to '../x'"),
        ([], "it is no tar archive that can be read"),
    ],
)
@pytest.mark.parametrize("kind", ["roles", "collections"])
def test_archive_when_it_leads_out(elsewhere: Elsewhere, kind: str, members: list[tarfile.TarInfo], told: str) -> None:
    """It is not unpacked at all."""
    path = elsewhere.root / "a.tar.gz"
    archive(path, *members) if members else path.write_text("no archive")
    elsewhere.write("requirements.yml", f"{kind}:\n  - ./a.tar.gz\n")
    assert f"requirements.yml:2: './a.tar.gz' is not unpacked: {told}" in refused(elsewhere.deps)
    assert not content.cache().exists()


def test_role_when_a_link_of_its_repository_leads_out(elsewhere: Elsewhere) -> None:
    """Git keeps any link; the role is refused."""
    elsewhere.commit("proxy", TASKS)
    (elsewhere.there / "proxy/tasks/out.yml").symlink_to("/etc/passwd")
    role = elsewhere.commit("proxy", {})
    elsewhere.write("requirements.yml", f"- git+file://{role}\n")
    told = refused(elsewhere.deps)
    assert told == (
        "requirements.yml:1: role 'proxy' is refused: the link 'tasks/out.yml' leads out of it, to '/etc/passwd'"
    )


def test_version_when_the_repository_has_none_of_it(elsewhere: Elsewhere) -> None:
    """The nearest tag or branch is named; a repository that is not there is something that this machine lacks."""
    role = elsewhere.commit("proxy", TASKS, tag="v1.0")
    elsewhere.write("requirements.yml", f"- {{src: 'git+file://{role}', version: v1.O}}\n")
    assert "has no tag, branch or commit 'v1.O' (did you mean 'v1.0'?)" in refused(elsewhere.deps)
    elsewhere.write("requirements.yml", "- git+file:///nowhere/proxy\n")
    with pytest.raises(LackError, match=r"requirements.yml:1: role 'proxy' cannot be fetched .* repository"):
        elsewhere.deps()


def test_collections_when_they_do_not_fit_together(elsewhere: Elsewhere) -> None:
    """Another ansible-core, another version of a dependency, a name that the workspace has itself, a wrong name."""
    elsewhere.collection("old", runtime="requires_ansible: '<2.10'\n")
    elsewhere.collection("net", version="1.2.0")
    elsewhere.collection("web", more='dependencies: {acme.net: ">=2.0.0"}\n')
    elsewhere.collection("own")
    (elsewhere.root / "collections/ansible_collections/acme/own").mkdir(parents=True)
    names = ("old", "net", "web", "own")
    listed = "".join(f"  - {{name: 'git+file://{elsewhere.there}/{name}', type: git}}\n" for name in names)
    elsewhere.write("requirements.yml", f"collections:\n{listed}")
    told = refused(elsewhere.deps).splitlines()
    assert told[0].startswith("requirements.yml:2: collection 'acme.old' 1.0.0: it requires ansible-core <2.10, and ")
    assert told[1:] == [
        "requirements.yml:4: collection 'acme.net' is 1.2.0 here, and 'acme.web' depends on >=2.0.0",
        f"requirements.yml:5: collection 'acme.own' {OWN}",
    ]
    text = f"collections:\n  - {{name: acme.nte, source: 'git+file://{elsewhere.there}/net', type: git}}\n"
    elsewhere.write("requirements.yml", text)
    assert "it has acme.net (did you mean 'acme.nte'?)" not in refused(elsewhere.deps)
    assert "it has acme.net (did you mean 'acme.net'?)" in refused(elsewhere.deps)


def test_digest_when_a_collection_is_installed_twice(elsewhere: Elsewhere) -> None:
    """From git, from its archive and from its folder: one content has one digest, whatever ansible-galaxy notes."""
    net = elsewhere.collection("net")
    program = str(Path(sys.executable).parent / "ansible-galaxy")
    subprocess.run([program, "collection", "build", net, "--output-path", elsewhere.there], check=True)
    digests = set()
    for entry in (f"git+file://{net}", "../there/acme-net-1.0.0.tar.gz", "../there/net"):
        elsewhere.write("requirements.yml", f"collections:\n  - {entry}\n")
        (one,) = elsewhere.deps()
        digests.add(one.pin.sha256)
    assert len(digests) == 1


def test_bring_when_a_level_below_has_requirements(elsewhere: Elsewhere, tmp_path: Path) -> None:
    """Each level has what it pins and what those below it pin, and never what those above it do."""
    for name in ("shared", "own"):
        elsewhere.commit(name, TASKS)
    elsewhere.write("requirements.yml", "roles:\n  - ../there/shared\n")
    elsewhere.deps()
    team = replace(elsewhere, root=tmp_path / "team")
    team.write("ami.yml", "name: team\nextends: {path: ../w}\n")
    team.write("requirements.yml", "roles:\n  - ../there/own\n")
    shutil.rmtree(elsewhere.root / ".ami")
    team.deps()
    found = {made.root.name: sorted(path.name for path in made.link("roles").iterdir()) for made in (team, elsewhere)}
    assert found == {"team": ["own", "shared"], "w": ["shared"]}
    workspace = load(team.root)
    assert workspace.extends
    assert sorted(workspace.roles) == ["own", "seal", "shared", "ssm_agent"]
    assert sorted(workspace.extends.roles) == ["seal", "shared", "ssm_agent"]
    assert workspace.extends.find("roles/shared").is_relative_to(elsewhere.root)
