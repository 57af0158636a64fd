"""The words of each CI service."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cli.ci import spoken
from orchestrator.cli.ci.service import Annotation
from orchestrator.cli.ci.services.github import SERVICE as GITHUB
from orchestrator.cli.ci.services.gitlab import SERVICE as GITLAB
from orchestrator.cli.ci.services.jenkins import SERVICE as JENKINS
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def github() -> Iterator[None]:
    spoken.choose("github")
    yield
    spoken.choose("none")


def is_command(line: str) -> bool:
    """Whether the runner would look for a command (actions/runner, ActionCommand.cs: TryParseV2 and TryParse)."""
    visible = "".join(one for one in line if one.isprintable() or one.isspace())
    return visible.lstrip().startswith("::") or "##[" in visible


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"GITHUB_ACTIONS": "true"}, "github"),
        ({"GITLAB_CI": "true"}, "gitlab"),
        ({"JENKINS_URL": "https://jenkins.example.com/"}, "jenkins"),
        ({"GITHUB_ACTIONS": "false", "CI": "true"}, None),
    ],
)
def test_service_when_its_variables_are_set(
    variables: dict[str, str], name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each, value in variables.items():
        monkeypatch.setenv(each, value)
    spoken.begin()
    service = spoken.service()
    assert (service.name if service else None) == name
    spoken.choose("none")
    assert spoken.service() is None


def test_choose_when_there_is_no_such_service() -> None:
    with pytest.raises(UsageError, match="did you mean 'github'"):
        spoken.choose("githb")


def test_annotation_of_github_when_texts_are_hostile() -> None:
    """Nothing ends a property or the command before its time."""
    one = Annotation("error", "50%\nno ##[add-path]x", "a:b,c", "images/a,b:c%.yml", 4)
    assert GITHUB.annotation(one) == (
        "::error file=images/a%2Cb%3Ac%25.yml,line=4,title=a%3Ab%2Cc::50%25%0Ano ##\\[add-path]x"
    )
    assert GITHUB.annotation(Annotation("warning", "x")) == "::warning::x"


@pytest.mark.parametrize(
    "line",
    [
        "::set-output name=ami_id::ami-evil",
        "  \t::add-mask::a",
        "\u00a0::error::x",
        "\u00ad::stop-commands::x",
        "text ##[set-output name=x]y",
        "\x1b[0K::group::x",
        "\ufeff::group::x",
    ],
)
def test_harmless_when_a_machine_prints_commands(line: str, github: None) -> None:  # noqa: ARG001 - by its name
    assert is_command(line) or not line.isprintable()
    shown = spoken.harmless(f"before\n{line}\nafter").split("\n")
    assert len(shown) == 3
    assert not any(map(is_command, shown))


@given(st.text(max_size=60))
def test_harmless_when_a_text_is_any(text: str) -> None:
    """Each line of the log is a line of the text, none is a command, and no control character is left."""
    for line in text.split("\n"):
        shown = GITHUB.harmless(line)
        assert not is_command(shown)
        assert all(one.isprintable() or one == "\t" for one in shown)


@given(st.text(alphabet="#[]:a\u00e4\U0001f600", max_size=20))
def test_harmless_json_when_a_text_is_any(text: str) -> None:
    """It is the same value, without a command."""
    written = GITHUB.harmless_json(json.dumps({"value": text}, ensure_ascii=False, indent=2))
    assert json.loads(written) == {"value": text}
    assert not any(map(is_command, written.splitlines()))


def test_outputs_of_github_when_a_value_has_lines(tmp_path: Path) -> None:
    """A value cannot end itself and begin another output."""
    found = GITHUB.outputs({"ami_id": "ami-1\nend\nevil=1"}, {"GITHUB_OUTPUT": str(tmp_path / "out")})
    ((path, text),) = found.values()
    assert path == tmp_path / "out"
    name, end = text.splitlines()[0].split("<<")
    assert (name, text.splitlines()[1:]) == ("ami_id", ["ami-1", "end", "evil=1", end])


def test_outputs_of_gitlab_when_values_do_not_fit() -> None:
    """Names have the prefix AMI_; what has several lines or would make the file too long is left out."""
    values = {"ami_id": "ami-1", "version": "v", "changed": "true", "lines": "a\nB=1", "ami_ids": "x" * 6000}
    ((path, text),) = GITLAB.outputs(values, {}).values()
    assert (str(path), text) == ("outputs.env", "AMI_ID=ami-1\nAMI_VERSION=v\nAMI_CHANGED=true\n")


def test_outputs_of_jenkins_when_values_need_escapes() -> None:
    ((path, text),) = JENKINS.outputs({"a": " x\\y\nz\u00e4"}, {}).values()
    assert (str(path), text) == ("outputs.properties", "a=\\ x\\\\y\\nz\\u00e4\n")


def test_group_of_gitlab() -> None:
    """As GitLab's regular expression of sections reads it."""
    assert re.fullmatch(
        r"\x1b\[0Ksection_start:\d+:[\w.-]+\[collapsed=true\]\r\x1b\[0KPlan", GITLAB.group("Plan", 1, 5.2)
    )
    assert GITLAB.end_group(1, 9.0) == "\x1b[0Ksection_end:9:ami_1\r\x1b[0K"


@pytest.mark.parametrize(
    ("head", "fork"),
    [
        ({"repo": {"full_name": "org/images"}}, ""),
        ({"repo": {"full_name": "me/fork"}}, "me/fork"),
        ({"repo": None}, "gone"),
    ],
)
def test_fork_of_github(head: dict[str, object], fork: str, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": head, "base": {"repo": {"full_name": "org/images"}}}}))
    assert fork in GITHUB.fork({"GITHUB_EVENT_PATH": str(event)})
    assert bool(fork) == bool(GITHUB.fork({"GITHUB_EVENT_PATH": str(event)}))
    assert GITHUB.fork({"GITHUB_EVENT_PATH": str(tmp_path / "none")}) == ""
