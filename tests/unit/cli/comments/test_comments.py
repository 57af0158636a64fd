"""One comment for one plan, on a server that keeps comments as the services do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cli.comments.comment import marker_of, shortened
from orchestrator.errors import UsageError
from tests.cli.contract import error_of, printed
from tests.cli.in_process import typed
from tests.unit.cli.comments.forge import BOT, PERSON, Forge, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAN = "<!-- ami plan factory prod -->\n## Plan\n"


@pytest.fixture
def forge() -> Iterator[Forge]:
    with running(Forge()) as one:
        yield one


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of the test's own, and no service around it."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def github(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> Forge:
    """A job of GitHub Actions for pull request 5."""
    variables = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REF": "refs/pull/5/merge",
        "GITHUB_REPOSITORY": "team/images",
        "GITHUB_API_URL": forge.url,
        "GITHUB_TOKEN": "writes",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return forge


@pytest.fixture
def gitlab(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> Forge:
    """A job of GitLab for merge request 5."""
    forge.tells_user, forge.longest = True, 1_000_000
    variables = {
        "GITLAB_CI": "true",
        "CI_MERGE_REQUEST_IID": "5",
        "CI_PROJECT_ID": "3",
        "CI_API_V4_URL": forge.url,
        "CI_MERGE_REQUEST_PROJECT_URL": "https://gitlab.example.com/team/images",
        "AMI_COMMENT_TOKEN": "writes",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return forge


def commented(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, *options: str) -> int:
    (tmp_path / "plan.md").write_text(text)
    return typed(monkeypatch, "comment", "plan.md", *options)


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_comment_when_there_is_a_second_push(
    service: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It changes the comment of the first one, and adds none; the same plan once more changes nothing."""
    forge: Forge = request.getfixturevalue(service)
    forge.add("I like it", PERSON)
    for text in ("build web", "build web and golden", "build web and golden"):
        assert commented(monkeypatch, tmp_path, PLAN + text) == 0
    assert forge.bodies == ["I like it", f"{PLAN}build web and golden"]
    assert [one.split()[0] for one in forge.requests if not one.startswith("GET")] == [
        "POST",
        {"github": "PATCH", "gitlab": "PUT"}[service],
    ]


def test_comment_when_it_is_on_a_later_page(github: Forge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every page is read, 100 comments each."""
    for number in range(230):
        github.add(f"remark {number}", PERSON)
    github.add(f"{PLAN}old", BOT)
    assert commented(monkeypatch, tmp_path, f"{PLAN}new") == 0
    assert (len(github.comments), github.bodies[-1]) == (231, f"{PLAN}new")
    assert sum(one.startswith("GET /repos") for one in github.requests) == 3


def test_comment_when_others_write_the_marker(github: Forge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Theirs is left alone; so is the comment of another workspace."""
    github.add(f"{PLAN}forged", PERSON)
    github.add("<!-- ami plan other prod -->\n", BOT)
    assert commented(monkeypatch, tmp_path, f"{PLAN}true") == 0
    assert github.bodies[2:] == [f"{PLAN}true"]
    assert github.bodies[0] == f"{PLAN}forged"


def test_comment_when_the_token_is_of_a_person(github: Forge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Their own comment is changed, and a bot's is not."""
    github.writers, github.tells_user = {"writes": PERSON}, True
    github.add(f"{PLAN}of a bot", BOT)
    github.add(f"{PLAN}old", PERSON)
    assert commented(monkeypatch, tmp_path, f"{PLAN}new") == 0
    assert github.bodies == [f"{PLAN}of a bot", f"{PLAN}new"]


def test_comment_when_the_token_may_only_read(
    github: Forge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The job passes, and says that no comment was written."""
    github.writers = {}
    assert commented(monkeypatch, tmp_path, PLAN, "--json") == 0
    said = capsys.readouterr()
    assert printed(said.out)["became"] == "none"
    assert "no comment was written: POST" in said.err
    assert github.comments == []


def test_comment_when_the_pull_request_is_of_a_fork(
    github: Forge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is asked; a head repository that is gone counts as a fork."""
    event = tmp_path / "event.json"
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    for repository in ({"full_name": "mallory/images"}, None):
        event.write_text(json.dumps({"pull_request": {"head": {"repo": repository}}}))
        assert commented(monkeypatch, tmp_path, PLAN) == 0
    assert "a fork's pull request" in capsys.readouterr().err
    assert github.requests == []


def test_comment_when_the_plan_is_long(github: Forge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whole lines are cut, and their number is said; the server takes it."""
    assert commented(monkeypatch, tmp_path, PLAN + "reuse something: it is there\n" * 4000) == 0
    (body,) = github.bodies
    assert len(body) <= 65_536
    kept, said = body.rsplit("\n\n", 1)
    assert said == f"{4002 - len(kept.splitlines())} more lines: the job's log has them."


def test_comment_when_the_server_stumbles(
    github: Forge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What may be repeated is."""
    github.failures = 2
    assert commented(monkeypatch, tmp_path, PLAN, "--json") == 0
    assert printed(capsys.readouterr().out)["became"] == "new"


@pytest.mark.parametrize(
    ("variables", "text", "code", "message"),
    [
        ({"GITHUB_TOKEN": ""}, PLAN, 3, "GITHUB_TOKEN is not set"),
        ({"GITHUB_REF": "refs/heads/main"}, PLAN, 2, "this run is for no pull request"),
        ({"GITHUB_ACTIONS": ""}, PLAN, 3, "this is no job of a service whose comments are known (github, gitlab)"),
        ({}, "## Plan\n", 2, "the first line of the text is no hidden marker, by which its comment is found again"),
        ({"GITHUB_API_URL": "http://127.0.0.1:9"}, PLAN, 3, "does not answer"),
    ],
)
def test_comment_when_something_is_missing(  # noqa: PLR0913, PLR0917 - a row of a table, and fixtures
    github: Forge,
    variables: dict[str, str],
    text: str,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is said, with the exit code of whose turn it is."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert commented(monkeypatch, tmp_path, text, "--json") == code
    error = error_of(capsys.readouterr().err)
    assert message in error["message"]
    assert error["hint"]
    assert github.comments == []


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Zl", "Zp", "Cc"]), max_size=40), max_size=60),
    st.integers(60, 400),
)
def test_text_when_it_is_shortened(lines: list[str], longest: int) -> None:
    """It is as long as it may be, and what is left is a beginning of it."""
    text = "\n".join(lines)
    cut = shortened(text, longest)
    assert len(cut) <= longest
    assert cut == text or text.startswith(cut.rsplit("\n\n", 1)[0])


@pytest.mark.parametrize("text", ["", "## Plan", "text <!-- ami -->", "<!-- ami\nplan -->"])
def test_marker_when_there_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        marker_of(text)


def test_marker() -> None:
    found: Any = marker_of(PLAN)
    assert found == "<!-- ami plan factory prod -->"
