"""Planning many images: `ami plan`, a process of its own, in an empty account."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING

from tests.bench import generated
from tests.bench.row import Row

if TYPE_CHECKING:
    from tests.bench.program import Ended
    from tests.bench.setting import Setting

_FEW, _MANY = 1_000, 10_000
_SECONDS = 2.0
#: What one image of many may cost, compared with one of few, for growth to be called linear.
_GROWTH = 1.1


def run(setting: Setting) -> list[Row]:
    """Seconds of few, and growth from few to many: in time and in memory."""
    setting.lab.empty()
    setting.stands = False
    few, many = _planned(setting, _FEW), _planned(setting, _MANY)
    seconds = [median(one.seconds for one in ended) for ended in (few, many)]
    peaks = [median(one.peak for one in ended) for ended in (few, many)]
    times = _MANY // _FEW
    return [
        Row("plan", f"{_FEW:,} images", seconds[0], aim=_SECONDS, absolute=True, note=f"{_MANY:,}: {seconds[1]:.1f} s"),
        Row("plan", f"{_MANY:,} images : {times} times {_FEW:,}", seconds[1], times * seconds[0], aim=_GROWTH),
        Row("plan", f"memory at most, {_MANY:,} : {_FEW:,}", peaks[1], peaks[0], unit="MiB"),
    ]


def _planned(setting: Setting, count: int) -> list[Ended]:
    """Each round of planning a generated workspace. What was planned must be all of it."""
    root = setting.folder / f"images-{count}"
    if not root.exists():
        setting.tell(f"plan: writing {count:,} images")
        generated.write(root, count, setting.lab.endpoint)
    setting.tell(f"plan: ami plan of {count:,} images")
    rounds = [setting.ami("plan", "--json", workspace=root) for _ in range(setting.rounds)]
    images = [step for step in json.loads(rounds[-1].out)["steps"] if step["image"]]
    if len(images) != count:
        raise AssertionError(f"{len(images)} of {count} images were planned")
    return rounds
