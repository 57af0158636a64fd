"""A runner of CI jobs: a container with the root of a fresh machine, and a shell for each step.

Nothing of this checkout is in it but the wheel. What a fresh runner would fetch is there by a path: Packer, git, and
the packages that `ami` depends on.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.settings import Settings

#: Where the account answers: the lab, by a name that is not this machine's.
ACCOUNT = "account"
#: Seconds for one step. The longest builds an image.
PATIENCE = 300
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HOME = "/root"


@dataclass
class Runner:
    """A container, and the folder that it has in common with the tests."""

    lab: Settings
    shared: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"ami-lab-{self.lab.name}-runner"

    @property
    def checkout(self) -> Path:
        return self.shared / "checkout"

    @property
    def temp(self) -> Path:
        return self.shared / "temp"

    def start(self) -> None:
        """Start it from the root of the lab's machines."""
        for folder in (self.checkout, self.temp):
            folder.mkdir(parents=True, exist_ok=True)
        mounts = [f"{self.shared}:{self.shared}", *(f"{path}:{path}:ro" for path in _brought() if Path(path).exists())]
        options = ["--network=host", f"--add-host={ACCOUNT}:127.0.0.1", *(f"--volume={mount}" for mount in mounts)]
        options += ["--init", "--entrypoint=sleep", *self.lab.limits]
        self._podman("run", "--detach", f"--name={self.name}", *options, self.lab.disk, "3600")

    def stop(self) -> None:
        self._podman("rm", "--force", "--time=0", self.name)

    def _podman(self, *arguments: str) -> None:
        argv = ["podman", *self.lab.podman_options, *arguments]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr

    def step(self, text: str, folder: Path, variables: Mapping[str, str], *, code: int = 0) -> str:
        """Run a step in a shell of its own, as GitHub does with `shell: bash`. Returns what it printed."""
        script = self.temp / "step.sh"
        script.write_text(text + "\n")
        given = {"PATH": _PATH, "HOME": _HOME, "LANG": "C.UTF-8", **self.variables, **variables}
        shell = ["env", "-i", *(f"{name}={value}" for name, value in given.items())]
        argv = [*shell, "bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        done = subprocess.run(
            ["podman", *self.lab.podman_options, "exec", f"--workdir={folder}", self.name, *argv],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == code, f"exit code {done.returncode}\n{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def install(self, text: str, variables: Mapping[str, str]) -> None:
        """Run the step that installs `ami`, with an index of packages that is a path."""
        packages = sysconfig.get_path("purelib")
        self.step(text, self.checkout, {**variables, "PYTHONPATH": packages, "PIP_NO_INDEX": "1"})
        home = variables["AMI_HOME"]
        programs = " ".join(
            shlex.quote(f"{Path(sys.executable).parent}/{name}") for name in ("ansible-playbook", "ansible-galaxy")
        )
        self.step(
            f'for each in "{home}"/lib/python*/site-packages; do echo {packages} > "$each/dependencies.pth"; done\n'
            f'ln -s {programs} "{home}/bin/"',
            self.checkout,
            {},
        )


def _brought() -> list[str]:
    """What the container has of this machine: Python's own programs, those of the tests, Packer and git."""
    ensurepip = [*map(str, Path("/usr/lib").glob("python3*/ensurepip")), "/usr/share/python-wheels"]
    python = ensurepip if sys.base_prefix == "/usr" else [sys.base_prefix]
    return [sys.prefix, *python, "/usr/bin/packer", "/usr/bin/git", "/usr/lib/git-core", "/usr/share/git-core"]
