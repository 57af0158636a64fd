"""Notes of a merge request on GitLab (REST API, "Notes": those of merge requests)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.cli.comments.comment import Comment
from orchestrator.cli.comments.request import asked, listed, session_with
from orchestrator.errors import LackError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from requests import Session

#: The variable with a token of the project whose scope is `api`: a job's own token may not write notes.
TOKEN = "AMI_COMMENT_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True)
class GitLabDiscussion:
    """The notes of a merge request."""

    session: Session
    #: Such as https://gitlab.example.com/api/v4/projects/7/merge_requests/3/notes
    notes: str
    #: Where people read it.
    page: str
    #: The id of whoever the token is.
    user: int
    #: Characters of a note (GitLab Docs, "Application limits", "Size of comments and descriptions").
    longest: int = 1_000_000

    def comments(self) -> Iterator[Comment]:
        """Every note of a person or bot, page by page, oldest first."""
        url = f"{self.notes}?per_page=100&sort=asc&order_by=created_at"
        return (self._comment(one) for one in listed(self.session, url) if not one.get("system"))

    def add(self, body: str) -> Comment:
        """Write another note."""
        return self._comment(asked(self.session, "POST", self.notes, json={"body": body}).json())

    def change(self, comment: Comment, body: str) -> Comment:
        """Change a note."""
        return self._comment(asked(self.session, "PUT", f"{self.notes}/{comment.id}", json={"body": body}).json())

    def _comment(self, value: Mapping[str, Any]) -> Comment:
        own = (value.get("author") or {}).get("id") == self.user
        return Comment(str(value["id"]), value.get("body") or "", f"{self.page}#note_{value['id']}", own)


def discussion(variables: Mapping[str, str]) -> GitLabDiscussion | None:
    """That of the merge request that a pipeline runs for (GitLab Docs, "Predefined CI/CD variables reference").

    Raises UsageError when there is none, LackError without a token.
    """
    if variables.get("GITLAB_CI") != "true":
        return None
    if not (number := variables.get("CI_MERGE_REQUEST_IID", "")):
        raise UsageError(
            "this pipeline is for no merge request", hint='if: $CI_PIPELINE_SOURCE == "merge_request_event"'
        )
    if not (token := variables.get(TOKEN, "")):
        raise LackError(f"{TOKEN} is not set", hint="a token of the project with the scope api, as a masked variable")
    session = session_with({"PRIVATE-TOKEN": token})
    api = variables["CI_API_V4_URL"]
    user = asked(session, "GET", f"{api}/user").json()["id"]
    notes = f"{api}/projects/{variables['CI_PROJECT_ID']}/merge_requests/{number}/notes"
    page = f"{variables.get('CI_MERGE_REQUEST_PROJECT_URL', '')}/-/merge_requests/{number}"
    return GitLabDiscussion(session, notes, page, user)


DISCUSSION = discussion
