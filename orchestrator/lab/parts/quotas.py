"""Service Quotas: how many vCPUs of standard on-demand machines an account may run. The lab does not enforce it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from orchestrator.lab.api.call import Call
    from orchestrator.lab.assembly import Assembly

#: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances".
_CODE, _VCPUS = "L-1216C47A", 256


class QuotasApi:
    """Answers GetServiceQuota (Service Quotas API Reference)."""

    ACTIONS = frozenset({"GetServiceQuota"})

    def handle(self, _call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """The one quota that there is. Raises AwsFault for others."""
        if (body.get("ServiceCode"), body.get("QuotaCode")) != ("ec2", _CODE):
            raise AwsFault("NoSuchResourceException", "The specified resource does not exist.")
        return {"Quota": {"ServiceCode": "ec2", "QuotaCode": _CODE, "Value": float(_VCPUS), "Unit": "None"}}


def install(lab: Assembly) -> None:
    """Answer for the service `servicequotas`."""
    lab.handlers["servicequotas"] = QuotasApi()
