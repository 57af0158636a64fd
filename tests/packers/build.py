"""`packer build` of the program for tests: which part of which recording an attempt plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.packers.account import Builder, Refused
from tests.packers.checks import Stopped
from tests.packers.play import Play, Signals
from tests.packers.recording import part

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.packers.recording import Line
    from tests.packers.setting import Home
    from tests.packers.template import Template


def build(home: Home, template: Template, amazon: tuple[int, ...], show: Callable[[Line], None]) -> int:
    """Play the next attempt of a build, which is known by its run; the result is Packer's exit code."""
    setting, signals = home.setting, Signals()
    builder = Builder(template, amazon, signals.pause)
    run = template.get("run_tags", {}).get("ami:run", "")
    number = home.next_attempt(f"{run} {template.image} {setting.case}")
    try:
        used = bool(builder.named(template.get("ami_name")))
    except Refused as refused:
        raise Stopped(str(refused)) from None
    attempt = part(setting.version, setting.case, number, name_is_used=used)
    return Play(template, attempt, builder, home, signals, show).run()
