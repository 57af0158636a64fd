"""A run on the workers of a Dask scheduler: as a run here, whatever becomes of a worker."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.cli.contract import error_of, printed
from tests.dask_programs import dask, family, kill
from tests.lab.small import NOTHING, PROGRAMS, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.small import Small

pytestmark = pytest.mark.long(100)

SLOW = "- name: Take a while\n  ansible.builtin.command: sleep 6\n  changed_when: false\n"


@pytest.fixture(scope="module")
def scheduler(free_port: Callable[[], int]) -> Iterator[str]:
    """The address of a scheduler on the loopback interface."""
    port = free_port()
    with dask("scheduler", "--host", "127.0.0.1", "--port", str(port), env=environment()):
        yield f"127.0.0.1:{port}"


def worker(scheduler: str, folder: Path, **env: str) -> Any:
    """A worker that does two tasks at a time, with a cache of its own."""
    own = {"XDG_CACHE_HOME": str(folder / "cache"), **env}
    arguments = ("--nworkers", "1", "--nthreads", "2", "--local-directory", str(folder))
    return dask("worker", f"tcp://{scheduler}", *arguments, env={**environment(), **own})


def await_workers(scheduler: str, count: int) -> None:
    from distributed import Client  # noqa: PLC0415 - it takes long to load

    with Client(f"tcp://{scheduler}", set_as_default=False) as client:  # type: ignore[no-untyped-call]
        client.wait_for_workers(count, timeout=300)


def events(small: Small) -> list[dict[str, Any]]:
    runs = list(small.root.glob(".ami/runs/*/events.jsonl"))
    lines = max(runs).read_text().splitlines() if runs else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def begun_on(small: Small, process: subprocess.Popen[bytes], workers: list[psutil.Process]) -> psutil.Process:
    """The worker that builds, once the image's roles are applied."""
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        applied = any(event.get("role") == "marker" for event in events(small))
        if applied and (found := [one for one in workers if builds(one)]):
            return found[0]
        time.sleep(0.2)
    process.kill()
    out, err = process.communicate()
    return pytest.fail(f"nothing was built: {out.decode()}{err.decode()}")


def builds(worker: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return any("packer" in child.name() for child in family(worker))
    return False


def test_build_when_the_machine_of_a_worker_is_lost(small: Small, scheduler: str, tmp_path: Path) -> None:
    """Another worker does its tasks again, after it has removed what is left. Both images come out proven, each is made
    once, and logs and reports are where a run here leaves them.
    """
    tasks = small.root / "roles/marker/tasks/main.yml"
    tasks.write_text(SLOW + tasks.read_text())
    small.role("extra", "extra")
    small.image("top", "light", "base: {roles: [extra]}")
    argv = [str(PROGRAMS / "ami"), "build", "--yes", "--json", "--on", f"dask://{scheduler}"]
    with worker(scheduler, tmp_path / "one") as one, worker(scheduler, tmp_path / "two") as two:
        await_workers(scheduler, 2)
        with subprocess.Popen(
            argv, cwd=small.root, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            try:
                kill(begun_on(small, process, [one, two]))
                out, err = process.communicate(timeout=400)
            finally:
                process.kill()
    assert process.returncode == 0, out.decode() + err.decode()
    assert {image["image"]: image["status"] for image in printed(out.decode())["images"]} == {
        "tiny": "validated",
        "top": "validated",
    }
    assert Counter(image["Name"].partition("-")[0] for image in small.images()) == {"tiny": 1, "top": 1}
    lost = [(event["image"], event["message"]) for event in events(small) if "was lost" in event.get("message", "")]
    assert {image for image, _ in lost} & {"tiny", "top"}
    assert small.left_over() == NOTHING
    assert {path.name for path in (small.last_run() / "top").iterdir()} >= {"packer.log", "report.json", "junit.xml"}
    assert not list(tmp_path.glob("*/cache/ami/workspaces/*/.ami/runs"))


def test_build_when_a_worker_is_not_fit(small: Small, scheduler: str, tmp_path: Path) -> None:
    """It is said which worker lacks what, before anything is built."""
    image = (small.root / "packer/images/tiny.yml").read_text()
    variables = "[{base: {vars: {password: {secret: env:DASK_SECRET}}}}]"
    small.write("packer/images/tiny.yml", image.replace("[base]", variables))
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("git", "locale", "setpriv"):
        (programs / name).symlink_to(shutil.which(name) or "")
    path = {"PATH": str(programs), "DASK_SECRET": "another one"}
    with worker(scheduler, tmp_path / "bad", **path):
        await_workers(scheduler, 1)
        done = subprocess.run(
            [PROGRAMS / "ami", "build", "--yes", "--json", "--on", f"dask://{scheduler}"],
            cwd=small.root,
            env={**environment(), "DASK_SECRET": "the right one"},
            capture_output=True,
            check=False,
            timeout=200,
        )
    error = error_of(done.stderr.decode())
    assert (done.returncode, error["error"]) == (3, "lack")
    assert "packer: the program 'packer' is not installed" in error["message"]
    assert "env:DASK_SECRET has another value here" in error["message"]
    assert small.images() == []
    assert small.left_over() == NOTHING
    assert "the right one" not in done.stderr.decode() + "".join(path.read_text() for path in runs_files(small))


def runs_files(small: Small) -> list[Path]:
    return [path for path in small.root.glob(".ami/runs/**/*") if path.is_file()]


def test_build_when_nothing_can_be_built_elsewhere(small: Small, scheduler: str) -> None:
    """A scheduler without workers, an address that is none, and an environment without a bucket are told as such."""
    asked = ("build", "--yes", "--on")
    small.ami(*asked, f"dask://{scheduler}", code=3)
    small.ami(*asked, f"dusk://{scheduler}", code=2)
    path = small.root / "packer/environments/lab.pkrvars.hcl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("artifact_bucket")))
    small.ami(*asked, f"dask://{scheduler}", code=2)
