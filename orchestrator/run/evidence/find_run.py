"""The run that a person means: by its id or the end of it, by an image, or by an AMI."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.definition.variants.variant_name import family_of
from orchestrator.errors import UsageError, did_you_mean
from orchestrator.registry import find
from orchestrator.registry.record import history
from orchestrator.run.evidence.chosen_log import files_of_image
from orchestrator.run.session.identity import started_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.run.evidence.run_history import KnownRun, RunHistory

#: What the id of a run ends with.
_DIGITS = re.compile(r"[0-9a-f]{6}")
#: How an image ends in the run that gave its AMI a verdict.
_VERDICTS = ("validated", "rejected")


@dataclass(frozen=True)
class MeantRun:
    """A run, and the image of it that was named; empty when none was."""

    run: KnownRun
    image: str = ""


def meant(runs: RunHistory, environment: Environment, name: str, images: Iterable[str]) -> MeantRun:
    """The run that a name stands for; the newest one for an empty name. `images` are those of the workspace.

    Raises UsageError when there is none, with the nearest name that there is.
    """
    if not name:
        if newest := runs.newest(1):
            return MeantRun(newest[0])
        raise UsageError("there is no run yet", hint="ami build")
    if name.startswith("ami-"):
        return _of_ami(runs, environment, name)
    named = runs.run(name) if started_of(name) else runs.ending(name) if _DIGITS.fullmatch(name) else None
    if named is not None:
        return MeantRun(named)
    known = (*images, *runs.names())
    if (of_image := None if started_of(name) else _of_image(runs, name, known)) is not None:
        return of_image
    if name in {*known, *map(family_of, known)}:
        raise UsageError(f"no run of '{name}' is known", hint=f"ami build {name}")
    near = did_you_mean(name, known)
    raise UsageError(f"there is no run, image or AMI '{name}'{near}", hint="ami runs lists the runs")


def _of_image(runs: RunHistory, name: str, known: Iterable[str]) -> MeantRun | None:
    """The newest run of an image, or of any variant of it; `known` are names of images."""
    wanted = {name, *(image for image in known if family_of(image) == name)}
    found = [MeantRun(run, image) for image in sorted(wanted) if (run := runs.newest_of(image)) is not None]
    return max(found, key=lambda one: one.run.index.run, default=None)


def runs_of_ami(runs: RunHistory, environment: Environment, ami_id: str) -> Iterator[MeantRun]:
    """The runs that have files of an AMI, the newest first: those here, and those that its record and tags name."""
    ids = set(_here(runs, ami_id))
    account = environment.account
    ids |= {str(one.get("run") or "") for one in history(account, environment.artifact_bucket, ami_id)}
    with suppress(UsageError):  # it was deregistered, or is another account's; what is known of runs stays
        ids.add(find(account, ami_id).run)
    yield from _with_files(runs, ami_id, ids)


def report_of(runs: RunHistory, environment: Environment, ami_id: str) -> tuple[KnownRun, str] | None:
    """The run that gave an AMI its verdict, and the path of its report; None when neither place has it."""
    for one in runs_of_ami(runs, environment, ami_id):
        path = f"{one.image}/report.json"
        images = {image.image: image for image in one.run.index.images}
        if images[one.image].status in _VERDICTS and path in files_of_image(one.run.index, one.image):
            return one.run, path
    return None


def _of_ami(runs: RunHistory, environment: Environment, ami_id: str) -> MeantRun:
    found = next(_with_files(runs, ami_id, _here(runs, ami_id)), None)  # without asking AWS
    found = found or next(runs_of_ami(runs, environment, ami_id), None)
    if found is None:
        raise UsageError(f"no run of {ami_id} is known: neither here nor in the bucket", hint="ami runs lists the runs")
    return found


def _here(runs: RunHistory, ami_id: str) -> tuple[str, ...]:
    """The ids of the runs here that had an AMI."""
    return tuple(run for run, index in runs.here.items() if ami_id in {one.ami_id for one in index.images})


def _with_files(runs: RunHistory, ami_id: str, ids: Iterable[str]) -> Iterator[MeantRun]:
    """Those of the runs that have files of an AMI, the newest first."""
    for name in sorted(ids, reverse=True):
        run = runs.run(name) if started_of(name) else None
        for image in run.index.images if run else ():
            if run and image.ami_id == ami_id and files_of_image(run.index, image.image):
                yield MeantRun(run, image.image)
