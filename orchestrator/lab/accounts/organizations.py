"""The organisation in moto's tables, with the ids that it has in each lab."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.organizations import utils
from moto.organizations.models import (
    FakeAccount,
    FakeOrganization,
    FakeOrganizationalUnit,
    FakePolicy,
    FakeRoot,
    organizations_backends,
)

if TYPE_CHECKING:
    from orchestrator.lab.accounts.organisation import LabAccount, Organisation

_PARTITION, _REGION = "aws", "us-east-1"
#: What each root, unit and account has attached from the start.
_FULL_ACCESS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    (utils.DEFAULT_SCP_POLICY_ID, "FullAWSAccess", "SERVICE_CONTROL_POLICY", {}),
    (utils.DEFAULT_RCP_POLICY_ID, "RCPFullAWSAccess", "RESOURCE_CONTROL_POLICY", {"Principal": "*"}),
)


class OrganizationAccount(FakeAccount):
    """An account whose id was settled before. moto's makes a role in an account of a random id instead."""

    def __init__(self, organization: FakeOrganization, account: LabAccount, parent: str, joined: str) -> None:
        self.type = "ACCOUNT"
        self.region = organization.region
        self.organization_id = organization.id
        self.master_account_id = organization.master_account_id
        self.create_account_status_id = utils.make_random_create_account_status_id()
        self.id = account.account_id
        self.name = account.name
        self.email = account.email
        self.create_time = utcnow()
        self.status = self.state = "ACTIVE"
        self.joined_method = joined
        self.parent_id = parent
        self.attached_policies: list[FakePolicy] = []
        self.tags: dict[str, str] = {}


def organize(organisation: Organisation) -> None:
    """Have an organisation of these accounts, all features enabled, service control policies too."""
    management = organisation.accounts[0].account_id
    tables = organizations_backends[management][_PARTITION]
    tables.org = made = FakeOrganization(management, _REGION, "ALL")
    made.id, made.root_id, made.master_account_email = (
        organisation.organisation_id,
        organisation.root_id,
        organisation.accounts[0].email,
    )
    root = FakeRoot(made)
    root.policy_types = [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]
    tables.ou = [root, *(_unit(made, organisation, path) for path in organisation.units)]
    tables.accounts = [
        OrganizationAccount(made, each, organisation.unit_id(each.unit), "CREATED" if number else "INVITED")
        for number, each in enumerate(organisation.accounts)
    ]
    for member in organisation.members:
        organizations_backends.master_accounts[member.account_id] = (management, _PARTITION)
    _attach_full_access(tables, made)


def _unit(made: FakeOrganization, organisation: Organisation, path: str) -> FakeOrganizationalUnit:
    above, _, name = path.rpartition("/")
    unit = FakeOrganizationalUnit(made, Name=name, ParentId=organisation.unit_id(above))
    unit.id = organisation.unit_id(path)
    return unit


def _attach_full_access(tables: Any, made: FakeOrganization) -> None:
    for policy_id, name, kind, more in _FULL_ACCESS:
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*", **more}
        content = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        policy = FakePolicy(made, Name=name, Description="Allows everything", Type=kind, Content=content)
        policy.id, policy.aws_managed = policy_id, True
        tables.policies.append(policy)
        for target in (*tables.ou, *tables.accounts):
            tables.attach_policy(PolicyId=policy_id, TargetId=target.id)
