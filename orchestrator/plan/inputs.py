"""Everything that decides what a layer's result is, as named digests, and the fingerprints that follow from them.

Inputs are kept in parts (a role, a playbook, the variables) with their entries (a file, a variable), so that it can be
told which of them changed. What does not change the result is no input: tests, READMEs, descriptions, owners, tags.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from orchestrator.definition.roles.role_tests import files_above, folders_above
from orchestrator.errors import LackError
from orchestrator.plan.fingerprint import FORMAT, Entry, canonical, digest, files_below
from orchestrator.plan.planned_layer import SEAL, applied_roles, fragment_of, seal_of
from orchestrator.plan.reach.search import FileSearch
from orchestrator.secret_values import Secrets

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.source import Source
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.planned_layer import PlannedLayer, ProvenBelow
    from orchestrator.plan.reach.folder import Reached

#: The group of inputs that every layer of a stack stands on.
START = "start"

#: Bytes of an entry whose content is kept, so that a later plan can show what changed in it.
LARGEST_SHOWN = 8192

#: Update cycles of whole weeks begin on a Monday: 1970-01-05, in seconds since 1970.
_FIRST_MONDAY = 4 * 86400

#: Fields of a machine that count by the content of a file.
_BY_DIGEST = ("user_data", "fragment")

#: Names of templates that a template extends or includes, as they are written: in quotes.
_QUOTED = re.compile(r"""["']([\w./-]+\.j2)["']""")

#: Files and folders that a fragment names for its provisioners, as they are written: in quotes.
_FOR_PROVISIONERS = re.compile(r'"(packer/files/[^"\n]+)"')


@dataclass(frozen=True)
class Part:
    """One part of a layer's inputs: `digest` of all of it, and one for each of its `entries`."""

    name: str
    digest: str
    entries: Mapping[str, str]
    #: What small entries hold, but for those that are withheld.
    contents: Mapping[str, bytes] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Inputs:
    """The inputs of one layer (or of the start, below all layers), on those of the layers below it."""

    layer: str
    parts: tuple[Part, ...]
    below: Inputs | None = None
    fingerprint: str = field(default="", compare=False)
    #: What nobody can tell of the layer before it runs, and what counts for that reason.
    notes: tuple[str, ...] = field(default=(), compare=False)

    def chain(self) -> tuple[Inputs, ...]:
        """All inputs of a stack, the start first."""
        return (*(self.below.chain() if self.below else ()), self)


def part(name: str, entries: Mapping[str, bytes], withheld: Container[str] = ()) -> Part:
    """A part from the contents of its entries. Those `withheld` are secret, or say nothing to a person."""
    known = {entry: digest("entry", [("", content)]) for entry, content in entries.items()}
    small = {one: text for one, text in entries.items() if len(text) <= LARGEST_SHOWN and one not in withheld}
    return Part(name, digest("part", [(entry, known[entry].encode()) for entry in sorted(known)]), known, small)


def stacked(layer: str, parts: Iterable[Part], below: Inputs | None = None, notes: tuple[str, ...] = ()) -> Inputs:
    """Inputs with their fingerprint, which is chained with that of what is below."""
    kept = tuple(parts)
    chained = [("below", below.fingerprint.encode())] if below else []
    chained += [("layer", layer.encode()), *((one.name, one.digest.encode()) for one in kept)]
    return Inputs(layer, kept, below, digest("layer", chained), notes)


def period(cycle_seconds: int, now: datetime) -> int:
    """The number of the update cycle that `now` (with time zone) is in."""
    return (int(now.timestamp()) - _FIRST_MONDAY) // cycle_seconds


def _facts(layer: PlannedLayer) -> tuple[Any, ...]:
    """What tests may ask of a layer."""
    own = [[entry.role, entry.vars] for entry in layer.entries if entry.vars]
    return (layer.name, layer.roles, layer.vars, own) if own else (layer.name, layer.roles, layer.vars)


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
        self._names: dict[str, Part] = {}
        self._tests: dict[Path, Part] = {}
        self._above: dict[Path, Part] = {}
        self._proven: dict[tuple[Any, ...], tuple[tuple[str, bytes], ...]] = {}
        self._test_folders: dict[str, tuple[tuple[str, Path], ...]] = {}
        self._layers: dict[tuple[Any, ...], tuple[tuple[Part, ...], tuple[str, ...]]] = {}
        self._reach = FileSearch(workspace, environment)
        self._of_folder: dict[int, Part] = {}
        self._of_reached: dict[tuple[Any, ...], tuple[Part, ...]] = {}
        self._levels: dict[Path, Collector] = {workspace.root: self}

    @property
    def workspace(self) -> Workspace:
        """Whose layers it reads."""
        return self._workspace

    def at(self, level: Workspace) -> Collector:
        """What reads the inputs of another level of the workspace, as they are in a workspace of their own."""
        if level.root not in self._levels:
            below = Collector(level, level.met(self._environment), self._now, self._secrets)
            below._levels = self._levels
            self._levels[level.root] = below
        return self._levels[level.root]

    @cached_property
    def _seal(self) -> PlannedLayer:
        return seal_of(self._workspace)

    def start(self, source: Source, ami_id: str) -> Inputs:
        """What every layer on a source stands on: the AMI, the frame, the seal, and what of the environment counts."""
        reached = self._reach.of(self._seal)
        parts = [
            part("format", {"format": str(FORMAT).encode()}),
            part("source", {ami_id: ami_id.encode(), "ssh_username": source.ssh_username.encode()}),
            part("frame", self._templates("image.pkr.hcl.j2")),
            *self._of_level(),
            *self._applied(self._seal, reached),
        ]
        return stacked(START, parts, notes=reached.notes)

    def _of_level(self) -> Iterator[Part]:
        """What counts for all layers of a level: what of the environment does, and the level's settings of Ansible."""
        secret = {f"secret_vars.{one}" for one in self._environment.secret_vars}
        yield part("environment", self._of_environment(), secret)
        yield part("settings", self._settings())
        yield from self._facts()

    def layer(self, layer: PlannedLayer, below: Inputs) -> Inputs:
        """The inputs of a layer on top of others."""
        if (level := self._of(layer)) is not self:
            return level.layer(layer, below)
        machine = layer.machine.deciding()
        key = (layer.name, layer.roles, layer.groups, canonical([layer.vars, layer.role_tasks, machine]))
        if key not in self._layers:
            reached = self._reach.of(layer)
            self._layers[key] = (*self._own(layer), *self._applied(layer, reached)), reached.notes
        parts, notes = self._layers[key]
        return stacked(layer.name, parts, below, notes)

    def reached(self, layer: PlannedLayer) -> Reached:
        """What a layer reaches."""
        if (level := self._of(layer)) is not self:
            return level.reached(layer)
        return self._reach.of(layer)

    def tests(self, image: str, stack: Iterable[PlannedLayer], below: ProvenBelow | None = None) -> str:
        """The fingerprint of the tests that prove an image: of their files, and of what they may ask of `image`.

        What another level proves of the stack counts by the tests that have proven it there: while that stands, a
        change of its tests alone is no reason to test anew what is built on it.
        """
        if (level := self.at(self._workspace.home(image))) is not self:
            return level.tests(image, stack, below)
        layers = tuple(stack)[below.layers if below else 0 :]
        facts = {"image": image, "layers": [_facts(layer) for layer in layers]}
        facts |= {"below": below.tests} if below else {}
        return digest("tests", [("facts", canonical(facts)), *self._proving(layers)])

    def _proving(self, layers: tuple[PlannedLayer, ...]) -> tuple[tuple[str, bytes], ...]:
        """The digests of the tests of all roles that layers apply. Many images apply the same ones."""
        key = tuple((layer.home and layer.home.root, layer.roles) for layer in layers)
        if key not in self._proven:
            roles = applied_roles(self._workspace, (*layers, self._seal))
            folders = [named for role, level in roles for named in self.at(level).test_folders_of(role)]
            proven = [(name, self._tests_in(folder).digest.encode()) for name, folder in folders]
            proven += [(f"above {name}", above) for name, folder in folders if (above := self._above_tests(folder))]
            self._proven[key] = tuple(proven)
        return self._proven[key]

    def _of(self, layer: PlannedLayer) -> Collector:
        """The collector of the level that a layer was resolved in."""
        return self.at(layer.home) if layer.home else self

    def _own(self, layer: PlannedLayer) -> Iterator[Part]:
        """What one use of a layer has for itself: its variables, and the period that it is in."""
        counted = {name: self._secrets.counted(name, value) for name, value in layer.vars.items()}
        secret = {name for name, value in counted.items() if value != layer.vars[name]}
        yield part("vars", {name: canonical(value) for name, value in counted.items()}, secret)
        declared = self._workspace.layers.get(layer.name)
        if declared is not None and declared.cycle_seconds is not None:
            number = str(period(declared.cycle_seconds, self._now)).encode()
            yield part("update cycle", {str(declared.update_cycle): number}, {str(declared.update_cycle)})
        if self._workspace.is_extending:  # the start may be that of a level below
            yield from self._of_level()
        if machine := layer.machine.deciding():
            counted = {name: self._counted(name, value) for name, value in machine.items()}
            yield part("machine", {name: canonical(value) for name, value in counted.items()}, _BY_DIGEST)

    def _counted(self, name: str, value: Any) -> Any:
        """What counts of a field of a machine: of a file its content, whatever it is called."""
        if name == "user_data":
            return digest("entry", [("", self._read(self._workspace.find(value)))])
        if name == "fragment":
            return part(name, self._templates(value)).digest
        return value

    def _applied(self, layer: PlannedLayer, reached: Reached) -> tuple[Part, ...]:
        """The fragment, the order of roles, and all that Ansible can read while it applies them.

        Uses of a layer that reach the same share these parts. What was reached is known by its identity: `FileSearch`
        keeps it for as long as this collector lives.
        """
        key = (layer.name, layer.roles, canonical(layer.role_tasks), id(reached))
        if key not in self._of_reached:
            self._of_reached[key] = tuple(self._parts_of(layer, reached))
        return self._of_reached[key]

    def _parts_of(self, layer: PlannedLayer, reached: Reached) -> Iterator[Part]:
        if layer.name not in self._names:
            fragment = self._templates(f"layers/{fragment_of(self._workspace, layer.name).name}")
            self._names[layer.name] = part("fragment", fragment)
            self._for_provisioners[layer.name] = part("files", dict(self._named_in(fragment)))
        yield self._names[layer.name]
        if self._for_provisioners[layer.name].entries:
            yield self._for_provisioners[layer.name]
        yield part("order", {"roles": canonical(layer.roles)})
        if layer.role_tasks:
            yield part("role entries", {str(number): canonical(task) for number, task in enumerate(layer.role_tasks)})
        yield part("playbook", reached.files)
        below = self._reach.of(self._seal).folders if layer.name != SEAL else {}
        for name, folder in reached.folders.items():
            if name in below:
                continue  # it counts at the start already
            if id(folder) not in self._of_folder:
                self._of_folder[id(folder)] = part(name, folder.counted)
            yield self._of_folder[id(folder)]

    def test_folders_of(self, role: str) -> tuple[tuple[str, Path], ...]:
        """The folders with a role's tests, by how the fingerprint calls them: the first by the role's name."""
        if role not in self._test_folders:
            folders = self._workspace.tests_of_role(role)
            self._test_folders[role] = tuple((f"{n} {role}" if n else role, path) for n, path in enumerate(folders))
        return self._test_folders[role]

    def _tests_in(self, folder: Path) -> Part:
        """The files of a folder with tests."""
        if folder not in self._tests:
            entries = files_below(str(folder), frozenset(), self._reach.files.ignored) if folder.is_dir() else []
            self._tests[folder] = part("tests", dict(one.counted() for one in entries if not one.aside))
        return self._tests[folder]

    def _above_tests(self, tests: Path) -> bytes:
        """The digest of what stands above a folder with tests and counts for them; empty when there is nothing."""
        if tests not in self._above:
            root = folders_above(tests)[-1]
            files = {str(path.relative_to(root)): self._read(path) for path in files_above(tests)}
            self._above[tests] = part("above", files)
        above = self._above[tests]
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
        """The workspace's own Ansible settings, which every build uses (see build/launch/environment.py)."""
        return self._reach.files.settings.counted()

    def _facts(self) -> Iterator[Part]:
        if self._workspace.gather_subset:
            yield part("facts", {"gather_subset": canonical(self._workspace.gather_subset)})

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

    @cached_property
    def _for_provisioners(self) -> dict[str, Part]:
        """The files that the provisioners in a layer's fragment name, by the layer."""
        return {}

    def _named_in(self, fragment: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        """The files that a fragment names below packer/files, and those in folders that it names."""
        for text in fragment.values():
            for name in _FOR_PROVISIONERS.findall(text.decode("utf-8", "replace")):
                path = self._workspace.root / name
                if path.is_file():
                    yield Entry(name, str(path)).counted()
                elif path.is_dir():
                    for one in files_below(str(path), frozenset()):
                        yield Entry(f"{name.rstrip('/')}/{one.name}", one.path, link=one.link).counted()
