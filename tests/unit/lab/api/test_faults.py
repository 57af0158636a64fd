from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.errors import UsageError
from orchestrator.lab.api.call import Call, Protocol
from orchestrator.lab.api.fault_door import FaultDoor
from orchestrator.lab.api.fault_rules import HEALTH_CHECK, CallPlace, FaultKind, Rule
from orchestrator.lab.api.faults import Faults, Trouble, broken, throttled
from orchestrator.lab.api.recent_ids import IdKind, RecentId, RecentIds

RUN = Call("ec2", "us-east-1", "RunInstances", Protocol.EC2)
DESCRIBE = Call("ec2", "us-east-1", "DescribeInstances", Protocol.EC2)
YOUNG = RecentId(IdKind.INSTANCE, "us-east-1", "i-0123")


@pytest.fixture
def recent_ids() -> RecentIds:
    return RecentIds()


@pytest.fixture
def faults(recent_ids: RecentIds) -> Faults:
    return Faults(recent_ids)


def hits(faults: Faults) -> list[int]:
    return [tally.hits for tally in faults.rules()]


@pytest.mark.parametrize(
    ("protocol", "throttle", "error"),
    [
        (Protocol.EC2, ("RequestLimitExceeded", 503), ("InternalError", 500)),
        (Protocol.S3, ("SlowDown", 503), ("InternalError", 500)),
        (Protocol.QUERY, ("Throttling", 400), ("InternalFailure", 500)),
        (Protocol.JSON, ("ThrottlingException", 400), ("InternalServerError", 500)),
    ],
)
def test_each_service_says_it_in_its_own_words(protocol: Protocol, throttle: Any, error: Any) -> None:
    assert (throttled(protocol).code, throttled(protocol).status) == throttle
    assert (broken(protocol).code, broken(protocol).status) == error


def test_capacity_lacks_for_its_type_and_subnet_only(faults: Faults) -> None:
    faults.set(Rule(FaultKind.CAPACITY, instance_type="t3.small", subnet="subnet-1"))
    trouble = faults.meet(RUN, b"")
    assert trouble.shortage("t3.small", "subnet-1")
    assert not trouble.shortage("t3.medium", "subnet-1")
    assert not trouble.shortage("t3.small", "subnet-2")
    assert hits(faults) == [1]


def test_each_instance_is_a_hit_of_die_until_the_rule_is_spent(faults: Faults) -> None:
    faults.set(Rule(FaultKind.DIE, 5, times=1))
    trouble = faults.meet(RUN, b"")
    assert [trouble.death(), trouble.death()] == [5, None]
    assert faults.meet(RUN, b"").death() is None


def test_slow_images_add_up(faults: Faults) -> None:
    for seconds in (1, 2):
        faults.set(Rule(FaultKind.SLOW_IMAGE, seconds))
    assert faults.meet(Call("ec2", "us-east-1", "CopyImage", Protocol.EC2), b"").slower() == 3


def test_a_young_id_is_unknown_to_a_call_that_names_it(faults: Faults, recent_ids: RecentIds) -> None:
    recent_ids.note(YOUNG)
    faults.set(Rule(FaultKind.CONSISTENCY, 60))
    refusal = faults.meet(DESCRIBE, b"InstanceId.1=i-0123").refusal
    assert refusal is not None
    assert refusal.code == "InvalidInstanceID.NotFound"
    assert hits(faults) == [1]


def test_lists_are_told_what_is_young_and_count_once_that_they_left_it_out(
    faults: Faults, recent_ids: RecentIds
) -> None:
    recent_ids.note(YOUNG)
    faults.set(Rule(FaultKind.CONSISTENCY, 60))
    trouble = faults.meet(DESCRIBE, b"")
    assert trouble.young == (YOUNG,)
    assert hits(faults) == [0]
    trouble.omit()
    trouble.omit()
    assert hits(faults) == [1]


def test_what_a_launch_looks_up_is_the_truth(faults: Faults, recent_ids: RecentIds) -> None:
    """Otherwise two instances could get one address."""
    recent_ids.note(YOUNG)
    faults.set(Rule(FaultKind.CONSISTENCY, 60))
    assert faults.meet(RUN, b"").young == ()


def test_a_call_without_trouble_has_none() -> None:
    trouble = Trouble()
    trouble.omit()
    assert (trouble.shortage("t3.small", ""), trouble.slower(), trouble.death()) == (False, 0, None)


