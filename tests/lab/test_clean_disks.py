"""An image holds nothing of its builder: seen on its disk before it boots, and by its own tests afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.definition.levels.extended import BUILTIN_ROOT
from orchestrator.progress import ignore
from orchestrator.validate.request import ImageFacts, RoleTests, ValidateRequest
from orchestrator.validate.validate import validate
from tests.lab.conftest import AGENT
from tests.lab.dirt import MARK, Builder, dirt, disk, findings, written
from tests.lab.plays import play

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.lab.settings import Settings

pytestmark = pytest.mark.long(30)

BUILDER = Builder("i-0123456789abcdef0", "ip-10-88-0-5.ec2.internal", "10.88.0.5", "20260101T000000Z-abcdef")
KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + b"x" * 43

#: Run on a machine before it is sealed, to make it hard to clean. The lab mounts a tmpfs on the journal and on /tmp,
#: where EC2 has a disk. One service leaves a process behind that goes on writing. The other is stopped at any time
#: during the shutdown, and takes its time.
HARD = r"""
journalctl --relinquish-var
umount /var/log/journal /tmp
journalctl --flush
hostname | tee /tmp/left >/var/log/rotated.log.1
mkdir /var/tmp/systemd-private-0 /var/tmp/ansible-tmp-0
hostname | tee /var/tmp/systemd-private-0/left >/var/tmp/ansible-tmp-0/left

cat >/usr/local/bin/chatter <<'END'
#!/bin/sh
while :; do date >>/var/log/chatter.log; sleep 0.02; done
END
cat >/etc/systemd/system/chatter.service <<'END'
[Service]
KillMode=process
ExecStart=/bin/sh -c '/usr/local/bin/chatter & exec sleep infinity'
END
cat >/usr/local/bin/save <<'END'
#!/bin/sh
sleep 1
hostname >/var/lib/saved/name
END
cat >/etc/systemd/system/saves.service <<'END'
[Unit]
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStop=/usr/local/bin/save
END
chmod +x /usr/local/bin/chatter /usr/local/bin/save
mkdir -p /var/lib/saved

apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install ssl-cert >/dev/null
cat >/etc/systemd/system/serves.service <<'END'
[Service]
ExecStart=/bin/sh -c 'openssl rsa -noout -in /etc/ssl/private/ssl-cert-snakeoil.key && exec sleep infinity'
[Install]
WantedBy=multi-user.target
END
cat >/etc/systemd/system/fragile.service <<'END'
[Service]
ExecStart=/bin/sh -c 'cat /var/lib/saved/fragile && exec sleep infinity'
[Install]
WantedBy=multi-user.target
END
touch /var/lib/saved/fragile
systemctl daemon-reload
systemctl enable -q serves fragile
systemctl start chatter saves serves fragile

