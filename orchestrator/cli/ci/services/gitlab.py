"""GitLab CI/CD: sections of the log, and the dotenv file of a job.

What a section is: GitLab documentation, "Job logs", custom collapsible sections. GitLab has no command that adds a mask
while a job runs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.ci.service import CiService, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Bytes of a dotenv file (GitLab documentation, "artifacts:reports:dotenv").
_DOTENV = 5 * 1024


class GitLab(CiService):
    """GitLab CI/CD."""

    name = "gitlab"
    title = "GitLab"
    sign = ("GITLAB_CI", "true")
    root = "CI_PROJECT_DIR"
    job = ("CI_PROJECT_ID", "CI_JOB_ID")
    secrets = ("CI_JOB_TOKEN", "CI_REGISTRY_PASSWORD", "CI_DEPLOY_PASSWORD")
    cancelling = "GitLab Runner sends SIGTERM and kills what is left some seconds later"

    def group(self, title: str, number: int, seconds: float) -> str:
        """`section_start`, folded from the beginning."""
        named = f"section_start:{seconds:.0f}:ami_{number}[collapsed=true]"
        return f"\x1b[0K{named}\r\x1b[0K{printable(title)}"

    def end_group(self, number: int, seconds: float) -> str:
        """`section_end`."""
        return f"\x1b[0Ksection_end:{seconds:.0f}:ami_{number}\r\x1b[0K"

    def outputs(self, values: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, tuple[Path, str]]:  # noqa: ARG002
        """`outputs.env`: `AMI_ID`, `AMI_VERSION`, ... Values are taken as they stand, to the end of the line.

        What would make the file too long for GitLab is left out.
        """
        text = ""
        for name, value in values.items():
            line = f"{_variable(name)}={value}\n"
            if value and "\n" not in value and len((text + line).encode()) <= _DOTENV:
                text += line
        return {"outputs": (Path("outputs.env"), text)}

    def fork(self, variables: Mapping[str, str]) -> str:
        """The project of the merge request's source, when it is another one."""
        source = variables.get("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "")
        return source if source and source != variables.get("CI_MERGE_REQUEST_PROJECT_PATH", source) else ""


def _variable(name: str) -> str:
    """`AMI_VERSION` for `version`: variables of all jobs share one space of names."""
    upper = re.sub(r"\W", "_", name.upper())
    return upper if upper.startswith("AMI_") else f"AMI_{upper}"


SERVICE = GitLab()
