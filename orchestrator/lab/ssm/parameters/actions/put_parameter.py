"""Systems Manager's PutParameter (Systems Manager API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ssm.exceptions import ParameterAlreadyExists
from moto.ssm.models import ssm_backends

from orchestrator.lab.ssm.parameters.pending import PendingValues, tell_change
from orchestrator.lab.ssm.parameters.rules import IMAGE, Put, data_type_of, tier_of

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked

#: By the lab whose tables a call is answered from.
_PENDING: dict[int, PendingValues] = {}


def pending(tables: Any) -> PendingValues:
    """The values that wait in a lab."""
    return _PENDING.setdefault(id(tables), PendingValues(tables))


def answer(asked: Asked) -> dict[str, Any]:
    """Write a parameter; the id of an AMI only later, and only when the AMI is there. Raises AwsFault."""
    parameters, backend = asked.parameters, ssm_backends[asked.account][asked.region]
    known = backend._parameters.get(parameters["Name"])  # noqa: SLF001 - moto lists them in no other way
    newest = known[-1] if known else None
    put = Put(parameters["Value"], parameters.get("DataType") or "", parameters.get("Tier") or "")
    arguments = {
        "name": parameters["Name"],
        "description": parameters.get("Description"),
        "value": parameters["Value"],
        "parameter_type": parameters.get("Type") or (newest.parameter_type if newest else None),
        "allowed_pattern": parameters.get("AllowedPattern"),
        "keyid": parameters.get("KeyId"),
        "overwrite": bool(parameters.get("Overwrite")),
        "tags": parameters.get("Tags"),
        "data_type": data_type_of(put, newest.data_type if newest else ""),
        "tier": tier_of(put, (newest.tier or "") if newest else ""),
        "policies": parameters.get("Policies"),
    }
    if arguments["data_type"] == IMAGE:
        if newest is not None and not arguments["overwrite"]:
            raise ParameterAlreadyExists
        version = pending(asked.tables).add(asked.account, asked.region, arguments)
        return {"Version": version, "Tier": arguments["tier"]}
    written = backend.put_parameter(**arguments)
    tell_change(asked.tables, asked.account, asked.region, arguments, "Update" if newest else "Create")
    return {"Version": written.version, "Tier": written.tier}
