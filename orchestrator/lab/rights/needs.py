"""What a call needs the right to do: its actions as IAM names them, with the resources of each.

Source: Service Authorization Reference, one page for each service.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from moto.iam.models import iam_backends

from orchestrator.lab.api.texts import texts_in
from orchestrator.lab.rights.ec2_needs import ec2_needs
from orchestrator.lab.rights.key_names import key_arn
from orchestrator.lab.rights.need import Need, tag_keys, tags_of
from orchestrator.lab.rights.reference import PREFIXES, action_reference
from orchestrator.lab.rights.s3_needs import s3_needs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.lab.api.call import Call
    from orchestrator.lab.tables import Tables

    Parameters = Mapping[str, Any]

#: These ask for no right (STS API Reference, "GetCallerIdentity"; IAM User Guide, "Permissions for GetSessionToken").
_FREE = ("sts:AssumeRoleWithWebIdentity", "sts:GetCallerIdentity", "sts:GetSessionToken", "sts:GetAccessKeyInfo")
_SSM_NAMES = ("Name", "Names", "Path", "ResourceId")


def needs(call: Call, parameters: Parameters, tables: Tables, environ: Mapping[str, Any], body: bytes) -> list[Need]:
    """Every right that a call takes; none when it takes none."""
    if call.operation in _FREE:
        return []
    if call.service == "ec2":
        account, region = call.account, call.region
        return ec2_needs(call.action, parameters, region, account, tables.backend(region, account))
    if call.service == "s3":
        return list(s3_needs(call.action, environ, body))
    own = _OWN.get(call.service)
    found = list(own(call, parameters)) if own is not None else []
    return found or list(_by_arns(call, parameters))


def _name(call: Call) -> str:
    return f"{PREFIXES.get(call.service, call.service)}:{call.action}"


def _tags(parameters: Parameters) -> dict[str, tuple[str, ...]]:
    given = tag_keys(tags_of(parameters.get("Tags") or parameters.get("tags")))
    untagged = parameters.get("TagKeys")
    return given | ({"aws:TagKeys": tuple(map(str, untagged))} if isinstance(untagged, list) else {})


def _by_arns(call: Call, parameters: Parameters) -> Iterator[Need]:
    """The resources that a call names by their ARNs; `*` when it names none."""
    name, keys = _name(call), _tags(parameters)
    reference = action_reference(name)
    found = False
    for arn in dict.fromkeys(text for text in texts_in(parameters) if text.startswith("arn:")):
        for kind in reference.resources if reference else ():
            if kind.pattern.fullmatch(arn):
                found = True
                yield Need(name, arn, kind.name, _account_in(arn), keys)
                break
    if not found:
        yield Need(name, keys=keys)


def _account_in(arn: str) -> str:
    return arn.split(":")[4] if arn.count(":") > 4 else ""  # noqa: PLR2004  the fifth part


# -- services that name resources in other ways ------------------------------------------------------------------


def _ssm(call: Call, parameters: Parameters) -> Iterator[Need]:
    """Parameters by their paths, and commands by document and machines."""
    name, place = _name(call), f"{call.region}:{call.account}"
    if call.action == "SendCommand":
        document = str(parameters.get("DocumentName", ""))
        owner = "" if document.startswith("AWS-") else call.account
        yield Need(name, f"arn:aws:ssm:{call.region}:{owner}:document/{document}", "document")
        for each in parameters.get("InstanceIds") or []:
            yield Need(name, f"arn:aws:ec2:{place}:instance/{each}", "instance")
        return
    reference = action_reference(name)
    if reference is None or not any(each.name == "parameter" for each in reference.resources):
        return
    keys = _tags(parameters)
    for key in ("Overwrite", "Recursive"):
        if key in parameters:
            keys[f"ssm:{key}"] = (str(parameters[key]).lower(),)
    for given in (parameters.get(key) for key in _SSM_NAMES):
        for each in given if isinstance(given, list) else [given] if given else []:
            yield _parameter(name, call, str(each), keys)


def _parameter(name: str, call: Call, given: str, keys: Mapping[str, tuple[str, ...]]) -> Need:
    if given.startswith("arn:"):
        return Need(name, given, "parameter", _account_in(given), keys)
    path = given.partition(":")[0].removeprefix("/")
    return Need(name, f"arn:aws:ssm:{call.region}:{call.account}:parameter/{path}", "parameter", keys=keys)


def _kms(call: Call, parameters: Parameters) -> Iterator[Need]:
    """Keys by id, ARN or alias."""
    given = str(parameters.get("KeyId") or parameters.get("TargetKeyId") or "")
    texts = {
        "kms:GrantIsForAWSResource": str(parameters.get("GrantIsForAWSResource", False)).lower(),
        "kms:CallerAccount": call.account,
        "kms:SigningAlgorithm": parameters.get("SigningAlgorithm"),
        "kms:MessageType": parameters.get("MessageType"),
        "kms:EncryptionAlgorithm": parameters.get("EncryptionAlgorithm"),
        "kms:GranteePrincipal": parameters.get("GranteePrincipal"),
    }
    keys = {key: (str(value),) for key, value in texts.items() if value} | _tags(parameters)
    if parameters.get("Operations"):
        keys["kms:GrantOperations"] = tuple(map(str, parameters["Operations"]))
    if given:
        arn = key_arn(given, call.account, call.region)
        yield Need(_name(call), arn, "key", _account_in(arn), keys)


_IAM_NAMES = {
    "RoleName": ("role", "roles"),
    "UserName": ("user", "users"),
    "GroupName": ("group", "groups"),
    "InstanceProfileName": ("instance-profile", "instance_profiles"),
}


def _iam(call: Call, parameters: Parameters) -> Iterator[Need]:
    """Users, roles and the like by name; the first that the reference has for the action."""
    name, tables = _name(call), iam_backends[call.account]["aws"]
    reference = action_reference(name)
    types = {each.name for each in reference.resources} if reference else set()
    keys = _tags(parameters)
    for key, condition in (("PolicyArn", "iam:PolicyARN"), ("PermissionsBoundary", "iam:PermissionsBoundary")):
        if parameters.get(key):
            keys[condition] = (str(parameters[key]),)
    for parameter, (kind, attribute) in _IAM_NAMES.items():
        given = parameters.get(parameter)
        if given and kind in types:
            known = next((each for each in getattr(tables, attribute).values() if each.name == given), None)
            path = str(parameters.get("Path") or "/")
            arn = str(known.arn) if known is not None else f"arn:aws:iam::{call.account}:{kind}{path}{given}"
            yield Need(name, arn, kind, keys=keys)
            return


def _sts(call: Call, parameters: Parameters) -> Iterator[Need]:
    yield from assuming(parameters) if call.action == "AssumeRole" else ()


def assuming(parameters: Parameters) -> Iterator[Need]:
    """AssumeRole, by the ARN of its role."""
    arn = str(parameters.get("RoleArn", ""))
    texts = {
        "sts:ExternalId": parameters.get("ExternalId"),
        "sts:RoleSessionName": parameters.get("RoleSessionName"),
    }
    keys = {key: (str(value),) for key, value in texts.items() if value}
    yield Need("sts:AssumeRole", arn, "role", _account_in(arn), keys | tag_keys(tags_of(parameters.get("Tags"))))
    if parameters.get("Tags"):
        yield Need("sts:TagSession", arn, "role", _account_in(arn), keys | tag_keys(tags_of(parameters.get("Tags"))))


def _autoscaling(call: Call, parameters: Parameters) -> Iterator[Need]:
    """Groups by name."""
    group = parameters.get("AutoScalingGroupName")
    name = _name(call)
    reference = action_reference(name)
    if group and reference and any(each.name == "autoScalingGroup" for each in reference.resources):
        arn = f"arn:aws:autoscaling:{call.region}:{call.account}:autoScalingGroup:*:autoScalingGroupName/{group}"
        yield Need(name, arn, "autoScalingGroup", keys=_tags(parameters))


def _sqs(call: Call, parameters: Parameters) -> Iterator[Need]:
    """Queues by URL or name."""
    url = str(parameters.get("QueueUrl") or parameters.get("QueueName") or "")
    if url:
        parts = re.findall(r"[^/]+", url)
        owner = parts[-2] if len(parts) > 1 and parts[-2].isdigit() else call.account
        yield Need(_name(call), f"arn:aws:sqs:{call.region}:{owner}:{parts[-1]}", "queue", owner, _tags(parameters))


def _sns(call: Call, parameters: Parameters) -> Iterator[Need]:
    """A topic that is made has no ARN yet."""
    if call.action == "CreateTopic" and parameters.get("Name"):
        arn = f"arn:aws:sns:{call.region}:{call.account}:{parameters['Name']}"
        yield Need(_name(call), arn, "topic", keys=_tags(parameters), new=True)


def _secretsmanager(call: Call, parameters: Parameters) -> Iterator[Need]:
    given = str(parameters.get("SecretId") or parameters.get("Name") or "")
    if given:
        arn = (
            given if given.startswith("arn:") else f"arn:aws:secretsmanager:{call.region}:{call.account}:secret:{given}"
        )
        yield Need(_name(call), arn, "Secret", _account_in(arn), _tags(parameters))


_OWN: dict[str, Callable[[Call, Parameters], Iterator[Need]]] = {
    "autoscaling": _autoscaling,
    "iam": _iam,
    "kms": _kms,
    "secretsmanager": _secretsmanager,
    "sns": _sns,
    "sqs": _sqs,
    "ssm": _ssm,
    "sts": _sts,
}
