"""The whole way, typed as a person types it: `ami` in a process of its own, against the running lab."""

from __future__ import annotations

import json
import signal
import subprocess
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.definition.environment import Environment
from orchestrator.definition.workspace import load
from orchestrator.errors import AmiError
from orchestrator.lab import door
from orchestrator.run.doctor.account.encryption_key import key_of as doctor_key_of
from orchestrator.run.evidence.evidence_store import store_of
from orchestrator.run.evidence.run_index import RunResult
from tests.iam import allowed, needed, refused, rows
from tests.lab.small import NOTHING, PROGRAMS, TASKS, TESTS, await_stage, environment
from tests.thorough import some

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestrator.lab.settings import Settings
    from tests.lab.conftest import FaultControl
    from tests.lab.small import Small

pytestmark = pytest.mark.long(410)

STAGES = ["launch", "connect", "provision", "snapshot", "boot", "await", "test"]


def test_build_when_all_is_well(small: Small, calls: Callable[[], dict[str, int]]) -> None:
    """An image ends validated, with its record in tags and files, a child built on it, and nothing else left.

    The policies of docs/iam allow what was asked of the account, and each action that they allow was asked for, or has
    a reason there.
    """
    before, changes = calls(), len(door.changes(small.lab))
    small.image("tiny", "debian-12", "base")
    small.image("top", "tiny", "workload: {roles: [marker]}")
    small.ami("build", "--yes")
    listed = small.listed()
    tiny, top = listed["tiny"], listed["top"]
    assert (tiny["state"], top["state"], top["parent_ami_id"]) == ("validated", "validated", tiny["ami_id"])
    assert top["layers"] == ["base", "workload"]
    assert small.left_over() == NOTHING
    assert refused(door.changes(small.lab)[changes:], "validator", "builder") == set()
    for name in ("packer.log", "tasks.jsonl", "junit.xml", "report.json", "tiny.pkr.hcl"):
        assert (small.last_run() / "tiny" / name).stat().st_size > 0
    summary = json.loads((small.last_run() / "summary.json").read_text())
    assert {one["image"]: one["status"] for one in summary["images"]} == {"tiny": "validated", "top": "validated"}

    shown = json.loads(small.ami("show", top["ami_id"], "--json"))
    assert [parent["image"] for parent in shown["lineage"]] == ["tiny"]
    assert small.ami("build", "top", "--yes", "--json").count('"reused"') == 1
    at_build, changes = calls(), len(door.changes(small.lab))
    small.ami("validate", "tiny", "--yes")
    assert refused(door.changes(small.lab)[changes:], "validator") == set()
    assert needed(at_build, calls()) <= allowed("reader", "validator")
    at_sweep = calls()
    small.ami("sweep", "--yes")
    assert needed(at_sweep, calls()) <= allowed("reader", "validator", "builder")
    assert needed(before, calls()) == {action for action, (_, counted) in rows().items() if counted == "yes"}
    assert small.left_over() == NOTHING


def test_build_when_a_role_does_not_do_its_work(small: Small) -> None:
    """The AMI is rejected, and the failure is told and in the JUnit file."""
    small.write("roles/marker/tasks/main.yml", TASKS.replace("marked\\n", "broken\\n"))
    told = json.loads(small.ami("build", "--yes", "--json", code=1))
    assert {one["image"]: one["status"] for one in told["images"]} == {"tiny": "rejected"}
    reason = told["images"][0]["reason"]
    assert "marker: test_mark" in reason
    assert "ran: cat -- /etc/marked (0)" in reason, reason
    assert [one["state"] for one in json.loads(small.ami("list", "tiny", "--json"))["versions"]] == ["rejected"]
    failed = ET.parse(small.last_run() / "tiny/junit.xml").findall(".//testcase[failure]")
    assert [case.get("name") for case in failed] == ["test_mark"]
    assert small.left_over() == NOTHING
    (again,) = json.loads(small.ami("build", "--yes", "--json", code=1))["images"]
    assert (again["status"], again["ami_id"]) == ("rejected", told["images"][0]["ami_id"]), "it was built again"
    assert again["reason"].startswith(reason.partition(";")[0])
    _evidence_outlives_the_disk(small, str(again["ami_id"]))


