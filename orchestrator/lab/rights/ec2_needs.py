"""What a call of EC2 needs the right to do.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2"; Amazon EC2 User Guide,
"Grant permission to tag Amazon EC2 resources during creation", "Grant permission to pass an IAM role".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.iam.models import iam_backends

from orchestrator.lab.api.texts import texts_in
from orchestrator.lab.rights.ec2_facts import facts
from orchestrator.lab.rights.need import Need, tag_keys, tags_of
from orchestrator.lab.rights.reference import action_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.lab.rights.reference import ResourceType

#: The types whose ids do not begin with their name.
_PREFIXES = {
    "ami": "image", "i": "instance", "snap": "snapshot", "vol": "volume", "sg": "security-group", "key": "key-pair",
    "eni": "network-interface", "lt": "launch-template", "igw": "internet-gateway", "rtb": "route-table",
    "acl": "network-acl", "eipalloc": "elastic-ip", "pg": "placement-group", "fleet": "fleet",
}  # fmt: skip
_ID = re.compile(r"([a-z][a-z-]*)-[0-9a-f]{8,17}")
#: Parameters in which an id is none of a resource that is acted on.
_NO_RESOURCES = {"Filters", "Tags", "TagSpecifications", "UserData", "ClientToken", "Name", "Description"}
_MAKES = ("Create", "Copy", "Register", "Import", "Run", "Allocate", "Request")
#: What a launch makes besides the instance.
_LAUNCHED = ("volume", "network-interface")
_REQUEST_TAG = "aws:requesttag/"
#: These take a tag away or put it on something that is there.
_TAGGING = ("CreateTags", "DeleteTags")


@dataclass(frozen=True)
class Ec2Call:
    """A call, and the tables of its region and account."""

    action: str
    parameters: Mapping[str, Any]
    region: str
    account: str
    tables: Any

    def needs(self) -> Iterator[Need]:
        """Every right that it takes."""
        yield from self._resources()
        if self.action not in _TAGGING:
            yield from self._tagging()
        yield from self._passing()

    # -- resources ---------------------------------------------------------------------------------------------

    def _resources(self) -> Iterator[Need]:
        name = f"ec2:{self.action}"
        reference = action_reference(name)
        types = {each.name: each for each in reference.resources} if reference else {}
        found: dict[str, list[str]] = {}
        for identifier in dict.fromkeys(self._ids()):
            found.setdefault(_type_of(identifier), []).append(identifier)
        pair = self.parameters.get("KeyName")
        if pair and "key-pair" in types and not self._makes(types["key-pair"]):
            found["key-pair"] = [str(pair)]
        needs = [self._need(types[kind], each) for kind, ids in found.items() if kind in types for each in ids]
        needs += [
            Need(name, each.named(self.region, self.account, "*"), kind, keys=self._keys_of_new(kind), new=True)
            for kind, each in types.items()
            if self._makes(each) and (kind not in found or _REQUEST_TAG in each.keys)
        ]
        yield from needs or [Need(name, keys={"ec2:Region": (self.region,)})]

    def _makes(self, kind: ResourceType) -> bool:
        launches = self.action == "RunInstances" and kind.name in _LAUNCHED
        return self.action.startswith(_MAKES) and (kind.required or launches) and self.action not in _TAGGING

    def _need(self, kind: ResourceType, identifier: str) -> Need:
        keys = {"ec2:Region": (self.region,), **self._attribute_keys(), **facts(self.tables, kind.name, identifier)}
        if self.action in _TAGGING:
            keys |= tag_keys(tags_of(self.parameters.get("Tags")))
        elif _REQUEST_TAG in kind.keys:
            keys |= tag_keys(self._tags_for(kind.name))
        return Need(f"ec2:{self.action}", kind.named(self.region, self.account, identifier), kind.name, keys=keys)

    def _keys_of_new(self, kind: str) -> dict[str, tuple[str, ...]]:
        given = self.parameters
        texts = {
            "ec2:InstanceType": given.get("InstanceType"),
            "ec2:KeyPairName": given.get("KeyName"),
            "ec2:MetadataHttpTokens": (given.get("MetadataOptions") or {}).get("HttpTokens"),
            "ec2:AvailabilityZone": (given.get("Placement") or {}).get("AvailabilityZone")
            or given.get("AvailabilityZone"),
            "ec2:Tenancy": (given.get("Placement") or {}).get("Tenancy", "default"),
            "ec2:InstanceProfile": self._profile_arn(),
            "ec2:RootDeviceType": "ebs",
            "ec2:VolumeType": given.get("VolumeType"),
            "ec2:VolumeSize": given.get("Size"),
            "ec2:Encrypted": str(given.get("Encrypted", False)).lower(),
            "ec2:Owner": self.account,
            "ec2:IsLaunchTemplateResource": str(bool(given.get("LaunchTemplate"))).lower(),
        }
        keys = {key: (str(value),) for key, value in texts.items() if value not in (None, "")}
        return {"ec2:Region": (self.region,), **keys, **tag_keys(self._tags_for(kind))}

    def _attribute_keys(self) -> dict[str, tuple[str, ...]]:
        """Of the actions that change an attribute: which one, and who is let in or out by it."""
        given = self.parameters
        keys: dict[str, tuple[str, ...]] = (
            {"ec2:Attribute": (str(given["Attribute"]),)} if given.get("Attribute") else {}
        )
        for change in ("Add", "Remove"):
            entries = (given.get("LaunchPermission") or given.get("CreateVolumePermission") or {}).get(change) or []
            for name in ("UserId", "Group", "OrganizationArn", "OrganizationalUnitArn"):
                values = tuple(str(each[name]) for each in entries if each.get(name))
                if values:
                    keys[f"ec2:{change}/{name[0].lower()}{name[1:]}"] = values
                    keys.setdefault(
                        "ec2:Attribute",
                        ("launchPermission" if given.get("LaunchPermission") else "createVolumePermission",),
                    )
        return keys

    def _ids(self) -> Iterator[str]:
        for value in texts_in({key: value for key, value in self.parameters.items() if key not in _NO_RESOURCES}):
            if _ID.fullmatch(value):
                yield value

    # -- tags and roles ----------------------------------------------------------------------------------------

    def _tags_for(self, kind: str) -> dict[str, str]:
        entries = self.parameters.get("TagSpecifications") or []
        return {
            key: value
            for each in entries
            if each.get("ResourceType") in (kind, None)
            for key, value in tags_of(each.get("Tags")).items()
        }

    def _tagging(self) -> Iterator[Need]:
        """CreateTags for each type that the call tags as it makes it."""
        reference = action_reference("ec2:CreateTags")
        types = {each.name: each for each in reference.resources} if reference else {}
        for each in self.parameters.get("TagSpecifications") or []:
            kind, tags = str(each.get("ResourceType", "")), tags_of(each.get("Tags"))
            if kind in types and tags:
                keys = {"ec2:CreateAction": (self.action,), "ec2:Region": (self.region,), **tag_keys(tags)}
                yield Need(
                    "ec2:CreateTags", types[kind].named(self.region, self.account, "*"), kind, keys=keys, new=True
                )

    def _profile_arn(self) -> str:
        asked = self.parameters.get("IamInstanceProfile") or {}
        named = f"arn:aws:iam::{self.account}:instance-profile/{asked.get('Name', '')}" if asked.get("Name") else ""
        return str(asked.get("Arn") or named)

    def _passing(self) -> Iterator[Need]:
        """PassRole for the role of an instance profile."""
        name = self._profile_arn().rpartition("/")[2]
        profile = next(
            (each for each in iam_backends[self.account]["aws"].instance_profiles.values() if each.name == name), None
        )
        for role in profile.roles if profile is not None and name else ():
            yield Need("iam:PassRole", role.arn, "role", keys={"iam:PassedToService": ("ec2.amazonaws.com",)})


def ec2_needs(action: str, asked: Mapping[str, Any], region: str, account: str, tables: Any) -> list[Need]:
    """Every right that a call takes, with what its launch template says."""
    if asked.get("LaunchTemplate"):
        asked = {**_template(asked["LaunchTemplate"], tables), **{key: value for key, value in asked.items() if value}}
    return list(Ec2Call(action, asked, region, account, tables).needs())


def _template(asked: Mapping[str, Any], tables: Any) -> dict[str, Any]:
    """What the template of a launch says; nothing when it is not there: the launch fails by itself."""
    named = (asked.get("LaunchTemplateId"), asked.get("LaunchTemplateName"))
    template = next((each for each in tables.launch_templates.values() if {each.id, each.name} & set(named)), None)
    if template is None:
        return {}
    usual = template.default_version_number
    wanted = asked.get("Version") or usual
    number = {"$Latest": template.versions[-1].number, "$Default": usual}.get(wanted, wanted)
    data: dict[str, Any] = next((each.data for each in template.versions if str(each.number) == str(number)), {})
    return {**data, "LaunchTemplateIds": [template.id]}


def _type_of(identifier: str) -> str:
    prefix = identifier.rpartition("-")[0]
    return _PREFIXES.get(prefix, prefix)
