"""Every kind of thing that a run can leave in an account: the modules of `resources/`, in the order of removal."""

from __future__ import annotations

from orchestrator.aws import resources
from orchestrator.aws.resource_kind import Ec2Kind, ResourceKind
from orchestrator.registration import modules_of


def _kinds() -> tuple[ResourceKind, ...]:
    return tuple(sorted((module.KIND for module in modules_of(resources)), key=lambda kind: kind.order))


#: All kinds, in the order in which their things are removed.
KINDS: tuple[ResourceKind, ...] = _kinds()
#: Those that EC2 lists and removes, in the same order.
EC2_KINDS: tuple[Ec2Kind, ...] = tuple(kind for kind in KINDS if isinstance(kind, Ec2Kind))


def kind_named(name: str) -> ResourceKind:
    """The kind that is called so. Raises KeyError."""
    return {kind.name: kind for kind in KINDS}[name]
