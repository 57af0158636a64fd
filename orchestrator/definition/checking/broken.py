"""Problems sorted by what they spoil: an image, an environment, or the workspace as a whole.

Most commands are about some images and one environment. A mistake in another file is worth a warning, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.definition.environment import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.definition.draft import WorkspaceDraft
    from orchestrator.errors import Problem


@dataclass(frozen=True)
class Broken:
    """The problems of a workspace, and of what it extends, by what has them."""

    draft: WorkspaceDraft
    problems: Sequence[Problem]

    @cached_property
    def environments(self) -> Mapping[str, tuple[Problem, ...]]:
        """The problems of each environment's file, by the environment's name."""
        found: dict[str, tuple[Problem, ...]] = {}
        for problem in self.problems:
            if problem.path.name.endswith(SUFFIX):
                name = problem.path.name.removesuffix(SUFFIX)
                found[name] = (*found.get(name, ()), problem)
        return found

    @cached_property
    def images(self) -> Mapping[str, tuple[Problem, ...]]:
        """The problems of each image's file and of the files of what it is built on, by the image's name."""
        own: dict[str, tuple[Problem, ...]] = {}
        for problem in self.problems:
            if (name := self._image_of(problem)) is not None:
                own[name] = (*own.get(name, ()), problem)
        found = {name: self._inherited(name, own) for name in self.draft.all_images}
        return own | {name: problems for name, problems in found.items() if problems}

    @cached_property
    def elsewhere(self) -> tuple[Problem, ...]:
        """The problems that spoil every command."""
        apart = {problem for each in (self.environments, self.images) for some in each.values() for problem in some}
        return tuple(problem for problem in self.problems if problem not in apart)

    def _image_of(self, problem: Problem) -> str | None:
        path = Path(problem.path)
        if path.parent.parts[-2:] != ("packer", "images"):
            return None
        whole = path.resolve()
        named = (name for name, each in self.draft.all_images.items() if each.document.path.resolve() == whole)
        return next(named, path.stem)

    def _inherited(self, name: str, own: Mapping[str, tuple[Problem, ...]]) -> tuple[Problem, ...]:
        entered: list[str] = []
        while name in self.draft.all_images and name not in entered:
            entered.append(name)
            name = self.draft.all_images[name].from_
        return tuple(problem for each in entered for problem in own.get(each, ()))
