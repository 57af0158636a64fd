"""The pipeline of a service for one workspace, compared with what its repository has."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from orchestrator.cli.pipelines import services
from orchestrator.cli.pipelines.facts import facts_of, repository_of
from orchestrator.cli.pipelines.writing import planned
from orchestrator.cli.terminal import say
from orchestrator.errors import UsageError, did_you_mean
from orchestrator.registration import modules_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.cli.pipelines.facts import AskedPipeline
    from orchestrator.cli.pipelines.pipeline import Pipeline
    from orchestrator.cli.pipelines.writing import PlannedFile


@cache
def pipelines() -> Mapping[str, Pipeline]:
    """All pipelines, by the names of their services."""
    return {module.PIPELINE.service: module.PIPELINE for module in modules_of(services)}


def pipeline_of(service: str) -> Pipeline:
    """The pipeline of a service. Raises UsageError for one that is not known."""
    known = pipelines()
    if service not in known:
        what = f"no CI service '{service}'{did_you_mean(service, known)}"
        raise UsageError(what, hint=f"there are: {', '.join(known)}")
    return known[service]


def files_of(service: str, workspace: Path, asked: AskedPipeline) -> list[PlannedFile]:
    """The files of a service's pipeline, compared with those in the repository of a workspace.

    Raises UsageError for a service that is none, and as `facts_of` does.
    """
    from orchestrator.definition.workspace import load

    pipeline = pipeline_of(service)
    loaded = load(workspace, whole=False)
    repository = repository_of(loaded.root)
    if repository is None:
        say(f"note: {loaded.root} is in no git repository: the pipeline is written as if it was one")
        repository = loaded.root
    facts = facts_of(loaded, repository, asked)
    if not facts.account:
        say("note: no environment is on AWS: there are jobs for pull requests alone, which build in a lab")
        say(f"hint: ami new environment NAME --region REGION, then `ami ci {service}`, adds those of the main branch")
    return planned(repository, pipeline, pipeline.texts(facts))


def absent_files(service: str, folder: Path) -> list[Path]:
    """The files that a pipeline adds to the repository of a new workspace.

    Raises UsageError for a service that is none, and when one of the files is there.
    """
    repository = repository_of(folder) or folder
    files = [repository / file.path for file in pipeline_of(service).files if not file.for_account]
    if there := [str(file) for file in files if file.exists()]:
        what = f"the repository has {', '.join(there)} already: nothing was written"
        raise UsageError(what, hint=f"without --ci, and then `ami ci {service}`, which keeps what is there")
    return files
