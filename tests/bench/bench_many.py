"""Twelve images of their own: built and tested by one process, and by the workers of a scheduler.

Each of these processes is held to half a core with all that it starts, as a small machine of its own would be. The lab
and its machines are not: they stand for EC2. So the lab needs what is left of this machine, and rows with more workers
than that mean little; the note of the row says how busy it was.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.light import light_image
from tests.bench.program import PROGRAMS, Command, Failed, environment, timed
from tests.bench.row import Row
from tests.lab.small import AMI_YML, IMAGE, TASKS, TESTS
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.setting import Setting

_AIM = 1.1
#: Images, tasks that one machine has under way, and microseconds of a core in each 100,000.
IMAGES, THREADS, QUOTA = int(os.environ.get("BENCH_MANY_IMAGES", "12")), 4, 50_000
_CGROUP = Path("/sys/fs/cgroup/cpu" if Path("/sys/fs/cgroup/cpu").is_dir() else "/sys/fs/cgroup")
#: What docs/many-machines.md says for workers that are small.
_QUIET = {
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "10s",
    "DASK_DISTRIBUTED__ADMIN__TICK__CYCLE": "10s",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
}
_LAB_FILE = Path("packer/environments/lab.pkrvars.hcl")


def run(setting: Setting) -> list[Row]:
    """One process; one, two and three workers; and two of which one is killed."""
    root = _workspace(setting)
    light_image(setting)
    with _half_core("here") as here:
        alone = _build(setting, root, "here", [*here, str(PROGRAMS / "ami")])
    rows, walls = [], {}
    for count in (1, 2, 3):
        walls[count] = _with_workers(setting, root, count)
        compared = f"{count} workers : one process, half a core each"
        busy = f"load {os.getloadavg()[0]:.1f} at the end"
        rows.append(Row("many", compared, walls[count], alone, aim=_AIM if count == 1 else None, note=busy))
    killed = _with_workers(setting, root, 2, kill=True)
    made = _images_made(setting)
    lost = "" if made == IMAGES else f"{made} AMIs of {IMAGES} images"
    return [*rows, Row("many", "2 workers, one killed : 2 workers", killed, walls[2], failed=lost)]


def _with_workers(setting: Setting, root: Path, count: int, *, kill: bool = False) -> float:
    """The seconds of a build on so many workers. One may be killed when the first image is being provisioned."""
    with ExitStack() as stack:
        port = free_port()
        stack.enter_context(_running(setting, "scheduler", [], ["--host", "127.0.0.1", "--port", str(port)]))
        workers = [stack.enter_context(_worker(setting, stack, number, port)) for number in range(count)]
        time.sleep(15)  # half a core takes its time to start one
        if kill:
            stack.callback(_killed_in_the_middle(setting, root, workers[0]))
        return _build(
            setting, root, f"{count}{'-killed' if kill else ''}", [str(PROGRAMS / "ami")], f"dask://127.0.0.1:{port}"
        )


@contextmanager
def _worker(setting: Setting, stack: ExitStack, number: int, port: int) -> Iterator[subprocess.Popen[bytes]]:
    held = stack.enter_context(_half_core(f"worker-{number}"))
    arguments = [f"tcp://127.0.0.1:{port}", "--nworkers", "1", "--nthreads", str(THREADS)]
    arguments += ["--local-directory", str(setting.folder)]
    env = {**_QUIET, "XDG_CACHE_HOME": str(setting.folder / f"cache-{number}")}
    with _running(setting, "worker", held, arguments, **env) as popen:
        yield popen


@contextmanager
def _running(
    setting: Setting, what: str, held: Sequence[str], arguments: Sequence[str], **env: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A program of Dask's, gone in the end."""
    argv = [*held, str(PROGRAMS / "dask"), what, *arguments, "--no-dashboard"]
    setting.logs.mkdir(parents=True, exist_ok=True)
    with (setting.logs / f"dask-{what}").open("ab") as log:
        popen = subprocess.Popen(argv, env={**environment(), **env}, stdout=log, stderr=log, start_new_session=True)
    try:
        yield popen
    finally:
        with suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGTERM)
        popen.wait()


