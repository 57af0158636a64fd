"""The policies and roles of an environment, as resources of CloudFormation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.bootstrap import trust
from orchestrator.bootstrap.permission import PolicyPlace
from orchestrator.bootstrap.policies import builder, instance_profile, reader, validator
from orchestrator.bootstrap.storage import key_arn
from orchestrator.definition.secret import Store
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from orchestrator.bootstrap.order import BootstrapOrder
    from orchestrator.bootstrap.trust import PipelineTrust

#: Seconds for which a builder's credentials may last: builds take longer than the usual hour.
_LONGEST_SESSION = 4 * 3600


def place_of(order: BootstrapOrder) -> PolicyPlace:
    """What the names in policies are in the template."""
    key = key_arn(order)
    keys = (_arn(order, "kms", each, f"key/{each}") for each in order.more_keys if not each.startswith("alias/"))
    parameters = (each.name for each in order.secrets if each.store is Store.SSM)
    # Secrets Manager puts six characters of its own behind the name.
    secrets = (
        _arn(order, "secretsmanager", each.name, f"secret:{each.name}-??????")
        for each in order.secrets
        if each.store is Store.SECRETS_MANAGER
    )
    names = {
        "partition": ("${AWS::Partition}",),
        "account": ("${AWS::AccountId}",),
        "region": (_region(order),),
        "bucket": ("${Bucket}",),
        "profile": (order.profile_name,),
        "key": (key,),
        "imagekey": ((key,) if order.key else ()) + tuple(keys),
        "secret": tuple(secrets),
        "secretparameter": tuple(_parameter(order, each) for each in parameters),
        "sourceparameter": tuple(_parameter(order, each) for each in order.source_parameters),
    }
    return PolicyPlace(names, order.uses, trust.written)


def _region(order: BootstrapOrder) -> str:
    return "*" if order.regions else "${AWS::Region}"


def _arn(order: BootstrapOrder, service: str, named: str, resource: str, account: str = "${AWS::AccountId}") -> str:
    """The ARN of a resource that is named by it, or by a name of its service."""
    made = f"arn:${{AWS::Partition}}:{service}:{_region(order)}:{account}:{resource}"
    return named if named.startswith("arn:") else made


def _parameter(order: BootstrapOrder, name: str) -> str:
    """The ARN of a parameter, without a version or a label. AWS's own are in no account."""
    path = name.partition(":")[0].removeprefix("/")
    account = "" if name.startswith("/aws/") else "${AWS::AccountId}"
    return _arn(order, "ssm", name, f"parameter/{path}", account)


def roles(order: BootstrapOrder) -> dict[str, Any]:
    """The resources by their names in the template."""
    place = place_of(order)
    found = {
        f"{each.name.title()}Policy": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Description": f"{each.about[0].upper()}{each.about[1:]}",
                "PolicyDocument": each.as_json(place),
            },
        }
        for each in (reader.POLICY, validator.POLICY, builder.POLICY)
    }
    if order.trust is not None and not order.provider:
        found["Provider"] = {
            "Type": "AWS::IAM::OIDCProvider",
            "Properties": {"Url": f"https://{order.trust.host.issuer}", "ClientIdList": [order.trust.host.audience]},
        }
    found["Reader"] = _role(order, "reader", ("Reader",), _trusting(order, _main(order), proposals=True))
    found["Builder"] = _role(order, "builder", ("Reader", "Validator", "Builder"), _trusting(order, _main(order)))
    for team, repository in (order.teams or {}).items():
        role = _role(order, f"team-{team}", ("Reader", "Validator", "Builder"), _trusting(order, repository))
        role["Properties"]["Policies"] = [{"PolicyName": "OthersImages", "PolicyDocument": _spared(team)}]
        found["Team" + "".join(part.title() for part in team.split("-"))] = role
    return {**found, **_machine(order, place)}


def _main(order: BootstrapOrder) -> PipelineTrust | None:
    """The trust in the factory's repository, whose name and branch are parameters of the template."""
    return order.trust and trust.PipelineTrust(order.trust.host, "${Repository}", "${Branch}")


def _trusting(order: BootstrapOrder, pipeline: PipelineTrust | None, *, proposals: bool = False) -> list[Any]:
    provider = order.provider or {"Fn::GetAtt": ["Provider", "Arn"]}
    by_pipeline = [trust.by_pipeline(pipeline, provider, proposals=proposals)] if pipeline else []
    return [trust.by_account(), *by_pipeline]


def _role(order: BootstrapOrder, name: str, policies: tuple[str, ...], trusted: list[Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": order.role(name),
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trusted},
            "ManagedPolicyArns": [{"Ref": f"{each}Policy"} for each in policies],
            "MaxSessionDuration": _LONGEST_SESSION,
        },
    }


def _machine(order: BootstrapOrder, place: PolicyPlace) -> dict[str, Any]:
    agent = {"PolicyName": "Agent", "PolicyDocument": instance_profile.POLICY.as_json(place)}
    return {
        "MachineRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": order.profile_name,
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust.by_machines()]},
                "Policies": [agent],
            },
        },
        "MachineProfile": {
            "Type": "AWS::IAM::InstanceProfile",
            "Properties": {"InstanceProfileName": order.profile_name, "Roles": [{"Ref": "MachineRole"}]},
        },
    }


def _spared(team: str) -> dict[str, Any]:
    """What a team may not do to images of others: their owner is in a tag, as `team <email>`."""
    theirs = f"{team} <*"
    changes = ("CreateTags", "DeleteTags", "DeregisterImage", "ModifyImageAttribute")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "LeaveImagesOfOthers",
                "Effect": "Deny",
                "Action": [f"ec2:{each}" for each in changes],
                "Resource": {"Fn::Sub": "arn:${AWS::Partition}:ec2:*::image/*"},
                "Condition": {
                    "Null": {f"aws:ResourceTag/{Tag.OWNER}": "false"},
                    "StringNotLike": {f"aws:ResourceTag/{Tag.OWNER}": theirs},
                },
            },
            {
                "Sid": "OwnNoOthersImages",
                "Effect": "Deny",
                "Action": "ec2:CreateTags",
                "Resource": {"Fn::Sub": "arn:${AWS::Partition}:ec2:*::image/*"},
                "Condition": {
                    "Null": {f"aws:RequestTag/{Tag.OWNER}": "false"},
                    "StringNotLike": {f"aws:RequestTag/{Tag.OWNER}": theirs},
                },
            },
        ],
    }
