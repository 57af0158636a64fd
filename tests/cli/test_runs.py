"""`ami runs` and `ami logs` as a person sees them, in a workspace without a bucket."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import seen

AMI = str(Path(sys.executable).parent / "ami")
OLD, NEW = "20241124T004200Z-0a1b2c", "20241125T004200Z-ffffff"
LAB = 'region = "us-east-1"\nendpoint = "http://127.0.0.1:1"\naccess_key = "key"\nsecret_key = "secret"\n'


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with two runs of two images, of which the newer one failed."""
    (tmp_path / "packer/environments").mkdir(parents=True)
    (tmp_path / "playbooks").mkdir()
    for playbook in ("base", "seal"):
        (tmp_path / f"playbooks/{playbook}.yml").write_text("[]\n")
    (tmp_path / "ami.yml").write_text("name: small\ndefault_environment: lab\nsources: {}\nlayers: [base]\n")
    (tmp_path / "packer/environments/lab.pkrvars.hcl").write_text(LAB)
    for run, status in ((OLD, "validated"), (NEW, "rejected")):
        folder = tmp_path / ".ami/runs" / run
        for image in ("golden@debian-13-arm64", "web"):
            (folder / image).mkdir(parents=True)
            (folder / image / "packer.log").write_text(f"built {image}\n")
            (folder / image / "pytest.log").write_text(f"tested {image} \x1b[31mred\x1b[0m\n")
        owner = {"command": "ami build web golden@debian-13-arm64 --parallel 4 --yes", "environment": "lab"}
        (folder / "owner.json").write_text(json.dumps(owner))
        images = [{"image": "golden@debian-13-arm64", "status": "validated"}, {"image": "web", "status": status}]
        (folder / "summary.json").write_text(json.dumps({"seconds": 4000, "images": images}))
    return tmp_path


def run(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [AMI, *arguments]
    return subprocess.run(argv, cwd=workspace, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_runs_when_the_terminal_is_narrow(columns: int, workspace: Path) -> None:
    """Ids and results stand whole, the newest first, and what went wrong is at the front of what gives way."""
    screen = seen([AMI, "runs"], columns, cwd=workspace)
    assert screen.code == 0, screen.text
    first, second = (next(line for line in screen.lines if one in line) for one in (NEW, OLD))
    assert screen.lines.index(first) < screen.lines.index(second)
    assert "failed" in first
    assert "done" in second
    assert columns < 80 or "web rejected" in first, screen.text


def test_prune_on_a_terminal(workspace: Path) -> None:
    """It says that the runs are nowhere else; Enter means no, and only yes deletes them."""
    asked = seen([AMI, "runs", "--prune", "30d"], 100, cwd=workspace, keys=b"\r")
    assert asked.code == 130
    assert "Delete 2 runs that are nowhere else? [y/N]" in asked.text
    assert len(list((workspace / ".ami/runs").iterdir())) == 2
    agreed = seen([AMI, "runs", "--prune", "30d"], 100, cwd=workspace, keys=b"y\r")
    assert (agreed.code, list((workspace / ".ami/runs").iterdir())) == (0, []), agreed.text


def test_prune_without_a_terminal(workspace: Path) -> None:
    """No terminal is no yes; a dry run shows what would be lost; what is no time is a mistake."""
    for arguments, code in (
        (["--prune", "30d"], 2),
        (["--prune", "30"], 2),
        (["--prune", "30d", "--dry-run"], 0),
        (["--upload"], 2),
    ):
        done = run(workspace, "runs", *arguments)
        assert done.returncode == code, (arguments, done.stderr)
        assert done.stdout == ""
        assert len(list((workspace / ".ami/runs").iterdir())) == 2
    assert "hint: artifact_bucket = " in done.stderr
    told = json.loads(run(workspace, "runs", "--prune", "9999w", "--json").stdout)
    assert (told["schema"], told["only_here"], told["deleted"]) == ("ami/changed-runs/1", [], [])


def test_logs_when_a_run_had_several_images(workspace: Path) -> None:
    """The log of the one that failed comes first; any other is named. Colours are not passed on."""
    assert run(workspace, "logs").stdout == "tested web red\n"
    other = run(workspace, "logs", OLD, "packer.log", "--image", "golden@debian-13-arm64")
    assert other.stdout == "built golden@debian-13-arm64\n"
    screen = seen([AMI, "logs", "web"], 100, cwd=workspace)
    assert "tested web red" in screen.lines
    listed = json.loads(run(workspace, "logs", "0a1b2c", "--json").stdout)
    assert (listed["schema"], listed["run"], listed["kept_in"]) == ("ami/logs/1", OLD, ["here"])


def test_logs_when_the_name_is_wrong(workspace: Path) -> None:
    """The nearest name is told, with exit code 2 and without a trace."""
    done = run(workspace, "logs", "wbe")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == "error: there is no run, image or AMI 'wbe' (did you mean 'web'?)"
