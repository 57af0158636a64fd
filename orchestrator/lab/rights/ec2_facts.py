"""What the condition keys of EC2's resources say of those that are there.

Source: Service Authorization Reference, "Condition keys for Amazon EC2".
"""

from __future__ import annotations

from typing import Any


def facts(tables: Any, kind: str, identifier: str) -> dict[str, tuple[str, ...]]:
    """What the condition keys of a resource say that is there."""
    pair = tables.key_pairs.get(identifier) if kind == "key-pair" else None  # by its name, as in ARNs
    tags = tables.tags.get(str(pair.id) if pair is not None else identifier, {})
    keys: dict[str, tuple[str, ...]] = {f"aws:ResourceTag/{key}": (str(value),) for key, value in tags.items()}
    keys |= {f"ec2:ResourceTag/{key}": (str(value),) for key, value in tags.items()}
    if kind == "image" and identifier in tables.amis:
        image = tables.amis[identifier]
        keys |= {
            "ec2:ImageID": (identifier,),
            "ec2:ImageType": ("machine",),
            "ec2:Owner": (str(image.owner_id),),
            "ec2:Public": (str(bool(image.is_public)).lower(),),
            "ec2:RootDeviceType": ("ebs",),
        }
    if kind == "instance":
        instance = next((each for each in tables.all_instances() if each.id == identifier), None)
        if instance is not None:
            keys |= {
                "ec2:InstanceID": (identifier,),
                "ec2:InstanceType": (str(instance.instance_type),),
                "ec2:AvailabilityZone": (str(instance.availability_zone),),
                "ec2:RootDeviceType": ("ebs",),
                "ec2:Tenancy": ("default",),
            }
    if kind in ("subnet", "security-group") and (vpc := _vpc(tables, kind, identifier)):
        keys["ec2:Vpc"] = (f"arn:aws:ec2:{tables.region_name}:{tables.account_id}:vpc/{vpc}",)
    return keys


def _vpc(tables: Any, kind: str, identifier: str) -> str:
    if kind == "security-group":
        return next((str(vpc) for vpc, groups in tables.groups.items() if identifier in groups), "")
    return next((str(each[identifier].vpc_id) for each in tables.subnets.values() if identifier in each), "")
