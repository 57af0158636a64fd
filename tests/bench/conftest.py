"""Keeps pytest away from the roles that benches build: their tests run in the machines."""

from __future__ import annotations

collect_ignore = ["workloads"]
