"""`python -m tests.bench [BENCH...]`: runs benches one after the other in a lab of their own, prints one table.

What was found is also in `.ami/bench.json`, which is written anew after each bench.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
import traceback
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
BENCHES = ("layers", "makespan", "nothing", "overhead", "plan", "ansible")

RESULT = REPOSITORY / ".ami" / "bench.json"


def main() -> int:
    """Run what was asked for. Exit code 1 when a bench could not be run; a missed aim is told in the table."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a cancelled job leaves no lab
    chosen = [name for name in BENCHES if name in (arguments.benches or BENCHES)]
    found: dict[str, list[Row]] = {}
    failed: dict[str, str] = {}
    facts = machine.facts(REPOSITORY)
    with tempfile.TemporaryDirectory(prefix="ami-bench-") as folder, lab(tell) as own:
        setting = Setting(own, Path(folder), arguments.rounds, arguments.long_rounds, arguments.parallel, tell)
        for name in chosen:
            tell(f"{name}: begins")
            try:
                found[name] = run(name, setting)
            except Failed as error:
                failed[name] = str(error)
            except Exception as bug:  # noqa: BLE001 - the other benches can be run all the same
                failed[name] = repr(bug)
                traceback.print_exc()
            write(facts | vars(arguments), found, failed)
    sys.stdout.write(table([row for rows in found.values() for row in rows]) + "\n")
    for name, why in failed.items():
        sys.stdout.write(f"{name}: could not be run: {why}\n")
    tell(f"the same as JSON: {RESULT}")
    return 1 if failed else 0


def run(name: str, setting: Setting) -> list[Row]:
    """The rows of one bench."""
    if name == "ansible":
        return _ansible(setting)
    rows: list[Row] = import_module(f"tests.bench.bench_{name}").run(setting)
    return rows


def _ansible(setting: Setting) -> list[Row]:
    """That of provisioning alone, which can be run by itself and knows nothing of settings."""
    if find_spec("tests.bench.bench_ansible") is None:
        raise Failed("tests/bench/bench_ansible.py is not there")
    got = import_module("tests.bench.bench_ansible").run(setting.lab.endpoint, setting.rounds)
    compared = "Ansible of the golden stack : stock settings"
    return [Row("ansible", compared, got["ours_seconds"], got["stock_seconds"], aim=got["aim"])]


def write(facts: dict[str, Any], found: dict[str, list[Row]], failed: dict[str, str]) -> None:
    """What was found so far, as JSON."""
    rows = [row.as_json() for rows in found.values() for row in rows]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({**facts, "rows": rows, "failed": failed}, indent=2) + "\n")


def tell(text: str) -> None:
    """A line about what goes on, with the time."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"default: all of {', '.join(BENCHES)}")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the short benches; medians are told")
    parser.add_argument("--long-rounds", type=int, default=1, help="rounds of layers, which takes long")
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