ssh-keygen -q -t ed25519 -N '' -C '' -f /tmp/key
mkdir -p /home/deploy/.ssh /home/deploy/.cache /root/.cache
sed s/^/restrict,/ /tmp/key.pub | tee /home/deploy/.ssh/authorized_keys >>/home/admin/.ssh/authorized_keys
touch /home/deploy/.cache/kept /root/.cache/kept /var/tmp/kept /root/.bash_history
"""
#: What HARD leaves for the image, as a role would.
KEPT = {"/home/deploy/.cache/kept", "/root/.cache/kept", "/var/tmp/kept", "/home/deploy/.ssh/authorized_keys"}


@pytest.mark.parametrize(
    ("path", "content", "found"),
    [
        ("/etc/motd", b"on i-0123456789abcdef0\n", ["instance id"]),
        ("/var/lib/i-0123456789abcdef0/state", b"", ["instance id"]),
        ("/etc/hosts", b"127.0.1.1 ip-10-88-0-5.ec2.internal\n", ["host name"]),
        ("/etc/hosts", b"10.88.0.5 build", ["address"]),
        ("/etc/hosts", b"10.88.0.50 ip-10-88-0-52", []),
        ("/root/id.pub", KEY, ["public key"]),
        ("/etc/version", b"run=20260101T000000Z-abcdef", ["run"]),
        ("/var/lib/image-not-sealed", b"no", ["no"]),
        ("/etc/machine-id", b"0123456789abcdef0123456789abcdef\n", ["made by the builder for itself"]),
        ("/etc/machine-id", b"", []),
        ("/var/lib/dbus/machine-id", b"/etc/machine-id", []),
        ("/var/log/fresh", b"", []),
        ("/var/log/old", b"began", ["a log begins before the first boot"]),
    ],
)
def test_trace_when_in_a_file(path: str, content: bytes, found: list[str]) -> None:
    """Each trace of a builder is found where it stands by itself."""
    lines = [line.removeprefix(f"{path}: ") for line in findings(iter([(path, content)]), BUILDER)]
    assert [line.partition(" of the builder")[0].partition(": ")[0] for line in lines] == found


def test_disk_when_a_build_ends_hard(bench: Any, key: Path, lab: Settings, ec2: Any, tmp_path: Path) -> None:
    """The disk is clean once the machine stopped, and what roles made is there. Before that both kinds of tests say no.

    What the seal removes is made again for who needs it; a service that lacks something all the same is found.
    """
    machine = bench.launch(UserData=AGENT, IamInstanceProfile={"Name": "ami-lab"})
    bench.booted(machine)
    bench.shell(machine, HARD)
    variables = {"packer_build_name": "hard", "seal_paths_removed": ["/var/lib/saved/*"]}
    play(BUILTIN_ROOT / "playbooks/seal.yml", bench.describe(machine)["PrivateIpAddress"], key, variables)
    # What stands on the disk now is what a power cut would leave.
    dirty = bench.image(machine, "dirty", NoReboot=True)
    ec2.stop_instances(InstanceIds=[machine])
    bench.wait(machine, "stopped")
    clean = bench.image(machine, "clean")
    # The keys that are there on purpose, and what tells that this seal removes no more than it should.
    assert [
        line for line in dirt(lab, ec2, clean) if not line.endswith("authorized_keys: public key of the builder")
    ] == []
    files = dict(written(disk(lab, ec2, clean)))
    assert KEPT - files.keys() == set()
    assert files["/home/admin/.ssh/authorized_keys"].startswith(b"restrict,ssh-ed25519 ")
    assert files["/home/admin/.ssh/authorized_keys"].count(b"\n") == 1
    assert b"/root/.*_history 1\n" in files["/var/lib/image-seal/removed"]
    failures = failed(lab, clean, tmp_path)
    assert failures.keys() == {"test_units_that_ran_have_not_failed"}
    (message,) = failures.values()
    assert "fragile.service" in message
    assert "serves.service" not in message

    found = dirt(lab, ec2, dirty)
    for line in (
        MARK,
        "/etc/hostname: host name",
        "/home/admin/.ssh/authorized_keys: public key",
        "/var/lib/amazon/ssm/runtimeconfig/identity_config.json: instance id",
        "/var/log/amazon/ssm/amazon-ssm-agent.log: a log",
        "/var/log/wtmp: a log",
    ):
        assert [one for one in found if one.startswith(line)], found
    assert {
        "test_machine_was_cleaned_to_the_end",
        "test_logs_begin_with_this_boot",
        "test_nothing_names_another_machine",
    } <= failed(lab, dirty, tmp_path).keys()
    bench.discard(clean)
    bench.discard(dirty)


def failed(lab: Settings, ami_id: str, folder: Path) -> dict[str, str]:
    """The tests of the seal that fail on a machine that boots from an AMI, with what each says."""
    account = Account(region="us-east-1", endpoint=lab.endpoint, access_key="test", secret_key="test")
    request = ValidateRequest(
        account=account,
        ami_id=ami_id,
        image=ImageFacts("hard", "v1", ("base",), ("seal",), {}),
        tests=(RoleTests("seal", BUILTIN_ROOT / "roles/seal/tests"),),
        run="run-1",
        folder=folder,
        placement=Placement((("t3.small", ""),), profile="ami-lab"),
    )
    return {test.name: test.message for test in validate(request, ignore).tests if test.failed}
