"""A secret reaches the machine, and nothing else: not a byte of it stays anywhere, in no encoding."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.contract import error_of, printed
from tests.lab.canary import CANARY, leaking, leaks, sampled
from tests.lab.small import NOTHING, PROGRAMS, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lab.small import Small

pytestmark = pytest.mark.long(90)

#: What people do with secrets, each in another encoding: the last task fails when it is told to.
TASKS = """
- name: Keep the secret
  ansible.builtin.copy: {content: "{{ item }}", dest: "/etc/secret-{{ index }}", mode: "0600"}
  loop: ["{{ plain }}", "{{ parameter }}", "{{ managed }}", "{{ network }}", "{{ vaulted }}"]
  loop_control: {index_var: index}
- name: Say it
  ansible.builtin.debug:
    msg: "{{ [plain, plain | urlencode, plain | b64encode, ('x' ~ plain) | b64encode, plain | quote] | join(' ') }}"
- name: Say it in JSON and YAML
  ansible.builtin.debug: {msg: "{{ {'a': plain} | to_json }} {{ {'a': [plain]} | to_nice_yaml }} {{ vaulted }}"}
- name: "Call a task {{ plain }}"
  ansible.builtin.shell:
    cmd: "printf %s {{ plain | quote }}; printf %s {{ plain | quote }} >&2; exit {{ code }}"
  changed_when: false
"""
IMAGE = """
name: NAME
description: a small image
owner: {team: tests, email: tests@example.com}
from: light
layers:
  - base:
      roles: [keeper]
      vars:
        code: "CODE"
        plain: {secret: env:CANARY}
        parameter: {secret: "ssm:/canary"}
        managed: {secret: "secretsmanager:canary#password"}
        vaulted: !vault |
