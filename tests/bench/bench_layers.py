"""All images from nothing: `ami build` against plain `packer build` of each full stack, with the same parallelism."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from tests.bench.plain import PREFIX, Plain
from tests.bench.program import at_most
from tests.bench.row import Row

if TYPE_CHECKING:
    from tests.bench.setting import Setting

_AIM = 0.3


def run(setting: Setting) -> list[Row]:
    """Wall time and machine-seconds. Ours includes the validation of each image, the other none."""
    ours, other = [], []
    for number in range(1, setting.long_rounds + 1):
        setting.tell(f"layers {number}: packer build of each full stack")
        other.append(_plain(setting))
        setting.tell(f"layers {number}: packer took {other[-1][0]:.0f} s; ami build")
        built = setting.build_from_nothing()
        building = sum(float(one.get("build_seconds", 0.0)) for one in built.summary["images"])
        ours.append((built.wall, built.machine_seconds, building))
        setting.tell(f"layers {number}: ami build took {built.wall:.0f} s")
    note = "ours boots and tests every image; plain Packer tests none"
    count = f"{len(setting.loaded().images)} images, {setting.parallel} at a time"
    return [
        Row("layers", f"{count}: wall", *_medians(ours, other, 0), aim=_AIM, note=note),
        Row("layers", f"{count}: machine-seconds", *_medians(ours, other, 1), aim=_AIM),
        Row("layers", f"{count}: building alone, summed up", *_medians(ours, other, 2), note="no tests on either side"),
    ]


def _plain(setting: Setting) -> tuple[float, float, float]:
    """Wall of plain Packer, its machine-seconds, and the time of all builds summed up: that of their machines."""
    workspace = setting.loaded()
    commands = Plain(setting.lab, workspace, setting.folder, setting.logs).commands(list(workspace.images))
    before = setting.lab.machines()
    began = time.perf_counter()
    at_most(setting.parallel, commands, setting.tell)
    wall = time.perf_counter() - began
    lived = sum(seconds for name, seconds in setting.lab.machines().items() if name not in before)
    setting.lab.discard_images(PREFIX)
    return wall, lived, lived


def _medians(
    ours: list[tuple[float, float, float]], other: list[tuple[float, float, float]], place: int
) -> tuple[float, float]:
    return median(one[place] for one in ours), median(one[place] for one in other)
