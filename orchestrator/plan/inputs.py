"""Everything that decides what a layer's result is, as named digests, and the fingerprints that follow from them.

Inputs are kept in parts (a role, a playbook, the variables) with their entries (a file, a variable), so that it can be
told which of them changed. What does not change the result is no input: tests, READMEs, descriptions, owners, tags.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.definition.role_tests import TESTS, files_above, folders_above
from orchestrator.errors import LackError
from orchestrator.plan.fingerprint import FORMAT, NOT_APPLIED, NOT_TESTS, canonical, digest, files_below
from orchestrator.plan.stack import SEAL, fragment_of, seal_of
from orchestrator.secret_values import Secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.source import Source
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import PlannedLayer

#: The group of inputs that every layer of a stack stands on.
START = "start"

#: Update cycles of whole weeks begin on a Monday: 1970-01-05, in seconds since 1970.
_FIRST_MONDAY = 4 * 86400

#: Names of templates that a template extends or includes, as they are written: in quotes.
_QUOTED = re.compile(r"""["']([\w./-]+\.j2)["']""")


@dataclass(frozen=True)
class Part:
    """One part of a layer's inputs: `digest` of all of it, and one for each of its `entries`."""

    name: str
    digest: str
    entries: Mapping[str, str]


@dataclass(frozen=True)
class Inputs:
    """The inputs of one layer (or of the start, below all layers), on those of the layers below it."""

    layer: str
    parts: tuple[Part, ...]
    below: Inputs | None = None
    fingerprint: str = field(default="", compare=False)

    def chain(self) -> tuple[Inputs, ...]:
        """All inputs of a stack, the start first."""
        return (*(self.below.chain() if self.below else ()), self)


def part(name: str, entries: Mapping[str, bytes]) -> Part:
    """A part from the contents of its entries."""
    known = {entry: digest("entry", [("", content)]) for entry, content in entries.items()}
    return Part(name, digest("part", [(entry, known[entry].encode()) for entry in sorted(known)]), known)


def stacked(layer: str, parts: Iterable[Part], below: Inputs | None = None) -> Inputs:
    """Inputs with their fingerprint, which is chained with that of what is below."""
    kept = tuple(parts)
    chained = [("below", below.fingerprint.encode())] if below else []
    chained += [("layer", layer.encode()), *((one.name, one.digest.encode()) for one in kept)]
    return Inputs(layer, kept, below, digest("layer", chained))


def period(cycle_seconds: int, now: datetime) -> int:
    """The number of the update cycle that `now` (with time zone) is in."""
    return (int(now.timestamp()) - _FIRST_MONDAY) // cycle_seconds


class Collector:
    """Reads the inputs of a workspace's layers; each file once, however many images share it."""

    def __init__(
        self, workspace: Workspace, environment: Environment, now: datetime, secrets: Secrets | None = None
    ) -> None:
        self._workspace = workspace
        self._environment = environment
        self._now = now
        self._secrets = secrets or Secrets(workspace, environment)
        self._files: dict[Path, bytes] = {}
        self._names: dict[str, tuple[Part, ...]] = {}
        self._roles: dict[tuple[str, str], Part] = {}
        self._layers: dict[tuple[str, tuple[str, ...], bytes], tuple[Part, ...]] = {}
        self._beside = self._playbook_files()

    def start(self, source: Source, ami_id: str) -> Inputs:
        """What every layer on a source stands on: the AMI, the frame, the seal, and what of the environment counts."""
        seal = seal_of(self._workspace)
        parts = [
            part("format", {"format": str(FORMAT).encode()}),
            part("source", {ami_id: ami_id.encode(), "ssh_username": source.ssh_username.encode()}),
            part("frame", self._templates("image.pkr.hcl.j2")),
            part("environment", self._of_environment()),
            part("settings", self._settings()),
            *self._applied(seal),
        ]
        return stacked(START, parts)

    def layer(self, layer: PlannedLayer, below: Inputs) -> Inputs:
        """The inputs of a layer on top of others."""
        key = (layer.name, layer.roles, canonical(layer.vars))
        if key not in self._layers:
            self._layers[key] = tuple(self._of_layer(layer))
        return stacked(layer.name, self._layers[key], below)

    def tests(self, image: str, stack: Iterable[PlannedLayer]) -> str:
        """The fingerprint of the tests that prove an image: of their files, and of what they may ask of `image`."""
        layers = tuple(stack)
        roles = self._workspace.roles_of([*(role for layer in layers for role in layer.roles), SEAL])
        facts = {"image": image, "layers": [(layer.name, layer.roles, layer.vars) for layer in layers]}
        proven = [(role, self._of_role(role, TESTS, NOT_TESTS).digest.encode()) for role in roles]
        proven += [(f"above {role}", above) for role in roles if (above := self._above_tests(role))]
        return digest("tests", [("facts", canonical(facts)), *proven])

    def _of_layer(self, layer: PlannedLayer) -> Iterator[Part]:
        yield part("vars", {name: canonical(self._secrets.counted(name, value)) for name, value in layer.vars.items()})
        declared = self._workspace.layers.get(layer.name)
        if declared is not None and declared.cycle_seconds is not None:
            number = str(period(declared.cycle_seconds, self._now)).encode()
            yield part("update cycle", {str(declared.update_cycle): number})
        yield from self._applied(layer)

    def _applied(self, layer: PlannedLayer) -> Iterator[Part]:
        """The fragment, the playbook, the order of roles, and the roles themselves with all that they depend on."""
        yield from self._of_name(layer)
        yield part("order", {"roles": canonical(layer.roles)})
        for role in self._workspace.roles_of(layer.roles):
            yield self._of_role(role, "", NOT_APPLIED)

    def _of_name(self, layer: PlannedLayer) -> tuple[Part, ...]:
        """The fragment and the playbook: what all uses of a layer share."""
        if layer.name not in self._names:
            fragment = self._templates(f"layers/{fragment_of(self._workspace, layer.name).name}")
            playbook = {f"playbooks/{layer.name}.yml": self._read(layer.playbook)} | self._beside
            self._names[layer.name] = part("fragment", fragment), part("playbook", playbook)
        return self._names[layer.name]

    def _of_role(self, role: str, within: str, leave_out: frozenset[str]) -> Part:
        """The files of a role, or those of a folder `within` it."""
        if (role, within) not in self._roles:
            folder = self._workspace.find(f"roles/{role}") / within
            name = f"{within or 'roles'}/{role}"
            files = dict(files_below(folder, leave_out)) if folder.is_dir() else {}
            self._roles[role, within] = part(name, files)
        return self._roles[role, within]

    def _above_tests(self, role: str) -> bytes:
        """The digest of what stands above a role's tests and counts for them; empty when there is nothing."""
        if (role, "above") not in self._roles:
            tests = self._workspace.find(f"roles/{role}") / TESTS
            root = folders_above(tests)[-1]
            files = {str(path.relative_to(root)): self._read(path) for path in files_above(tests)}
            self._roles[role, "above"] = part(f"above/{role}", files)
        above = self._roles[role, "above"]
        return above.digest.encode() if above.entries else b""

    def _templates(self, name: str) -> dict[str, bytes]:
        """A template and all that it extends or includes, by their names below `packer/`."""
        found: dict[str, bytes] = {}
        waiting = [name]
        while waiting:
            name = waiting.pop()
            if name not in found and (path := self._there(f"packer/{name}")):
                found[name] = self._read(path)
                waiting += _QUOTED.findall(found[name].decode("utf-8", "replace"))
        return found

    def _of_environment(self) -> dict[str, bytes]:
        """What of the environment reaches the machine: Ansible's variables, and the key of the disk."""
        given = {f"extra_vars.{name}": value.encode() for name, value in self._environment.extra_vars.items()}
        for name, written in self._environment.secret_vars.items():
            given[f"secret_vars.{name}"] = canonical(self._secrets.counted(name, {"secret": written}))
        return given | {"kms_key_id": self._environment.kms_key_id.encode()}

    def _settings(self) -> dict[str, bytes]:
        """The workspace's own Ansible settings, which every build uses (see build/environment.py)."""
        path = self._workspace.root / "ansible.cfg"
        return {"ansible.cfg": self._read(path)} if path.is_file() else {}

    def _playbook_files(self) -> dict[str, bytes]:
        """What lies beside the playbooks of layers (task files, variables, plugins): any of them may use it."""
        playbooks = {f"{layer}.yml" for layer in (*self._workspace.layers, SEAL)}
        found: dict[str, bytes] = {}
        within: Workspace | None = self._workspace
        while within:
            folder = within.root / "playbooks"
            for name, content in files_below(folder, NOT_TESTS) if folder.is_dir() else ():
                if name[2:] not in playbooks:
                    found.setdefault(f"playbooks/{name[2:]}", content)
            within = within.extends
        return found

    def _there(self, relative: str) -> Path | None:
        try:
            path = self._workspace.find(relative)
        except LackError:
            return None
        return path if path.is_file() else None

    def _read(self, path: Path) -> bytes:
        if path not in self._files:
            self._files[path] = path.read_bytes()
        return self._files[path]
