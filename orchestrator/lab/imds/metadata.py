"""The instance metadata service, version 2: what it says to which machine.

Source: EC2 user guide, "Use the Instance Metadata Service to access instance metadata" and "Instance metadata
categories".
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.lab.imds.role_session import credentials_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.imds.role_session import RoleCredentials

#: A tree of metadata: a folder maps names to what is in it.
Tree = dict[str, "Tree | str"]

LONGEST = 21600
VERSION = re.compile(r"latest|1\.0|\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class MetadataClient:
    """The instance that asks, as plain values."""

    instance_id: str
    image_id: str
    instance_type: str
    region: str
    zone: str
    account: str
    private_ip: str
    private_dns: str
    mac: str
    launched: str
    reservation_id: str
    launch_index: int = 0
    key_name: str = ""
    public_key: str = ""
    security_groups: tuple[str, ...] = ()
    subnet_id: str = ""
    vpc_id: str = ""
    profile_arn: str = ""
    profile_id: str = ""
    role: str = ""
    credentials: RoleCredentials | None = None
    user_data: bytes | None = None
    tags: Mapping[str, str] | None = None
    """None when the launch did not allow tags in metadata."""
    architecture: str = "x86_64"


def categories(client: MetadataClient) -> Tree:
    """The tree below `/latest/meta-data/`."""
    tree: Tree = {
        "ami-id": client.image_id,
        "ami-launch-index": str(client.launch_index),
        "ami-manifest-path": "(unknown)",
        "block-device-mapping": {"ami": "/dev/xvda", "root": "/dev/xvda"},
        "hostname": client.private_dns,
        "instance-action": "none",
        "instance-id": client.instance_id,
        "instance-life-cycle": "on-demand",
        "instance-type": client.instance_type,
        "local-hostname": client.private_dns,
        "local-ipv4": client.private_ip,
        "mac": client.mac,
        "network": {"interfaces": {"macs": {client.mac: _interface(client)}}},
        "placement": {
            "availability-zone": client.zone,
            "region": client.region,
        },
        "profile": "default-hvm",
        "reservation-id": client.reservation_id,
        "security-groups": "\n".join(client.security_groups),
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    if client.public_key:
        tree["public-keys"] = {f"0={client.key_name}": {"openssh-key": client.public_key.strip() + "\n"}}
    if client.profile_arn:
        tree["iam"] = _iam(client)
    if client.tags is not None:
        tree["tags"] = {"instance": dict(client.tags)}
    return tree


def identity(client: MetadataClient) -> str:
    """The instance identity document."""
    document = {
        "accountId": client.account,
        "architecture": client.architecture,
        "availabilityZone": client.zone,
        "imageId": client.image_id,
        "instanceId": client.instance_id,
        "instanceType": client.instance_type,
        "pendingTime": client.launched,
        "privateIp": client.private_ip,
        "region": client.region,
        "version": "2017-09-30",
    }
    return json.dumps(document, indent=2)


def look_up(client: MetadataClient, path: str) -> bytes | None:
    """What is at `/VERSION/...`; None when nothing is there."""
    version, _, rest = path.strip("/").partition("/")
    if not VERSION.fullmatch(version):
        return None
    if rest == "user-data":
        return client.user_data
    tree: Tree = {
        "meta-data": categories(client),
        "dynamic": {"instance-identity": {"document": identity(client)}},
    }
    found = _walk(tree, rest)
    return None if found is None else found.encode()


def _walk(tree: Tree, path: str) -> str | None:
    found: Tree | str | None = tree
    for part in path.split("/") if path else ():
        if not isinstance(found, dict):
            return None
        # `public-keys/0` is listed as `0=NAME`.
        names = (name for name in found if name == part or name.startswith(f"{part}="))
        found = found.get(next(names, ""))
    return _listing(found) if isinstance(found, dict) else found


def _listing(tree: Tree) -> str:
    return "\n".join(
        f"{name}/" if isinstance(below, dict) and "=" not in name else name for name, below in tree.items()
    )


def _interface(client: MetadataClient) -> Tree:
    return {
        "device-number": "0",
        "local-hostname": client.private_dns,
        "local-ipv4s": client.private_ip,
        "mac": client.mac,
        "owner-id": client.account,
        "security-groups": "\n".join(client.security_groups),
        "subnet-id": client.subnet_id,
        "vpc-id": client.vpc_id,
    }


def _iam(client: MetadataClient) -> Tree:
    info = {
        "Code": "Success",
        "LastUpdated": client.launched,
        "InstanceProfileArn": client.profile_arn,
        "InstanceProfileId": client.profile_id,
    }
    tree: Tree = {"info": json.dumps(info)}
    if client.credentials is not None:
        credentials = {
            "Code": "Success",
            "LastUpdated": client.credentials.issued,
            "Type": "AWS-HMAC",
            "AccessKeyId": client.credentials.key_id,
            "SecretAccessKey": client.credentials.secret,
            "Token": client.credentials.token,
            "Expiration": client.credentials.expires,
        }
        tree["security-credentials"] = {client.role: json.dumps(credentials)}
    return tree


@dataclass
class Tokens:
    """Session tokens: each is good for the machine that asked for it, for so many seconds."""

    _expiry: dict[tuple[str, str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def issue(self, instance_id: str, seconds: int) -> str:
        """A new token of a machine."""
        token = secrets.token_urlsafe(40)
        now = time.monotonic()
        with self._lock:
            self._expiry = {key: until for key, until in self._expiry.items() if until > now}
            self._expiry[instance_id, token] = now + seconds
        return token

    def good(self, instance_id: str, token: str) -> bool:
        """Whether the token is this machine's and has not expired."""
        with self._lock:
            return self._expiry.get((instance_id, token), 0.0) > time.monotonic()


