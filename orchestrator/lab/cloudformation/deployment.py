"""A stack that is changed: resource after resource, and back when one fails.

Source: AWS CloudFormation User Guide, "Understand CloudFormation stack creation events", "Roll back stacks".
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from orchestrator.lab.cloudformation.planning import resource_types, wanted_resources
from orchestrator.lab.cloudformation.resource_type import Maker
from orchestrator.lab.cloudformation.stack import GONE, Stack, StackEvent, StackResource

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from orchestrator.lab.cloudformation.intrinsics import TemplateScope
    from orchestrator.lab.cloudformation.template_file import StackTemplate, TemplateResource

#: What a call of a resource can end with; anything else is a mistake of the lab.
_REFUSED = (ClientError, BotoCoreError, KeyError, TypeError, ValueError)


class ResourceFailedError(Exception):
    """A resource could not be made, changed or deleted; its event says why."""


@dataclass
class StackWork:
    """One change of a stack. `pause` is how long each resource takes, in seconds."""

    stack: Stack
    client: Callable[[str], Any]
    pause: float = 0.0
    _undo: list[Callable[[], None]] = field(default_factory=list)
    _replaced: list[tuple[str, StackResource]] = field(default_factory=list)

    def apply(self, template: StackTemplate, scope: TemplateScope, *, new: bool, keep_failed: bool = False) -> None:
        """Make the stack what a template says; when a resource fails, make it again what it was."""
        verb = "CREATE" if new else "UPDATE"
        old = (self.stack.template, self.stack.parameters)
        self.stack.template, self.stack.parameters = template, scope.parameters
        scope.made |= {name: each.made for name, each in self.stack.resources.items()}
        try:
            wanted = wanted_resources(template, scope)
            for each in wanted:
                self._become(each, scope)
            self.stack.outputs = {
                name: str(scope.value(each["Value"]))
                for name, each in template.outputs.items()
                if "Condition" not in each or scope.holds(str(each["Condition"]))
            }
        except ResourceFailedError as failed:
            self._back(verb, str(failed), keep_failed=keep_failed, old=old)
            return
        if not new:
            self.stack.become("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self.stack.changed = datetime.now(UTC)
        self._clean(set(scope.made) - {each.name for each in wanted})
        self.stack.become(f"{verb}_COMPLETE")

    def delete(self, retained: Collection[str]) -> None:
        """Delete all resources, the last that was made first, but for those that are to stay."""
        for name, each in reversed(list(self.stack.resources.items())):
            if each.deletion == "Retain" or name in retained:
                self._tell(name, each.type, "DELETE_SKIPPED", each.made.physical)
            else:
                try:
                    self._remove(name, each)
                except ResourceFailedError:
                    what = f"The following resource(s) failed to delete: [{name}]. "
                    self.stack.become("DELETE_FAILED", what)
                    return
            del self.stack.resources[name]
        self.stack.become(GONE)

    # -- one resource -------------------------------------------------------------------------------------------

    def _become(self, wanted: TemplateResource, scope: TemplateScope) -> None:
        """Make or change a resource, unless it is as it should be."""
        made = scope.made.pop(wanted.name, None)
        values = scope.value(wanted.properties)
        bare = replace(scope, made={})
        written = bare.value(wanted.properties)
        there = self.stack.resources.get(wanted.name)
        if there is None:
            self._add(wanted, values, written, scope)
            return
        scope.made[wanted.name] = made or there.made
        there.deletion = wanted.deletion
        if there.properties == values:
            there.written = written
            return
        kind = resource_types()[wanted.type]
        if kind.replaces(there.properties, values):
            self._replaced.append((wanted.name, there))
            self._add(wanted, values, written, scope, there)
            return
        self._change(wanted.name, there, values, written)

    def _add(
        self,
        wanted: TemplateResource,
        values: dict[str, Any],
        written: dict[str, Any],
        scope: TemplateScope,
        before: StackResource | None = None,
    ) -> None:
        kind, maker = resource_types()[wanted.type], Maker(self.stack.name, wanted.name, self.client)
        made = self._done("CREATE", wanted.name, wanted.type, "", lambda: kind.create(maker, values))
        resource = StackResource(wanted.type, made, values, written, wanted.deletion)
        self.stack.resources[wanted.name] = resource
        scope.made[wanted.name] = made
        self._tell(wanted.name, wanted.type, "CREATE_COMPLETE", made.physical)

        def undo() -> None:
            self._remove(wanted.name, resource)
            if before is None:
                del self.stack.resources[wanted.name]
            else:
                self.stack.resources[wanted.name] = before

        self._undo.append(undo)

    def _change(self, name: str, there: StackResource, values: dict[str, Any], written: dict[str, Any]) -> None:
        kind, maker = resource_types()[there.type], Maker(self.stack.name, name, self.client)
        update = kind.update
        if update is None:
            raise TypeError(f"{there.type} is made anew")
        old, old_written = there.properties, there.written
        # Also one that fails may have changed something.
        self._undo.append(lambda: self._restore(name, there, values, old, old_written))
        self._done("UPDATE", name, there.type, there.made.physical, lambda: update(maker, there.made, old, values))
        there.properties, there.written, there.status = values, written, "UPDATE_COMPLETE"
        there.changed = datetime.now(UTC)
        self._tell(name, there.type, "UPDATE_COMPLETE", there.made.physical)

    def _restore(self, name: str, there: StackResource, now: Any, old: Any, old_written: Any) -> None:
        """Make a resource again what it was; of what it was to become, only a part may have been done."""
        kind, maker = resource_types()[there.type], Maker(self.stack.name, name, self.client)
        update = kind.update
        if update is not None:
            self._done("UPDATE", name, there.type, there.made.physical, lambda: update(maker, there.made, now, old))
        there.properties, there.written = old, old_written
        self._tell(name, there.type, "UPDATE_COMPLETE", there.made.physical)

    def _remove(self, name: str, resource: StackResource) -> None:
        kind, maker = resource_types()[resource.type], Maker(self.stack.name, name, self.client)
        physical = resource.made.physical
        self._done("DELETE", name, resource.type, physical, lambda: kind.delete(maker, physical, resource.properties))
        self._tell(name, resource.type, "DELETE_COMPLETE", physical)

    # -- the whole ----------------------------------------------------------------------------------------------

    def _clean(self, gone: Collection[str]) -> None:
        """Delete what was replaced and what is no longer wanted; what cannot be deleted is left, as on AWS."""
        left = [(name, each) for name, each in reversed(list(self.stack.resources.items())) if name in gone]
        for name, each in [*self._replaced, *left]:
            if each.deletion != "Retain":
                with contextlib.suppress(ResourceFailedError):
                    self._remove(name, each)
        for name, _ in left:
            del self.stack.resources[name]

    def _back(self, verb: str, failed: str, *, keep_failed: bool, old: Any) -> None:
        reason = f"The following resource(s) failed to {verb.lower()}: [{failed}]. "
        if keep_failed:
            self.stack.become(f"{verb}_FAILED", reason)
            return
        state = "ROLLBACK" if verb == "CREATE" else "UPDATE_ROLLBACK"
        self.stack.become(f"{state}_IN_PROGRESS", reason)
        try:
            for undo in reversed(self._undo):
                undo()
        except ResourceFailedError:
            self.stack.become(f"{state}_FAILED")
            return
        if verb == "UPDATE":
            self.stack.template, self.stack.parameters = old
        self.stack.become(f"{state}_COMPLETE")

    def _done(self, verb: str, name: str, kind: str, physical: str, act: Callable[[], Any]) -> Any:
        """Do something to a resource. Raises ResourceFailedError, with an event that says why."""
        self._tell(name, kind, f"{verb}_IN_PROGRESS", physical)
        time.sleep(self.pause)
        try:
            return act()
        except _REFUSED as error:
            self._tell(name, kind, f"{verb}_FAILED", physical, _reason(error))
            raise ResourceFailedError(name) from error

    def _tell(self, name: str, kind: str, status: str, physical: str = "", reason: str = "") -> None:
        self.stack.events.append(StackEvent(name, physical, kind, status, reason))


def _reason(error: Exception) -> str:
    """As CloudFormation hands on what a service has said."""
    if isinstance(error, ClientError):
        said, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        return f"{said['Message']} (Status Code: {status}, Error Code: {said['Code']})"
    return str(error)
