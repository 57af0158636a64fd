"""The long form of what was said of a version, in the bucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.registry import find, record, set_state
from orchestrator.registry.record import Statement, append, history
from orchestrator.registry.states import State
from orchestrator.tags import LONGEST_VALUE, Tag

if TYPE_CHECKING:
    from orchestrator.aws.account import Account
    from tests.unit.registry.conftest import Maker

WHY_NOT = {"geerlingguy.java": "upstream tests it"}
BUCKET = "artifacts"
PROGRAMS = {"packer": "1.16.0", "amazon": "1.8.2"}
WHY = "every test failed: " + "because " * 100


@pytest.fixture
def s3(account: Account) -> Any:
    made = account.client("s3")
    made.create_bucket(Bucket=BUCKET)
    return made


def test_append_when_states_follow_each_other(account: Account, made: Maker, s3: Any) -> None:
    """The record has each with what was said then, the reason uncut; and what the version stands on."""
    built = find(account, made("built", {Tag.PARENT: "ami-0123", Tag.LAYERS: "base workload"}))
    append(account, BUCKET, built, Statement("run-1", seconds={"build": 61.25}, programs=PROGRAMS))
    rejected = set_state(account, built.ami_id, State.REJECTED, reason=WHY)
    append(
        account,
        BUCKET,
        rejected,
        Statement("run-2", WHY, tests={"passed": 1, "failed": 2}, proof="p", untested=WHY_NOT),
    )
    assert len(rejected.reason) == LONGEST_VALUE
    kept = json.loads(s3.get_object(Bucket=BUCKET, Key=f"versions/{built.ami_id}.json")["Body"].read())
    assert (kept["image"], kept["parent"], kept["layers"]) == ("web", "ami-0123", ["base", "workload"])
    told = history(account, BUCKET, built.ami_id)
    assert told == kept["history"]
    assert [one.pop("at")[:2] for one in told] == ["20", "20"]
    assert told == [
        {
            "state": "built",
            "run": "run-1",
            "reason": "",
            "tests": {},
            "proof": "",
            "seconds": {"build": 61.25},
            "programs": PROGRAMS,
            "untested": {},
            "protected": [],
        },
        {
            "state": "rejected",
            "run": "run-2",
            "reason": WHY,
            "tests": {"passed": 1, "failed": 2},
            "proof": "p",
            "seconds": {},
            "programs": {},
            "untested": WHY_NOT,
            "protected": [],
        },
    ]


def test_append_when_somebody_else_writes_at_the_same_time(
    account: Account, made: Maker, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both statements stay."""
    version, read = find(account, made("built")), record._read
    assert s3

    def overtaken(*arguments: Any) -> Any:
        answer = read(*arguments)
        monkeypatch.setattr(record, "_read", read)
        append(account, BUCKET, version, Statement("faster"))
        return answer

    monkeypatch.setattr(record, "_read", overtaken)
    append(account, BUCKET, version, Statement("slower"))
    assert [one["run"] for one in history(account, BUCKET, version.ami_id)] == ["faster", "slower"]


@pytest.mark.parametrize("bucket", ["", "not-there"])
def test_append_when_there_is_no_bucket(account: Account, made: Maker, bucket: str) -> None:
    """Nothing fails for want of it, and nothing is known."""
    version = find(account, made("built"))
    append(account, bucket, version, Statement("run-1"))
    assert history(account, bucket, version.ami_id) == []


@pytest.mark.parametrize("body", [b"", b"\xff", b"[1]", b'{"history": 3}'])
def test_history_when_the_object_is_something_else(account: Account, made: Maker, s3: Any, body: bytes) -> None:
    """Whatever lies there, nothing is known of it, and it is left alone."""
    version = find(account, made("built"))
    key = f"versions/{version.ami_id}.json"
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    assert history(account, BUCKET, version.ami_id) == []
    append(account, BUCKET, version, Statement("run-1"))
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body
