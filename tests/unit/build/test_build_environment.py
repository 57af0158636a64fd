"""A build's environment and variables are its own, whatever the person has set."""

from __future__ import annotations

import configparser
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.build.access import Access
from orchestrator.build.launch import variables
from orchestrator.build.launch.environment import STRATEGY, packer_environment, private_folder
from orchestrator.build.launch.wrapper_variables import CONNECTION_VARIABLE
from orchestrator.build.packer.installed import Ready
from orchestrator.build.packer.plugin_folders import Packer
from orchestrator.build.packer.plugins import Plugin
from orchestrator.build.request import BuildRequest
from orchestrator.errors import LackError
from orchestrator.process import run

if TYPE_CHECKING:
    from collections.abc import Callable

ACCESS = Access("key", Path("/tmp/key"), "sg-1")


@pytest.fixture
def request_for(tmp_path: Path) -> Callable[..., BuildRequest]:
    def make(**changes: Any) -> BuildRequest:
        values: dict[str, Any] = {
            "image": "web",
            "version": "v1",
            "run": "run-1",
            "template": tmp_path / "web.pkr.hcl",
            "var_file": tmp_path / "lab.pkrvars.hcl",
            "folder": tmp_path,
            "workspace": tmp_path / "workspace",
            "account": Account("us-east-1"),
        }
        return BuildRequest(**values | changes)

    return make


def test_personal_settings_do_not_reach_a_build(request_for: Callable[..., BuildRequest]) -> None:
    inherited = ["ANSIBLE_CONFIG", "ANSIBLE_ROLES_PATH", "PKR_VAR_version", "PACKER_LOG", "AWS_PROFILE", "HOME"]
    environment = packer_environment(request_for(), Path("/tmp/x"), inherited)
    assert {name for name in inherited if environment.get(name, "kept") is None} == {
        "ANSIBLE_ROLES_PATH",
        "PKR_VAR_version",
        "PACKER_LOG",
    }
    assert environment["ANSIBLE_CONFIG"] not in (None, "kept")


def test_workspaces_own_ansible_cfg_counts(request_for: Callable[..., BuildRequest]) -> None:
    request = request_for()
    assert packer_environment(request, Path("/tmp/x"), [])["ANSIBLE_CONFIG"] == str(request.folder / "ansible.cfg")
    request.workspace.mkdir()
    config = request.workspace / "ansible.cfg"
    config.write_text("[defaults]\n")
    assert packer_environment(request, Path("/tmp/x"), [])["ANSIBLE_CONFIG"] == str(config)


def test_workspace_without_ansible_cfg_gets_the_factorys(request_for: Callable[..., BuildRequest]) -> None:
    packer_environment(request_for(), Path("/tmp/x"), [])
    config = configparser.ConfigParser()
    config.read(request_for().folder / "ansible.cfg")
    assert dict(config["defaults"]) == {"interpreter_python": "/usr/bin/python3", "timeout": "60"}


def test_facts_are_kept_for_the_build_alone(request_for: Callable[..., BuildRequest]) -> None:
    """In its private folder: machines of other builds are called the same, and nothing of them is true here."""
    environment = packer_environment(request_for(), Path("/tmp/x"), [])
    assert environment["ANSIBLE_CACHE_PLUGIN"] == "jsonfile"
    assert environment["ANSIBLE_CACHE_PLUGIN_CONNECTION"] == "/tmp/x/facts"


def test_mitogen_is_ansibles_strategy_when_it_works(request_for: Callable[..., BuildRequest]) -> None:
    inherited = ["ANSIBLE_STRATEGY", "MITOGEN_POOL_SIZE"]
    without = packer_environment(request_for(), Path("/tmp/x"), inherited)
    assert (without["ANSIBLE_STRATEGY"], without["MITOGEN_POOL_SIZE"]) == (None, None)
    assert CONNECTION_VARIABLE not in without
    environment = packer_environment(request_for(), Path("/tmp/x"), inherited, mitogen=True)
    assert environment.items() >= STRATEGY.items()
    assert (Path(STRATEGY["ANSIBLE_STRATEGY_PLUGINS"]) / f"{STRATEGY['ANSIBLE_STRATEGY']}.py").is_file()
    assert environment[CONNECTION_VARIABLE] == "/tmp/x/%C"


