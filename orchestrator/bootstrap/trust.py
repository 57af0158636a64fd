"""Who may assume the roles: people of the account, and pipelines of one repository by OpenID Connect.

Source: IAM User Guide, "Create a role for OpenID Connect federation"; GitHub Docs, "OpenID Connect reference"; GitLab
Docs, "Configure OpenID Connect in AWS to retrieve temporary credentials".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from orchestrator.errors import UsageError

_NAME = r"[A-Za-z0-9_.-]+"
#: GitHub puts the ids of owner and repository into the subjects of repositories that are new since July 2026.
_GITHUB = re.compile(rf"{_NAME}/{_NAME}|{_NAME}@\d+/{_NAME}@\d+")
_GITLAB = re.compile(rf"{_NAME}(/{_NAME})+")
#: What git takes for a branch, without what a policy would take for a pattern.
_BRANCH = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./+#=-]*")


class PipelineHost(Enum):
    """Who signs the tokens of pipelines: issuer without scheme, audience, subjects of a branch and of its proposals."""

    GITHUB = (
        "token.actions.githubusercontent.com", "sts.amazonaws.com",
        "repo:{repository}:ref:refs/heads/{branch}", "repo:{repository}:pull_request",
    )  # fmt: skip
    #: GitLab signs a pipeline of a merge request for the branch that it comes from.
    GITLAB = (
        "gitlab.com", "https://gitlab.com",
        "project_path:{repository}:ref_type:branch:ref:{branch}", "project_path:{repository}:ref_type:branch:ref:*",
    )  # fmt: skip

    def __init__(self, issuer: str, audience: str, of_branch: str, of_proposal: str) -> None:
        self.issuer = issuer
        self.audience = audience
        self.of_branch = of_branch
        self.of_proposal = of_proposal

    @property
    def shown(self) -> str:
        """As people write it."""
        return "GitHub" if self is PipelineHost.GITHUB else "GitLab"

    def check(self, repository: str) -> None:
        """Raise UsageError for what is no repository there."""
        form, example = (
            (_GITHUB, "OWNER/NAME, as acme/images, or OWNER@ID/NAME@ID with the numbers that GitHub gave them")
            if self is PipelineHost.GITHUB
            else (_GITLAB, "GROUP/PROJECT, as acme/platform/images")
        )
        if not form.fullmatch(repository):
            raise UsageError(f"'{repository}' is no repository of {self.shown}", hint=f"write {example}")


@dataclass(frozen=True)
class PipelineTrust:
    """The repository whose pipelines may assume roles, and the branch of what is released."""

    host: PipelineHost
    repository: str
    branch: str = "main"

    def subject(self, form: str) -> str:
        """The subject of a token, of one of the forms of its host."""
        return form.format(repository=self.repository, branch=self.branch)

    def check(self) -> None:
        """Raise UsageError for what is no repository or branch."""
        self.host.check(self.repository)
        if not _BRANCH.fullmatch(self.branch) or ".." in self.branch:
            raise UsageError(f"'{self.branch}' is no branch", hint="write its name, as main or release/1.2")


def written(text: str) -> Any:
    """A text as it stands in a template: with variables it is one that CloudFormation fills in.

    IAM's own variables (`${aws:userid}`) stay as they are.
    """
    filled = "${" in text.replace("${aws:", "")
    return {"Fn::Sub": text.replace("${aws:", "${!aws:")} if filled else text


def by_account() -> dict[str, Any]:
    """A statement for the account's people and programs that have the right to assume the role."""
    principal = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    return {"Sid": "Account", "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}


def by_pipeline(trust: PipelineTrust, provider: Any, *, proposals: bool = False) -> dict[str, Any]:
    """A statement for the pipelines of a branch; with `proposals` also for those of pull requests.

    `provider` is the ARN of who signs their tokens.
    """
    host = trust.host
    forms = (host.of_branch, *((host.of_proposal,) if proposals else ()))
    subjects = [trust.subject(form) for form in forms]
    audience = {f"{host.issuer}:aud": host.audience}
    subject = {f"{host.issuer}:sub": [written(each) for each in subjects]}
    pattern = any("*" in each for each in subjects)
    conditions = {"StringEquals": audience, "StringLike": subject} if pattern else {"StringEquals": audience | subject}
    return {
        "Sid": "Pipelines",
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": conditions,
    }


def by_machines() -> dict[str, Any]:
    """A statement for EC2, which gives machines their role."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": {"Fn::Sub": "ec2.${AWS::URLSuffix}"}},
        "Action": "sts:AssumeRole",
    }
