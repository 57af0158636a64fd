"""The evidence of runs in the artifact bucket: `runs/<run id>/...`, and `runs/by-image/<image>/<run id>` to find it by.

A run's files are put first and its `evidence.json` last: without that object the run has no evidence there. An object
is never changed, so that to put a run again is harmless.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from orchestrator.aws.account import AwsError, error_code
from orchestrator.aws.conditional import ABSENT
from orchestrator.masks import hidden, masks_of
from orchestrator.run.evidence.files import files_of, is_log, name_in_bucket, packed, unpacked
from orchestrator.run.evidence.run_index import SCHEMA, KeptFile, index_from
from orchestrator.run.session.identity import started_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from orchestrator.aws.account import Account
    from orchestrator.definition.environment import Environment
    from orchestrator.run.evidence.run_index import RunIndex

#: Where the evidence of runs is in the bucket. A lifecycle rule names this prefix.
PREFIX = "runs/"
_BY_IMAGE = f"{PREFIX}by-image/"
#: The object that is put last.
INDEX_FILE = "evidence.json"
#: How many requests are on their way at a time.
_AT_ONCE = 8

_Answer = TypeVar("_Answer")

_TYPES = {".json": "application/json", ".xml": "application/xml"}


class EvidenceStore:
    """The evidence in one bucket. Methods raise AwsError when the bucket does not do what they ask for.

    `environment` is the name of the one whose bucket it is.
    """

    def __init__(self, account: Account, bucket: str, environment: str) -> None:
        self.bucket = bucket
        self.environment = environment
        self._account = account
        self._s3 = account.client("s3")

    def put(self, index: RunIndex, folder: Path) -> None:
        """Put all files of a run, and then its index. Raises OSError for a file that cannot be read."""
        masks = masks_of(self._account.secrets)

        def put_one(path: str) -> KeptFile:
            content = packed(folder, path, masks)
            self._write(f"{PREFIX}{index.run}/{name_in_bucket(path)}", content, path)
            return KeptFile(path, len(content))

        kept = tuple(_each(put_one, files_of(folder)))
        for image in {one.image for one in index.images}:
            self._write(f"{_BY_IMAGE}{image}/{index.run}", b"", "")
        body = {"schema": SCHEMA, **replace(index, files=kept).as_json()}
        text = json.dumps(hidden(body), indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace")
        self._write(f"{PREFIX}{index.run}/{INDEX_FILE}", text, INDEX_FILE)

    def runs(self) -> tuple[str, ...]:
        """The ids of all runs of which there is something, the newest first. Some may not be whole."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=PREFIX, Delimiter="/")
        names = (str(one["Prefix"]) for page in pages for one in page.get("CommonPrefixes", ()))
        return _newest_first(name.removeprefix(PREFIX).rstrip("/") for name in names)

    def runs_of(self, image: str) -> tuple[str, ...]:
        """The ids of the runs that had an image, the newest first."""
        prefix = f"{_BY_IMAGE}{image}/"
        return _newest_first(key.removeprefix(prefix) for key, _ in self._keys(prefix))

    def index(self, run: str) -> RunIndex | None:
        """What is known of a run; None unless its evidence was put whole."""
        try:
            answer = self._s3.get_object(Bucket=self.bucket, Key=f"{PREFIX}{run}/{INDEX_FILE}")
            return index_from(json.loads(answer["Body"].read()))
        except AwsError as error:
            if error_code(error) not in ABSENT:
                raise
        except ValueError:
            pass  # an object that the factory did not write
        return None

    def indices(self, runs: Iterable[str]) -> dict[str, RunIndex]:
        """What is known of each of these runs whose evidence was put whole."""
        return {index.run: index for index in _each(self.index, runs) if index is not None}

    def is_whole(self, index: RunIndex) -> bool:
        """Whether each file that was put is still there. A rule of the bucket may have removed some."""
        prefix = f"{PREFIX}{index.run}/"
        there = dict(self._keys(prefix))
        return all(there.get(prefix + name_in_bucket(one.path)) == one.bytes for one in index.files)

    def read(self, run: str, path: str) -> bytes:
        """A file of a run. Raises OSError when it is broken."""
        answer = self._s3.get_object(Bucket=self.bucket, Key=f"{PREFIX}{run}/{name_in_bucket(path)}")
        return unpacked(path, answer["Body"].read())

    def place(self, run: str, path: str = "") -> str:
        """Where a file of a run is, or the whole run, as `aws s3` takes it."""
        return f"s3://{self.bucket}/{PREFIX}{run}/{name_in_bucket(path)}"

    def _keys(self, prefix: str) -> Iterator[tuple[str, int]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return ((str(one["Key"]), int(one["Size"])) for page in pages for one in page.get("Contents", ()))

    def _write(self, key: str, content: bytes, path: str) -> None:
        types = (kind for end, kind in _TYPES.items() if path.endswith(end))
        kind = "application/gzip" if is_log(path) else next(types, "text/plain; charset=utf-8")
        self._s3.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType=kind)


def store_of(environment: Environment) -> EvidenceStore | None:
    """Where an environment keeps the evidence of its runs; None without an artifact bucket."""
    bucket = environment.artifact_bucket
    return EvidenceStore(environment.account, bucket, environment.name) if bucket else None


def _newest_first(runs: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted((run for run in runs if started_of(run) is not None), reverse=True))


def _each(ask: Callable[[str], _Answer], values: Iterable[str]) -> list[_Answer]:
    """The answers for all values, in order; the first error ends it."""
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="evidence")
    try:
        return list(pool.map(ask, values))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # whoever presses Ctrl-C does not wait for what hangs
