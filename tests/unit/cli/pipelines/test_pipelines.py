"""The files that `ami ci` writes, as the checkers of their services see them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dekobon_tree_sitter_groovy
import pytest
import yaml
from tree_sitter import Language, Parser

from orchestrator.cli.pipelines.facts import AskedPipeline, facts_of
from orchestrator.cli.pipelines.planning import pipelines
from orchestrator.cli.pipelines.writing import planned
from orchestrator.definition.workspace import load
from tests.unit.cli.pipeline_workspace import LAB, PROD, made

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[4]
PROGRAMS = Path(sys.executable).parent
#: The longest that a command of one of these checkers may take; they end within a second.
PATIENCE = 60


def written(repository: Path, folder: str = ".", **environments: str) -> Path:
    """A repository with the pipelines of all services."""
    workspace = load(made(repository, folder, **environments), whole=False)
    facts = facts_of(workspace, repository, AskedPipeline())
    for pipeline in pipelines().values():
        for file in planned(repository, pipeline, pipeline.texts(facts)):
            file.write()
    return repository


#: The workspace is the repository, or a folder of it, or has no account.
KINDS = {"whole": (".", {"prod": PROD}), "folder": ("images", {"prod": PROD}), "lab-alone": (".", {})}


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a repository of each kind."""
    root = tmp_path_factory.mktemp("repositories")
    for name, (folder, accounts) in KINDS.items():
        written(root / name, folder, lab=LAB, **accounts)
    return root


@pytest.fixture(params=KINDS)
def repository(repositories: Path, request: pytest.FixtureRequest) -> Path:
    """Each of them."""
    return repositories / str(request.param)


