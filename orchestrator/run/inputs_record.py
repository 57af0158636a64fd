"""The full record of a segment's inputs in the artifact bucket: `inputs/<fingerprint>.json`.

It serves `ami plan --explain` only. Without a bucket, or when it does not answer, the AMI's tags say less and suffice.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError
from orchestrator.plan.explaining.record import record, states_of

if TYPE_CHECKING:
    from orchestrator.definition.environment import Environment
    from orchestrator.plan.explaining.change import InputState
    from orchestrator.plan.segment import Segment

LOG = logging.getLogger(__name__)


def _key(fingerprint: str) -> str:
    return f"inputs/{fingerprint}.json"


def keep(environment: Environment, segment: Segment) -> None:
    """Write what a segment is made from. A build does not fail for want of it."""
    if not environment.artifact_bucket:
        return
    body = json.dumps(record(segment.inputs), separators=(",", ":")).encode()
    try:
        environment.account.client("s3").put_object(
            Bucket=environment.artifact_bucket, Key=_key(segment.fingerprint), Body=body
        )
    except AwsError as error:
        LOG.warning("the inputs of %s were not recorded: %s", segment.name, error)


def states(environment: Environment, fingerprint: str) -> dict[tuple[str, str], InputState]:
    """The inputs that made an AMI of this fingerprint; empty when there is no record of them."""
    if not environment.artifact_bucket:
        return {}
    try:
        answer = environment.account.client("s3").get_object(Bucket=environment.artifact_bucket, Key=_key(fingerprint))
        return states_of(json.loads(answer["Body"].read()))
    except (*AwsError, ValueError, KeyError) as error:
        LOG.info("no record of the inputs of %s: %s", fingerprint, error)
        return {}
