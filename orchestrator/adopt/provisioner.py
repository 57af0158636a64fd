"""Provisioners of a template: kept as HCL for a layer's fragment, or an Ansible playbook that a layer applies."""

from __future__ import annotations

import json
import shlex
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from orchestrator.adopt.block import TemplateAttribute, TemplateBlock, Unknown
from orchestrator.adopt.carried_files import MissingFileError
from orchestrator.adopt.galaxy_file import GalaxyFile, NotTakenError, read_galaxy_file
from orchestrator.adopt.playbook import AdoptedPlaybook, read_playbook
from orchestrator.brought import REQUIREMENTS
from orchestrator.render.literal import NotHcl, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from orchestrator.adopt.carried_files import CarriedFiles
    from orchestrator.adopt.ledger import Ledger

#: Attributes that name files, of the provisioners that are kept.
_PATHS: dict[str, frozenset[str]] = {
    "shell": frozenset({"script", "scripts"}),
    "file": frozenset({"source", "sources"}),
    "ansible-local": frozenset(
        {"playbook_file", "playbook_files", "playbook_dir", "galaxy_file", "inventory_file", "group_vars", "host_vars"}
        | {"role_paths", "collection_paths"}
    ),
    "breakpoint": frozenset(),
}
#: What decides for which source a provisioner runs; it is decided here.
_CHOICE = ("only", "except", "override")
_EXTRA_VARS = ("-e", "--extra-vars")
_BY_HAND = "write what it does into a playbook or a fragment of the layer"
#: Attributes of the provisioner `ansible` that name files.
_ANSIBLE_PATHS = frozenset({"inventory_directory", "inventory_file"})
#: Those of it that a layer does not ask for.
_FETCHED = ("`ami deps` fetches roles and collections, and a build fetches none", "nothing to do")
_NOT_ASKED = {
    "command": ("the factory runs Ansible itself, to follow its tasks", "nothing to do, if it was ansible-playbook"),
    "collections_path": (
        "collections are found in the workspace",
        f"copy them to collections/, or name them in {REQUIREMENTS}",
    ),
    **dict.fromkeys(("galaxy_command", "galaxy_force_install"), _FETCHED),
}
_REASONS = {
    "shell-local": ("it runs on the machine that builds", "run it before `ami build`, or after it"),
    "windows-restart": ("the factory builds over SSH only", ""),
    "windows-shell": ("the factory builds over SSH only", ""),
    "powershell": ("the factory builds over SSH only", ""),
}


class NotKeptError(Exception):
    """A provisioner that cannot be kept."""

    def __init__(self, why: str, todo: str = _BY_HAND) -> None:
        super().__init__(why)
        self.why, self.todo = why, todo


@dataclass(frozen=True)
class PlaybookStep:
    """A playbook as a layer applies it. `kept` are the attributes of a provisioner that the default one cannot say."""

    playbook: AdoptedPlaybook
    vars: dict[str, Any] = field(default_factory=dict)
    kept: tuple[tuple[str, str], ...] = ()
    address: str = ""


