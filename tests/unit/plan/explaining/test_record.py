"""The record of what an AMI was made from, and what it must not hold."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator import masks
from orchestrator.definition.workspace import load
from orchestrator.plan.explaining.change import Change, InputKind, changes
from orchestrator.plan.explaining.record import record, states_of
from orchestrator.plan.explaining.short_digests import in_tags, to_tags
from orchestrator.plan.inputs import LARGEST_SHOWN, Inputs, part, stacked
from orchestrator.secret_key import FingerprintKey
from orchestrator.secret_values import Secrets

if TYPE_CHECKING:
    import pytest

    from tests.unit.plan.conftest import Planner


def inputs_of(planner: Planner, image: str) -> Inputs:
    return next(one.inputs for one in planner.segments() if one.name == image)


def texts(name: str, **contents: bytes) -> set[str]:
    """What a record has of a part with these entries."""
    return set(record(stacked("base", [part(name, contents)]))["texts"].values())


def test_changes_when_a_file_and_a_variable_differ(written: Planner) -> None:
    """With the whole record the value and the file are shown; with tags, the parts that hold them."""
    before = inputs_of(written, "web")
    image = written.workspace.root / "packer/images/web.yml"
    image.write_text(image.read_text().replace("nginx_worker_processes: 2", "nginx_worker_processes: 3"))
    (written.workspace.root / "roles/system/tasks/new.yml").write_text("[]\n")
    after = inputs_of(replace(written, workspace=load(written.workspace.root)), "web")
    stored = json.loads(json.dumps(record(before)))
    found = changes(states_of(stored), states_of(record(after)))
    assert found == (
        Change("base", "roles/system/tasks/new.yml", "added", InputKind.FILE, None, "[]\n"),
        Change("workload", "vars: nginx_worker_processes", "changed", InputKind.VALUE, "2", "3"),
    )
    assert found[1].lines == ("nginx_worker_processes: 2 -> 3 (layer workload)",)
    assert in_tags(after, to_tags(before)) == (
        Change("base", "roles/system", "changed"),
        Change("workload", "vars", "changed"),
    )
    del stored["texts"]  # as older releases wrote it
    assert [one.lines for one in changes(states_of(stored), states_of(record(after)))] == [
        ("roles/system/tasks/new.yml added (layer base)",),
        ("vars: nginx_worker_processes changed (layer workload): it is 3 now",),
    ]


def test_record_when_a_variable_is_secret(written: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what refers to a secret, nothing but a digest that tells that it changed."""
    monkeypatch.setenv("WORKERS", "canary-canary")
    image = written.workspace.root / "packer/images/web.yml"
    image.write_text(image.read_text().replace("processes: 2", "processes: {a: [{secret: env:WORKERS}]}"))
    workspace = load(written.workspace.root)
    secrets = Secrets(workspace, written.environment)
    vars(secrets)["key"] = FingerprintKey("00" * 32)
    (segment,) = replace(written, workspace=workspace).segments(["web"], secrets=secrets)[-1:]
    stored = json.dumps(record(segment.inputs))
    assert "canary" not in stored
    assert states_of(json.loads(stored))["workload", "vars: nginx_worker_processes"].text is None


def test_record_when_a_name_or_a_text_is_secret() -> None:
    """Plain passwords, vaults and keys are in no record, however they are written; other lines of the file are."""
    assert texts("vars", db_password=b'"hunter2"', port=b"80") == {"80"}
    assert texts("vars", db=b'{"api_key":"hunter2"}') == set()
    assert texts("environment", **{"extra_vars.vault_x": b"hunter2"}) == set()
    assert texts("roles/a", f=b"port: 80\n  db_password: 'hunter2'\n") == {"port: 80\n  db_password: ********\n"}
    assert texts("roles/a", f=b'db_password: "{{ other }}"\n') == {'db_password: "{{ other }}"\n'}
    assert texts("roles/a", f=b"token: |\n  hunter2\n") == set()
    assert texts("roles/a", f=b"x: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n") == set()
    assert texts("roles/a", f=b"-----BEGIN OPENSSH PRIVATE KEY-----\n") == set()
    assert texts("roles/a", f=b"\xff\xfe", g=b"a\0b", h=b"x" * (LARGEST_SHOWN + 1)) == set()


def test_states_when_a_secret_has_the_value_of_another_variable() -> None:
    """The value of a variable that is shown does not give away that of one that is not."""
    inputs = stacked("base", [part("vars", {"port": b"4242", "pin_secret": b"4242"})])
    assert states_of(record(inputs))["base", "vars: pin_secret"].text is None
    assert states_of(record(inputs))["base", "vars: port"].text == "4242"


def test_record_when_a_secret_is_known() -> None:
    """What was learned is masked wherever it stands."""
    masks.learn(["canary-in-a-file"])
    assert texts("roles/a", f=b"say canary-in-a-file\n") == {"say ********\n"}


def test_record_when_a_stack_is_large() -> None:
    """All contents together are bounded; the digests are there."""
    files = {f"- {number}": b"%04d" % number + b"x" * 8000 for number in range(100)}
    recorded = record(stacked("base", [part("roles/a", files)]))
    assert len(json.dumps(recorded)) < 300_000
    assert len(recorded["texts"]) > 20
    assert len(states_of(recorded)) == 100


def test_changes_when_a_source_has_another_ami_or_a_file_another_mode() -> None:
    """The AMI is one input, whose value is its id; a file that became executable has changed."""
    before = stacked("start", [part("source", {"ami-1": b"ami-1"}), part("roles/a", {"- run": b"x"})])
    after = stacked("start", [part("source", {"ami-2": b"ami-2"}), part("roles/a", {"x run": b"x"})])
    found = changes(states_of(record(before)), states_of(record(after)))
    assert [one.lines for one in found] == [("source: AMI: ami-1 -> ami-2",), ("roles/a/run changed",)]
