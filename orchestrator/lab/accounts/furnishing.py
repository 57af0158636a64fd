"""What each account of a lab has from the start: an instance profile, a bucket, an administrator and roles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.iam import urls
from moto.iam.models import IAMBackend, ManagedPolicy, iam_backends
from moto.s3.models import s3_backends

from orchestrator.lab.accounts.organisation import ACCESS_ROLE, ADMINISTRATOR
from orchestrator.lab.accounts.organizations import organize

if TYPE_CHECKING:
    from orchestrator.lab.accounts.organisation import AccountRole, LabAccount, Organisation

#: The instance profile of each account, and its role.
PROFILE = "ami-lab"
AGENT_POLICY = "AmazonSSMManagedInstanceCore"
_AWS = "aws"


class LabIam(IAMBackend):
    """IAM's tables of one account; of other partitions than the lab's only what somebody makes.

    moto asks the tables of each partition whose an access key is, and reads AWS's 1,400 managed policies for each.
    """

    @property
    def _url_module(self) -> Any:
        """Where moto finds the routes of a backend next to its class."""
        return urls

    def _init_aws_policies(self) -> list[ManagedPolicy]:
        return super()._init_aws_policies() if self.region_name == _AWS else []


def install() -> None:
    """Put the lab's tables in the place of moto's. To be called before moto makes its first ones."""
    iam_backends.backend = LabIam


def furnish(organisation: Organisation) -> None:
    """Make every account of an organisation, and the organisation itself when it has members."""
    for account in organisation.accounts:
        _furnish(account)
    if organisation.members:
        organize(organisation)
        management = organisation.accounts[0].account_id
        for member in organisation.members:
            _role(iam_backends[member.account_id][_AWS], ACCESS_ROLE, _trust(management), "AdministratorAccess")


def _furnish(account: LabAccount) -> None:
    iam = iam_backends[account.account_id][_AWS]
    service = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    _role(iam, PROFILE, [service, *_trust(account.account_id)], AGENT_POLICY)
    iam.create_instance_profile(name=PROFILE, path="/", role_names=[PROFILE])
    _administrator(iam, account)
    for role in account.roles:
        _role(iam, role.name, _trusting(role), *role.policies)
    s3_backends[account.account_id][_AWS].create_bucket(account.bucket, "us-east-1")


def _administrator(iam: Any, account: LabAccount) -> None:
    """A user who may do everything, with the key that the settings say."""
    iam.create_user(region_name="us-east-1", user_name=ADMINISTRATOR)
    iam.attach_user_policy(_managed("AdministratorAccess"), ADMINISTRATOR)
    key = iam.create_access_key(ADMINISTRATOR)
    del iam.access_keys[key.access_key_id]
    key.access_key_id, key.secret_access_key = account.key_id, account.secret_key
    iam.access_keys[key.access_key_id] = key


def _trust(account: str) -> list[dict[str, Any]]:
    principal = {"AWS": f"arn:aws:iam::{account}:root"}
    return [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]


def _trusting(role: AccountRole) -> list[dict[str, Any]]:
    (statement,) = _trust(role.trusts)
    if role.external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": role.external_id}}
    return [statement]


def _role(iam: Any, name: str, trust: list[dict[str, Any]], *policies: str) -> None:
    iam.create_role(
        role_name=name,
        assume_role_policy_document=json.dumps({"Version": "2012-10-17", "Statement": trust}),
        path="/",
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration="3600",
    )
    for policy in policies:
        iam.attach_role_policy(_managed(policy), name)


def _managed(name: str) -> str:
    return f"arn:aws:iam::aws:policy/{name}"