def checked(*argv: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [PROGRAMS / argv[0], *argv[1:]], cwd=cwd, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_files_when_their_schemas_are_asked(repositories: Path) -> None:
    """Workflows, actions and jobs are what the services' own schemas describe."""
    kinds = {
        "github-workflows": [*repositories.glob("*/.github/workflows/*.yml")],
        "github-actions": [*repositories.glob("*/.github/actions/*/*"), *REPOSITORY.glob(".ci/actions/*/*")],
        "gitlab-ci": [*repositories.glob("*/.gitlab-ci.yml"), *repositories.glob("*/.gitlab/*.yml")],
    }
    for kind, files in kinds.items():
        checked("check-jsonschema", "--builtin-schema", f"vendor.{kind}", *files, cwd=repositories)
    everything = [file for files in kinds.values() for file in files]
    checked("yamllint", "--strict", "-c", REPOSITORY / ".yamllint", *everything, cwd=repositories)


def test_workflows_when_zizmor_is_at_its_strictest(repositories: Path) -> None:
    """It finds nothing at all, whatever it is sure of."""
    files = [*repositories.glob("*/.github/*/**/*.yml"), *REPOSITORY.glob(".ci/actions/*/*")]
    said = checked("zizmor", "--offline", "--persona=auditor", "--no-config", "--format=json", *files, cwd=repositories)
    assert json.loads(said) == []


def test_zizmor_when_an_action_is_named_by_tag(tmp_path: Path) -> None:
    """It would find what is wrong."""
    written(tmp_path, lab=LAB, prod=PROD)
    workflow = tmp_path / ".github/workflows/ami-sweep.yml"
    workflow.write_text(re.sub("checkout@[0-9a-f]{40} # v", "checkout@v", workflow.read_text()))
    done = subprocess.run(
        [PROGRAMS / "zizmor", "--offline", "--persona=auditor", "."], cwd=tmp_path, capture_output=True, check=False
    )
    assert b"unpinned-uses" in done.stdout


def groovy_errors(text: str) -> list[str]:
    """The lines of a text that are no Groovy."""
    found: list[str] = []
    waiting = [Parser(Language(dekobon_tree_sitter_groovy.language())).parse(text.encode()).root_node]
    while waiting:
        node = waiting.pop()
        if node.type == "ERROR" or node.is_missing:
            found.append(f"{node.start_point.row + 1}: {text.splitlines()[node.start_point.row]}")
        waiting += node.children
    return found


def test_groovy_when_it_is_parsed(repository: Path) -> None:
    """The Jenkinsfile and the library step are Groovy, and a brace less is none."""
    for file in (repository / "Jenkinsfile", REPOSITORY / ".ci/jenkins/vars/ami.groovy"):
        text = file.read_text()
        assert groovy_errors(text) == []
        assert groovy_errors(text.replace("{", "", 1))


def test_jenkinsfile_when_groovy_reads_its_texts(repository: Path) -> None:
    """No backslash, and in double quotes no dollar but of a variable: Groovy would read them before a shell does."""
    text = (repository / "Jenkinsfile").read_text()
    assert "\\" not in text
    assert all(
        re.match(r"\$\{[\w.]+( \?|\})", found) for found in re.findall(r'"[^"\n]*?(\$[^"\n]*)"', shells_out(text))
    )


def shells_out(text: str) -> str:
    """A Jenkinsfile without what stands in single quotes."""
    return re.sub(r"'''.*?'''|'[^'\n]*'", "", text, flags=re.DOTALL)


def scripts(repository: Path) -> Iterator[tuple[str, str]]:
    """Every shell text of the three services, with its place."""
    for file in sorted(repository.glob(".github/**/*.yml")):
        value = yaml.safe_load(file.read_text())
        jobs = [value["runs"]] if "runs" in value else value["jobs"].values()
        for step in (step for job in jobs for step in job["steps"] if "run" in step):
            yield f"{file.name}: {step['name']}", step["run"]
    for name, job in jobs_of_gitlab(repository).items():
        if "script" in job:
            yield f"gitlab: {name}", "\n".join([*job.get("before_script", ()), *job["script"]])
    for number, found in enumerate(
        re.finditer(r"sh '''#!/bin/bash\n(.*?)'''|sh '([^']*)'", jenkinsfile(repository), re.DOTALL)
    ):
        yield f"jenkins: {number}", (found[1] or found[2])


def jenkinsfile(repository: Path) -> str:
    return (repository / "Jenkinsfile").read_text()


def jobs_of_gitlab(repository: Path) -> dict[str, Any]:
    value = yaml.safe_load((repository / ".gitlab/ami.gitlab-ci.yml").read_text())
    return {name: job for name, job in value.items() if name != "variables"}


def test_scripts_when_shellcheck_reads_them(repository: Path, tmp_path: Path) -> None:
    """Nothing is found in any step of any service."""
    for number, (place, text) in enumerate(scripts(repository)):
        (tmp_path / f"{number}.sh").write_text(f"#!/bin/bash\nset -e\n# {place}\n{text}\n")
    checked("shellcheck", "--severity=style", *sorted(tmp_path.glob("*.sh")), cwd=tmp_path)


def test_jobs_when_they_hang(repository: Path) -> None:
    """Each ends by itself, and each workflow says what may run beside it."""
    for file in repository.glob(".github/workflows/*.yml"):
        workflow = yaml.safe_load(file.read_text())
        assert all("timeout-minutes" in job for job in workflow["jobs"].values()), file.name
        assert workflow["concurrency"]["group"], file.name
    jobs = jobs_of_gitlab(repository)
    assert all("timeout" in inherited(jobs, name) for name, job in jobs.items() if "trigger" not in job)
    assert "timeout(time:" in jenkinsfile(repository)


def inherited(jobs: dict[str, Any], name: str) -> dict[str, Any]:
    """A job with what it extends."""
    job = jobs[name]
    return {**(inherited(jobs, job["extends"]) if "extends" in job else {}), **job}


def test_rights_when_a_token_may_write() -> None:
    """One job alone may write to a pull request, and one to the repository; no workflow has a right for all jobs."""
    rights: dict[str, set[str]] = {}
    for file in (file for file in pipelines()["github"].files if "/workflows/" in file.path):
        text = (REPOSITORY / "orchestrator/cli/pipelines/texts" / file.text).read_text()
        workflow = yaml.safe_load(re.sub(r"@@\w+@@", "x", text))
        assert workflow["permissions"] == {}
        for name, job in workflow["jobs"].items():
            for right in (right for right, level in job["permissions"].items() if level == "write"):
                rights.setdefault(right, set()).add(f"{Path(file.path).stem} {name}")
    assert rights["pull-requests"] == {"ami-pull-request comment", "ami-update update"}
    assert rights["contents"] == {"ami-update update"}
    assert "ami-pull-request build" not in rights["id-token"]


def test_jobs_when_an_account_is_there(tmp_path: Path) -> None:
    """Whoever builds in the account sweeps when cancelled, as a role that is assumed; no key is written."""
    root = written(tmp_path, lab=LAB, prod=PROD)
    build = yaml.safe_load((root / ".github/workflows/ami-build.yml").read_text())["jobs"]["build"]
    last = build["steps"][-1]
    assert (last["if"], last["run"]) == ("cancelled()", "ami sweep --env prod --yes")
    assert "canceled ]; then ami sweep --env prod --yes" in str(jobs_of_gitlab(root)["ami build"]["after_script"])
    assert re.search(r"aborted \{\s+dir\('\.'\) \{\s+sh 'ami sweep --env prod --yes'", jenkinsfile(root))
    texts = "".join(file.read_text() for file in root.rglob("*") if file.is_file())
    assert not re.search("SECRET_ACCESS_KEY|aws-secret|secrets\\.", texts)


def test_jobs_when_the_workspace_is_a_folder(tmp_path: Path) -> None:
    """They work in it, and start when something in it changes."""
    root = written(tmp_path, "images", lab=LAB)
    workflow = yaml.safe_load((root / ".github/workflows/ami-pull-request.yml").read_text())
    assert workflow["on"]["pull_request"] == {"paths": ["images/**", ".github/**"]}
    assert workflow["defaults"]["run"]["working-directory"] == "images"
    assert jobs_of_gitlab(root)["ami plan"]["rules"][0]["changes"] == ["images/**", ".gitlab/**"]


def test_actions_when_others_use_them(tmp_path: Path) -> None:
    """Those of this repository are those that are written, but that setup installs the version that it is of."""
    root = written(tmp_path, lab=LAB)
    for name in ("setup", "build"):
        ours, (_, theirs) = (
            (REPOSITORY / f".ci/actions/{name}/action.yml").read_text(),
            (root / f".github/actions/ami-{name}/action.yml").read_text().split("\n", 1),
        )
        assert differing(ours, theirs) <= {"default", "description", "AMI_PACKAGE", "key"}, name


def differing(ours: str, theirs: str) -> set[str]:
    """The keys of lines that two files have not in common."""
    lines = set(ours.splitlines()) ^ set(theirs.splitlines())
    return {line.partition(":")[0].strip() for line in lines}
