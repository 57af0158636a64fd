"""Jenkins: a file of properties for `readProperties`. Its log has no groups, no annotations, and no command for masks.

Control characters are escaped: Jenkins hides notes in its log behind one (ConsoleNote).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.ci.service import CiService

if TYPE_CHECKING:
    from collections.abc import Mapping


class Jenkins(CiService):
    """Jenkins."""

    name = "jenkins"
    title = "Jenkins"
    sign = ("JENKINS_URL", "")
    root = "WORKSPACE"
    job = ("JOB_NAME", "BUILD_NUMBER", "STAGE_NAME")
    cancelling = "Jenkins sends SIGTERM to every process of the step"

    def outputs(self, values: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, tuple[Path, str]]:  # noqa: ARG002
        """`outputs.properties`, as `java.util.Properties` reads it."""
        text = "".join(f"{name}={_value(value)}\n" for name, value in values.items())
        return {"outputs": (Path("outputs.properties"), text)}

    def fork(self, variables: Mapping[str, str]) -> str:
        """What multibranch projects say of a fork's branch."""
        fork = variables.get("CHANGE_FORK", "")
        return fork if variables.get("CHANGE_ID") else ""


def _value(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    begins = "\\" if escaped[:1] in {" ", "\t"} else ""
    return begins + "".join(one if " " <= one <= "~" else f"\\u{ord(one):04x}" for one in escaped)


SERVICE = Jenkins()