@dataclass
class ProvisionerReader:
    """Reads provisioners for one image after the other; `fragment` in the ledger stands for the layer's files."""

    files: CarriedFiles
    ledger: Ledger
    #: What stands in the workspace's `requirements.yml`; None when it has none.
    requirements: bytes | None = None

    def chosen(self, blocks: Iterable[TemplateBlock], names: Iterable[str]) -> Iterator[TemplateBlock]:
        """The provisioners that run for a source that goes by any of `names`, with what they override for it."""
        known = set(names)
        for block in blocks:
            only, without = block.get("only"), block.get("except")
            for attribute in (only, without):
                if attribute is not None and isinstance(attribute.value, list):
                    self.ledger.carry(attribute, "")
            if (only and _names(only) and not known & _names(only)) or (without and known & _names(without)):
                self.ledger.carry(block, "")
                continue
            yield self._overridden(block, known)

    def read(self, block: TemplateBlock, username: str) -> str | PlaybookStep | None:
        """The HCL of a provisioner, or its playbook; None when it is not carried over, which the ledger then says."""
        try:
            return self._playbook(block, username) if block.labels[:1] == ("ansible",) else self._kept(block)
        except NotKeptError as not_kept:
            self.ledger.leave(block, not_kept.why, not_kept.todo)
        except MissingFileError as missing:
            self.ledger.leave(block, f"'{missing}' is not there", "adopt the template again when the file is there")
        return None

    def _overridden(self, block: TemplateBlock, names: set[str]) -> TemplateBlock:
        override = block.get("override")
        if override is None or not isinstance(override.value, dict):
            return block
        attributes = {attribute.name: attribute for attribute in block.attributes}
        for name, values in override.value.items():
            if not isinstance(values, dict):
                continue
            self.ledger.carry(override, "", name)
            if name in names:
                new = (replace(override, name=key, value=value, hcl=_literal(value)) for key, value in values.items())
                attributes.update({attribute.name: attribute for attribute in new})
        return replace(block, attributes=tuple(attributes.values()))

    def _kept(self, block: TemplateBlock) -> str:
        (kind,) = block.labels
        if kind not in _PATHS:
            raise NotKeptError(*_REASONS.get(kind, (f"a workspace keeps no provisioner '{kind}'", _BY_HAND)))
        direction = block.get("direction")
        if direction and direction.value == "download":
            raise NotKeptError("it copies from the machine to the one that builds")
        lines = [f"{name} = {hcl}" for name, hcl in self._attributes(block, _PATHS[kind])]
        for inner in block.blocks:
            self.ledger.leave(inner, "a provisioner's inner block is not kept", _BY_HAND)
        self._carry(block)
        return "\n".join([f'provisioner "{kind}" {{', *lines, "}"])

    def _carry(self, block: TemplateBlock) -> None:
        self.ledger.carry(block, "")
        for attribute in block.attributes:
            if attribute.name != "override":
                self.ledger.carry(attribute, "")

    def _attributes(self, block: TemplateBlock, paths: frozenset[str]) -> Iterator[tuple[str, str]]:
        for attribute in block.attributes:
            if attribute.name in _CHOICE:
                if isinstance(attribute.value, Unknown):
                    raise NotKeptError(f"'{attribute.name}': {attribute.value.why}")
                continue
            if attribute.name in paths:
                yield attribute.name, self._paths(attribute)
            elif attribute.hcl:
                yield attribute.name, attribute.hcl
            else:
                raise NotKeptError(f"'{attribute.name}': {_why(attribute)}")

    def _paths(self, attribute: TemplateAttribute) -> str:
        """Paths in the workspace in the place of those in the template's folder."""
        if isinstance(attribute.value, str):
            return _in_workspace(self._taken(attribute.value))
        if isinstance(attribute.value, list) and all(isinstance(one, str) for one in attribute.value):
            return "[" + ", ".join(_in_workspace(self._taken(one)) for one in attribute.value) + "]"
        raise NotKeptError(f"'{attribute.name}': {_why(attribute)}")

    def _taken(self, written: str) -> str:
        if "{{" in written:
            raise NotKeptError(f"Packer works '{written}' out at each build")
        return self.files.take(written)

    def _playbook(self, block: TemplateBlock, username: str) -> PlaybookStep:
        file = block.get("playbook_file")
        if file is None or not isinstance(file.value, str) or "{{" in file.value:
            raise NotKeptError(f"its playbook is not known: {_why(file) if file else 'it names none'}")
        path = self.files.find(file.value)
        galaxy = self._galaxy_file(block.get("galaxy_file"))
        playbook = read_playbook(path, self._roles_path(block))
        if galaxy is not None:
            playbook = playbook.with_brought(filter(galaxy.brings, playbook.missing))
        variables: dict[str, Any] = {}
        kept: list[tuple[str, str]] = []
        for attribute in block.attributes:
            if attribute.name in _NOT_ASKED:
                self.ledger.leave(attribute, *_NOT_ASKED[attribute.name])
            elif not self._is_said(attribute, username, variables):
                kept.append((attribute.name, self._kept_value(attribute)))
        if kept and block.get("user") is None:
            kept.append(("user", literal(username)))
        self._carry(block)
        for role in playbook.missing:
            why = f"the playbook's role '{role}' is neither beside it nor in a `roles_path`"
            self.ledger.leave(block, why, f"copy the role to roles/{role}", f"role {role}")
        return PlaybookStep(playbook, variables, tuple(kept), block.address)

    def _roles_path(self, block: TemplateBlock) -> list[Path]:
        """The folder with roles that a provisioner names; ansible-galaxy makes one that is not there."""
        roles_path = block.get("roles_path")
        if roles_path is None or not isinstance(roles_path.value, str):
            return []
        with suppress(MissingFileError) if block.get("galaxy_file") else nullcontext():
            return [self.files.find(roles_path.value)]
        return []

    def _galaxy_file(self, attribute: TemplateAttribute | None) -> GalaxyFile | None:
        """The roles and collections that a provisioner asks Galaxy for: the requirements of the workspace."""
        if attribute is None:
            return None
        if not isinstance(attribute.value, str):
            self.ledger.leave(attribute, _why(attribute), f"write {REQUIREMENTS}")
            return None
        try:
            path = self.files.find(attribute.value)
            galaxy = read_galaxy_file(path, self.requirements)
        except (NotTakenError, MissingFileError) as error:
            why = str(error) if isinstance(error, NotTakenError) else f"'{error}' is not there"
            self.ledger.leave(attribute, why, f"write its entries into {REQUIREMENTS}, then `ami deps`")
            return None
        self.requirements = path.read_bytes()
        self.files.copy(path, REQUIREMENTS)
        self.ledger.carry(attribute, REQUIREMENTS)
        for name in galaxy.local():
            why = f"{REQUIREMENTS} names '{name}', which is not in the workspace"
            self.ledger.leave(attribute, why, "copy it there", name)
        return galaxy

    def _kept_value(self, attribute: TemplateAttribute) -> str:
        """An attribute as the layer's own provisioner says it."""
        if attribute.name in _ANSIBLE_PATHS:
            return self._paths(attribute)
        if not attribute.hcl:
            raise NotKeptError(f"'{attribute.name}': {_why(attribute)}")
        for word in attribute.value if isinstance(attribute.value, list) else ():
            name = str(word).rpartition("=")[2].removeprefix("@")
            if name and "\n" not in name and (self.files.folder / name).is_file():
                self.ledger.leave(attribute, f"it names '{name}', which is not in the workspace", "copy it there", name)
        return attribute.hcl

    def _is_said(self, attribute: TemplateAttribute, username: str, variables: dict[str, Any]) -> bool:
        """Whether the provisioner of every layer says an attribute; extra variables become those of the layer."""
        match attribute.name:
            case "playbook_file" | "only" | "except" | "override":
                return True
            case "roles_path" | "galaxy_file":
                return True
            case "user":
                return bool(attribute.value == username)
            case "use_proxy" | "skip_version_check" | "use_sftp":
                return True
            case "extra_arguments":
                found = extra_vars(attribute.value)
                variables.update(found or {})
                return found is not None
        return False


