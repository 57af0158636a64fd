"""Parcels in the artifact bucket, `workspaces/<digest>.tar.gz`, and unpacked on this machine.

An object is named by its content and never changed. What this machine has unpacked already it does not fetch again.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError, error_code, refusal, told
from orchestrator.aws.conditional import ABSENT, FASTER
from orchestrator.errors import LackError
from orchestrator.fetching.cache_folder import cache_folder
from orchestrator.files.held_folder import held_folder
from orchestrator.run.remote.travel.parcel import digest_of, unpacked_files

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.aws.account import Account
    from orchestrator.run.remote.travel.parcel import Parcel

#: Where parcels are in the bucket.
PREFIX = "workspaces/"
#: Bytes of an archive that are kept in memory; more go to a temporary file.
_IN_MEMORY = 1 << 24
#: Seconds after which an unpacked parcel goes that no task has used.
_UNUSED = 14 * 86400.0


class ParcelStore:
    """The parcels in one bucket. Methods raise LackError when the bucket cannot be used."""

    def __init__(self, account: Account, bucket: str) -> None:
        self._s3 = account.client("s3")
        self._bucket = bucket

    def put(self, parcel: Parcel) -> bool:
        """Put a parcel that is not there yet. Whether it was put."""
        key = f"{PREFIX}{parcel.digest}.tar.gz"
        try:
            if self._has(key):
                return False
            with tempfile.SpooledTemporaryFile(_IN_MEMORY) as archive:
                parcel.write(archive)
                archive.seek(0)
                self._s3.put_object(Bucket=self._bucket, Key=key, Body=archive, IfNoneMatch="*")
        except AwsError as error:
            if error_code(error) not in FASTER:
                raise self._lack(error, "written") from error
        return True

    def unpacked(self, digest: str, below: str) -> Path:
        """The folder of a level on this machine, fetched when it is not there; `below` is the digest it stands on."""
        place = cache_folder("workspaces") / digest
        if place.is_dir():
            os.utime(place)
            return place
        place.parent.mkdir(parents=True, exist_ok=True)
        _make_room(place.parent)
        with held_folder(place.parent) as folder:
            coming = folder / "content"
            coming.mkdir()
            self._fetch(digest, coming)
            if digest_of(unpacked_files(coming), below) != digest:
                raise LackError(
                    f"{PREFIX}{digest}.tar.gz in the bucket '{self._bucket}' is not what its name says",
                    hint="delete that object and run it again",
                )
            coming.chmod(0o755)
            try:
                coming.rename(place)
            except OSError:
                if not place.is_dir():  # unless another process was faster
                    raise
        return place

    def _fetch(self, digest: str, into: Path) -> None:
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=f"{PREFIX}{digest}.tar.gz")["Body"]
            with tarfile.open(fileobj=body, mode="r|gz") as archive:
                archive.extractall(into, filter="data")
        except AwsError as error:
            raise self._lack(error, "read") from error
        except tarfile.TarError as error:
            raise LackError(f"{PREFIX}{digest}.tar.gz in the bucket '{self._bucket}' is broken: {error}") from error

    def _has(self, key: str) -> bool:
        try:
            self._s3.head_object(Bucket=self._bucket, Key=key)
        except AwsError as error:
            if error_code(error) in ABSENT:
                return False
            raise
        return True

    def _lack(self, error: Exception, done: str) -> LackError:
        lack = refusal(error)
        said = lack.message if lack else told(error)
        return LackError(
            f"the workspace cannot be {done} in the bucket '{self._bucket}': {said}",
            hint="builders and workers need s3:GetObject and s3:PutObject on its keys (docs/many-machines.md)",
        )


def _make_room(place: Path) -> None:
    """Remove what no task has used for long."""
    for one in place.iterdir():
        with suppress(OSError):  # another process was faster
            if time.time() - one.stat().st_mtime > _UNUSED:
                shutil.rmtree(one, ignore_errors=True)
