"""A whole template as a workspace: images, sources, layers, an environment, and the list of what is left."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from orchestrator.adopt.block import Unknown
from orchestrator.adopt.carried_files import AdoptedFile, CarriedFiles, MissingFileError
from orchestrator.adopt.ebs_source import KIND, EbsReader, EbsSource, NoImageError
from orchestrator.adopt.ledger import Ledger
from orchestrator.adopt.machine_block import MachineReader
from orchestrator.adopt.naming import free_name, legal_name
from orchestrator.adopt.provisioner import PlaybookStep, ProvisionerReader
from orchestrator.adopt.stack import AdoptedLayer, layers_of
from orchestrator.adopt.written import environment_text, image_text
from orchestrator.brought import REQUIREMENTS
from orchestrator.definition.source import Source
from orchestrator.definition.variants.variant_name import family_of
from orchestrator.errors import DefinitionError, Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.adopt.block import TemplateAttribute, TemplateBlock
    from orchestrator.adopt.reading.template import PackerTemplate
    from orchestrator.definition.image import Owner
    from orchestrator.definition.workspace import Workspace


#: Why blocks of these kinds are not carried over; `_`: keys of JSON that Packer ignores.
_TOP_LEVEL = {
    "_": ("it is a comment", "nothing to do"),
    "description": ("it is a comment", "nothing to do"),
    "min_packer_version": ("the factory knows which Packer it needs", "nothing to do"),
    "packer": (
        "the factory asks for Packer's version and for its plugins itself",
        "where an image needs other versions, pin them with `packer: {required_plugins: ...}` in ami.yml",
    ),
    "sensitive-variables": ("values of secrets are written into no file", "see what uses them in this list"),
}


@dataclass(frozen=True)
class Adoption:
    """What will be written, and what will not. `sources` and `layers` are added to `ami.yml`."""

    name: str
    files: tuple[AdoptedFile, ...]
    sources: dict[str, dict[str, Any]]
    layers: tuple[str, ...]
    images: tuple[str, ...]
    environment: str
    ledger: Ledger
    #: What somebody should know who reads the result: names that were changed, roles without tests.
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Candidate:
    """A source block as one build uses it."""

    block: TemplateBlock
    build: TemplateBlock
    #: What `only`, `except` and `override` may call it.
    names: tuple[str, ...]
    wanted: str


@dataclass
class _Image:
    name: str
    ebs: EbsSource
    steps: list[str | PlaybookStep]
    machine: dict[str, Any]


def adopt(
    template: PackerTemplate,
    workspace: Workspace | None,
    owner: Owner,
    *,
    force: bool = False,
    requirements: bytes | None = None,
) -> Adoption:
    """Everything that a workspace needs to build what the template builds.

    `workspace` is the one that it is added to, or that a new one extends: names that it has are not given again, but
    those of images and layers with `force`. `requirements` is what its `requirements.yml` has, None when there is none:
    a template's own is not written over it. Raises DefinitionError when the template has no image that can be adopted.
    """
    return _Adopting(template, workspace, owner, force=force, requirements=requirements).done()


@dataclass
class _Adopting:
    template: PackerTemplate
    workspace: Workspace | None
    owner: Owner
    force: bool
    requirements: bytes | None
    ledger: Ledger = field(default_factory=Ledger)
    notes: list[str] = field(default_factory=list)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    layers: dict[str, AdoptedLayer] = field(default_factory=dict)

    def done(self) -> Adoption:
        self.name = legal_name(self.template.name)
        self.files = CarriedFiles(self.template.folder, self.name)
        self.provisioners = ProvisionerReader(self.files, self.ledger, self.requirements)
        images = [image for each in self._candidates() if (image := self._image(each))]
        self._settled()
        self.ledger.close(self.template.blocks)
        if not images:
            found = [Problem(one.path, one.line, one.why) for one in self.ledger.entries()]
            raise DefinitionError(found or [Problem(self.template.path, 0, "has no build with a source")])
        files = [*self._image_files(images), *self._environments(images)]
        for name, layer in self.layers.items():
            files += layer.files(name, self.template.path.name)
            self._playbook(layer)
        if REQUIREMENTS in self.files.found:
            self.notes.append(f"{REQUIREMENTS} brings roles and collections: `ami deps` fetches them")
        if not any(layer.step and "ssm_agent" in layer.step.playbook.roles for layer in self.layers.values()):
            self.notes.append(
                "images are validated through the SSM agent: where the AMI has none, a layer must install it"
            )
        new = {name: fields for name, fields in self.sources.items() if not self._knows_source(name)}
        known = self.workspace.layers if self.workspace else {}
        return Adoption(
            name=self.name,
            files=(*files, *(one for relative, one in sorted(self.files.found.items()))),
            sources=new,
            layers=tuple(name for name in self.layers if name not in known),
            images=tuple(image.name for image in images),
            environment=self.name if any(image.ebs.environment.get("region") for image in images) else "",
            ledger=self.ledger,
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _candidates(self) -> Iterator[_Candidate]:
        blocks = {block.labels: block for block in self.template.all("source")}
        taken: set[str] = set()
        builds = self.template.all("build")
        for build in builds:
            for (kind, name), block in self._of_build(build, blocks):
                wanted = legal_name(self.template.name if name == kind else name)
                if wanted in taken and (build_name := build.get("name")) is not None:
                    wanted = legal_name(f"{build_name.value}-{name}")
                taken.add(wanted)
                label = [f"{build_name.value}.{kind}.{name}"] if (build_name := build.get("name")) else []
                yield _Candidate(block, build, (name, f"{kind}.{name}", *label), wanted)

    def _of_build(
        self, build: TemplateBlock, blocks: dict[tuple[str, ...], TemplateBlock]
    ) -> Iterator[tuple[tuple[str, str], TemplateBlock]]:
        """The sources of a build, by kind and name."""
        sources = build.get("sources")
        is_json = sources is None and build.address == "build" and build.line and not build.all("source")
        if is_json and self.template.path.suffix == ".json":
            yield from (((block.labels[0], block.labels[1]), block) for block in blocks.values())
        if sources is not None and not isinstance(sources.value, list):
            why = sources.value.why if isinstance(sources.value, Unknown) else "they are no list"
            raise DefinitionError(
                [Problem(sources.path, sources.line, f"the sources of the build are not known: {why}")]
            )
        if sources is not None:
            self.ledger.carry(sources, "")
            for written in sources.value:
                yield self._referred(str(written), blocks, sources.line, build)
        for inner in build.all("source"):
            (kind, name), block = self._referred(inner.labels[0], blocks, inner.line, build)
            yield self._named(inner, kind, name), self._merged(block, inner)

    def _named(self, inner: TemplateBlock, kind: str, name: str) -> tuple[str, str]:
        own = inner.get("name")
        if own is None:
            return kind, name
        self.ledger.carry(own, "")
        return kind, str(own.value)

    def _merged(self, block: TemplateBlock, inner: TemplateBlock) -> TemplateBlock:
        """A source with what a build adds to it."""
        self.ledger.carry(inner, "")
        new = {attribute.name: attribute for attribute in inner.attributes if attribute.name != "name"}
        kept = tuple(attribute for attribute in block.attributes if attribute.name not in new)
        return replace(block, attributes=(*kept, *new.values()), blocks=(*block.blocks, *inner.blocks))

    def _referred(
        self, written: str, blocks: dict[tuple[str, ...], TemplateBlock], line: int, build: TemplateBlock
    ) -> tuple[tuple[str, str], TemplateBlock]:
        kind, _, name = written.removeprefix("source.").partition(".")
        if (kind, name) not in blocks:
            near = did_you_mean(f"{kind}.{name}", [".".join(labels) for labels in blocks])
            raise DefinitionError([Problem(build.path, line, f"the template has no source '{kind}.{name}'{near}")])
        return (kind, name), blocks[kind, name]

    def _image(self, candidate: _Candidate) -> _Image | None:
        block = candidate.block
        if block.labels[0] != KIND:
            self.ledger.leave(block, f"the factory builds with {KIND} only, not with {block.labels[0]}")
            return None
        name = self._free_image(candidate)
        machine = MachineReader(block, name, self.ledger, self.files).read()
        reader = EbsReader(block, self._data(), self.ledger, f"packer/images/{name}.yml", self._environment_file())
        try:
            ebs = reader.read()
        except NoImageError as none:
            todo = none.todo or "fix this, then adopt the template again"
            self.ledger.leave(block, f"no image is made of it: {none.why}", todo)
            if none.item is not block:
                self.ledger.leave(none.item, none.why, todo)
            return None
        self.ledger.carry(block, f"packer/images/{name}.yml")
        self.ledger.carry(candidate.build, "")
        chosen = self.provisioners.chosen(candidate.build.all("provisioner"), candidate.names)
        username = ebs.start["ssh_username"]
        steps = [step for one in chosen if (step := self.provisioners.read(one, username)) is not None]
        return _Image(name, ebs, steps, machine)

    def _environment_file(self) -> str:
        return f"packer/environments/{self.name}.pkrvars.hcl"

    def _free_image(self, candidate: _Candidate) -> str:
        taken = set(self._taken_images)
        name = free_name(candidate.wanted, taken)
        self._taken_images.add(name)
        if name != candidate.block.labels[1]:
            self.notes.append(f"source '{'.'.join(candidate.block.labels)}' is the image '{name}'")
        return name

    def __post_init__(self) -> None:
        known = self.workspace
        self._taken_images: set[str] = set(known.sources) if known else set()
        if known and not self.force:
            self._taken_images |= {*map(family_of, known.images), *known.broken_images}

    def _data(self) -> dict[tuple[str, ...], TemplateBlock]:
        return {block.labels: block for block in self.template.all("data")}

    def _settled(self) -> None:
        """What is neither of one image nor of one provisioner."""
        for block in self.template.blocks:
            reason = _TOP_LEVEL.get("_" if block.kind.startswith("_") else block.kind)
            if reason is not None:
                self.ledger.leave(block, *reason)
            match block.kind:
                case "variable":
                    self._variable(block)
                case "locals" | "local":
                    for attribute in block.attributes:
                        name = attribute.name if block.kind == "locals" else block.labels[0]
                        self._named_value(attribute, f"local.{name}", "local")
                case "build":
                    self._build(block)
                case "source" if block.address not in {*self.ledger.carried, *self.ledger.listed}:
                    self.ledger.leave(block, "no build uses it")

    def _variable(self, block: TemplateBlock) -> None:
        if f"var.{block.labels[0]}" not in self.template.used:
            self.ledger.leave(block, "nothing uses the variable", "nothing to do")
            return
        self.ledger.carry(block, "")
        for attribute in block.attributes:
            self.ledger.carry(attribute, "")
        for inner in block.blocks:
            self.ledger.leave(inner, "a value is written where its variable was used", "nothing to do")

    def _named_value(self, attribute: TemplateAttribute, reference: str, kind: str) -> None:
        if reference in self.template.used:
            self.ledger.carry(attribute, "")
        else:
            self.ledger.leave(attribute, f"nothing uses the {kind}", "nothing to do")

    def _build(self, build: TemplateBlock) -> None:
        for block in build.blocks:
            if block.kind.startswith("post-processor"):
                self.ledger.leave(block, *_post_processor(block))
            elif block.kind == "error-cleanup-provisioner":
                self.ledger.leave(block, "a failed build's machine is removed, and nothing runs on it", "nothing to do")
        for name in ("name", "description"):
            if (attribute := build.get(name)) is not None:
                self.ledger.leave(attribute, "a build has no name of its own: its image has", "nothing to do")

    def _image_files(self, images: list[_Image]) -> Iterator[AdoptedFile]:
        layers = {image.name: layers_of(image.steps) for image in images}
        for image in images:
            uses = [layer.use(self._layer_name(image, layer, layers)) for layer in layers[image.name]]
            fields = {
                "name": image.name,
                "description": image.ebs.description or f"{image.name}, adopted from {self.template.path.name}",
                "owner": self.owner.model_dump(),
                "from": self._source_name(image),
                "layers": uses,
            }
            fields |= {"machine": image.machine} if image.machine else {}
            fields |= {"tags": image.ebs.tags} if image.ebs.tags else {}
            relative = f"packer/images/{image.name}.yml"
            yield AdoptedFile(relative, image_text(fields, self.template.path.name).encode())

    def _layer_name(self, image: _Image, layer: AdoptedLayer, layers: dict[str, list[AdoptedLayer]]) -> str:
        """The name of a layer; one that several images have is called like the template."""
        for name, known in self.layers.items():
            if known.key == layer.key:
                return name
        users = [name for name, own in layers.items() if any(one.key == layer.key for one in own)]
        taken = set(self.layers)
        if self.workspace and not self.force:
            taken |= set(self.workspace.layers)
        name = free_name(self.name if len(users) > 1 else image.name, taken)
        self.layers[name] = layer
        return name

    def _source_name(self, image: _Image) -> str:
        start = image.ebs.start
        known = self.workspace.sources if self.workspace else {}
        for name, source in known.items():
            # Whether a machine gets the agent is the workspace's own matter: it is the same AMI.
            if source.model_copy(update={"bootstrap_agent": False}) == Source.model_validate({"name": name, **start}):
                return name
        for name, fields in self.sources.items():
            if fields == start:
                return name
        wanted = legal_name(
            (start.get("filter") or {}).get("name", "") or start.get("ssm_parameter") or start["ami_id"]
        )
        name = free_name(wanted, {*known, *self.sources, *self._taken_images})
        self.sources[name] = start
        if "filter" in start and "architecture" not in start["filter"]:
            self.notes.append(f"source '{name}' asks for the architecture x86_64; the template leaves it open")
        return name

    def _knows_source(self, name: str) -> bool:
        return self.workspace is not None and name in self.workspace.sources

    def _environments(self, images: list[_Image]) -> Iterator[AdoptedFile]:
        """One environment for each set of places; the first is called like the template."""
        written: dict[str, dict[str, Any]] = {}
        for image in images:
            values = image.ebs.environment
            if not values.get("region"):
                self.notes.append(f"the source of '{image.name}' names no region: no environment is written for it")
            elif values not in written.values():
                name = self.name if not written else free_name(f"{self.name}-{image.name}", written)
                written[name] = values
                if name != self.name:
                    self.notes.append(
                        f"'{image.name}' is built elsewhere than the first: ami build {image.name} --env {name}"
                    )
        for name, values in written.items():
            yield AdoptedFile(
                f"packer/environments/{name}.pkrvars.hcl", environment_text(values, self.template.path.name).encode()
            )

    def _playbook(self, layer: AdoptedLayer) -> None:
        """The roles and files of a layer's playbook."""
        if layer.step is None:
            return
        for name, path in layer.step.playbook.roles.items():
            if self.workspace and name in self.workspace.roles:
                self.notes.append(f"role '{name}' is in the workspace already, and is used as it is there")
                continue
            self._copy(path, f"roles/{name}")
            if name in layer.step.playbook.untested():
                self.notes.append(f"role '{name}' has no tests: write roles/{name}/tests/test_{name}.py")
        for name, path in layer.step.playbook.beside.items():
            self._copy(path, f"playbooks/{name}")

    def _copy(self, path: Path, relative: str) -> None:
        try:
            self.files.copy(path, relative)
        except MissingFileError as missing:
            self.notes.append(f"{missing} leads nowhere: {relative} is not complete")


def _post_processor(block: TemplateBlock) -> tuple[str, str]:
    kinds = [block.labels[0]] if block.labels else [inner.labels[0] for inner in block.blocks]
    if kinds == ["manifest"]:
        return "the account's tags say what was built", "ask `ami list --json` and `ami show AMI --json`"
    return f"a build ends with the AMI, without {' and '.join(kinds)}", "run it after `ami build`"
