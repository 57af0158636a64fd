"""Two `ami build` of the same twelve images at once, as two CI jobs of one commit, against one of them alone.

Most of the time of a real build is waiting: for packages, for boots, for AWS. A lab on few cores has less of that, so
that the role of each image waits as an installation does, and machines boot with half the work. Otherwise two runs
would only show that cores are shared.
"""

from __future__ import annotations

import json
import shutil
from statistics import median
from typing import TYPE_CHECKING

from tests.bench.light import light_image
from tests.bench.program import PROGRAMS, Command, at_most, environment
from tests.bench.row import Row
from tests.bench.setting import REPOSITORY
from tests.lab.small import LIGHT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.program import Ended
    from tests.bench.setting import Setting

#: Golden, and what stands on it.
_IMAGES = ("golden", *(f"app-{number:02}" for number in range(1, 12)))
_AIM = 0.65
#: Seconds that the role of each image waits.
_WAITS = 60

_AMI = """\
name: share
default_environment: lab
sources:
  light:
    filter: {name: "light-debian-12", owner: self}
    ssh_username: admin
layers:
  - base: {roles: [installed, ssm_agent]}
  - workload: {roles: [installed]}
"""
_IMAGE = """\
name: NAME
description: An image of the bench
owner: {team: bench, email: bench@example.com}
from: FROM
layers:
  - LAYER: {vars: {installed_name: NAME}}
"""
_ROLE = {
    "meta/argument_specs.yml": """\
argument_specs:
  main:
    options:
      installed_name: {type: str, required: true}
""",
    "tasks/main.yml": f"""\
- name: Wait as for an installation
  ansible.builtin.wait_for:
    timeout: {_WAITS}

- name: Say what was installed
  ansible.builtin.copy:
    content: "{{{{ installed_name }}}}\\n"
    dest: /etc/installed
    mode: "0644"
""",
    "tests/test_installed.py": '''\
def test_installed(host):
    """It says what was installed."""
    assert host.file("/etc/installed").size > 0
''',
}


def run(setting: Setting) -> list[Row]:
    """Seconds until both of two runs have ended, by those of one run."""
    light_image(setting)
    first = _workspace(setting.folder / "share-1", setting.lab.endpoint)
    second = setting.folder / "share-2"
    shutil.copytree(first, second)
    alone, both, notes, failed = [], [], [], ""
    for number in range(1, setting.long_rounds + 1):
        setting.tell(f"share {number}: ami build of {len(_IMAGES)} images, one run")
        alone.append(_seconds(_built(setting, first)))
        setting.tell(f"share {number}: one run took {alone[-1]:.0f} s; two at once")
        ended = _built(setting, first, second)
        both.append(_seconds(ended))
        setting.tell(f"share {number}: two runs took {both[-1]:.0f} s")
        notes.append(" and ".join(str(_done_by_itself(one)) for one in ended))
        failed = failed or _twice(setting)
    compared = f"{len(_IMAGES)} images, {setting.parallel} at a time: two runs : one run"
    note = f"each run tested so many images itself: {', '.join(notes)}"
    return [Row("share", compared, median(both), median(alone), aim=_AIM, failed=failed, note=note)]


def _built(setting: Setting, *workspaces: Path) -> list[Ended]:
    """`ami build` in each of the workspaces, at once, in an emptied account."""
    setting.lab.empty(but=LIGHT)
    setting.stands = False
    argv = [str(PROGRAMS / "ami"), "build", "--yes", "--json", "--parallel", str(setting.parallel)]
    commands = [Command(argv, root, setting.logs / root.name, environment()) for root in workspaces]
    return at_most(len(commands), commands, setting.tell)


def _seconds(ended: list[Ended]) -> float:
    """Until the last of them has ended."""
    return max(one.seconds for one in ended)


def _done_by_itself(ended: Ended) -> int:
    return sum(not image["adopted"] for image in json.loads(ended.out)["images"])


def _twice(setting: Setting) -> str:
    """What was built more than once; empty when each image was built once."""
    names = [image["Name"].rpartition("-20")[0] for image in setting.lab.ec2.describe_images(Owners=["self"])["Images"]]
    wrong = sorted(name for name in _IMAGES if names.count(name) != 1)
    return f"not built once each: {', '.join(wrong)}" if wrong else ""


def _workspace(root: Path, endpoint: str) -> Path:
    """Write the workspace of twelve images that wait."""
    (root / "packer/images").mkdir(parents=True)
    (root / "packer/environments").mkdir()
    (root / "ami.yml").write_text(_AMI)
    variables = (REPOSITORY / "packer/environments/lab.pkrvars.hcl").read_text()
    lab_file = root / "packer/environments/lab.pkrvars.hcl"
    lab_file.write_text(variables.replace("http://127.0.0.1:4999", endpoint))
    for name in _IMAGES:
        start, layer = ("light", "base") if name == "golden" else ("golden", "workload")
        text = _IMAGE.replace("NAME", name).replace("FROM", start).replace("LAYER", layer)
        (root / f"packer/images/{name}.yml").write_text(text)
    for name, text in _ROLE.items():
        path = root / "roles/installed" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root