def _evidence_outlives_the_disk(small: Small, ami_id: str) -> None:
    """Logs and the report of a rejected AMI are the same from the bucket, once the run's folder is gone."""
    run, *_ = json.loads(small.ami("runs", "--json"))["runs"]
    assert (run["status"], run["environment"], run["kept_in"]) == ("failed", "lab", ["here", "bucket"])
    assert run["command"] == "ami build --yes --json"
    assert json.loads(small.ami("show", ami_id, "--json"))["report"] == f"{small.last_run()}/tiny/report.json"
    here = small.ami("logs", "tiny")
    assert here == (small.last_run() / "tiny/pytest.log").read_text()
    assert here
    small.ami("runs", "--prune", "0m", code=2)  # nobody can be asked
    small.ami("runs", "--prune", "0m", "--dry-run")
    assert small.last_run().name == run["run"]
    pruned = json.loads(small.ami("runs", "--prune", "0m", "--yes", "--json"))
    assert (pruned["deleted"], pruned["only_here"]) == ([run["run"]], [])
    assert list((small.root / ".ami/runs").iterdir()) == []

    (kept,) = [one for one in json.loads(small.ami("runs", "--json"))["runs"] if one["run"] == run["run"]]
    assert kept == {**run, "files": kept["files"], "kept_in": ["bucket"], "folder": None}
    for name in (run["run"], run["run"][-6:], "tiny", ami_id):
        assert small.ami("logs", name) == here, name
    assert small.ami("logs", "tiny", "tiny.pkr.hcl").startswith("#")
    shown = json.loads(small.ami("show", ami_id, "--json"))
    assert shown["report"] == f"{run['bucket_folder']}tiny/report.json"
    assert [one["test"] for one in shown["failed_tests"]] == ["marker: test_mark"]


def test_build_when_a_test_cannot_be_imported(small: Small) -> None:
    """It is told with its place before anything is launched, and a mended one goes on."""
    small.write("roles/marker/tests/test_marker.py", "\nimport helprs\n" + TESTS)
    small.write("roles/marker/tests/helpers.py", "")
    argv = [str(PROGRAMS / "ami"), "build", "--yes"]
    done = subprocess.run(argv, cwd=small.root, env=environment(), capture_output=True, text=True, check=False)
    place = "roles/marker/tests/test_marker.py:2"
    said = f"{place}: ModuleNotFoundError: No module named 'helprs' (did you mean 'helpers'?)\n"
    assert (done.returncode, done.stderr.endswith(f"{said}1 configuration error\n")) == (2, True), done.stderr
    assert json.loads(small.ami("list", "--json"))["versions"] == []
    assert small.left_over() == NOTHING
    assert not (small.root / ".ami/runs").exists()


def test_build_when_a_task_fails(small: Small) -> None:
    """The end names layer, role and task with the task's own words, and nothing is left in the account."""
    fail = '- name: Give up\n  ansible.builtin.fail: {msg: "no more of this"}\n'
    small.write("roles/marker/tasks/main.yml", fail)
    (told,) = json.loads(small.ami("build", "--yes", "--json", code=1))["images"]
    assert told["status"] == "failed"
    for word in ("base", "marker", "Give up", "no more of this"):
        assert word in told["reason"]
    assert small.left_over() == NOTHING
    assert small.images() == []


