"""How one installed program for tests speaks: what the file `stand-in.json` beside it says."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.packers.plugins import number_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE, LOG, ATTEMPTS = "stand-in.json", "stand-in.jsonl", "attempts"


@dataclass(frozen=True)
class Setting:
    """What a program does.

    `version` is the one it speaks as, `case` the recording that builds play. `speed`: how many times quicker than
    recorded; `patience`: the same for the repetitions of calls that fail. `holds` maps an image to the beginning of the
    message at which its builds stay until they are signalled. `provisions`: whether the machine is made over SSH as the
    recorded playbooks left it. `late`: an AMI is made although the recording says that CreateImage failed: its answer
    was lost.
    """

    version: str
    case: str = "ok"
    speed: float = 20.0
    patience: float = 20.0
    holds: Mapping[str, str] = field(default_factory=dict)
    provisions: bool = False
    late: bool = False

    @property
    def number(self) -> tuple[int, ...]:
        """The version as numbers."""
        return number_of(self.version)


@dataclass(frozen=True)
class Home:
    """The folder of an installed program: the program `packer`, its setting, `plugins`, and what it wrote down."""

    folder: Path

    @property
    def program(self) -> Path:
        """The program."""
        return self.folder / "packer"

    @property
    def plugins(self) -> Path:
        """The folder of its plugins. No Packer looks there by itself."""
        return self.folder / "plugins"

    @property
    def setting(self) -> Setting:
        """How it speaks now."""
        return Setting(**json.loads((self.folder / FILE).read_text(encoding="utf-8")))

    def set(self, setting: Setting) -> None:
        """How it speaks from now on."""
        new = self.folder / f"{FILE}.new"
        new.write_text(json.dumps(asdict(setting), indent=2) + "\n", encoding="utf-8")
        new.replace(self.folder / FILE)

    def change(self, **changes: Any) -> None:
        """Change some of it: `home.change(case="throttled")`."""
        self.set(replace(self.setting, **changes))

    def note(self, **facts: Any) -> None:
        """Write down what the program was asked, or does."""
        line = json.dumps({"pid": os.getpid(), **facts}) + "\n"
        with (self.folder / LOG).open("a", encoding="utf-8") as file:
            file.write(line)

    @property
    def notes(self) -> list[dict[str, Any]]:
        """What was written down so far."""
        log = self.folder / LOG
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []

    def next_attempt(self, build: str) -> int:
        """The number, from 1, of one more attempt at a build, which is known by any text of its own."""
        known = self.folder / ATTEMPTS / hashlib.sha256(build.encode()).hexdigest()[:16]
        known.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            try:
                (known / str(number)).touch(exist_ok=False)
            except FileExistsError:
                number += 1
            else:
                return number
