"""What `ami bootstrap` prints."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from orchestrator.contract.shape import OneOf


class StackChangeJson(TypedDict):
    """One resource that a deployment changes."""

    action: Annotated[str, OneOf("Add", "Modify", "Remove", "Import", "Dynamic")]
    """As CloudFormation names it."""
    resource: str
    """Its name in the template."""
    type: str
    """Such as `AWS::IAM::Role`."""
    replaced: bool
    """Whether it is made anew."""


class BootstrapJson(TypedDict):
    """The template for an environment's account, and what a deployment of it changed."""

    schema: Literal["ami/bootstrap/1"]
    environment: str
    stack_name: str
    region: str
    template: dict[str, Any]
    deployed: bool
    changes: list[StackChangeJson] | None
    """Null when nothing was asked of the account; empty when there was nothing to change."""
    outputs: dict[str, str]
    """Of the stack; empty when it was not deployed."""
