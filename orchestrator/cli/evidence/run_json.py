"""A run as JSON: what `ami runs` prints of each, and `ami logs` of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.contract.runs import KnownRunJson, RunImageJson
    from orchestrator.run.evidence.run_history import KnownRun
    from orchestrator.run.evidence.run_index import RunImage


def run_json(run: KnownRun) -> KnownRunJson:
    """A JSON object with every field, null for what is not known."""
    index = run.index
    return {
        "run": index.run,
        "started": f"{index.started:%Y-%m-%dT%H:%M:%SZ}",
        "status": str(index.result),
        "command": index.command or None,
        "environment": index.environment or None,
        "commit": index.commit or None,
        "host": index.host or None,
        "reason": index.error or None,
        "seconds": index.seconds,
        "images": [_image(one) for one in index.images],
        "kept_in": list(run.places),
        "folder": str(run.folder) if run.folder else None,
        "bucket_folder": run.store.place(index.run) if run.store else None,
        "files": [{"file": one.path, "bytes": one.bytes} for one in index.files],
    }


def _image(image: RunImage) -> RunImageJson:
    return {
        "image": image.image,
        "status": image.status or None,
        "shared": image.shared,
        "ami_id": image.ami_id or None,
        "version": image.version or None,
    }