def _killed_in_the_middle(setting: Setting, root: Path, worker: subprocess.Popen[bytes]) -> Any:
    """Start a process that kills a worker with all of its session, once the newest run provisions."""
    runs = len(list(root.glob(".ami/runs/*")))
    script = (
        "import glob,os,signal,sys,time\n"
        f"while len(r:=sorted(glob.glob({str(root)!r}+'/.ami/runs/*')))<={runs} or "
        "'\"provision\"' not in open(r[-1]+'/events.jsonl').read(): time.sleep(1)\n"
        f"time.sleep(5); os.killpg({worker.pid}, signal.SIGKILL)\n"
    )
    setting.tell("many: one of the workers will be killed")
    popen = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    return popen.wait


@contextmanager
def _half_core(name: str) -> Iterator[list[str]]:
    """What holds a program, and all that it starts, to half a core: the beginning of its command."""
    group = _CGROUP / f"ami-bench-{os.getpid()}-{name}"
    try:
        group.mkdir()
        if (group / "cpu.cfs_quota_us").exists():
            (group / "cpu.cfs_quota_us").write_text(str(QUOTA))
        else:
            (group / "cpu.max").write_text(f"{QUOTA} 100000")
    except OSError as error:
        raise Failed(f"no control group can be made in {_CGROUP}: {error}") from None
    try:
        yield ["/bin/sh", "-c", f'echo $$ >{group}/cgroup.procs; exec "$@"', "sh"]
    finally:
        for _ in range(100):
            with suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.2)


def _build(setting: Setting, root: Path, name: str, ami: list[str], on: str = "") -> float:
    """The seconds of a build of all images in an account that has none."""
    _discard(setting)
    parallel = [] if on else ["--parallel", str(THREADS)]
    argv = [*ami, "build", "--yes", "--json", *parallel, *(["--on", on] if on else [])]
    setting.tell(f"many: {IMAGES} images, {name}")
    # As a worker does, it finds out anew what works together.
    env = {**environment(), "XDG_CACHE_HOME": str(setting.folder / f"cache-{name}")}
    ended = timed(Command(argv, root, setting.logs / f"many-{name}", env))
    bad = [one["image"] for one in json.loads(ended.out)["images"] if one["status"] != "validated"]
    if bad:
        raise Failed(f"not validated: {', '.join(bad)}")
    setting.tell(f"many: {name} took {ended.seconds:.0f} s")
    return ended.seconds


def _workspace(setting: Setting) -> Path:
    """Twelve images, each with a role of its own on the same small AMI."""
    root = setting.folder / "many"
    setting.loaded()
    files = {
        "ami.yml": AMI_YML,
        str(_LAB_FILE): (setting.workspace / _LAB_FILE).read_text(),
    }
    for number in range(IMAGES):
        role, name = f"role_{number}", f"tiny-{number:02}"
        layers = f"base: {{roles: [{role}]}}"
        files[f"packer/images/{name}.yml"] = (
            IMAGE.replace("NAME", name).replace("FROM", "light").replace("LAYER", layers)
        )
        for place in ("marker", role):
            files[f"roles/{place}/tasks/main.yml"] = TASKS.replace("/etc/marked", f"/etc/{place}")
            files[f"roles/{place}/tests/test_{place}.py"] = TESTS.replace("/etc/marked", f"/etc/{place}")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def _images_made(setting: Setting) -> int:
    return sum(one["Name"].startswith("tiny-") for one in setting.lab.ec2.describe_images(Owners=["self"])["Images"])


def _discard(setting: Setting) -> None:
    for prefix in ("tiny-", "stack-"):
        setting.lab.discard_images(prefix)
