"""From the provisioners of an image to its layers.

A layer has one playbook, and the provisioners before and after it. So every second playbook begins a layer of its own.
Images whose layers would be equal share them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.adopt.carried_files import AdoptedFile
from orchestrator.adopt.provisioner import PlaybookStep
from orchestrator.definition.layer import LayerUse
from orchestrator.render.layout import laid_out

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEFAULT = "layers/default.pkr.hcl.j2"


@dataclass(frozen=True)
class AdoptedLayer:
    """The provisioners of one layer, in their order, as HCL; those that are not a playbook's stand around it."""

    before: tuple[str, ...] = ()
    step: PlaybookStep | None = None
    after: tuple[str, ...] = ()

    @property
    def key(self) -> Any:
        """Equal for layers that do the same."""
        return (self.before, self.step and (self.step.address, self.step.kept, repr(self.step.vars)), self.after)

    def use(self, name: str) -> Any:
        """How an image writes it."""
        step = self.step
        if step is None or not (step.playbook.applied or step.vars):
            return name
        fields = {"roles": list(step.playbook.applied), "vars": step.vars, "untested": self._untested()}
        return {name: {key: value for key, value in fields.items() if value}}

    def _untested(self) -> dict[str, str]:
        """A reason for each role that has no tests, where layers take one."""
        if self.step is None or "untested" not in LayerUse.model_fields:
            return {}
        return dict.fromkeys(
            self.step.playbook.untested(), f"adopted with {self.step.playbook.path.name}, without tests"
        )

    def files(self, name: str, template: str) -> list[AdoptedFile]:
        """The layer's fragment and its playbook."""
        playbook = self.step.playbook.path.read_bytes() if self.step else _no_playbook(name).encode()
        found = [AdoptedFile(f"playbooks/{name}.yml", playbook)]
        if self.before or self.after or self.step is None or self.step.kept:
            found.append(AdoptedFile(f"packer/layers/{name}.pkr.hcl.j2", self._fragment(name, template).encode()))
        return found

    def _fragment(self, name: str, template: str) -> str:
        blocks = [("before", self.before), ("after", self.after)]
        if self.step is None:
            blocks = [("provisioners", self.before)]
        elif self.step.kept:
            blocks.insert(1, ("provisioners", (_own_provisioner(name, self.step),)))
        lines = [f"{{#- Provisioners of {template}, in their order. -#}}", f'{{% extends "{_DEFAULT}" %}}']
        for block, provisioners in blocks:
            if provisioners or self.step is None:
                text = laid_out("\n\n".join(provisioners)).rstrip("\n")
                lines += [f"{{% block {block} %}}", "{% raw %}", text, "{% endraw %}", "{% endblock %}"]
        return "\n".join(lines) + "\n"


@dataclass
class _Open:
    """A layer that is being put together."""

    before: list[str] = field(default_factory=list)
    step: PlaybookStep | None = None
    after: list[str] = field(default_factory=list)


def layers_of(steps: Iterable[str | PlaybookStep]) -> list[AdoptedLayer]:
    """The layers that apply these provisioners in their order; at least one."""
    layers = [_Open()]
    for step in steps:
        last = layers[-1]
        if isinstance(step, PlaybookStep):
            if last.step is not None:
                layers.append(last := _Open())
            last.step = step
        else:
            (last.before if last.step is None else last.after).append(step)
    return [AdoptedLayer(tuple(each.before), each.step, tuple(each.after)) for each in layers]


def _no_playbook(name: str) -> str:
    return f"---\n# The layer's fragment does all of it: packer/layers/{name}.pkr.hcl.j2.\n[]\n"


def _own_provisioner(name: str, step: PlaybookStep) -> str:
    """A provisioner with what the default one cannot say. Roles, and who runs Ansible, are the factory's."""
    kept = dict(step.kept)
    written = kept.pop("ansible_env_vars", "")
    env = f"concat(local.ansible_env_vars, {written})" if written else "local.ansible_env_vars"
    own = {"command": "var.ansible_command", "skip_version_check": "true", "use_proxy": "false", "use_sftp": "true"}
    lines = [f"{key} = {value}" for key, value in {**own, **kept, "ansible_env_vars": env}.items()]
    playbook = f'playbook_file = join("/", [var.workspace, "playbooks/{name}.yml"])'
    return "\n".join(['provisioner "ansible" {', playbook, *lines, "}"])
