"""Roles and collections by name from a Galaxy server, and archives by URL: the real ansible-galaxy asks over HTTP."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import DefinitionError, LackError
from orchestrator.requirements import content
from orchestrator.requirements.bring import bring
from tests.unit.requirements.conftest import GALAXY
from tests.unit.requirements.galaxy import GalaxyServer, role_archive, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.requirements.conftest import Elsewhere

ROLE = {"meta/main.yml": "galaxy_info: {author: acme}\n", "tasks/main.yml": "[]\n"}
#: It is published in the course of a test.
LATER = "acme-net-1.1.0.tar.gz"
CONFIG = "[galaxy]\nserver_list = ours\n[galaxy_server.ours]\nurl = {url}/api/\n"
UNSATISFIED = (
    "collection 'acme.net' cannot be fetched from 'acme.net': Failed to resolve the requested dependencies map. "
    "Could not satisfy the following requirements: * acme.net:>=3 (direct request)"
)
REQUIREMENTS = """\
roles:
  - acme.proxy
  - {{name: edge, src: "{url}/role/acme.edge/2.0.0.tar.gz"}}
collections:
  - {{name: acme.net, version: ">=1.0.0,<2.0.0"}}
  - {{name: "{url}/collection/acme.text/1.0.0.tar.gz", type: url}}
"""


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with archives of collections, as their authors publish them."""
    folder = tmp_path_factory.mktemp("archives")
    needs = "dependencies: {acme.base: '<2.0.0'}\n"
    made = {"net-1.0.0": needs, "net-1.1.0": "", "net-2.0.0": needs}
    made |= dict.fromkeys(("base-1.0.0", "base-2.0.0", "text-1.0.0"), "")
    for archive, more in made.items():
        name, version = archive.split("-")
        (folder / archive).mkdir()
        (folder / archive / "galaxy.yml").write_text(GALAXY.format(name=name, version=version) + more)
        (folder / archive / "README.md").write_text("A collection.\n")
    argv = [str(Path(sys.executable).parent / "ansible-galaxy"), "collection", "build", "--output-path", str(folder)]
    subprocess.run([*argv, *(str(folder / archive) for archive in made)], check=True, capture_output=True)
    return folder


@pytest.fixture
def galaxy(elsewhere: Elsewhere, archives: Path) -> Iterator[GalaxyServer]:
    """A server that the workspace's ansible.cfg names, with two roles and three collections."""
    with serving(GalaxyServer()) as server:
        for version in ("1.0.0", "1.2.0", "1.10.0"):
            server.publish_role("acme.proxy", version, ROLE)
        server.publish_role("acme.edge", "2.0.0", ROLE)
        for archive in archives.glob("acme-*.tar.gz"):
            if archive.name != LATER:
                server.publish(archive)
        elsewhere.write("ansible.cfg", CONFIG.format(url=server.url))
        elsewhere.write("requirements.yml", REQUIREMENTS.format(url=server.url))
        yield server


def test_deps_when_galaxy_has_what_is_asked_for(elsewhere: Elsewhere, galaxy: GalaxyServer, archives: Path) -> None:
    """The newest that fits is pinned, and what it depends on. An empty cache is filled with the same, and a full one
    asks nobody. A newer version comes with --upgrade alone.
    """
    pins = {one.pin.name: one.pin for one in elsewhere.deps()}
    versions = {name: pin.version for name, pin in pins.items() if name != "edge"}
    assert versions == {"acme.proxy": "1.10.0", "acme.net": "1.0.0", "acme.base": "1.0.0", "acme.text": "1.0.0"}
    assert elsewhere.link("roles/edge/tasks/main.yml").read_text() == "[]\n"
    assert elsewhere.link("collections/ansible_collections/acme/base/MANIFEST.json").is_file()

    galaxy.publish_role("acme.proxy", "1.11.0", ROLE)
    galaxy.publish(archives / LATER)
    shutil.rmtree(content.cache())
    assert {one.pin.name: one.pin for one in bring(elsewhere.root, fetch=True, tell=elsewhere.said.append)} == pins
    galaxy.asked.clear()
    assert {one.pin.name: one.pin for one in elsewhere.deps()} == pins
    assert galaxy.asked == []
    upgraded = {one.pin.name: one.pin.version for one in elsewhere.deps(upgrade=True)}
    assert (upgraded["acme.proxy"], upgraded["acme.net"]) == ("1.11.0", "1.1.0")
    assert "acme.base" not in upgraded, "the newer acme.net depends on nothing"


def test_bring_when_an_archive_behind_a_url_has_changed(elsewhere: Elsewhere, galaxy: GalaxyServer) -> None:
    elsewhere.write("requirements.yml", f"- {{name: edge, src: '{galaxy.url}/role/acme.edge/2.0.0.tar.gz'}}\n")
    elsewhere.deps()
    galaxy.roles["acme.edge"]["2.0.0"] = role_archive(ROLE | {"tasks/main.yml": "- fail:\n"})
    shutil.rmtree(content.cache())
    with pytest.raises(DefinitionError, match=r"requirements\.lock:\d+: role 'edge': '.*' has other content now"):
        bring(elsewhere.root, fetch=True, tell=elsewhere.said.append)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            "roles: [acme.prox]",
            "role 'acme.prox' cannot be fetched from 'acme.prox': sorry, acme.prox was not found on http://127.0.0.1:",
        ),
        (
            "collections: [{name: acme.net, version: '>=3'}]",
            UNSATISFIED,
        ),
        (
            "roles: [{name: edge, src: 'URL/role/no/1.tar.gz'}]",
            "'URL/role/no/1.tar.gz' cannot be fetched: HTTP Error 404",
        ),
    ],
)
def test_deps_when_galaxy_has_it_not(elsewhere: Elsewhere, galaxy: GalaxyServer, entry: str, told: str) -> None:
    elsewhere.write("requirements.yml", f"{entry.replace('URL', galaxy.url)}\n")
    with pytest.raises(LackError) as caught:
        elsewhere.deps()
    assert f"requirements.yml:1: {told.replace('URL', galaxy.url)}" in str(caught.value)