def seconds_asked(value: str | None) -> int | None:
    """The life of a token as asked for in the header, None when AWS would refuse it."""
    return int(value) if value and value.isascii() and value.isdigit() and 1 <= int(value) <= LONGEST else None


def client_of(instance: Any) -> MetadataClient:
    """An instance of moto's as the metadata service shows it."""
    backend = instance.ec2_backend
    key = backend.key_pairs.get(instance.key_name)
    association = backend.iam_instance_profile_associations.get(instance.id)
    profile = association.iam_instance_profile if association else None
    reservation = next(each for each in backend.reservations.values() if instance in each.instances)
    shown = instance.metadata_options.instance_metadata_tags == "enabled"
    return MetadataClient(
        instance_id=instance.id,
        image_id=instance.image_id,
        instance_type=instance.instance_type,
        region=instance.region_name,
        zone=instance.availability_zone,
        account=instance.owner_id,
        private_ip=instance.private_ip,
        private_dns=instance.private_dns_name,
        mac=instance.nics[0].mac_address,
        launched=instance.launch_time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        reservation_id=reservation.id,
        launch_index=instance.ami_launch_index,
        key_name=key.key_name if key else "",
        public_key=key.public_key if key else "",
        security_groups=tuple(group.name for group in instance.security_groups),
        subnet_id=instance.subnet_id or "",
        vpc_id=instance.vpc_id or "",
        profile_arn=profile.arn if profile else "",
        profile_id=profile.id if profile else "",
        role=profile.roles[0].name if profile and profile.roles else "",
        credentials=credentials_of(instance, profile.roles[0]) if profile and profile.roles else None,
        user_data=_plain(instance.user_data),
        tags={tag["key"]: tag["value"] for tag in instance.get_tags()} if shown else None,
        architecture=instance.architecture,
    )


def _plain(user_data: Any) -> bytes | None:
    """User data as it was before it was encoded for the API."""
    return None if not user_data else base64.b64decode(str(user_data))
