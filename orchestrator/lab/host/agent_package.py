"""A stand-in for the Systems Manager agent's package: a real .deb with a real unit. Its daemon runs the lab's scripts.

The daemon is agent/amazon-ssm-agent.pl: it says there how the lab talks to it. It writes what the real one (3.3) leaves
on a machine's disk: a log, the instance's identity, and what each script was and said.
"""

from __future__ import annotations

import shutil
from importlib import resources
from typing import TYPE_CHECKING

from orchestrator import process
from orchestrator.errors import UsageError
from orchestrator.files.held_folder import held_folder

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "amazon-ssm-agent"
VERSION = "3.3.1611.0-1"

CONTROL = f"""\
Package: amazon-ssm-agent
Version: {VERSION}
Section: admin
Priority: optional
Architecture: all
Maintainer: The lab <lab@example.com>
Depends: perl-base
Description: Stand-in for the Amazon SSM Agent
 A daemon that runs the scripts which the lab sends to this machine.
"""

#: `restart`: seconds; 90 on AWS.
UNIT = """\
[Unit]
Description=amazon-ssm-agent
After=network-online.target
Wants=network-online.target

[Service]
Type=simple
WorkingDirectory=/usr/bin/
ExecStart=/usr/bin/amazon-ssm-agent
KillMode=process
Restart=always
RestartPreventExitStatus=194
RestartSec={restart}

[Install]
WantedBy=multi-user.target
"""

AFTER_INSTALL = """\
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable --quiet amazon-ssm-agent.service
    systemctl restart amazon-ssm-agent.service
elif [ "$1" = configure ]; then
    systemctl enable --quiet amazon-ssm-agent.service || true
fi
"""

BEFORE_REMOVE = """\
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now --quiet amazon-ssm-agent.service || true
fi
"""

#: How long systemd waits before it starts an agent again that has ended, seconds (amazon-ssm-agent's unit).
RESTART = 90


def files(waits: float) -> dict[str, tuple[str, int]]:
    """Text and mode of every file of the package, by path. `waits`: see Settings.agent_waits."""
    daemon = resources.files(__package__).joinpath("agent/amazon-ssm-agent.pl").read_text(encoding="ascii")
    return {
        "DEBIAN/control": (CONTROL, 0o644),
        "DEBIAN/postinst": (AFTER_INSTALL, 0o755),
        "DEBIAN/prerm": (BEFORE_REMOVE, 0o755),
        "lib/systemd/system/amazon-ssm-agent.service": (UNIT.format(restart=f"{max(1, RESTART * waits):g}"), 0o644),
        "usr/bin/amazon-ssm-agent": (daemon.replace("@VERSION@", VERSION.partition("-")[0]), 0o755),
        "etc/amazon/ssm/README": ("This is the lab's stand-in for the agent.\n", 0o644),
    }


def check(file: Path) -> None:
    """Raise UsageError unless this is a package of the real agent that Debian's machines can install."""
    asked = process.run(["dpkg-deb", "--field", str(file), "Package"], check=False)
    if asked.code != 0:
        raise UsageError(f"{file} is no Debian package", hint=asked.err.strip())
    if asked.out.strip() != PACKAGE:
        raise UsageError(f"{file} is the package {asked.out.strip()}", hint=f"--agent takes one of {PACKAGE}")


def adopt(given: Path, target: Path) -> None:
    """Let machines install this package; `given` may go afterwards."""
    check(given)
    shutil.copyfile(given, target)


def build(target: Path, waits: float = 1.0) -> None:
    """Write the package. Raises LackError when dpkg-deb is missing."""
    with held_folder() as private:
        folder = private / "package"
        for path, (text, mode) in files(waits).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(mode)
        for made in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            made.chmod(0o755)
        process.run(["dpkg-deb", "--root-owner-group", "--build", str(folder), str(target)])