def test_modules_of_mitogen_when_there_is_a_cache(
    request_for: Callable[..., BuildRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Builds share what is kept of them; without a cache it is kept for one build."""
    found = []
    (tmp_path / "file").touch()
    for cache in (tmp_path / "cache", tmp_path / "file"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
        found.append(packer_environment(request_for(), Path("/tmp/x"), [], mitogen=True)["MITOGEN_MODULES"])
    assert found == [f"{tmp_path}/cache/ami/mitogen-modules", "/tmp/x/modules"]


def test_connection_is_not_shared_when_its_socket_would_not_fit(request_for: Callable[..., BuildRequest]) -> None:
    """The connection would fail otherwise; macOS has such long folders."""
    fits, long = Path("/" + "x" * 44), Path("/" + "x" * 45)
    assert CONNECTION_VARIABLE in packer_environment(request_for(), fits, [], mitogen=True)
    assert CONNECTION_VARIABLE not in packer_environment(request_for(), long, [], mitogen=True)


def test_private_folder_is_short_enough_for_sockets_and_goes() -> None:
    with private_folder() as folder:
        assert len(str(folder / "cp" / ("x" * 60))) < 107
        (folder / "cp").mkdir()
    assert not folder.exists()


def test_private_folder_with_a_colon_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packer takes its folder of plugins for two, and fails at every command."""
    monkeypatch.setattr(tempfile, "tempdir", "/tmp/a:b")
    with pytest.raises(LackError, match="a colon in its path"), private_folder():
        pass


def test_plugins_that_were_checked_are_handed_over(request_for: Callable[..., BuildRequest], tmp_path: Path) -> None:
    """In a folder that holds nothing else; what the person has set is not looked at again."""
    file = tmp_path / "packer-plugin-amazon_v1.8.2_x5.0_linux_amd64"
    for path in (file, Path(f"{file}_SHA256SUM")):
        path.write_text("")
    ready = Ready(Packer(Path("packer"), "1.16.0"), (Plugin("github.com/hashicorp/amazon", "1.8.2", file),))
    environment = packer_environment(request_for(ready=ready), tmp_path / "x", ["PACKER_PLUGIN_PATH"])
    assert environment["PACKER_PLUGIN_PATH"] == str(tmp_path / "x/plugins")
    found = sorted(path.relative_to(tmp_path / "x/plugins") for path in (tmp_path / "x/plugins").rglob("packer-*"))
    place = Path("github.com/hashicorp/amazon")
    assert found == [place / file.name, place / f"{file.name}_SHA256SUM"]


def test_packer_takes_texts_of_the_variable_file_as_they_are(tmp_path: Path) -> None:
    """HCL sees no expression in them: asked of the real Packer."""
    hostile = 'a"b ${file("/etc/passwd")} %{ if true } \\n'
    own = tmp_path / "run.pkrvars.json"
    variables.write(own, {"version": hostile})
    out = tmp_path / "out"
    template = tmp_path / "t.pkr.hcl"
    template.write_text(
        'variable "version" { type = string }\n'
        'source "null" "x" { communicator = "none" }\n'
        'build {\n  sources = ["source.null.x"]\n'
        '  provisioner "shell-local" {\n'
        f'    inline = ["cat <<\'END\' > {out}", var.version, "END"]\n  }}\n}}\n'
    )
    run(["packer", "build", f"-var-file={own}", str(template)], env={"CHECKPOINT_DISABLE": "1"})
    assert out.read_text() == hostile + "\n"


def test_variables_are_those_of_the_run(request_for: Callable[..., BuildRequest], tmp_path: Path) -> None:
    request = request_for(source_filters={"image-id": "ami-1"}, source_owners=("self",), tags={"team": "portal"})
    variables.write(tmp_path / "v.json", variables.run_variables(request, ACCESS))
    assert json.loads((tmp_path / "v.json").read_text()) == {
        "ami_name": "web-v1",
        "ami_tags": {"team": "portal"},
        "ansible_command": variables.ansible_command(),
        "run": "run-1",
        "run_tags": {"ami:name": "web-v1"},
        "security_group_id": "sg-1",
        "source_filters": {"image-id": "ami-1"},
        "source_owners": ["self"],
        "ssh_keypair_name": "key",
        "ssh_private_key_file": "/tmp/key",
        "version": "v1",
        "workspace": str(request.workspace),
    }
    assert Path(variables.ansible_command()).exists()


def test_tag_that_packer_would_render_is_set_later(request_for: Callable[..., BuildRequest]) -> None:
    request = request_for(tags={"note": "{{ a }}", "team": "portal"})
    assert variables.run_variables(request, ACCESS)["ami_tags"] == {"note": "", "team": "portal"}
    assert variables.late_tags(request) == {"note": "{{ a }}"}
