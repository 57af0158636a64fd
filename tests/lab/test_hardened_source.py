"""An image that hardens itself as the CIS benchmark's level 2 asks, and a child that is built on it.

Both reboot while they are built, one with Mitogen and one without, on machines whose package lock is held as they boot.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.lab.small import Small

#: Two builds with a reboot each, and two validations: on a busy machine that takes longer than other tests may.
pytestmark = [pytest.mark.long(150), pytest.mark.timeout(1800)]

#: "CIS Debian Linux 12 Benchmark", as far as it can stand in the way of a build: 1.1 (mounts), 4.3 (sudo), 5.1 (sshd),
#: 5.4 (umask, TMOUT). A unit remounts /tmp and the others: podman has mounted them by itself.
HARDEN = r"""
cat >/etc/sudoers <<'END'
Defaults env_reset
Defaults use_pty
Defaults requiretty
Defaults umask = 0077
Defaults logfile = "/var/log/sudo.log"
Defaults secure_path = "/usr/sbin:/usr/bin:/sbin:/bin"
Defaults !env_keep
root ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
END
visudo -cq

cat >/etc/ssh/sshd_config.d/00-cis.conf <<'END'
AllowUsers admin
Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512,hmac-sha2-256
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp521,ecdh-sha2-nistp384,ecdh-sha2-nistp256
DisableForwarding yes
PermitRootLogin no
MaxAuthTries 4
MaxSessions 10
ClientAliveInterval 15
ClientAliveCountMax 3
Banner /etc/issue.net
END
sshd -t

sed -i 's/^UMASK.*/UMASK 077/' /etc/login.defs
for file in /etc/pam.d/common-session /etc/pam.d/common-session-noninteractive; do
    echo 'session optional pam_umask.so umask=0077' >>$file
done
printf 'umask 077\nreadonly TMOUT=900\nexport TMOUT\n' >/etc/profile.d/cis.sh

cat >/etc/systemd/system/cis-mounts.service <<'END'
[Unit]
DefaultDependencies=no
After=local-fs.target
Before=basic.target
[Service]
Type=oneshot
ExecStart=mount -o remount,nodev,nosuid,noexec /tmp
ExecStart=mount --bind /var/tmp /var/tmp
ExecStart=mount -o remount,bind,nodev,nosuid,noexec /var/tmp
ExecStart=mount -o remount,nodev,nosuid,noexec /dev/shm
[Install]
WantedBy=basic.target
END
systemctl enable -q cis-mounts
"""
#: Holds dpkg's lock on each new machine until somebody waits for it: until the wait for a quiet machine has slept three
#: times (`sleep 0.5`, see quiet.sh) although the machine has booted.
BUSY = r"""
import fcntl, os, pathlib, socket, subprocess, time

machine = open("/etc/machine-id").read()
done = "/var/lib/busy"
busy = not os.path.exists(done) or open(done).read() != machine
lock = open("/var/lib/dpkg/lock-frontend", "w")
if busy:
    open("/proc/self/comm", "w").write("unattended-upgr")
    fcntl.lockf(lock, fcntl.LOCK_EX)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])


def boots():
    said = subprocess.run(["systemctl", "is-system-running"], capture_output=True).stdout
    return said.strip() in (b"initializing", b"starting") or not os.path.exists("/run/cloud-init/result.json")


while busy and boots():
    time.sleep(0.2)
slept = set()
while busy and len(slept) < 3:
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes() == b"sleep\x000.5\x00":
                slept.add(process.name)
        except OSError:
            pass
    time.sleep(0.05)
open(done, "w").write(machine)
"""
TASKS = """
- name: Boot anew
  ansible.builtin.reboot:
    reboot_timeout: 120

- name: Run as somebody else
  ansible.builtin.command: id -un
  become: true
  become_user: nobody
  changed_when: false
"""
HARDENING = """
- name: Harden
  ansible.builtin.script: harden.sh
  args: {executable: /bin/sh}

- name: Write what keeps the package lock
  ansible.builtin.copy:
    src: busy.py
    dest: /usr/local/sbin/busy
    mode: "0755"

- name: Write its unit
  ansible.builtin.copy:
    content: |
      [Unit]
      Before=ssh.service amazon-ssm-agent.service
      [Service]
      Type=notify
      ExecStart=/usr/bin/python3 /usr/local/sbin/busy
      [Install]
      WantedBy=multi-user.target
    dest: /etc/systemd/system/busy.service
    mode: "0644"

- name: Start it with the machine
  ansible.builtin.systemd_service:
    name: busy
    enabled: true
"""
TESTS = '''
import pytest


def test_machine_is_hardened(host):
    """It is what this image is about."""
    for folder in ("/tmp", "/var/tmp", "/dev/shm"):
        assert "noexec" in host.check_output(f"findmnt -no OPTIONS --target {folder}"), folder
    assert "Defaults requiretty" in host.file("/etc/sudoers").content_string
    assert host.run("runuser -u admin -- sudo -n true").rc != 0


@pytest.mark.alone
def test_package_lock_is_free(host):
    """Whatever held it as the machine booted. Alone, because the same test of another role takes the lock as well."""
    assert host.run("apt-get check").rc == 0
'''


@pytest.mark.thorough
def test_image_when_it_hardens_itself_and_has_a_child(small: Small) -> None:
    """Both are built and validated; who held apt's lock is told, in builds and in validations alike."""
    small.write("roles/cis/tasks/main.yml", HARDENING + TASKS)
    small.write("roles/cis/files/harden.sh", f"set -eu\n{HARDEN}")
    small.write("roles/cis/files/busy.py", BUSY)
    small.write("roles/cis/tests/test_cis.py", TESTS)
    small.write("roles/reboots/tasks/main.yml", TASKS)
    small.write("roles/reboots/tests/test_reboots.py", TESTS)
    small.image("tiny", "debian-12", "base: {roles: [cis]}")
    small.image("top", "tiny", "workload: {roles: [reboots]}")
    assert built(small, "tiny") == "validated"
    small.write("ami.yml", (small.root / "ami.yml").read_text() + "ansible: {mitogen: false}\n")
    assert built(small, "top") == "validated"
    held = "waiting for apt's lock /var/lib/dpkg/lock-frontend, held by unattended-upgr (process "
    assert {event["stage"] for event in events(small, "top") if held in event.get("message", "")} == {
        "provision",
        "await",
    }


def built(small: Small, image: str) -> str:
    """Build an image; its state afterwards."""
    told = json.loads(small.ami("build", image, "--yes", "--json"))
    return str(next(one["status"] for one in told["images"] if one["image"] == image))


def events(small: Small, image: str) -> list[dict[str, Any]]:
    """What the last run told of an image."""
    lines = map(json.loads, (small.last_run() / "events.jsonl").read_text().splitlines())
    return [event for event in lines if event["image"] == image]
