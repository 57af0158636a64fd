"""What Packer itself makes of rendered values: in `packer console`, in Ansible's hands, and on things in EC2."""

from __future__ import annotations

import json
import re
import stat
import unicodedata
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from orchestrator.process import run
from orchestrator.render.literal import literal
from orchestrator.render.packer import render
from tests.unit.amazon_ami import AMAZON_AMI
from tests.unit.render.sets import LEGACY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.unit.render.conftest import Project

ENV = {"CHECKPOINT_DISABLE": "1", "PACKER_NO_COLOR": "1"}
NULL = 'source "null" "golden" {\n  communicator = "none"\n}\n'
TEXT = st.text().map(lambda text: unicodedata.normalize("NFC", text))

ADVERSARIAL = [
    '${file("/etc/passwd")}',
    "$${x} $$${x} %%{x} %{ if true }",
    '"}',
    '"\n}\nvariable "x" {\n  default = "',
    "\\",
    '\\"',
    "{{ .SourceAMI }}",
    '{{ env "HOME" }} {{{ {{{{ }} {{- ',
    "{{`{{`}}",
    "{\\u007b x }}",
    "line\nline\r\ttab",
    "<&>'`|;$(id) #//",
    "\x01\x1b[31m\x7f\u2028\u202e",
    "Zoë 漢字 \U0001f600",
    "EOF\n<<EOF",
    "",
]


def packer_gives(values: Any, folder: Path) -> Any:
    """The value of an HCL literal in the eyes of `packer console`."""
    path = folder / "values.pkr.hcl"
    path.write_text(f"locals {{\nread = jsonencode({literal(values)})\n}}\n", encoding="utf-8")
    return json.loads(run(["packer", "console", str(path)], stdin=b"local.read\n", env=ENV).out)


def test_adversarial_text_stays_text_in_hcl(tmp_path: Path) -> None:
    values = {
        "texts": ADVERSARIAL,
        "keys": dict.fromkeys(ADVERSARIAL, ""),
        "none": None,
        "numbers": [1, -2, 0.25],
    }
    assert packer_gives(values, tmp_path) == values


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXT, min_size=20, max_size=60), st.dictionaries(TEXT, TEXT))
def test_any_text_stays_text_in_hcl(texts: list[str], mapping: dict[str, str]) -> None:
    with TemporaryDirectory() as folder:
        assert packer_gives([texts, mapping], Path(folder)) == [texts, mapping]


def calls_of_ansible(project: Project, text: str, tmp_path: Path, **variables: object) -> list[Any]:
    """The build block runs under Packer's null builder, with a program in Ansible's place that writes down its call."""
    said = tmp_path / "said.jsonl"
    recorder = tmp_path / "record"
    recorder.write_text(
        "#!/usr/bin/env python3\nimport json, os, sys\n"
        "call = {'argv': sys.argv[1:], 'env': dict(os.environ)}\n"
        f"open({str(said)!r}, 'a').write(json.dumps(call) + '\\n')\n"
    )
    recorder.chmod(recorder.stat().st_mode | stat.S_IXUSR)
    template = project.add("golden.pkr.hcl", without_machine(text))
    given = {"region": "us-east-1", "ansible_command": str(recorder), **variables}
    path = project.add("run.pkrvars.json", json.dumps(given))
    run(["packer", "build", f"-var-file={path}", str(template)], env=ENV, cwd=project.root)
    return [json.loads(line) for line in said.read_text().splitlines()]


def test_ansible_gets_the_variables_as_they_were_written(project: Project, tmp_path: Path) -> None:
    """As extra variables, whatever braces and quotes are in them."""
    written = {"texts": ADVERSARIAL, "deep": {"": [{"{{": None}]}, "yes": True, "n": 0.5}
    text = render(project.workspace, project.segment(vars_=written), LEGACY)
    of_network = {"mirror": "http://m/{{ x }}?${y}"}
    calls = calls_of_ansible(project, text, tmp_path, extra_vars=of_network)
    assert [Path(call["argv"][-1]).name for call in calls] == ["base.yml", "seal.yml"]
    ours = {"layer_name": "base", "layer_roles": ["system"]}
    assert extra_vars(calls[0]) == [written | ours, of_network]
    assert extra_vars(calls[1])[0] == {"layer_name": "seal", "layer_roles": ["seal"]}
    assert calls[0]["env"]["ANSIBLE_ROLES_PATH"] == "./roles"
    assert "ANSIBLE_COLLECTIONS_PATH" not in calls[0]["env"]


