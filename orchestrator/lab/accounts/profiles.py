"""How people and their tools become one of a lab's accounts: a configuration file of AWS's own form.

Source: AWS CLI User Guide, "Configuration and credential file settings", "Using an IAM role in the AWS CLI".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.lab.accounts.organisation import ACCESS_ROLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.lab.accounts.organisation import LabAccount, Organisation

_REGION = "us-east-1"


def profiles(organisation: Organisation, endpoint: str) -> str:
    """A profile for the administrator of each account, named as the account, and one for each role.

    A member's access role has the profile `MEMBER-access`, another role `ACCOUNT-ROLE`.
    """
    return "\n".join(_profiles(organisation, endpoint))


def _profiles(organisation: Organisation, endpoint: str) -> Iterator[str]:
    names = {account.account_id: account.name for account in organisation.accounts}
    for account in organisation.accounts:
        keys = {"aws_access_key_id": account.key_id, "aws_secret_access_key": account.secret_key}
        yield _profile(account.name, endpoint, keys)
        if account in organisation.members:
            yield _profile(
                f"{account.name}-access", endpoint, _role(account, ACCESS_ROLE, organisation.accounts[0].name)
            )
        for role in account.roles:
            more = {"external_id": role.external_id} if role.external_id else {}
            yield _profile(
                f"{account.name}-{role.name}", endpoint, _role(account, role.name, names[role.trusts]) | more
            )


def _role(account: LabAccount, role: str, source: str) -> dict[str, str]:
    return {"role_arn": f"arn:aws:iam::{account.account_id}:role/{role}", "source_profile": source}


def _profile(name: str, endpoint: str, values: dict[str, str]) -> str:
    lines = {"region": _REGION, "endpoint_url": endpoint, **values}
    return "\n".join([f"[profile {name}]", *(f"{key} = {value}" for key, value in lines.items()), ""])
