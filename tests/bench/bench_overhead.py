"""One image, no reuse: `ami build` against bare `packer build` of the file that it rendered.

The bare side gets the arguments and the environment that the factory gave Packer, which a program named `packer` before
the real one on PATH writes down. Only a key pair and a security group that Packer makes itself, an AMI name of its own
and `ansible-playbook` are put in their place, and nobody follows its tasks.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from orchestrator.build.launch.wrapper_variables import EVENTS_VARIABLE
from tests.bench.plain import PREFIX
from tests.bench.program import PROGRAMS, Command, environment, timed
from tests.bench.row import Row

if TYPE_CHECKING:
    from tests.bench.setting import Setting

_AIM = 1.03
_IMAGE = "golden"

_RECORDER = """\
#!/bin/sh
if [ "$1" = build ]; then
  env -0 >"{folder}/environment"
  printf '%s\\0' "$@" >"{folder}/arguments"
fi
exec "{packer}" "$@"
"""


@dataclass(frozen=True)
class _Round:
    build_phase: float
    without_tests: float
    bare: float


def run(setting: Setting) -> list[Row]:
    """The build phase alone, and the whole command without its validation."""
    setting.lab.empty()
    setting.stands = False
    rounds = []
    for number in range(1, setting.rounds + 1):
        setting.tell(f"overhead {number}: ami build {_IMAGE}")
        phase, rest = _ours(setting)
        setting.tell(f"overhead {number}: took {rest:.1f} s without the tests; packer build of the same file")
        rounds.append(_Round(phase, rest, _bare(setting)))
        setting.tell(f"overhead {number}: packer took {rounds[-1].bare:.1f} s")
    bare = median(one.bare for one in rounds)
    phase, whole = median(one.build_phase for one in rounds), median(one.without_tests for one in rounds)
    return [
        Row("overhead", f"build phase of {_IMAGE} : packer build, same file", phase, bare, aim=_AIM),
        Row("overhead", f"ami build {_IMAGE} without its tests : same", whole, bare, aim=_AIM),
    ]


def _ours(setting: Setting) -> tuple[float, float]:
    """The seconds of the build phase, and of the command without the tests."""
    recorder = setting.folder / "recorder" / "packer"
    recorder.parent.mkdir(exist_ok=True)
    recorder.write_text(_RECORDER.format(folder=recorder.parent, packer=shutil.which("packer")))
    recorder.chmod(0o755)
    env = environment()
    env["PATH"] = f"{recorder.parent}:{env['PATH']}"
    ended = setting.ami("build", _IMAGE, "--rebuild", "--yes", "--json", env=env)
    (image,) = json.loads(ended.out)["images"]
    return image["build_seconds"], ended.seconds - image["validate_seconds"]


def _bare(setting: Setting) -> float:
    """The seconds of Packer alone."""
    with tempfile.TemporaryDirectory(prefix="ami-") as private:
        command = _same(setting, Path(private))
        seconds = timed(command).seconds
    setting.lab.discard_images(f"{_IMAGE}-{PREFIX}")
    return seconds


def _same(setting: Setting, private: Path) -> Command:
    """What was written down, in a private folder of its own."""
    folder = setting.folder / "recorder"
    env = dict(pair.split("=", 1) for pair in (folder / "environment").read_text().split("\0") if pair)
    gone = env.pop("TMPDIR")
    env = {name: value.replace(gone, str(private)) for name, value in env.items() if name != EVENTS_VARIABLE}
    arguments = (folder / "arguments").read_text().split("\0")[:-1]
    arguments.remove("-machine-readable")
    decided = next(one for one in arguments if one.endswith("run.pkrvars.json"))
    arguments[arguments.index(decided)] = f"-var-file={private / 'bare.pkrvars.json'}"
    (private / "bare.pkrvars.json").write_text(json.dumps(_own_values(decided)))
    log = setting.logs / "bare"
    return Command(["packer", *arguments], setting.workspace, log, env | {"TMPDIR": str(private)})


def _own_values(decided: str) -> dict[str, object]:
    """What the run decided, with the bare side's own access, name and Ansible."""
    own = {
        "version": f"{PREFIX}{time.time_ns()}",
        "ami_name": "",
        "ansible_command": str(PROGRAMS / "ansible-playbook"),
        "ssh_keypair_name": "",
        "ssh_private_key_file": "",
        "security_group_id": "",
    }
    return json.loads(Path(decided.removeprefix("-var-file=")).read_text()) | own
