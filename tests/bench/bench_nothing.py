"""Nothing changed: `ami build` of all images, against plain Packer, which builds the smallest stack all the same."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from tests.bench.plain import PREFIX, Plain
from tests.bench.program import timed
from tests.bench.row import Row

if TYPE_CHECKING:
    from tests.bench.setting import Setting

_TIMES = 5
_AIM = 2.0
#: The image with the smallest stack.
_SMALLEST = "golden"


def run(setting: Setting) -> list[Row]:
    """Wall time, machines, calls."""
    if not setting.stands:
        setting.tell("nothing: ami build of all images from nothing, to have them")
        setting.build_from_nothing()
    setting.tell(f"nothing: packer build of {_SMALLEST}")
    other = timed(Plain(setting.lab, setting.loaded(), setting.folder, setting.logs).commands([_SMALLEST])[0]).seconds
    setting.lab.discard_images(PREFIX)
    setting.tell(f"nothing: ami build, {_TIMES} times")
    machines, calls = setting.lab.machines(), setting.lab.calls()
    walls = [setting.ami("build", "--yes").seconds for _ in range(_TIMES)]
    started = len(setting.lab.machines()) - len(machines)
    after = setting.lab.calls()
    said = "" if calls is None or after is None else f", {(after - calls) / _TIMES:.0f} calls"
    images = len(setting.loaded().images)
    return [
        Row(
            "nothing",
            f"{images} images unchanged{said} : packer build {_SMALLEST}",
            median(walls),
            other,
            aim=_AIM,
            absolute=True,
            failed=f"{started} machines were started" if started else "",
            note="" if said else "this lab does not count calls",
        )
    ]
