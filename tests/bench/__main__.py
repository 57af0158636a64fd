"""`python -m tests.bench [BENCH...]`: runs benches one after the other in a lab of their own, prints one table.

What was found is also in `.ami/bench.json`, which is written anew after each bench. What the programs printed that were
measured stays in `.ami/bench-logs`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.bench import machine
from tests.bench.lab import lab
from tests.bench.program import Failed
from tests.bench.row import Row, table
from tests.bench.setting import REPOSITORY, Setting

#: In the order in which they are run: makespan looks at the builds of layers, and nothing at what these left.
BENCHES = (
    "layers",
    "makespan",
    "nothing",
    "overhead",
    "plan",
    "start",
    "teams",
    "ansible",
    "validate",
    "many",
    "share",
)

RESULT = REPOSITORY / ".ami" / "bench.json"
LOGS = REPOSITORY / ".ami" / "bench-logs"


@dataclass
class Found:
    """What was found so far, and on what."""

    facts: dict[str, Any]
    rows: list[Row] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """As JSON."""
        values = {**self.facts, "rows": [row.as_json() for row in self.rows], "failed": self.failed}
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(values, indent=2) + "\n")

    def __str__(self) -> str:
        """As a table."""
        failed = [f"{name}: could not be run: {why}" for name, why in self.failed.items()]
        return "\n".join([*([table(self.rows)] if self.rows else ()), *failed])


def main() -> int:
    """Run what was asked for. Exit code 1 when a bench could not be run; a missed aim is told in the table."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a cancelled job leaves no lab
    found = Found(machine.facts(REPOSITORY) | vars(arguments))
    shutil.rmtree(LOGS, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="ami-bench-") as folder, lab(tell) as own:
        rounds = arguments.rounds, arguments.long_rounds
        setting = Setting(own, Path(folder), LOGS, *rounds, parallel=arguments.parallel, tell=tell)
        for name in BENCHES:
            if name in (arguments.benches or BENCHES):
                _add(name, setting, found)
                found.write()
    sys.stdout.write(f"{found}\n")
    tell(f"the same as JSON: {RESULT}")
    return 1 if found.failed else 0


def _add(name: str, setting: Setting, found: Found) -> None:
    tell(f"{name}: begins")
    try:
        found.rows += _ansible(setting) if name == "ansible" else _run(name, setting)
    except Failed as failed:
        found.failed[name] = str(failed)
    except Exception as bug:  # noqa: BLE001 - the other benches can be run all the same
        found.failed[name] = repr(bug)
        traceback.print_exc()


def _run(name: str, setting: Setting) -> list[Row]:
    rows: list[Row] = import_module(f"tests.bench.bench_{name}").run(setting)
    return rows


def _ansible(setting: Setting) -> list[Row]:
    """That of provisioning alone, which can be run by itself and knows nothing of settings."""
    if find_spec("tests.bench.bench_ansible") is None:
        raise Failed("tests/bench/bench_ansible.py is not there")
    got = import_module("tests.bench.bench_ansible").run(setting.lab.endpoint, setting.rounds)
    compared = "Ansible of the golden stack : stock settings"
    return [Row("ansible", compared, got["ours_seconds"], got["stock_seconds"], aim=got["aim"])]


def tell(text: str) -> None:
    """A line about what goes on, with the time."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition(":")[2])
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"default: all of {', '.join(BENCHES)}")
    parser.add_argument("--rounds", type=int, default=3, help="of each bench but layers; medians are told")
    parser.add_argument("--long-rounds", type=int, default=1, help="of layers, which takes long")
    parser.add_argument("--parallel", type=int, default=2, help="machines at a time, on both sides")
    read = parser.parse_args()
    if unknown := set(read.benches) - set(BENCHES):
        parser.error(f"no bench {', '.join(sorted(unknown))}: there are {', '.join(BENCHES)}")
    return read


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
