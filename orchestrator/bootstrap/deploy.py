"""A template in an account: what it would change, and the change, by CloudFormation's change sets.

Source: AWS CloudFormation API Reference, "CreateChangeSet", "DescribeStacks".
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import AwsError, error_code, told
from orchestrator.errors import Interrupted, LackError, StageError
from orchestrator.polling import attempts, steady

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.aws.account import Account
    from orchestrator.contract.bootstrap import StackChangeJson

#: Seconds between two looks, and for which a change set or a stack is waited for.
_PAUSE, _PATIENCE = 2.0, 900.0
#: How CloudFormation says that there is nothing to do (AWS Knowledge Center, "No updates are to be performed").
_NOTHING = ("didn't contain changes", "No updates are to be performed")
_BEGUN = "REVIEW_IN_PROGRESS"
#: States in which a stack takes no change.
_STUCK = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED")


@dataclass(frozen=True)
class StackChange:
    """One resource that would change."""

    action: str
    """`Add`, `Modify` or `Remove`."""
    resource: str
    type: str
    replaced: bool = False

    def as_json(self) -> StackChangeJson:
        """As `ami bootstrap --json` prints it."""
        return {"action": self.action, "resource": self.resource, "type": self.type, "replaced": self.replaced}


@dataclass
class Deployment:
    """One template for one stack. `forget` ends it, whatever happened."""

    account: Account
    stack: str
    body: str
    _client: Any = field(init=False)
    _set: str = ""
    _new: bool = False

    def __post_init__(self) -> None:
        """Make the client; nothing is asked yet."""
        self._client = self.account.client("cloudformation")

    def plan(self) -> list[StackChange]:
        """What it would change; nothing of it is done. Raises StageError, LackError."""
        state = str((self._described() or {}).get("StackStatus", ""))
        if state in _STUCK or (state.endswith("_IN_PROGRESS") and state != _BEGUN):
            raise LackError(f"the stack {self.stack} is {state}", hint=self._mend(state))
        self._new = state in ("", _BEGUN)
        try:
            self._set = self._client.create_change_set(
                StackName=self.stack,
                ChangeSetName=f"ami-{uuid.uuid4().hex[:12]}",
                ChangeSetType="CREATE" if self._new else "UPDATE",
                TemplateBody=self.body,
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )["Id"]
            described = self._await_set()
        except AwsError as error:
            raise LackError(f"AWS refused {told(error)}", hint="whoever deploys must be an administrator") from error
        if described["Status"] == "FAILED":
            reason = str(described.get("StatusReason", ""))
            if any(each in reason for each in _NOTHING):
                return []
            raise StageError(f"CloudFormation refused the change: {reason}")
        return [_change(each["ResourceChange"]) for each in described.get("Changes", [])]

    def execute(self, tell: Callable[[str], None]) -> dict[str, str]:
        """Do what was planned, and return the outputs. Raises StageError, Interrupted."""
        self._client.execute_change_set(ChangeSetName=self._set)
        self._set = ""
        self._new = False
        tell(f"the stack {self.stack} is being changed")
        try:
            state = self._await_stack()
        except KeyboardInterrupt:
            what = f"CloudFormation goes on changing the stack {self.stack}"
            raise Interrupted(what, hint=f"aws cloudformation describe-stacks --stack-name {self.stack}") from None
        if state not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            reasons = "; ".join(self._reasons()) or "see its events"
            raise StageError(f"the stack {self.stack} is {state}: {reasons}", hint=self._mend(state))
        return self.outputs()

    def outputs(self) -> dict[str, str]:
        """The outputs of the stack as it is; none when it is not there."""
        described = self._described() or {}
        return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}

    def forget(self) -> None:
        """Remove a plan that was not executed."""
        if self._set:
            self._client.delete_change_set(ChangeSetName=self._set)
            self._set = ""
        if self._new and (self._described() or {}).get("StackStatus") == _BEGUN:
            self._client.delete_stack(StackName=self.stack)

    def _described(self) -> Mapping[str, Any] | None:
        try:
            (found,) = self._client.describe_stacks(StackName=self.stack)["Stacks"]
        except AwsError as error:
            if error_code(error) == "ValidationError":
                return None
            raise
        return dict(found)

    def _await_set(self) -> Mapping[str, Any]:
        for attempt in attempts(steady(_PAUSE), within=_PATIENCE):
            described: Mapping[str, Any] = self._client.describe_change_set(ChangeSetName=self._set)
            if described["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                return described
            if attempt.last:
                break
        raise StageError(f"CloudFormation has not made a change set for {self.stack} within {_PATIENCE:.0f} s")

    def _await_stack(self) -> str:
        state = ""
        for _ in attempts(steady(_PAUSE), within=_PATIENCE):
            state = str((self._described() or {}).get("StackStatus", "gone"))
            if not state.endswith("_IN_PROGRESS"):
                break
        return state

    def _reasons(self) -> list[str]:
        """Why resources failed, the first first, and not those that were only given up."""
        events = self._client.describe_stack_events(StackName=self.stack)["StackEvents"]
        failed = [each for each in reversed(events) if each["ResourceStatus"].endswith("_FAILED")]
        texts = [f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', '')}" for each in failed]
        return list(dict.fromkeys(each for each in texts if "cancelled" not in each))[:3]

    def _mend(self, state: str) -> str:
        name = f"--stack-name {self.stack}"
        if state in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED"):
            return f"aws cloudformation delete-stack {name}, then deploy it again"
        if state == "UPDATE_ROLLBACK_FAILED":
            return f"aws cloudformation continue-update-rollback {name}"
        return f"aws cloudformation describe-stack-events {name}"


def _change(told_of: Mapping[str, Any]) -> StackChange:
    replaced = told_of.get("Replacement", "False") == "True"
    return StackChange(told_of["Action"], told_of["LogicalResourceId"], told_of["ResourceType"], replaced)
