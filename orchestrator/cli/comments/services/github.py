"""Comments of a pull request on GitHub (REST API, "Issue comments": a pull request's own comments are an issue's)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.cli.comments.comment import Comment
from orchestrator.cli.comments.request import ReadOnlyToken, Refused, asked, listed, session_with
from orchestrator.errors import LackError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from requests import Session

#: Answers of one page (REST API, "Using pagination": 30 unless asked, at most 100).
_PAGE = 100
_PULL_REQUEST = re.compile(r"refs/pull/(?P<number>\d+)/")
#: What the name of an account ends with that is no person.
_BOT = "[bot]"


@dataclass(frozen=True)
class GitHubDiscussion:
    """The comments of a pull request."""

    session: Session
    #: Such as https://api.github.com/repos/OWNER/NAME
    repository: str
    number: int
    #: Who the token is; empty for a job's own token, which may not ask.
    login: str
    #: Characters of a comment (GitHub's refusal: "body is too long (maximum is 65536 characters)").
    longest: int = 65_536

    def comments(self) -> Iterator[Comment]:
        """Every comment, page by page, oldest first."""
        url = f"{self.repository}/issues/{self.number}/comments?per_page={_PAGE}"
        return map(self._comment, listed(self.session, url))

    def add(self, body: str) -> Comment:
        """Write another comment."""
        url = f"{self.repository}/issues/{self.number}/comments"
        return self._comment(asked(self.session, "POST", url, json={"body": body}).json())

    def change(self, comment: Comment, body: str) -> Comment:
        """Change a comment."""
        url = f"{self.repository}/issues/comments/{comment.id}"
        return self._comment(asked(self.session, "PATCH", url, json={"body": body}).json())

    def _comment(self, value: Mapping[str, Any]) -> Comment:
        user = (value.get("user") or {}).get("login", "")
        own = user == self.login if self.login else user.endswith(_BOT)
        return Comment(str(value["id"]), value.get("body") or "", value["html_url"], own)


def discussion(variables: Mapping[str, str]) -> GitHubDiscussion | None:
    """That of the pull request that a workflow runs for (GitHub Docs, "Default environment variables").

    Raises ReadOnlyToken for one of a fork, UsageError when there is no pull request, LackError without a token.
    """
    if variables.get("GITHUB_ACTIONS") != "true":
        return None
    found = _PULL_REQUEST.match(variables.get("GITHUB_REF", ""))
    if found is None:
        raise UsageError("this run is for no pull request", hint="on: pull_request")
    if _is_of_fork(variables):
        raise ReadOnlyToken("the token of a fork's pull request may not write comments")
    if not (token := variables.get("GITHUB_TOKEN", "")):
        raise LackError("GITHUB_TOKEN is not set", hint="env: GITHUB_TOKEN: ${{ github.token }}")
    accepted = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    session = session_with({**accepted, "Authorization": f"Bearer {token}"})
    api = variables.get("GITHUB_API_URL", "https://api.github.com")
    repository = f"{api}/repos/{variables['GITHUB_REPOSITORY']}"
    return GitHubDiscussion(session, repository, int(found["number"]), _login(session, api))


def _login(session: Session, api: str) -> str:
    """Who a personal token is. A workflow's own token may not ask, and belongs to a bot."""
    try:
        return str(asked(session, "GET", f"{api}/user").json()["login"])
    except Refused:
        return ""


def _is_of_fork(variables: Mapping[str, str]) -> bool:
    """Whether the pull request comes from another repository, as the event says."""
    path = Path(variables.get("GITHUB_EVENT_PATH", ""))
    if not path.is_file():
        return False
    head = json.loads(path.read_text(encoding="utf-8")).get("pull_request", {}).get("head", {})
    return (head.get("repo") or {}).get("full_name") != variables["GITHUB_REPOSITORY"]


DISCUSSION = discussion
