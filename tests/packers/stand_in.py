"""A program `packer` for tests: it speaks as a version of Packer, and plays recordings of its builds in the lab."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.packers import plugins, template
from tests.packers.checks import Stopped, checked, missing, what_stops_all
from tests.packers.hcl import HclError
from tests.packers.recording import Line, ui
from tests.packers.setting import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: Variables that are worth a look afterwards, for what reaches Packer.
_NOTED = re.compile(r"^(PACKER_|PKR_VAR_|HCP_|AWS_|ANSIBLE_|CHECKPOINT_|HOME$|XDG_CONFIG_HOME$|TMPDIR$)")

_USAGE = "Usage: packer [--version] [--help] <command> [<args>]\n"
_NOTHING_REQUIRED = """
No plugins requirement found, make sure you reference a Packer config
containing a packer.required_plugins block. See
https://www.packer.io/docs/templates/hcl_templates/blocks/packer
for more info."""


def main(folder: str, arguments: Sequence[str]) -> int:
    """Run the program that is installed in a folder; the result is its exit code."""
    home = Home(Path(folder))
    home.note(argv=list(arguments), environment={key: value for key, value in os.environ.items() if _NOTED.match(key)})
    if why := what_stops_all(home.setting.number, os.environ):
        sys.stderr.write(f" Error loading configuration: \n\n{why}\n")
        return 1
    machine = "-machine-readable" in arguments
    packer = Packer(home, os.environ, [one for one in arguments if one != "-machine-readable"], machine=machine)
    try:
        return packer.run()
    except Stopped as stopped:
        packer.say(stopped.text, "error")
        return stopped.code
    except (HclError, template.TemplateError) as wrong:
        packer.say(f"{wrong}\n\n", "error")
        return 1


class Packer:
    """One call of the program."""

    def __init__(self, home: Home, environ: Mapping[str, str], arguments: Sequence[str], *, machine: bool) -> None:
        self._home, self._setting = home, home.setting
        self._environ = environ
        self._arguments = list(arguments)
        self._machine = machine

    def run(self) -> int:
        """Do what was asked."""
        plugins.run_loose(self._setting.number, self._places)
        commands: dict[str, Callable[[list[str]], int]] = {
            "version": self._version,
            "build": self._build,
            "validate": self._validate,
            "fmt": self._fmt,
            "--version": self._number,
            "-version": self._number,
            "-v": self._number,
        }
        if self._setting.number >= plugins.FIRST:
            commands |= {"init": self._init, "plugins": self._plugins}
        name, *rest = self._arguments or [""]
        if name not in commands:
            sys.stderr.write(_USAGE)
            return 127
        return commands[name](rest)

    def show(self, line: Line) -> None:
        """Print a line: as it is for machines, its text for people."""
        at = line.at or int(time.time())
        if self._machine:
            _print(str(Line(at, line.target, line.type, line.data)))
        elif line.type == "ui":
            _print(line.data[1])

    def say(self, text: str, kind: str = "say") -> None:
        """Say something to people."""
        self.show(ui(kind, text))

    @property
    def _places(self) -> tuple[Path, ...]:
        return plugins.folders(self._setting.number, self._environ, self._home.folder, Path())

    @property
    def _found(self) -> list[plugins.Plugin]:
        return list(plugins.found(self._places))

    def _version(self, _: list[str]) -> int:
        for key, value in (("version", self._setting.version), ("version-prelease", ""), ("version-commit", "")):
            self.show(Line(0, "", key, (value,)))
        self.say(f"Packer v{self._setting.version}")
        return 0

    def _number(self, _: list[str]) -> int:
        """From 1.10 on this prints what `version` does."""
        old = self._setting.number < (1, 10)
        _print(self._setting.version if old else f"Packer v{self._setting.version}")
        return 0

    def _plugins(self, arguments: list[str]) -> int:
        match arguments:
            case ["installed"]:
                for one in self._found:
                    self.say(str(one.path), "message")
            case ["required", file]:
                self._required(template.requirements(Path(file)))
            case _:
                sys.stderr.write(_USAGE)
                return 127
        return 0

    def _required(self, asked: list[tuple[str, str, str]]) -> None:
        """In no order: Packer goes through a map."""
        if not asked:
            self.say(_NOTHING_REQUIRED, "message")
        random.shuffle(asked)
        for name, source, constraint in asked:
            fitting = plugins.installed(self._setting.number, self._found, source, constraint)
            paths = "".join(f" {one.path}" for one in fitting)
            self.say(f'{name} {source} "{constraint}"{paths}', "message")

    def _init(self, arguments: list[str]) -> int:
        """As without a network."""
        lacking = missing(self._setting.number, self._found, template.required(Path(arguments[-1])))
        for source, _ in lacking:
            self.say(f'Failed getting the "{source}" plugin:\n1 error occurred:\n\t* no such host\n\n', "error")
        return 1 if lacking else 0

    def _validate(self, arguments: list[str]) -> int:
        read, _ = checked(self._setting.number, self._found, arguments)
        self._warn(read)
        if self._setting.number >= plugins.FIRST:
            self.say("The configuration is valid.")
        return 0

    def _warn(self, read: template.Template) -> None:
        for warning in read.warnings:
            self.say(f"{warning}\n\n")

    def _fmt(self, arguments: list[str]) -> int:
        """What the formatter of another Packer on PATH says: it is the same in all of them."""
        folders = self._environ.get("PATH", "").split(os.pathsep)
        path = os.pathsep.join(one for one in folders if Path(one).resolve() != self._home.folder)
        other = shutil.which("packer", path=path)
        if other is None:
            raise Stopped("the program for tests needs another Packer on PATH, to format with")
        return subprocess.run([other, "fmt", *arguments], check=False).returncode

    def _build(self, arguments: list[str]) -> int:
        read, amazon = checked(self._setting.number, self._found, arguments)
        if self._setting.number < plugins.FIRST:  # newer ones warn at `validate`
            self._warn(read)
        from tests.packers.build import build  # noqa: PLC0415 - boto3 takes half a second

        return build(self._home, read, amazon, self.show)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
