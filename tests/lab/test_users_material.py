"""What a team brings from elsewhere: roles with dots in their names, group_vars, a vault, roles without tests."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.lab.small import PROGRAMS

if TYPE_CHECKING:
    from tests.lab.small import Small

pytestmark = pytest.mark.long(120)

IMAGE = """
name: tiny
description: what a team brings
owner: {team: tests, email: tests@example.com}
from: light
layers:
  - base
  - workload:
      roles:
        - role: acme.proxy
          vars: {acme_proxy_port: 8081}
          tags: [proxy]
          when: ansible_facts.processor_count > 0
        - acme.java
        - acme.tools.limits
        - {role: marker_that_is_not_applied, when: false}
      vars: {acme_proxy_port: 8080, acme_proxy_name: layer}
      untested:
        acme.java: "upstream's molecule covers it, ticket 123"
        marker_that_is_not_applied: never applied
"""
#: Variables by each way that they come: the entry, the layer, group_vars of all, of the layer and of the image, the
#: vault, and the facts that Ansible gathers by itself.
PROXY = """
- name: Write what the variables say
  ansible.builtin.copy:
    content: |
      {{ acme_proxy_port }} {{ acme_proxy_name }}
      {{ acme_site }} {{ acme_tier }} {{ acme_who }}
      {{ acme_password | length }}
      {{ ansible_processor_count > 0 }} {{ ansible_facts.mounts is defined }} {{ ansible_memtotal_mb > 0 }}
    dest: /etc/acme-proxy
    mode: "0644"
"""
PROXY_TESTS = '''
def test_variables(host, image):
    """An entry goes over its layer, and the image over the layer and all."""
    assert host.file("/etc/acme-proxy").content_string.splitlines() == [
        "8081 layer", "site-of-all tier-of-layer who-of-image", "14", "True True True"
    ]
    assert image.vars["acme_proxy_port"] == 8081
    assert image.role == "acme.proxy"
'''
WRITTEN = """
- ansible.builtin.copy: {{content: "{{{{ acme_proxy_port | default('none') }}}}", dest: /etc/{name}, mode: "0644"}}
"""
TESTS = '''
def test_variables(host, image):
    """What an entry says holds for its role alone, and the others get what the layer says."""
    assert host.file("/etc/{name}").content_string == "8080"
    assert image.role == "{role}"
    assert not host.file("/etc/never").exists
'''


@pytest.fixture
def brought(small: Small) -> Small:
    """The small workspace with what a team has brought to it."""
    small.write("packer/images/tiny.yml", IMAGE)
    small.write("roles/acme.proxy/tasks/main.yml", PROXY)
    small.write("roles/acme.proxy/meta/main.yml", "dependencies: [{role: acme.common, vars: {acme_unused: 1}}]\n")
    small.write("roles/acme.common/tasks/main.yml", WRITTEN.format(name="acme-common"))
    small.write("roles/acme.java/tasks/main.yml", WRITTEN.format(name="acme-java"))
    small.write("roles/marker_that_is_not_applied/tasks/main.yml", WRITTEN.format(name="never"))
    collection = "collections/ansible_collections/acme/tools"
    small.write(f"{collection}/galaxy.yml", "namespace: acme\nname: tools\nversion: 1.0.0\n")
    small.write(f"{collection}/roles/limits/tasks/main.yml", WRITTEN.format(name="acme-limits"))
    small.write("tests/roles/acme.proxy/test_proxy.py", PROXY_TESTS)
    small.write(
        "tests/roles/acme.common/test_common.py",
        "def test_there(host):\n    assert host.file('/etc/acme-common').exists\n",
    )
    limits = TESTS.format(name="acme-limits", role="acme.tools.limits")
    small.write("tests/roles/acme.tools.limits/test_limits.py", limits)
    small.write("group_vars/all/main.yml", "acme_site: site-of-all\nacme_who: who-of-all\nacme_tier: tier-of-all\n")
    small.write(
        "group_vars/workload.yml", "acme_tier: tier-of-layer\nacme_who: who-of-layer\nacme_proxy_name: groups\n"
    )
    small.write("group_vars/tiny.yml", "acme_who: who-of-image\n")
    password = small.root.parent / f"{small.root.name}-vault"
    password.write_text("open sesame\n")
    small.write("ansible.cfg", f"[defaults]\nvault_password_file = {password}\n")
    small.write("group_vars/all/vault.yml", "acme_password: s3cret-of-acme\n")
    encrypt = [str(PROGRAMS / "ansible-vault"), "encrypt", "group_vars/all/vault.yml"]
    subprocess.run(encrypt, cwd=small.root, check=True, capture_output=True)
    return small


def test_what_a_team_brings_builds_and_validates(brought: Small) -> None:
    """It builds and is validated; what was left untested is said wherever the image is described; and group_vars count
    for what they reach alone.
    """
    brought.ami("build", "tiny", "--yes")
    version = brought.listed()["tiny"]
    assert version["state"] == "validated"
    folder = brought.last_run() / "tiny"
    report = json.loads((folder / "report.json").read_text())
    assert report["image"]["untested"]["acme.java"] == "upstream's molecule covers it, ticket 123"
    assert {test["role"] for test in report["tests"]} >= {"acme.proxy", "acme.common", "acme.tools.limits", "marker"}
    assert 'name="untested" value="upstream' in (folder / "junit.xml").read_text()
    shown = json.loads(brought.ami("show", version["ami_id"], "--json"))
    assert shown["untested"]["acme.java"] == "upstream's molecule covers it, ticket 123"
    written = [path for path in brought.last_run().rglob("*") if path.is_file()]
    assert [path for path in written if b"s3cret-of-acme" in path.read_bytes()] == []

    gathered = re.findall(r'"task": "Gather the facts[^}]*"event": "ok"', (folder / "tasks.jsonl").read_text())
    assert len(gathered) == 1

    brought.write("group_vars/other.yml", "acme_who: nobody\n")
    assert brought.planned() == {"tiny": "reuse"}
    brought.write("group_vars/tiny.yml", "acme_who: somebody-else\n")
    assert brought.planned() == {"tiny": "build"}
