"""Parameters that real clients send and that the lab may ignore, each with its reason."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: By `service:Action.Parameter`; services by botocore's names.
IGNORED: Mapping[str, str] = {
    "ec2:*.DryRun": "the lab answers dry runs of EC2 before anything reads them",
    "ec2:CopySnapshot.DestinationRegion": "SDKs fill it in; it is the region of the call",
    "ec2:CopySnapshot.PresignedUrl": "SDKs fill it in; it says again what the call says",
    "ec2:CreateFleet.Context": "reserved (EC2 API Reference, CreateFleet)",
    "ec2:CreateKeyPair.KeyFormat": "keys are PEM, and any other format is refused by the tools that read them",
    "ec2:ModifyInstanceAttribute.EnaSupport": "the network of a machine is the host's",
    "ec2:ModifyInstanceAttribute.SriovNetSupport": "the network of a machine is the host's",
    "ec2:RunInstances.CreditSpecification": "the lab has no CPU credits: a burstable type never slows down",
    "ec2:RunInstances.EnclaveOptions": "enclaves are off unless a launch asks for them; machines have none",
    "ec2:RunInstances.MaintenanceOptions": "hosts of the lab are never maintained",
    "ec2:RunInstances.PrivateDnsNameOptions": "a machine's host name is always made of its address",
    "ec2:StopInstances.Force": "a machine of the lab always stops",
    "kms:*.GrantTokens": "grants of the lab count at once",
    "sns:Subscribe.ReturnSubscriptionArn": "the lab confirms subscriptions at once, and always returns their ARN",
    "sqs:ReceiveMessage.ReceiveRequestAttemptId": "it repeats a lost answer of a FIFO queue, and the lab loses none",
}


def harmless(operation: str, parameter: str, value: Any, shape: Any) -> bool:
    """Whether nothing is lost when this parameter of `service:Action` is ignored.

    What SDKs make up by themselves is (the client tokens that botocore's model calls `idempotencyToken`), and a switch
    that is off.
    """
    if shape.metadata.get("idempotencyToken") or str(value).lower() == "false" or value in ({}, []):
        return True
    return any(fnmatchcase(f"{operation}.{parameter}", pattern) for pattern in IGNORED)
