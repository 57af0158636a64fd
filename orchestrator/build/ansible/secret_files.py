"""How secrets reach Ansible: in files of a private folder in memory, which `ami-ansible-playbook` names to Ansible.

Nothing of them is in a command line, in an environment, in the rendered file, or in a variable file of Packer. Beside
the variables of each layer lies the list of all that must be hidden.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

from orchestrator import masks
from orchestrator.files.held_folder import held_folder, in_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_MASKS = "masks.json"


class Verbatim(str):
    """A text that Ansible takes as it is, whatever braces are in it."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes ASCII alone, in quotes: every text survives."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Write what is there twice twice."""
        return True


_Dumper.add_representer(Verbatim, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


@contextmanager
def secret_folder(variables: Mapping[str, Mapping[str, Any]], secrets: Iterable[str]) -> Iterator[Path]:
    """The folder while a build lasts: the secret variables of each layer, and everything that is hidden."""
    with held_folder(in_memory()) as folder:
        for layer, values in variables.items():
            if values:
                _write(folder / f"{layer}.yml", yaml.dump(dict(values), Dumper=_Dumper, width=2**20))
        _write(folder / _MASKS, json.dumps(sorted(set(secrets))))
        yield folder


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def take_over(folder: Path, layer: str) -> list[str]:
    """Hide the secrets of a folder from now on; the arguments that give Ansible the layer's variables."""
    with (folder / _MASKS).open(encoding="utf-8") as file:
        masks.learn(json.load(file))
    variables = folder / f"{layer}.yml"
    return ["--extra-vars", f"@{variables}"] if variables.exists() else []
