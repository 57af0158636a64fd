"""AWS::IAM::OIDCProvider. Thumbprints are not asked for: the lab fetches no certificate, and AWS takes its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.cloudformation.intrinsics import Made
from orchestrator.lab.cloudformation.resource_type import Maker, StackResourceType, keys

if TYPE_CHECKING:
    from collections.abc import Mapping


def _create(maker: Maker, given: Mapping[str, Any]) -> Made:
    arn = maker.client("iam").create_open_id_connect_provider(
        Url=given["Url"],
        ClientIDList=given.get("ClientIdList", []),
        ThumbprintList=given.get("ThumbprintList", []),
    )["OpenIDConnectProviderArn"]
    return Made(arn, {"Arn": arn})


def _update(maker: Maker, made: Made, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    iam, before, after = maker.client("iam"), set(old.get("ClientIdList", [])), set(new.get("ClientIdList", []))
    for each in sorted(after - before):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=made.physical, ClientID=each)
    for each in sorted(before - after):
        iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=made.physical, ClientID=each)


def _delete(maker: Maker, physical: str, _given: Mapping[str, Any]) -> None:
    maker.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=physical)


TYPE = StackResourceType(
    "AWS::IAM::OIDCProvider",
    keys("Url", "ClientIdList", "ThumbprintList"),
    _create,
    _delete,
    _update,
    fixed=frozenset({"Url", "ThumbprintList"}),
    of_iam=True,
)
