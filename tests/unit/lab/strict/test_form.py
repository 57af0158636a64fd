"""Forms are trees by the model of their operation."""

from __future__ import annotations

from typing import Any

from moto.core.utils import get_service_model

from orchestrator.lab.strict.form import tree


def read(service: str, action: str, **pairs: str) -> tuple[dict[str, Any], list[str]]:
    shape = get_service_model(service).operation_model(action).input_shape
    given = [(key.replace("__", "."), value) for key, value in pairs.items()]
    return tree(shape, [("Action", action), ("Version", "2016-11-15"), *given], ec2=service == "ec2")


def test_a_form_of_ec2_has_lists_without_a_word_between() -> None:
    found, unknown = read(
        "ec2", "DescribeImages", Owner__1="self", Filter__1__Name="state", Filter__1__Value__1="available"
    )
    assert found == {"Owners": {"1": "self"}, "Filters": {"1": {"Name": "state", "Values": {"1": "available"}}}}
    assert unknown == []


def test_a_form_of_the_query_protocol_has_members() -> None:
    found, unknown = read("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames__member__1="web")
    assert (found, unknown) == ({"AutoScalingGroupNames": {"1": "web"}}, [])


def test_an_empty_list_is_its_name_alone() -> None:
    assert read("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames="") == (
        {"AutoScalingGroupNames": {}},
        [],
    )


def test_a_map_has_entries() -> None:
    pairs = {"Attributes__entry__1__key": "DisplayName", "Attributes__entry__1__value": "x"}
    found, unknown = read("sns", "CreateTopic", Name="t", **pairs)
    assert found == {"Name": "t", "Attributes": {"1": {"key": "DisplayName", "value": "x"}}}
    assert unknown == []


def test_what_the_model_does_not_have_is_told_by_its_whole_name() -> None:
    pairs = {"Nonsense": "1", "Filter__1__Nama": "state", "Filter__x__Name": "state", "Owner__1__Name": "x"}
    _, unknown = read("ec2", "DescribeImages", **pairs)
    assert unknown == ["Nonsense", "Filter.1.Nama", "Filter.x.Name", "Owner.1.Name"]


def test_what_every_request_carries_is_no_parameter() -> None:
    shape = get_service_model("sts").operation_model("GetCallerIdentity").input_shape
    signed = [("X-Amz-Signature", "0"), ("SignatureVersion", "2"), ("Action", "GetCallerIdentity")]
    assert tree(shape, signed, ec2=False) == ({}, [])
