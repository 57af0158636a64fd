"""A Packer template, whichever syntax it is written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.adopt.reading.hcl_template import ENDING, HclTemplate
from orchestrator.adopt.reading.json_template import JsonTemplate
from orchestrator.definition.reading.document import read_json
from orchestrator.definition.reading.variables_file import read_variables
from orchestrator.errors import DefinitionError, Problem, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from orchestrator.adopt.block import TemplateBlock

#: Variable files that Packer takes unasked (Packer documentation, "Input Variables": "Auto-loading").
_AUTO = "*.auto.pkrvars.hcl"


@dataclass(frozen=True)
class PackerTemplate:
    """The blocks of a template. `used` names what is referred to, as `var.region`."""

    path: Path
    blocks: tuple[TemplateBlock, ...]
    used: frozenset[str]

    @property
    def folder(self) -> Path:
        """The folder that relative paths of the template start from."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def name(self) -> str:
        """What the template is called: its file without endings, or its folder."""
        return self.path.resolve().name.removesuffix(ENDING).removesuffix(".json")

    def all(self, kind: str) -> tuple[TemplateBlock, ...]:
        """The top-level blocks of a kind."""
        return tuple(block for block in self.blocks if block.kind == kind)

    def leaves(self) -> Iterator[str]:
        """The address of everything that the template says."""
        for block in self.blocks:
            yield from block.leaves()


def read_template(path: Path, given: Mapping[str, str], variable_files: Sequence[Path] = ()) -> PackerTemplate:
    """A template: `*.pkr.hcl`, a folder of these, or legacy JSON. `given` are values of variables, over those of files.

    Raises UsageError for what is no template by its name, and DefinitionError for mistakes in it.
    """
    if not path.exists():
        near = did_you_mean(path.name, [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else [])
        raise UsageError(f"{path} is missing{near}")
    paths = sorted(path.glob(f"*{ENDING}")) if path.is_dir() else [path]
    if not paths or not paths[0].name.endswith((ENDING, ".json")):
        raise UsageError(
            f"{path} is no Packer template", hint="name a *.pkr.hcl or *.json file, or a folder of *.pkr.hcl"
        )
    folder = path if path.is_dir() else path.parent
    is_hcl = paths[0].name.endswith(ENDING)
    files = [*(sorted(folder.glob(_AUTO)) if is_hcl else ()), *variable_files]
    values = {**{name: value for file in files for name, value in _values(file).items()}, **given}
    reader = HclTemplate(folder.resolve(), paths, values) if is_hcl else JsonTemplate(path, values)
    blocks = reader.blocks()
    declared = {block.labels[0] for block in blocks if block.kind == "variable"}
    for name in given:
        if name not in declared:
            raise UsageError(f"--var {name}: the template declares no variable '{name}'{did_you_mean(name, declared)}")
    used = reader.scope.used if isinstance(reader, HclTemplate) else reader.used
    return PackerTemplate(path, blocks, frozenset(used))


def _values(path: Path) -> dict[str, Any]:
    """The values of a variable file: HCL, or JSON."""
    problems: list[Problem] = []
    document = read_variables(path, problems) if path.suffix != ".json" else read_json(path, problems)
    if problems or document is None:
        raise DefinitionError(problems)
    return document.value if isinstance(document.value, dict) else {}
