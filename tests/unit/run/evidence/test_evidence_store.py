"""Evidence in the bucket is whole or absent, found by run and by image, and without secrets."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from orchestrator import masks
from orchestrator.run.evidence.evidence_store import PREFIX, EvidenceStore, store_of
from orchestrator.run.evidence.local_runs import local_run
from orchestrator.run.evidence.put import put_evidence, put_when_it_raises
from orchestrator.run.evidence.run_index import RunResult
from tests.unit.run.evidence.conftest import BUCKET, LATER, RUN, web

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from tests.unit.run.evidence.conftest import Runner

REPOSITORY = Path(__file__).parents[4]


@pytest.fixture
def store(environment: Environment) -> EvidenceStore:
    made = store_of(environment)
    assert made is not None
    return made


@pytest.fixture
def s3(store: EvidenceStore) -> Any:
    """The store's own client, which tests let fail."""
    return store._s3


@pytest.fixture
def secret() -> Iterator[str]:
    """A value that is hidden while the test lasts."""
    before = set(masks._LEARNED)
    masks.learn(["kanarienvogel"])
    yield "kanarienvogel"
    masks._LEARNED.clear()
    masks._LEARNED.update(before)


def keys(s3: Any) -> set[str]:
    return {one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())}


def test_put_when_all_is_well(store: EvidenceStore, leave: Runner, s3: Any) -> None:
    """Every file is there, logs compressed, and reads as it was; the run is found by its id and by its image."""
    folder = leave(**web("rejected"))
    told: list[str] = []
    assert put_evidence(store, folder, told.append)
    assert told == []
    assert {f"runs/{RUN}/web/packer.log.gz", f"runs/{RUN}/web/report.json", f"runs/{RUN}/evidence.json"} <= keys(s3)
    zipped = s3.get_object(Bucket=BUCKET, Key=f"runs/{RUN}/web/packer.log.gz")["Body"].read()
    assert gzip.decompress(zipped) == (folder / "web/packer.log").read_bytes()
    index, here = store.index(RUN), local_run(folder)
    assert index is not None
    assert here is not None
    assert replace(index, files=()) == replace(here, files=())
    for one in index.files:
        assert store.read(RUN, one.path) == (folder / one.path).read_bytes()
    assert {one.path for one in index.files} == {one.path for one in here.files}
    put_evidence(store, leave(LATER, **web("validated")), told.append)
    assert (store.runs(), store.runs_of("web"), store.runs_of("we")) == ((LATER, RUN), (LATER, RUN), ())


@pytest.mark.parametrize("broken", ["web/packer.log.gz", "by-image", "evidence.json"])
def test_put_when_the_bucket_fails(broken: str, store: EvidenceStore, leave: Runner, s3: Any) -> None:
    """The run does not fail; its evidence is absent, a warning says where it is, and saying it again puts it there."""

    def fail(params: dict[str, Any], **_: Any) -> None:
        if broken in params["url_path"]:
            raise EndpointConnectionError(endpoint_url="https://s3.example.com/artifacts?x")

    s3.meta.events.register("before-call.s3.PutObject", fail)
    folder, told = leave(**web("validated")), list[str]()
    assert not put_evidence(store, folder, told.append)
    assert told == [
        f"warning: what the run left is only in {folder}: nothing answers at https://s3.example.com/artifacts",
        "hint: ami runs --upload --env dev puts it into the bucket artifacts",
    ]
    assert store.index(RUN) is None
    s3.meta.events.unregister("before-call.s3.PutObject", fail)
    assert put_evidence(store, folder, told.append)
    assert store.index(RUN) is not None


def test_put_when_there_is_no_bucket(environment: Environment, leave: Runner) -> None:
    """Nothing is said of it."""
    told: list[str] = []
    assert store_of(environment.model_copy(update={"artifact_bucket": ""})) is None
    assert not put_evidence(None, leave(), told.append)
    assert told == []


def test_put_when_a_person_does_not_wait(store: EvidenceStore, leave: Runner, s3: Any) -> None:
    """Ctrl-C while it uploads ends the upload, not the run."""

    def interrupt(**_: Any) -> None:
        raise KeyboardInterrupt

    s3.meta.events.register("before-call.s3.PutObject", interrupt)
    told: list[str] = []
    assert not put_evidence(store, leave(), told.append)
    assert told[0].endswith(": interrupted")


def test_put_when_the_run_raised(store: EvidenceStore, leave: Runner) -> None:
    """The error goes on, and is in the evidence."""
    folder = leave(birth="")
    with pytest.raises(ZeroDivisionError), put_when_it_raises(store, folder, print):
        raise ZeroDivisionError("by hand")
    index = store.index(RUN)
    assert index is not None
    assert (index.result, index.error) == (RunResult.FAILED, "by hand")


def test_put_when_a_killed_run_left_a_secret(store: EvidenceStore, leave: Runner, s3: Any, secret: str) -> None:
    """It is on the disk, where nobody masked it any more; it does not get into the bucket."""
    folder = leave()
    for name in ("web/packer.log", "web/web.pkr.hcl"):
        (folder / name).write_text(f'password = "{secret}" key = "test-secret-that-is-long"\n')
    assert put_evidence(store, folder, print)
    for key in keys(s3):
        content = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        content = gzip.decompress(content) if key.endswith(".gz") else content
        assert secret.encode() not in content, key
        assert b"test-secret-that-is-long" not in content, key


def test_evidence_when_a_rule_removed_a_part(store: EvidenceStore, leave: Runner, s3: Any) -> None:
    """It is not whole any more."""
    put_evidence(store, leave(), print)
    index = store.index(RUN)
    assert index is not None
    assert store.is_whole(index)
    s3.delete_object(Bucket=BUCKET, Key=f"runs/{RUN}/web/junit.xml")
    assert not store.is_whole(index)


def test_rule_of_the_documentation(s3: Any) -> None:
    """S3 takes it, and it removes evidence alone: leases, records and inputs stay."""
    rules = json.loads((REPOSITORY / "docs/examples/runs-lifecycle.json").read_text())
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=rules)
    kept = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert [rule["Filter"]["Prefix"] for rule in kept] == [PREFIX]


def test_index_when_another_wrote_it(store: EvidenceStore, s3: Any) -> None:
    """An object that is no index is none."""
    for body in (b"", b"[]", b'{"schema": "ami/evidence/1"}', b'{"schema": "other/1"}'):
        s3.put_object(Bucket=BUCKET, Key=f"runs/{RUN}/evidence.json", Body=body)
        assert store.index(RUN) is None
