"""Buckets whose policies the lab judges: moto's own reading of them knows no principals and no conditions."""

from __future__ import annotations

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket


class PolicedBucket(FakeBucket):
    """A bucket whose policy the guard judges, where rights are enforced, and nobody elsewhere."""

    def get_permission(self, action: str, resource: str) -> PermissionResult:  # noqa: ARG002  moto's signature
        """Nothing more to say: the guard has allowed the call."""
        return PermissionResult.NEUTRAL
