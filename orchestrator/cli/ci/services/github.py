"""GitHub Actions: workflow commands, the files of a job, and what a cancelled job gets.

The form of commands is that of the runner (actions/runner, ActionCommand.cs): a line whose first characters but blanks
are `::`, and, from older times, `##[` anywhere in a line. The runner reads both streams of a step.
"""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.cli.ci.service import Annotation, CiService, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Bytes of a step's summary (GitHub documentation, "Workflow commands": step isolation and limits).
_SUMMARY = 1 << 20

_COMMAND = re.compile(r"^(\s*)::")


class GitHubActions(CiService):
    """GitHub Actions, and whatever runs its workflows."""

    name = "github"
    title = "GitHub Actions"
    sign = ("GITHUB_ACTIONS", "true")
    root = "GITHUB_WORKSPACE"
    job = ("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB")
    secrets = ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_RUNTIME_TOKEN", "GITHUB_TOKEN", "GH_TOKEN")
    #: GitHub documentation, "Workflow cancellation reference".
    cancelling = (
        "GitHub sends SIGINT, after 7.5 s SIGTERM and after 2.5 s more SIGKILL, and only to the step's shell unless "
        "`exec ami` takes its place"
    )

    def group(self, title: str, number: int, seconds: float) -> str:  # noqa: ARG002 - groups have no names
        """`::group::TITLE`. Groups do not nest."""
        return f"::group::{_data(title)}"

    def end_group(self, number: int, seconds: float) -> str:  # noqa: ARG002 - likewise
        """`::endgroup::`."""
        return "::endgroup::"

    def annotation(self, one: Annotation) -> str:
        """`::error file=...,line=...,title=...::MESSAGE`."""
        given = {"file": one.file, "line": str(one.line or ""), "title": one.title}
        properties = ",".join(f"{name}={_property(value)}" for name, value in given.items() if value)
        message = _data(one.message).replace("##[", "##\\[")
        return f"::{one.level}{' ' * bool(properties)}{properties}::{message}"

    def masking(self, secret: str) -> tuple[str, ...]:
        """`::add-mask::LINE`."""
        return (f"::add-mask::{_data(secret)}",)

    def harmless(self, line: str) -> str:
        """A line that the runner takes for no command."""
        line = printable(line).replace("##[", "##\\[")
        return _COMMAND.sub(r"\1\\::", line)

    def harmless_json(self, text: str) -> str:
        """The same JSON in ASCII, without the beginning of a command. Lines of JSON never begin with one."""
        return re.sub(r"[^\x00-\x7f]", _escaped, text).replace("##[", "##\\u005b")

    def summary_file(self, variables: Mapping[str, str]) -> tuple[Path | None, int]:
        """The file of the step."""
        path = variables.get("GITHUB_STEP_SUMMARY")
        return (Path(path), _SUMMARY) if path else (None, _SUMMARY)

    def outputs(self, values: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, tuple[Path, str]]:
        """`GITHUB_OUTPUT`, each value between lines that it cannot contain."""
        path = variables.get("GITHUB_OUTPUT")
        end = f"end-{secrets.token_hex(16)}"
        text = "".join(f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items())
        return {"outputs": (Path(path), text)} if path else {}

    def fork(self, variables: Mapping[str, str]) -> str:
        """What the event says of the head of the pull request."""
        event = _event(variables.get("GITHUB_EVENT_PATH", ""))
        request = event.get("pull_request")
        if not isinstance(request, dict):
            return ""
        try:
            head, base = (str(request[side]["repo"]["full_name"]) for side in ("head", "base"))
        except (KeyError, TypeError):  # the repository of a fork may be gone
            return "a repository that is gone" if "head" in request else ""
        return head if head != base else ""


def _event(path: str) -> dict[str, Any]:
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


SERVICE = GitHubActions()
