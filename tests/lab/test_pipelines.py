"""The steps of all three pipelines, run by a shell in a container that has nothing but a fresh machine and the wheel.

The lab is both the lab and, under another name, the account: there `ami` gets its credentials from the job alone.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.lab.forked import forked
from tests.lab.runner import ACCOUNT, Runner
from tests.lab.small import NOTHING, REPOSITORY, Small, environment
from tests.lab.test_tutorial import wheel_of
from tests.lab.workflow import OF_THE_LAB, Workflows
from tests.thorough import THOROUGH
from tests.unit.cli.comments.forge import Forge, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.lab.settings import Settings

pytestmark = pytest.mark.long(120)

#: Credentials as a role's that was assumed; any do in the lab.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "lab", "AWS_SECRET_ACCESS_KEY": "lab-secret-key"}
#: What all three services install with.
INSTALL = REPOSITORY / "orchestrator/cli/pipelines/texts/install.sh"


@dataclass
class Pipelines:
    """A workspace in a repository with all three pipelines, and a runner that has it checked out."""

    small: Small
    runner: Runner
    workflows: Workflows

    def change(self, message: str) -> None:
        """Commit what the workspace has now, as a push would bring it."""
        git(self.runner.checkout, "add", "--all")
        git(self.runner.checkout, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", message)


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True)


@pytest.fixture
def pipelines(small: Small, lab: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipelines]:
    shared = tmp_path_factory.mktemp("runner")
    wheel = wheel_of(shared / "sources", shared / "wheels")
    runner = Runner(lab, shared)
    account = (small.root / "packer/environments/lab.pkrvars.hcl").read_text()
    account = re.sub("(?m)^(access|secret)_key.*\n", "", account).replace("127.0.0.1", ACCOUNT)
    small.write("packer/environments/prod.pkrvars.hcl", account)
    small.write(".gitignore", "/.ami/\n")
    small.root.rename(runner.checkout)
    runner.start()
    moved = Small(runner.checkout, small.lab, small.ec2, small.before, small.foreign)
    git(runner.checkout, "init", "-q", "-b", "main")
    for service in ("github", "gitlab", "jenkins"):
        options = ("--package", f"ami-factory[lab] @ file://{wheel}")
        done = forked("ci", service, *options, cwd=runner.checkout, env=environment())
        assert done.returncode == 0, done.stderr
    made = Pipelines(moved, runner, Workflows(runner, *known(runner), CREDENTIALS))
    made.change("first")
    yield made
    runner.stop()
    small.root.mkdir()


def known(runner: Runner) -> tuple[dict[str, str], dict[str, bool]]:
    """What GitHub knows of a pull request whose repository has both roles."""
    values = {
        "runner.temp": str(runner.temp),
        "github.token": "writes",
        "github.run_id": "1",
        "matrix.image": "tiny",
        "vars.AMI_READER_ROLE": "arn:aws:iam::000000000000:role/reader",
        "vars.AMI_BUILDER_ROLE": "arn:aws:iam::000000000000:role/builder",
        "steps.account.outcome == 'success' && 'prod' || 'lab'": "prod",
    }
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    holds = {
        f"vars.AMI_READER_ROLE != '' && {own}": True,
        "steps.account.outcome != 'success'": False,
        "!cancelled()": True,
        "cancelled()": True,
        "always()": True,
    }
    return values, holds


def on_main(workflows: Workflows) -> None:
    """A push to the main branch; the job is cancelled at its very end, so that it sweeps as well."""
    for job in ("plan", "build"):
        workflows.job("ami-build", job)


def pushed(workflows: Workflows) -> None:
    """A push to the branch of pull request 5: its plan, and its comment."""
    for job in ("plan", "comment"):
        workflows.job("ami-pull-request", job)


def variables_of_github(forge: Forge) -> dict[str, str]:
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": forge.url,
        "GITHUB_REF": "refs/pull/5/merge",
        "GITHUB_REPOSITORY": "team/images",
    }


def gitlab(runner: Runner, name: str, forge: Forge, **more: str) -> str:
    """Run a job of GitLab, its lines in one shell, and return what it printed. `more` are variables of this job."""
    jobs = yaml.safe_load((runner.checkout / ".gitlab/ami.gitlab-ci.yml").read_text())
    job = inherited(jobs, name)
    assert job["before_script"][0].splitlines()[1:] == INSTALL.read_text().splitlines()[1:]
    given = {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": forge.url,
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "5",
        "AMI_COMMENT_TOKEN": "writes",
        "AMI_BUILDER_ROLE": "arn:aws:iam::000000000000:role/builder",
        "AMI_ID_TOKEN": "header.claims.signature",
        **CREDENTIALS,  # what the token is exchanged for
        "CI_JOB_ID": "1",
        "CI_PROJECT_DIR": str(runner.checkout),
        **job["variables"],
        "AMI_HOME": str(runner.temp / "ami"),
        **more,
    }
    given = {key: value.replace("$CI_PROJECT_DIR", given["CI_PROJECT_DIR"]) for key, value in given.items()}
    lines = [line for line in [*job["before_script"][1:], *job["script"]] if not OF_THE_LAB.fullmatch(line)]
    return runner.step("\n".join(lines), runner.checkout, given)


def inherited(jobs: Any, name: str) -> dict[str, Any]:
    """A job with what it extends; variables are added to each other."""
    job = jobs[name]
    below = inherited(jobs, job["extends"]) if "extends" in job else {}
    return {**below, **job, "variables": {**below.get("variables", {}), **job.get("variables", {})}}


def jenkins(runner: Runner, stage: str, variables: Mapping[str, str]) -> str:
    """Run what a stage of the Jenkinsfile gives to `sh`, each in a shell of its own, and return what they printed."""
    text = (runner.checkout / "Jenkinsfile").read_text()
    (body,) = re.findall(rf"stage\('{stage}'\) \{{\n(.*?)\n    \}}\n", text, re.DOTALL)
    found = re.findall(r"sh(?:\(script:)? (?:'''(.*?)'''|'([^']+)')", body, re.DOTALL)
    scripts = [script for script in map("".join, found) if not OF_THE_LAB.fullmatch(script)]
    assert scripts, stage
    path = f"{runner.temp}/ami/bin:/usr/bin:/bin"
    return "".join(runner.step(script, runner.checkout, {**variables, "PATH": path}) for script in scripts)


def test_jobs_when_a_shell_runs_them(pipelines: Pipelines) -> None:
    """The main branch builds. A pull request gets one comment with what, why and the difference, and keeps that one."""
    workflows, runner, small = pipelines.workflows, pipelines.runner, pipelines.small
    on_main(workflows)
    (version,) = small.listed().values()
    assert (version["image"], version["state"]) == ("tiny", "validated")
    (tags,) = ({tag["Key"]: tag["Value"] for tag in image["Tags"]} for image in small.images())
    assert re.fullmatch("[0-9a-f]{40}", tags["ami:commit"])
    assert small.left_over() == NOTHING
    tasks = (small.root / "roles/marker/tasks/main.yml").read_text()
    small.write("roles/marker/tasks/main.yml", tasks.replace("Leave a mark", "Leave the mark"))
    pipelines.change("second")
    with running(Forge()) as forge:
        runner.variables.update(variables_of_github(forge))
        pushed(workflows)
        (first,) = forge.bodies
        image = (small.root / "packer/images/tiny.yml").read_text()
        small.write("packer/images/tiny.yml", image.replace("[base]", "[base: {vars: {greeting: hello}}]"))
        pipelines.change("third")
        pushed(workflows)
        (second,) = forge.bodies
    assert "roles/marker" in first
    assert "greeting" not in first
    assert "greeting" in second
    assert second.strip() in workflows.summary
    assert json.loads(workflows.values["steps.plan.outputs.matrix"])["include"][0]["image"] == "tiny"
    assert workflows.left_out == []
    if THOROUGH:
        others(pipelines, second)


def others(pipelines: Pipelines, comment: str) -> None:
    """The same pull request with GitLab and Jenkins, and what follows on the main branch."""
    runner = pipelines.runner
    runner.variables.clear()
    with running(Forge(tells_user=True, longest=1_000_000)) as forge:
        for _ in range(2):
            gitlab(runner, "ami plan", forge)
        (note,) = forge.bodies
    child = json.loads((runner.checkout / ".ami/build.yml").read_text())
    assert child["ami build"]["parallel"] == {"matrix": [{"IMAGE": ["tiny"]}]}
    jenkins(runner, "Check", {})
    assert '"image": "tiny"' in jenkins(runner, "Plan in the lab", {})
    assert (runner.checkout / ".ami/plan.md").read_text().strip() == note.strip()
    assert note.partition("\n")[2].split("Environment")[0] == comment.partition("\n")[2].split("Environment")[0]
    for job in (child["ami build"]["extends"], "ami build", "ami sweep", "ami update"):
        gitlab(runner, job, forge, IMAGE="tiny")
    built(pipelines.small, 2)
    pipelines.small.role("marker", "marked for Jenkins")
    pipelines.change("fourth")
    jenkins(runner, "Build in the lab", {"IMAGE": "tiny"})
    for stage in ("Build", "Sweep"):
        assert "nothing to sweep" in jenkins(runner, stage, CREDENTIALS)
    jenkins(runner, "Update", {})
    built(pipelines.small, 3)


def built(small: Small, number: int) -> None:
    """Every version so far is validated, and nothing else is left."""
    versions = json.loads(small.ami("list", "--json"))["versions"]
    assert [(each["image"], each["state"]) for each in versions] == [("tiny", "validated")] * number
    assert small.left_over() == NOTHING
