"""The key that encrypts AMIs, where the environment names one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import AmiError
from orchestrator.run.doctor.doctor_check import DoctorCheck, asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.run.doctor.check_result import CheckResult


def key_of(environment: Environment) -> str:
    """The key that encrypts AMIs. Raises AmiError when EC2 could not use it, which it says when the whole build is done
    (EC2 API Reference, CopyImage: `KmsKeyId`).
    """
    key = environment.account.client("kms").describe_key(KeyId=environment.kms_key_id)["KeyMetadata"]
    if key["KeyState"] != "Enabled" or key.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        raise AmiError(f"EC2 takes an enabled symmetric key, and this one is {key['KeyState']}, {key.get('KeySpec')}")
    return f"{key['Arn']} is enabled"


def _examine(_workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    if key := environment.kms_key_id:
        yield asked(f"key {key}", lambda: key_of(environment), f"aws kms describe-key --key-id {key}")


CHECK = DoctorCheck(70, "EC2 refuses a key of no use when the whole build is done", _examine)
