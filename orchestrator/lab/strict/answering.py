"""Who answers an action: moto's class of the service, with what the lab has put in its place."""

from __future__ import annotations

import importlib
from functools import cache

from moto.core.utils import camelcase_to_underscores

#: Services whose name in signatures is not botocore's. Elastic Load Balancing's newer API is the one that AMIs meet.
_NAMES = {
    "monitoring": "cloudwatch",
    "elasticloadbalancing": "elbv2",
    "tagging": "resourcegroupstaggingapi",
    "servicequotas": "service-quotas",
}
#: The older API of a service with two, by the version that its calls name.
_OLDER = {("elasticloadbalancing", "2012-06-01"): "elb"}


def service_name(signed: str, version: str = "") -> str:
    """The name in botocore of a service, from the one in signatures and the version of the API that a call names."""
    return _OLDER.get((signed, version)) or _NAMES.get(signed, signed)


@cache
def classes(service: str) -> tuple[type, ...]:
    """The classes of moto that answer for a service of botocore's; none when moto does not have it."""
    try:
        paths = importlib.import_module(f"moto.{service.replace('-', '')}.urls").url_paths
    except ImportError:
        return ()
    # A bound `dispatch` of a class.
    owners = (getattr(each, "__self__", None) for each in paths.values())
    return tuple(dict.fromkeys(each for each in owners if isinstance(each, type)))


def method_name(action: str) -> str:
    """How moto's classes name the method of an action."""
    return str(camelcase_to_underscores(action))
