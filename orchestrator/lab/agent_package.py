"""A stand-in for the Systems Manager agent's package: a real .deb with a real unit, whose daemon only waits.

The lab carries out commands itself, but asks first whether this unit is active: a machine without a running agent
answers to nobody, as on AWS. The daemon writes what the real one (3.3) leaves on a machine's disk: a log of its start
and its stop, and the instance's identity.
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

#: Stopping takes a moment, as it does for the real one. Only subshells set the umask: scripts inherit the daemon's.
DAEMON = rf"""#!/bin/sh
case "$1" in
-version | --version) echo "SSM Agent version: {VERSION.partition("-")[0]}"; exit 0 ;;
esac

logs=/var/log/amazon/ssm
state=/var/lib/amazon/ssm/runtimeconfig
metadata=http://169.254.169.254/latest

say() (
    umask 077
    mkdir -p "$logs"
    echo "$(date '+%Y-%m-%d %H:%M:%S.%4N') INFO [amazon-ssm-agent] $*" >>"$logs/amazon-ssm-agent.log"
)

# IMDSv2: a token first.
instance() {{
    token=$(curl -sf -m 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/api/token") &&
        curl -sf -m 2 -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/instance-id"
}}

identify() (
    umask 077
    mkdir -p "$state"
    printf '{{"SchemaVersion":"1.1","InstanceId":"%s","IdentityType":"EC2","ShareFile":"","ShareProfile":""}}\n' "$1" \
        >"$state/identity_config.json"
)

stop() {{
    say 'Stopping Core Agent'
    kill "$waiting"
    sleep 0.2
    say 'Bye.'
    exit 0
}}

sleep infinity &
waiting=$!
trap stop TERM
say 'Starting Core Agent'
say 'amazon-ssm-agent - v{VERSION.partition("-")[0]}'
if id=$(instance); then
    identify "$id"
    say "Agent will take identity from EC2: $id"
fi
wait "$waiting"
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
