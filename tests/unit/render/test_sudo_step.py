"""The step in which the build's user takes back that sudo demands a terminal: what it does when sudo does not end."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

GOLDEN = Path(__file__).parent / "golden"
#: Does what it is asked to do and stays, as sudo 1.9.13 does now and then when it runs in a terminal.
SUDO = '#!/bin/sh\nshift\n"$@"\n{then}\n'


@pytest.fixture
def step(tmp_path: Path) -> str:
    """The lines as they are rendered, with a file of this test, and a bound of one second."""
    rendered = max(GOLDEN.glob("*/golden.pkr.hcl")).read_text()
    start = rendered.index("rule=")
    lines = [json.loads(line.strip().rstrip(",")) for line in rendered[start - 1 :].splitlines()[:2]]
    return "\n".join(lines).replace("/etc/sudoers.d", str(tmp_path)).replace("-s KILL 60", "-s KILL 1")


def play(step: str, folder: Path, **programs: str) -> Mapping[str, str]:
    """What it writes for a user who is not root."""
    for name, text in {"id": "#!/bin/sh\n[ $1 = -u ] && echo 1000 || echo admin\n", **programs}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    subprocess.run(["sh", "-c", step], env={"PATH": f"{folder}:/usr/bin:/bin"}, check=False, timeout=600)
    return {file.name: file.read_text() for file in folder.glob("99*")}


@pytest.mark.parametrize("then", ["", "exec sleep 3600", "trap '' TERM HUP\nwhile :; do sleep 1; done"])
def test_step_however_sudo_ends(step: str, tmp_path: Path, then: str) -> None:
    written = play(step, tmp_path, sudo=SUDO.format(then=then))
    assert written == {"99image-build": "Defaults:admin !requiretty\n"}
