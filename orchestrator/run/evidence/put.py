"""At the end of a run: its evidence is put into the artifact bucket, if there is one. No run fails for want of it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError, refusal
from orchestrator.run.evidence.local_runs import local_run, write_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from orchestrator.run.evidence.evidence_store import EvidenceStore


def put_evidence(store: EvidenceStore | None, folder: Path, tell: Callable[[str], None]) -> bool:
    """Put the evidence of a run that has ended. When that fails, `tell` gets a warning. Whether it is in the bucket."""
    if store is None or (index := local_run(folder)) is None:
        return False
    try:
        store.put(index, folder)
    except (*AwsError, OSError) as error:
        lack = refusal(error)
        why = lack.message if lack else str(error)
    except KeyboardInterrupt:
        why = "interrupted"
    else:
        return True
    tell(f"warning: what the run left is only in {folder}: {why}")
    tell(f"hint: ami runs --upload --env {store.environment} puts it into the bucket {store.bucket}")
    return False


@contextmanager
def put_when_it_raises(store: EvidenceStore | None, folder: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """When the block raises, say so in the run's folder, and put its evidence; the error goes on."""
    try:
        yield
    except Exception as error:
        with suppress(OSError):  # the error itself matters more
            write_error(folder, error)
        put_evidence(store, folder, tell)
        raise
