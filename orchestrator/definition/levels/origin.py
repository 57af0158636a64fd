"""Where a level of a workspace came from."""

from __future__ import annotations

from dataclasses import dataclass

#: Digits of a commit that people are shown.
_SHOWN = 12


@dataclass(frozen=True)
class LevelOrigin:
    """Where a level came from: a folder as `extends` names it, or a git repository. Nothing of these for one's own.

    `commit` has 40 hexadecimal digits. `is_builtin`: it travels in the package.
    """

    path: str = ""
    git: str = ""
    ref: str = ""
    commit: str = ""
    is_builtin: bool = False

    @property
    def is_linked(self) -> bool:
        """Whether the level lies where only this machine has it, so that rendered files reach it by a link."""
        return self.is_builtin or bool(self.git)

    def __str__(self) -> str:
        if self.is_builtin:
            return "this program"
        return f"{self.git} at {self.ref} (commit {self.commit[:_SHOWN]})" if self.git else self.path


#: A workspace that nothing extends yet.
OWN = LevelOrigin()
BUILTIN = LevelOrigin(is_builtin=True)