VAULTED
"""
#: A test of the role shows it in all that it asks, and fails when it is told to.
TESTS = '''
def test_secret(host):
    """The machine has what was written, byte by byte."""
    found = [host.file(f"/etc/secret-{number}").content_string for number in range(5)]
    assert len(set(found)) == 1, found
    print(found)
    assert found[0] == host.run("cat /etc/secret-1").stdout
    assert WELL, found
'''


@pytest.fixture
def keeper(small: Small, client: Callable[..., Any], tmp_path: Path) -> Iterator[Small]:
    """A workspace whose image takes the canary in every way."""
    client("ssm").put_parameter(Name="/canary", Value=CANARY, Type="SecureString", Overwrite=True)
    client("secretsmanager").create_secret(Name="canary", SecretString=json.dumps({"password": CANARY}))
    small.write("ami.yml", (small.root / "ami.yml").read_text().replace("[marker, ssm_agent]", "[ssm_agent]"))
    small.write("roles/keeper/tasks/main.yml", TASKS)
    lab = small.root / "packer/environments/lab.pkrvars.hcl"
    lab.write_text(lab.read_text() + 'secret_vars = {\n  network = "env:CANARY"\n}\n')
    password = tmp_path.parent / f"{tmp_path.name}-vault"
    password.write_text("open sesame")
    small.write("ansible.cfg", f"[defaults]\nvault_password_file = {password}\n")
    vaulted = subprocess.run(
        [PROGRAMS / "ansible-vault", "encrypt_string", "--vault-password-file", str(password)],
        input=CANARY, capture_output=True, text=True, check=True,
    ).stdout.partition("\n")[2]  # fmt: skip
    small.write("vaulted", vaulted)
    yield small
    client("secretsmanager").delete_secret(SecretId="canary", ForceDeleteWithoutRecovery=True)


def ended(small: Small, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """`ami` as it ends, with the canary in its environment."""
    command = [str(PROGRAMS / "ami"), *arguments]
    env = {**environment(), "CANARY": CANARY}
    return subprocess.run(command, cwd=small.root, env=env, capture_output=True, check=False)


def bucket_leaks(client: Callable[..., Any]) -> dict[str, list[bytes]]:
    """The objects of the bucket that hold something of the canary, compressed ones included."""
    found = in_bucket(client)
    plain = {key: gzip.decompress(content) if key.endswith(".gz") else content for key, content in found.items()}
    return {key: leaked for key, content in plain.items() if (leaked := leaks(content))}


def in_bucket(client: Callable[..., Any]) -> dict[str, bytes]:
    """Every object of the bucket, by its key."""
    s3 = client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="ami-lab-artifacts")
    keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
    return {key: s3.get_object(Bucket="ami-lab-artifacts", Key=key)["Body"].read() for key in keys}


def define(small: Small, name: str, *, code: int, well: bool) -> None:
    vaulted = (small.root / "vaulted").read_text()
    text = IMAGE.replace("NAME", name).replace("CODE", str(code)).replace("VAULTED", vaulted)
    small.write(f"packer/images/{name}.yml", text)
    small.write("roles/keeper/tests/test_keeper.py", TESTS.replace("WELL", str(well)))


def test_build_when_variables_are_secret(keeper: Small, client: Callable[..., Any]) -> None:
    """A build that fails, and one whose test fails: the secret is on the machine, and not a byte of it elsewhere."""
    outside = (Path("/tmp"), Path("/dev/shm"), keeper.root)
    before = {place: set(place.iterdir()) for place in outside[:2]}
    define(keeper, "tiny", code=3, well=False)
    with sampled() as processes:
        failed = ended(keeper, "build", "tiny", "--yes")
        assert failed.returncode == 1, failed.stderr.decode()
        define(keeper, "tiny", code=0, well=False)
        rejected = ended(keeper, "build", "tiny", "--yes", "--json", "--log-level", "debug")
        assert b"ec2 RunInstances(" in rejected.stderr
        assert b"orchestrator.process: start: " in rejected.stderr
        (told,) = printed(rejected.stdout.decode())["images"]
        assert error_of(rejected.stderr.decode())["exit_code"] == 1
        assert told["status"] == "rejected", (told, rejected.stderr.decode())
    assert b"Call a task ********" in failed.stderr
    assert "keeper: test_secret" in told["reason"]
    for done in (failed, rejected):
        assert leaks(done.stdout + done.stderr) == []
    log = (keeper.last_run() / "tiny/packer.log").read_text()
    assert "TASK [keeper : Say it]" in log
    assert "********" in log
    assert processes == set()
    made = [path for place in outside[:2] for path in set(place.iterdir()) - before[place] if path.is_dir()]
    assert leaking(keeper.root, *(path for path in made if path.name.startswith("ami-"))) == {}
    assert bucket_leaks(client) == {}
    runs = [f"runs/{folder.name}/tiny/packer.log.gz" for folder in (keeper.root / ".ami/runs").iterdir()]
    assert len(runs) == 2
    assert set(runs) <= set(in_bucket(client)), "there was nothing to search"
    assert [image for image in keeper.images() if leaks(json.dumps(image, default=str).encode())] == []

    shown = ended(keeper, "show", "tiny", "--json")
    (variant,) = printed(shown.stdout.decode())["variants"]
    assert variant["stack"][0]["vars"]["plain"] == {"secret": "env:CANARY"}
    (step,) = printed(ended(keeper, "plan", "tiny", "--json").stdout.decode())["steps"]
    assert step["reason"].endswith("is rejected"), step  # the same fingerprint, in another process
    client("ssm").put_parameter(Name="/canary", Value=CANARY + "!", Type="SecureString", Overwrite=True)
    changed = ended(keeper, "plan", "tiny", "--explain")
    assert b"vars: parameter changed" in changed.stdout
    assert leaks(changed.stdout + shown.stdout) == []
    assert keeper.left_over() == NOTHING


def test_build_when_a_secret_is_not_there(keeper: Small) -> None:
    """Every one is told with file and line, and exit code 2; nothing is launched. A plan says what it does not know."""
    define(keeper, "tiny", code=0, well=True)
    path = keeper.root / "packer/images/tiny.yml"
    path.write_text(path.read_text().replace("ssm:/canary", "ssm:/nowhere"))
    env = {name: value for name, value in os.environ.items() if name != "CANARY"}
    done = subprocess.run(
        [PROGRAMS / "ami", "build", "--yes"], cwd=keeper.root, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "packer/images/tiny.yml:11: the environment variable CANARY is not set" in done.stderr
    assert "packer/images/tiny.yml:12: there is no parameter /nowhere in us-east-1" in done.stderr
    assert "lab.pkrvars.hcl:" in done.stderr
    assert "hint: aws ssm put-parameter" in done.stderr
    assert not (keeper.root / ".ami/runs").exists()
    planned = subprocess.run(
        [PROGRAMS / "ami", "plan"], cwd=keeper.root, env=env, capture_output=True, text=True, check=False
    )
    assert planned.returncode == 0, planned.stderr
    assert "not known here, and taken as changed: " in planned.stdout
