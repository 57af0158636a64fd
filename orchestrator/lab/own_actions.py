"""Actions that the lab answers in moto's place: one module for each, with the action's name and a function `answer`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult

from orchestrator.lab.asked import Asked
from orchestrator.registration import modules_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from orchestrator.lab.tables import Tables


def add_actions(response: type, package: ModuleType, tables: Tables) -> None:
    """Let moto's class of a service answer each module of `package`; what `answer` returns is written as AWS does.

    The class has a method for each action already, or none: then the action is one that moto does not have.
    """
    for module in modules_of(package):
        name = module.__name__.rpartition(".")[2]
        setattr(response, name, _method(module.answer, tables))


def _method(answer: Callable[[Asked], dict[str, Any]], tables: Tables) -> Callable[[Any], ActionResult]:
    def method(self: Any) -> ActionResult:
        parameters = self.params if self.automated_parameter_parsing else json.loads(self.body or "{}")
        asked = Asked(self._get_action(), self.current_account, self.region, parameters, tables, self)
        return ActionResult(answer(asked))

    return method