@pytest.mark.parametrize("stage", some(["launch", "provision", "test"], STAGES))
def test_build_when_interrupted(small: Small, stage: str) -> None:
    """SIGINT at any stage ends with 130 and leaves no instance, volume, key pair or security group."""
    slow = "- name: Take a while\n  ansible.builtin.command: sleep 2\n  changed_when: false\n"
    small.write("roles/marker/tasks/main.yml", slow + TASKS)
    small.write(
        "roles/marker/tests/test_marker.py",
        "import time\n" + TESTS.replace("    assert", "    time.sleep(60)\n    assert"),
    )
    with subprocess.Popen(
        [PROGRAMS / "ami", "build", "--yes"], cwd=small.root, env=environment(), stderr=subprocess.PIPE
    ) as process:
        await_stage(small, stage, process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
    assert process.returncode == 130, said.decode()
    assert small.left_over() == NOTHING
    store = store_of(load(small.root).environment("lab"))
    kept = store.index(small.last_run().name) if store else None
    assert kept is not None, said.decode()
    assert kept.result is RunResult.INTERRUPTED
    states = [one["State"] for one in small.images()]
    assert len(states) == (1 if stage in ("boot", "await", "test") else 0)


def test_rendered_file_when_built_by_hand(small: Small) -> None:
    """What `ami render` writes builds with plain Packer."""
    small.ami("render", "tiny", "--out", ".")
    done = subprocess.run(
        ["packer", "build", "-var-file=packer/environments/lab.pkrvars.hcl", "tiny.pkr.hcl"],
        cwd=small.root,
        env={**environment(), "AWS_POLL_DELAY_SECONDS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (listed,) = json.loads(small.ami("list", "tiny", "--json"))["versions"]
    assert (listed["image"], listed["state"], listed["version"]) == ("tiny", "built", "manual")
    assert small.left_over() == NOTHING


def test_doctor_when_all_is_there(small: Small) -> None:
    """Every finding is good in the lab."""
    assert all(one["ok"] for one in json.loads(small.ami("doctor", "--json"))["checks"])


def test_doctor_when_something_is_refused(small: Small, faults: FaultControl) -> None:
    """What builds need is a lack; what depends on tags, and what only the doctor asks, was not checked."""
    for operation in ("ec2:CreateKeyPair", "ec2:TerminateInstances", "iam:ListAttachedRolePolicies"):
        faults.set("deny", 0.0, operation)
    found = {one["name"]: one for one in json.loads(small.ami("doctor", "--json", code=3))["checks"]}
    assert [what for what, one in found.items() if not one["ok"]] == ["permissions denied"]
    assert found["permissions denied"]["message"] == "CreateKeyPair"
    assert "CreateImage" in found["permissions allowed"]["message"]
    assert "TerminateInstances (depends on tags)" in found["permissions unknown"]["message"]
    assert {what for what, one in found.items() if not one["checked"]} == {"permissions unknown", "profile's policies"}
    assert small.left_over() == NOTHING, "a dry run made something"


def test_doctor_when_the_lab_is_down(small: Small) -> None:
    """It says what to do, with exit code 3."""
    variables = (small.root / "packer/environments/lab.pkrvars.hcl").read_text()
    small.write("packer/environments/lab.pkrvars.hcl", variables.replace(small.lab.endpoint, "http://127.0.0.1:1"))
    found = {one["name"]: one for one in json.loads(small.ami("doctor", "--json", code=3))["checks"]}
    assert (found["account"]["ok"], found["account"]["hint"]) == (False, "ami lab up --name lab-1 --port 1")


def test_doctor_when_the_key_of_amis_is_of_no_use(lab: Settings, client: Callable[..., Any], tmp_path: Path) -> None:
    """EC2 would say so when the whole build is done."""

    def key_of(key: str) -> str:
        of_lab = {"region": "us-east-1", "endpoint": lab.endpoint, "access_key": "lab", "secret_key": "lab"}
        return doctor_key_of(Environment.model_validate({"name": "lab", "path": tmp_path, "kms_key_id": key, **of_lab}))

    kms = client("kms")
    good, other = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    assert key_of(good).endswith(f"{good} is enabled")
    kms.disable_key(KeyId=other)
    with pytest.raises(AmiError, match="this one is Disabled"):
        key_of(other)
    signing = kms.create_key(KeySpec="RSA_4096", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    with pytest.raises(AmiError, match="RSA_4096"):
        key_of(signing)
    with pytest.raises(ClientError, match="NotFoundException"):
        key_of("alias/not-there")


def test_plan_when_the_environment_names_no_instance_profile(small: Small) -> None:
    """EC2 would refuse to launch the machine for the tests, when the image is built."""
    path = small.root / "packer/environments/lab.pkrvars.hcl"
    kept = [line for line in path.read_text().splitlines() if not line.startswith("iam_instance_profile")]
    path.write_text("\n".join(kept) + "\n")
    done = subprocess.run(
        [PROGRAMS / "ami", "build", "--yes"],
        cwd=small.root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.splitlines()[-2:] == [
        "error: the environment 'lab' names no instance profile, and tests reach machines through one",
        f"hint: set iam_instance_profile in {path}",
    ]
    assert small.images() == []