def test_hits_are_counted_exactly_under_concurrency(faults: Faults) -> None:
    faults.set(Rule(FaultKind.THROTTLE, 1, times=50))
    with ThreadPoolExecutor(8) as pool:
        refused = sum(trouble.refusal is not None for trouble in pool.map(lambda _: faults.meet(RUN, b""), range(200)))
    assert (refused, hits(faults)) == (50, [50])


def test_clearing_an_unknown_rule_clears_none(faults: Faults) -> None:
    faults.set(Rule(FaultKind.CAPACITY))
    with pytest.raises(UsageError, match="no rule 7"):
        faults.clear([1, 7])
    assert [tally.number for tally in faults.clear()] == [1]
    assert faults.rules() == []


def test_numbers_are_not_given_twice(faults: Faults) -> None:
    faults.set(Rule(FaultKind.CAPACITY))
    faults.clear()
    assert faults.set(Rule(FaultKind.CAPACITY)).number == 2


def test_the_door_sets_lists_and_clears(faults: Faults) -> None:
    door = FaultDoor(faults)
    status, made = door("POST", json.dumps({"kind": "throttle", "value": 0.5, "seed": 7}).encode())
    assert (status, made["id"], made["operations"], made["spent"]) == (200, 1, ["*"], False)
    assert door("GET", b"") == (200, [made])
    assert door("DELETE", b'{"ids": [1]}') == (200, [made])
    assert door("GET", b"") == (200, [])


@pytest.mark.parametrize(("method", "body"), [("POST", b"{"), ("POST", b"[]"), ("POST", b"{}"), ("PATCH", b"")])
def test_the_door_refuses_what_it_does_not_understand(faults: Faults, method: str, body: bytes) -> None:
    status, said = FaultDoor(faults)(method, body)
    assert (status, set(said)) == (400, {"error", "hint"})


def test_a_young_command_has_no_invocation_yet(recent_ids: RecentIds, faults: Faults) -> None:
    """Also when the id is only part of the call's JSON; other calls of Systems Manager know it."""
    recent_ids.note(RecentId(IdKind.COMMAND, "us-east-1", "11111111-2222"))
    faults.set(Rule(FaultKind.CONSISTENCY, 60))
    body = b'{"CommandId": "11111111-2222", "InstanceId": "i-1"}'
    asked = Call("ssm", "us-east-1", "GetCommandInvocation", Protocol.JSON)
    refusal = faults.meet(asked, body).refusal
    assert refusal is not None
    assert refusal.code == "InvocationDoesNotExist"
    assert faults.meet(asked, b'{"CommandId": "33333333-4444"}').refusal is None
    assert faults.meet(replace(asked, action="CancelCommand"), body).refusal is None


@pytest.mark.parametrize(
    ("protocol", "code", "status"),
    [
        (Protocol.EC2, "RequestExpired", 400),
        (Protocol.JSON, "ExpiredTokenException", 400),
        (Protocol.QUERY, "ExpiredToken", 403),
        (Protocol.S3, "ExpiredToken", 400),
    ],
)
def test_each_protocol_says_in_its_words_that_credentials_expired(protocol: Protocol, code: str, status: int) -> None:
    faults = Faults(RecentIds())
    faults.set(Rule(FaultKind.EXPIRED))
    met = faults.meet(Call("x", "us-east-1", "Do", protocol, "ASIA0000"), b"").refusal
    assert met is not None
    assert (met.code, met.status) == (code, status)
    assert faults.meet(Call("x", "us-east-1", "Do", protocol, "AKIA0000"), b"").refusal is None


@pytest.mark.parametrize(
    ("kind", "operation", "ask"),
    [
        (FaultKind.COPY_FAILS, "ec2:CopyImage", lambda trouble: trouble.copy_fails()),
        (FaultKind.COPY_HANGS, "ec2:CopyImage", lambda trouble: trouble.copy_hangs()),
        (FaultKind.POINTER_LATE, "ssm:PutParameter", lambda trouble: trouble.pointer_late()),
        (FaultKind.UNHEALTHY, HEALTH_CHECK, lambda trouble: trouble.unhealthy()),
    ],
)
def test_a_fault_within_a_call_hits_as_often_as_it_may(kind: FaultKind, operation: str, ask: Any) -> None:
    faults = Faults(RecentIds())
    faults.set(Rule(kind, 3.0 if kind.value_name else 0.0, times=1, resource="web"))
    assert not ask(faults.within(operation))
    assert ask(faults.within(operation, CallPlace(text="group web")))
    assert not ask(faults.within(operation, CallPlace(text="group web")))