def extra_vars(arguments: Any) -> dict[str, Any] | None:
    """The variables that Ansible's arguments set, or None when there is anything else in them."""
    if not isinstance(arguments, list) or not all(isinstance(one, str) for one in arguments):
        return None
    found: dict[str, Any] = {}
    words = iter(arguments)
    for word in words:
        option, equals, value = word.partition("=")
        if option not in _EXTRA_VARS:
            return None
        text = value if equals else next(words, "")
        if "{{" in text or text.startswith("@"):
            return None
        try:
            given = json.loads(text) if text.startswith("{") else dict(one.split("=", 1) for one in shlex.split(text))
        except ValueError:
            return None
        found.update(given)
    return found


def _names(attribute: TemplateAttribute) -> set[str]:
    return {str(name) for name in attribute.value} if isinstance(attribute.value, list) else set()


def _why(attribute: TemplateAttribute) -> str:
    if isinstance(attribute.value, Unknown):
        return attribute.value.why
    within = attribute.value.values() if isinstance(attribute.value, dict) else ()
    return next((one.why for one in within if isinstance(one, Unknown)), "it has no form outside of the template")


def _literal(value: Any) -> str:
    try:
        return literal(value)
    except NotHcl:
        return ""


def _in_workspace(relative: str) -> str:
    return f'join("/", [var.workspace, {literal(relative)}])'
