"""Leases: objects of the artifact bucket, which `run/leases/` reads, and removes in the state it read them in."""

from __future__ import annotations

from orchestrator.aws.resource_kind import ResourceKind

KIND = ResourceKind(name="lease", order=70, cost="next to nothing: an object of less than 1 KB", proof=True)
