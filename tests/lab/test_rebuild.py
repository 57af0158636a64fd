"""What is built again, what is only tested again, and what never: typed as a person types it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.lab.small import NOTHING

if TYPE_CHECKING:
    from tests.lab.small import Small

pytestmark = pytest.mark.long(285)


def test_build_when_things_change(small: Small) -> None:
    """Nothing changed: nothing is done. A role: what carries it, and what stands on it. A test: only the proof."""
    small.role("extra", "extra")
    small.image("top", "tiny", "workload: {roles: [extra]}")
    small.ami("build", "--yes")
    before = small.listed()
    assert small.planned() == {"tiny": "reuse", "top": "reuse"}
    runs = set((small.root / ".ami/runs").iterdir())
    assert {one["status"] for one in json.loads(small.ami("build", "--yes", "--json"))["images"]} == {"reused"}
    assert set((small.root / ".ami/runs").iterdir()) == runs

    small.role("extra", "other")
    assert small.planned() == {"tiny": "reuse", "top": "build"}
    explained = json.loads(small.ami("plan", "top", "--explain", "--json"))["explained"]
    assert "roles/extra" in explained[0]["changes"][0]["input"]
    small.role("extra", "extra")
    assert small.planned() == {"tiny": "reuse", "top": "reuse"}

    tasks = small.root / "roles/marker/tasks/main.yml"
    tasks.write_text(tasks.read_text() + "\n")
    assert small.planned() == {"tiny": "build", "top": "build"}
    tasks.write_text(tasks.read_text()[:-1])

    proof = small.root / "roles/extra/tests/test_extra.py"
    proof.write_text(proof.read_text() + "\n\ndef test_more(host):\n    assert host.file('/etc/extra').exists\n")
    assert small.planned() == {"tiny": "reuse", "top": "validate"}
    small.ami("build", "--yes")
    after = small.listed()
    assert {name: one["ami_id"] for name, one in after.items()} == {name: one["ami_id"] for name, one in before.items()}
    assert after["top"]["tests"] != before["top"]["tests"]
    history = json.loads(small.ami("show", after["top"]["ami_id"], "--json"))["history"]
    assert [one["state"] for one in history] == ["built", "validated", "validated"]
    assert [one["tests"].get("passed", 0) for one in history] == sorted(
        one["tests"].get("passed", 0) for one in history
    )
    assert history[0]["build_seconds"] > 0
    assert small.planned() == {"tiny": "reuse", "top": "reuse"}
    assert small.left_over() == NOTHING


def test_build_when_the_parent_is_rejected(small: Small) -> None:
    """Its child, whose build began meanwhile, is cancelled and leaves nothing; unrelated images go on."""
    small.role("marker", "marked", tested="not marked")
    small.role("extra", "extra")
    small.write("roles/extra/tasks/main.yml", "- name: Take long\n  ansible.builtin.command: sleep 120\n")
    small.role("other", "other")
    small.image("top", "tiny", "workload: {roles: [extra]}")
    small.image("side", "light", "workload: {roles: [ssm_agent, other]}")
    told = {one["image"]: one for one in json.loads(small.ami("build", "--yes", "--json", "-p", "3", code=1))["images"]}
    assert {name: one["status"] for name, one in told.items()} == {
        "tiny": "rejected",
        "top": "cancelled",
        "side": "validated",
    }
    assert told["top"]["reason"] == "tiny, which it stands on, is rejected"
    assert {one["Name"].partition("-")[0] for one in small.images()} == {"tiny", "side"}
    assert small.left_over() == NOTHING
    assert small.planned() == {"tiny": "rejected", "top": "rejected", "side": "reuse"}


def test_build_when_images_share_layers(small: Small) -> None:
    """What they share is built once and listed only when asked for; an image that joins later stands on it as well."""
    small.role("extra", "extra")
    small.role("other", "other")
    small.image("tiny", "light", "base, workload: {roles: [extra]}")
    small.image("side", "light", "base, workload: {roles: [other]}")
    assert small.planned() == {"stack-base": "build", "tiny": "build", "side": "build"}
    small.ami("build", "--yes")
    listed = small.listed("--shared")
    assert sorted(name.partition("-")[0] for name in listed) == ["side", "stack", "tiny"]
    stack = next(one for name, one in listed.items() if name.startswith("stack-"))
    assert (stack["state"], listed["tiny"]["parent_ami_id"], listed["side"]["parent_ami_id"]) == (
        "built",
        *[stack["ami_id"]] * 2,
    )
    assert sorted(small.listed()) == ["side", "tiny"]
    assert small.planned() == {"tiny": "reuse", "side": "reuse"}
    small.image("top", "light", "base, workload: {roles: [extra, other]}")
    assert small.planned() == {"tiny": "reuse", "side": "reuse", "stack-base": "reuse", "top": "build"}
    assert small.left_over() == NOTHING
