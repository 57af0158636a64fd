"""Pages, filters and nodes' answers."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ssm import agent as ssm_agent
from orchestrator.lab.ssm import listing as ssm_listing
from orchestrator.lab.ssm import nodes as ssm_nodes
from orchestrator.lab.ssm.paging import page

ITEMS = [f"item-{number}" for number in range(7)]


def paged(body: dict[str, Any], items: list[str] = ITEMS) -> tuple[list[str], dict[str, str]]:
    return page(items, str, body, sizes=range(1, 51), default=50)


def test_pages_follow_each_other_to_the_end() -> None:
    first, token = paged({"MaxResults": 5})
    rest, nothing = paged({"MaxResults": 5, **token})
    assert (first + rest, nothing) == (ITEMS, {})


def test_a_last_page_that_is_full_has_no_token() -> None:
    assert paged({"MaxResults": 7}) == (ITEMS, {})


def test_items_that_appear_in_front_shift_nothing() -> None:
    _, token = paged({"MaxResults": 5})
    rest, _ = paged({"MaxResults": 5, **token}, ["newer", *ITEMS])
    assert rest == ITEMS[5:]


@pytest.mark.parametrize("token", ["!", "bm90LXRoZXJl", "ü"])
def test_a_made_up_token_is_refused(token: str) -> None:
    with pytest.raises(AwsFault) as caught:
        paged({"NextToken": token})
    assert caught.value.code == "InvalidNextToken"


def test_a_page_size_outside_the_limits_is_refused() -> None:
    with pytest.raises(AwsFault, match="between 1 and 50"):
        paged({"MaxResults": 51})


def entry(status: str, details: str = "", requested: float = 1_000.0) -> dict[str, Any]:
    return {
        "Status": status,
        "StatusDetails": details or status,
        "DocumentName": "AWS-RunShellScript",
        "RequestedDateTime": requested,
    }


@pytest.mark.parametrize(
    ("key", "value", "holds"),
    [
        ("Status", "TimedOut", True),
        ("Status", "ExecutionTimedOut", True),
        ("Status", "DeliveryTimedOut", False),
        ("DocumentName", "AWS-RunShellScript", True),
        ("DocumentName", "AWS-RunPatchBaseline", False),
        ("InvokedAfter", "1970-01-01T00:16:40Z", True),
        ("InvokedAfter", "1970-01-01T00:16:41Z", False),
        ("InvokedBefore", "1970-01-01T00:16:41", True),
        ("ExecutionStage", "Complete", True),
        ("ExecutionStage", "Executing", False),
    ],
)
def test_filters_of_commands(key: str, value: str, *, holds: bool) -> None:
    wanted = ssm_listing.filters({"Filters": [{"key": key, "value": value}]}, stages=True)
    assert wanted(entry("TimedOut", "ExecutionTimedOut")) is holds


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("Colour", "red", "InvalidFilterKey"),
        ("ExecutionStage", "Complete", "InvalidFilterKey"),
        ("InvokedAfter", "yesterday", "ValidationException"),
    ],
)
def test_filters_that_cannot_be_asked_for(key: str, value: str, code: str) -> None:
    """ExecutionStage is for commands only, not for invocations."""
    with pytest.raises(AwsFault) as caught:
        ssm_listing.filters({"Filters": [{"key": key, "value": value}]}, stages=False)
    assert caught.value.code == code


def test_both_kinds_of_node_filters_mean_the_same() -> None:
    new = ssm_nodes.filters({"Filters": [{"Key": "PingStatus", "Values": ["Online"]}]})
    old = ssm_nodes.filters({"InstanceInformationFilterList": [{"key": "PingStatus", "valueSet": ["Online"]}]})
    assert new == old == [("PingStatus", frozenset({"Online"}))]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"Filters": [{"Key": "Colour", "Values": ["red"]}]}, "InvalidFilterKey"),
        ({"Filters": [{"Key": "PingStatus", "Values": []}]}, "InvalidInstanceInformationFilterValue"),
        (
            {
                "Filters": [{"Key": "PingStatus", "Values": ["Online"]}],
                "InstanceInformationFilterList": [{"key": "PingStatus", "valueSet": ["Online"]}],
            },
            "ValidationException",
        ),
    ],
)
def test_node_filters_that_cannot_be_asked_for(body: dict[str, Any], code: str) -> None:
    with pytest.raises(AwsFault) as caught:
        ssm_nodes.filters(body)
    assert caught.value.code == code


RELEASE = b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'


def test_a_probes_answer_is_read() -> None:
    answer = RELEASE + b"\0ip-10-88-0-5\n\x003.3.987.0-1\0\x004a6f\n"
    found = ssm_agent.facts(answer)
    assert (found.platform_name, found.platform_version) == ("Debian GNU/Linux", "12")
    assert (found.host_name, found.agent_version) == ("ip-10-88-0-5", "3.3.987.0")
    assert (found.foreign, found.invocation) == ("", "4a6f")


def test_a_version_that_the_api_does_not_allow_is_left_out() -> None:
    assert ssm_agent.facts(RELEASE + b"\0host\n\0local\0\0").agent_version == ""


def test_what_runs_in_the_place_of_the_labs_agent_is_named() -> None:
    assert ssm_agent.facts(RELEASE + b"\0host\n\0\0sleep infinity \0").foreign == "sleep infinity"
