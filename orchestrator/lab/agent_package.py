"""A stand-in for the Systems Manager agent's package: a real .deb with a real unit, whose daemon only waits.

The lab carries out commands itself, but asks first whether this unit is active: a machine without a running agent
answers to nobody, as on AWS.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from orchestrator import process

VERSION = "3.3.1611.0-1"

CONTROL = f"""\
Package: amazon-ssm-agent
Version: {VERSION}
Section: admin
Priority: optional
Architecture: all
Maintainer: The lab <lab@example.com>
Description: Stand-in for the Amazon SSM Agent
 A daemon that waits. The lab looks whether it runs before it lets commands reach this machine.
"""

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
RestartSec=90

[Install]
WantedBy=multi-user.target
"""

DAEMON = f"""\
#!/bin/sh
case "$1" in
-version | --version) echo "SSM Agent version: {VERSION.partition("-")[0]}"; exit 0 ;;
esac
exec sleep infinity
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

FILES = {
    "DEBIAN/control": (CONTROL, 0o644),
    "DEBIAN/postinst": (AFTER_INSTALL, 0o755),
    "DEBIAN/prerm": (BEFORE_REMOVE, 0o755),
    "lib/systemd/system/amazon-ssm-agent.service": (UNIT, 0o644),
    "usr/bin/amazon-ssm-agent": (DAEMON, 0o755),
    "etc/amazon/ssm/README": ("This is the lab's stand-in for the agent.\n", 0o644),
}


def build(target: Path) -> None:
    """Write the package. Raises LackError when dpkg-deb is missing."""
    with TemporaryDirectory() as folder:
        for path, (text, mode) in FILES.items():
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(mode)
        for made in (Path(folder), *(path for path in Path(folder).rglob("*") if path.is_dir())):
            made.chmod(0o755)
        process.run(["dpkg-deb", "--root-owner-group", "--build", folder, str(target)])
