"""The shell script that brings the SSM agent to a machine before Packer reaches it (see bootstrap_agent.sh)."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources


@cache
def script() -> tuple[str, ...]:
    """The lines of the script, without those that set its `region`, `url` and `checksum`."""
    text = resources.files("orchestrator.render").joinpath("bootstrap_agent.sh").read_text(encoding="ascii")
    return tuple(re.sub(r"(?m)^ *(#.*)?\n", "", text).splitlines())
