"""CloudFormation's API (AWS CloudFormation API Reference)."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

from moto.core.utils import get_service_model

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.cloudformation.deployment import StackWork
from orchestrator.lab.cloudformation.intrinsics import TemplateScope
from orchestrator.lab.cloudformation.planning import check_types, differences, given_parameters, wanted_capabilities
from orchestrator.lab.cloudformation.stack import BEGUN, GONE, ChangeSet, Stack
from orchestrator.lab.cloudformation.template_file import invalid, read_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orchestrator.lab.api.call import Call
    from orchestrator.lab.cloudformation.template_file import StackTemplate

    Body = Mapping[str, Any]

_NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
#: From these a stack can be changed.
_READY = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")


class CloudFormationApi:
    """Answers for the service `cloudformation`. `client` gives a client of whoever calls, by service."""

    def __init__(self, client: Callable[[Call, str], Any], pause: float = 0.0) -> None:
        self._client = client
        self._pause = pause
        self._lock = threading.RLock()
        self._stacks: dict[tuple[str, str], list[Stack]] = {}
        self._actions: dict[str, Callable[[Call, Body], dict[str, Any]]] = {
            "CreateStack": self._create_stack,
            "UpdateStack": self._update_stack,
            "DeleteStack": self._delete_stack,
            "DescribeStacks": self._describe_stacks,
            "ListStacks": self._list_stacks,
            "DescribeStackEvents": lambda call, body: {"StackEvents": self._known(call, body).shown_events()},
            "DescribeStackResources": self._describe_resources,
            "ListStackResources": self._list_resources,
            "GetTemplate": lambda call, body: {"TemplateBody": _body_of(self._known(call, body))},
            "GetTemplateSummary": self._summarize_template,
            "ValidateTemplate": self._summarize_template,
            "CreateChangeSet": self._create_change_set,
            "DescribeChangeSet": self._describe_change_set,
            "ExecuteChangeSet": self._execute_change_set,
            "DeleteChangeSet": self._delete_change_set,
        }

    @property
    def ACTIONS(self) -> frozenset[str]:  # noqa: N802  as handlers name it
        """All that CloudFormation has: moto knows nothing of these stacks."""
        return frozenset(get_service_model("cloudformation").operation_names)

    def handle(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call. Raises AwsFault."""
        act = self._actions.get(call.action)
        if act is None:
            raise AwsFault(call.protocol.unknown_action, f"the lab does not do this: {call.operation}")
        with self._lock:
            return act(call, body)

    # -- stacks -------------------------------------------------------------------------------------------------

    def _create_stack(self, call: Call, body: Body) -> dict[str, Any]:
        if self._found(call, str(body["StackName"])) is not None:
            raise AwsFault("AlreadyExistsException", f"Stack [{body['StackName']}] already exists")
        template, parameters, scope = self._read(call, body, None)
        differences(self._new(call, body, keep=False), template, scope)
        stack = self._new(call, body)
        stack.capabilities = tuple(body.get("Capabilities", ()))
        self._apply(call, stack, template, parameters, new=True, keep=str(body.get("OnFailure")) == "DO_NOTHING")
        return {"StackId": stack.arn}

    def _update_stack(self, call: Call, body: Body) -> dict[str, Any]:
        stack = self._changeable(call, body)
        template, parameters, scope = self._read(call, body, stack)
        if not differences(stack, template, scope):
            raise invalid("No updates are to be performed.")
        stack.capabilities = tuple(body.get("Capabilities", ()))
        self._apply(call, stack, template, parameters, new=False, keep=bool(body.get("DisableRollback")))
        return {"StackId": stack.arn}

    def _delete_stack(self, call: Call, body: Body) -> dict[str, Any]:
        stack = self._found(call, str(body["StackName"]))
        if stack is None or stack.status == GONE:
            return {}
        if stack.busy:
            raise invalid(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
        retained = tuple(map(str, body.get("RetainResources", ())))
        if retained and stack.status != "DELETE_FAILED":
            raise invalid("RetainResources is for stacks in status DELETE_FAILED")
        stack.become("DELETE_IN_PROGRESS", "User Initiated")
        self._do(call, stack, lambda work: work.delete(retained))
        return {}

    def _describe_stacks(self, call: Call, body: Body) -> dict[str, Any]:
        if body.get("StackName"):
            return {"Stacks": [self._known(call, body).shown()]}
        return {"Stacks": [each.shown() for each in self._of(call) if each.status != GONE]}

    def _list_stacks(self, call: Call, body: Body) -> dict[str, Any]:
        wanted = body.get("StackStatusFilter") or ()
        told = (each for each in self._of(call) if not wanted or each.status in wanted)
        keys = ("StackId", "StackName", "StackStatus", "CreationTime", "StackStatusReason", "LastUpdatedTime")
        return {"StackSummaries": [{key: each.shown()[key] for key in keys if key in each.shown()} for each in told]}

    def _describe_resources(self, call: Call, body: Body) -> dict[str, Any]:
        stack = self._known(call, body)
        wanted = body.get("LogicalResourceId")
        names = [name for name in stack.resources if not wanted or name == wanted]
        if wanted and not names:
            raise invalid(f"Resource {wanted} does not exist for stack {stack.name}")
        return {"StackResources": [stack.shown_resource(name) for name in names]}

    def _list_resources(self, call: Call, body: Body) -> dict[str, Any]:
        stack = self._known(call, body)
        return {"StackResourceSummaries": [stack.shown_resource(name) for name in stack.resources]}

    def _summarize_template(self, call: Call, body: Body) -> dict[str, Any]:
        written = body.get("TemplateBody")
        template = read_template(str(written) if written else _body_of(self._known(call, body)))
        told = [
            {"ParameterKey": name, "DefaultValue": str(each.get("Default", "")), "NoEcho": False}
            for name, each in template.parameters.items()
        ]
        kinds = sorted({each.type for each in template.resources.values()})
        return {
            "Parameters": told,
            "Description": template.description,
            "ResourceTypes": kinds,
            "Capabilities": list(wanted_capabilities(template)),
        }

    # -- change sets --------------------------------------------------------------------------------------------

    def _create_change_set(self, call: Call, body: Body) -> dict[str, Any]:
        kind = str(body.get("ChangeSetType") or "UPDATE")
        stack = self._found(call, str(body["StackName"]))
        if kind == "CREATE":
            if stack is not None and stack.status != BEGUN:
                what = f"Stack [{stack.name}] already exists and cannot be created again with the changeSet"
                raise invalid(f"{what} [{body['ChangeSetName']}].")
        elif kind != "UPDATE":
            raise invalid(f"the lab does not do change sets of type {kind}")
        else:
            stack = self._changeable(call, body)
        template, parameters, scope = self._read(call, body, stack)
        stack = stack or self._new(call, body)
        name = str(body["ChangeSetName"])
        if name in stack.change_sets:
            raise AwsFault("AlreadyExistsException", f"ChangeSet {name} already exists", 409)
        diffs = differences(stack, template, scope)
        made = ChangeSet(
            _arn(call, "changeSet", name), name, template, parameters, tuple(body.get("Capabilities", ())), kind, diffs,
            str(body.get("Description") or ""), "" if diffs else _NO_CHANGES,
        )  # fmt: skip
        stack.change_sets[name] = made
        return {"Id": made.arn, "StackId": stack.arn}

    def _describe_change_set(self, call: Call, body: Body) -> dict[str, Any]:
        stack, made = self._change_set(call, body)
        told: dict[str, Any] = {
            "ChangeSetId": made.arn,
            "ChangeSetName": made.name,
            "StackId": stack.arn,
            "StackName": stack.name,
            "CreationTime": made.created,
            "Status": "FAILED" if made.reason else "CREATE_COMPLETE",
            "ExecutionStatus": "UNAVAILABLE" if made.reason else "AVAILABLE",
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in made.parameters.items()],
            "Capabilities": list(made.capabilities),
            "Changes": [each.shown() for each in made.diffs],
        }
        return told | ({"StatusReason": made.reason} if made.reason else {})

    def _execute_change_set(self, call: Call, body: Body) -> dict[str, Any]:
        stack, made = self._change_set(call, body)
        if made.reason:
            what = f"ChangeSet [{made.arn}] cannot be executed in its current execution status of [UNAVAILABLE]"
            raise AwsFault("InvalidChangeSetStatus", what)
        if stack.busy:
            raise invalid(f"Stack:{stack.arn} is in {stack.status} state and can not be updated.")
        # One that is executed is gone, with all others of its stack.
        stack.change_sets.clear()
        stack.capabilities = made.capabilities
        keep = body.get("DisableRollback") in (True, "true")
        self._apply(call, stack, made.template, made.parameters, new=made.kind == "CREATE", keep=keep)
        return {}

    def _delete_change_set(self, call: Call, body: Body) -> dict[str, Any]:
        try:
            stack, made = self._change_set(call, body)
        except AwsFault:
            return {}
        del stack.change_sets[made.name]
        return {}

    # -- what they share ----------------------------------------------------------------------------------------

    def _apply(
        self, call: Call, stack: Stack, template: StackTemplate, parameters: Mapping[str, str], *, new: bool, keep: bool
    ) -> None:
        stack.become(f"{'CREATE' if new else 'UPDATE'}_IN_PROGRESS", "User Initiated")
        scope = self._scope(call, stack, template, parameters)
        self._do(call, stack, lambda work: work.apply(template, scope, new=new, keep_failed=keep))

    def _do(self, call: Call, stack: Stack, act: Callable[[StackWork], None]) -> None:
        """Change a stack: at once, or meanwhile in a lab where resources take their time."""
        work = StackWork(stack, lambda service: self._client(call, service), self._pause)
        if self._pause:
            threading.Thread(target=act, args=(work,), daemon=True).start()
        else:
            act(work)

    def _read(self, call: Call, body: Body, stack: Stack | None) -> tuple[StackTemplate, dict[str, str], TemplateScope]:
        """The template of a call, with the values of its parameters."""
        previous = body.get("UsePreviousTemplate") in (True, "true")
        if previous and stack is not None and stack.template is not None:
            template = stack.template
        elif body.get("TemplateBody"):
            template = read_template(str(body["TemplateBody"]))
        else:
            raise invalid("Either Template URL or Template Body must be specified.")
        check_types(template, tuple(body.get("Capabilities", ())))
        parameters = given_parameters(template, body.get("Parameters", ()), stack.parameters if stack else {})
        return template, parameters, self._scope(call, stack or self._new(call, body, keep=False), template, parameters)

    def _scope(self, call: Call, stack: Stack, template: StackTemplate, parameters: Mapping[str, str]) -> TemplateScope:
        pseudo = {
            "AWS::AccountId": call.account,
            "AWS::Partition": "aws",
            "AWS::Region": call.region,
            "AWS::StackId": stack.arn,
            "AWS::StackName": stack.name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        return TemplateScope(parameters, pseudo, template.conditions)

    def _new(self, call: Call, body: Body, *, keep: bool = True) -> Stack:
        stack = Stack(_arn(call, "stack", str(body["StackName"])), str(body["StackName"]), tags=body.get("Tags", ()))
        if keep:
            self._of(call).append(stack)
        return stack

    def _of(self, call: Call) -> list[Stack]:
        return self._stacks.setdefault((call.account, call.region), [])

    def _found(self, call: Call, name: str) -> Stack | None:
        """A stack by its name, or by its id, which finds also those that are gone."""
        stacks: Sequence[Stack] = self._of(call)
        return next((each for each in stacks if each.arn == name or (each.name == name and each.status != GONE)), None)

    def _known(self, call: Call, body: Body) -> Stack:
        name = str(body.get("StackName") or "")
        stack = self._found(call, name)
        if stack is None:
            raise invalid(f"Stack with id {name} does not exist")
        return stack

    def _changeable(self, call: Call, body: Body) -> Stack:
        stack = self._known(call, body)
        if stack.status not in _READY:
            raise invalid(f"Stack:{stack.arn} is in {stack.status} state and can not be updated.")
        return stack

    def _change_set(self, call: Call, body: Body) -> tuple[Stack, ChangeSet]:
        """By its ARN, or by its name and its stack's."""
        name, stack_name = str(body["ChangeSetName"]), body.get("StackName")
        for stack in self._of(call):
            for made in stack.change_sets.values():
                if name == made.arn or (name == made.name and stack_name in (stack.name, stack.arn)):
                    return stack, made
        raise AwsFault("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)


def _arn(call: Call, kind: str, name: str) -> str:
    return f"arn:aws:cloudformation:{call.region}:{call.account}:{kind}/{name}/{uuid.uuid4()}"


def _body_of(stack: Stack) -> str:
    return stack.template.body if stack.template is not None else ""