def test_ansible_looks_first_in_the_workspace_and_then_in_what_it_requires(project: Project, tmp_path: Path) -> None:
    """Then where ansible.cfg says, and on the machine; the head of the file says what to do by hand."""
    project.add("requirements.yml", "[]\n")
    project.add("collections/ansible_collections/acme/net/galaxy.yml", "")
    project.add("more/ansible_collections/acme/text/galaxy.yml", "")
    project.add("ansible.cfg", "[defaults]\ncollections_path = more:not-there\n")
    text = render(project.workspace, project.segment(), LEGACY)
    env = calls_of_ansible(project, text, tmp_path)[0]["env"]
    assert env["ANSIBLE_ROLES_PATH"] == "./roles:./.ami/deps/roles"
    machine = "/usr/share/ansible/collections"
    assert env["ANSIBLE_COLLECTIONS_PATH"] == f"./collections:./.ami/deps/collections:./more:{machine}"
    assert "#   ami deps\n" in text


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An EC2 without machines, on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def test_tags_are_put_on_everything_as_they_were_written(project: Project, endpoint: str) -> None:
    """A whole build by the real Amazon builder, without a machine to talk to."""
    ec2 = boto3.client(
        "ec2",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="moto",
        aws_secret_access_key="moto",
    )
    tags = {'${key} "}': "%{x} { {", "plain": "Zoë }}"}
    text = render(project.workspace, project.segment(tags=tags), LEGACY)
    template = project.add("golden.pkr.hcl", without_provisioners(text).replace('"ssh"', '"none"'))
    variables = {
        "region": "us-east-1",
        "endpoint": endpoint,
        "access_key": "moto",
        "secret_key": "not-a-word-of-the-log",
        "source_ami": AMAZON_AMI,
        "source_filters": {},
        "version": "v1",
        "run": "r1",
        "ami_tags": {"ami:commit": "abc-dirty"},
        "run_tags": {"more": "1"},
    }
    file = project.add("run.pkrvars.json", json.dumps(variables))
    run(["packer", "build", f"-var-file={file}", str(template)], env=ENV, cwd=project.root)

    (image,) = ec2.describe_images(Owners=["self"])["Images"]
    assert image["Name"] == "golden-v1"
    ami_tags = tags | {
        "Name": "golden-v1",
        "ami:commit": "abc-dirty",
        "ami:image": "golden",
        "ami:layers": "base",
        "ami:owner": "platform <platform@example.com>",
        "ami:run": "r1",
        "ami:source": "debian-12",
        "ami:source-ami": AMAZON_AMI,
        "ami:state": "built",
        "ami:version": "v1",
    }
    assert tags_of(image) == ami_tags
    run_tags = {"Name": "ami build golden", "ami:image": "golden", "ami:purpose": "build", "ami:run": "r1", "more": "1"}
    (machine,) = [one for each in ec2.describe_instances()["Reservations"] for one in each["Instances"]]
    assert (tags_of(machine), machine["State"]["Name"]) == (run_tags, "terminated")
    snapshots = {one["Ebs"]["SnapshotId"] for one in image["BlockDeviceMappings"] if "Ebs" in one}
    for snapshot in ec2.describe_snapshots(SnapshotIds=list(snapshots))["Snapshots"]:
        assert tags_of(snapshot) == ami_tags | run_tags


def without_machine(text: str) -> str:
    """A rendered file on the null builder, and without the wait for a first boot that needs a machine."""
    text = text.replace("use_proxy        = false", "use_proxy        = true")  # there is no address to go to
    text = re.sub(r"^source .*?^}\n", NULL, text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r'^  provisioner "shell".*?^  }\n', "", text, flags=re.MULTILINE | re.DOTALL)
    return text.replace("source.amazon-ebs.golden", "source.null.golden")


def without_provisioners(text: str) -> str:
    return re.sub(r"^  provisioner .*?^  }\n", "", text, flags=re.MULTILINE | re.DOTALL)


def extra_vars(call: dict[str, Any]) -> list[Any]:
    argv = call["argv"]
    return [json.loads(value) for option, value in pairwise(argv) if option == "--extra-vars"]


def tags_of(described: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in described["Tags"]}
