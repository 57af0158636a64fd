"""Which file of a run a person means, who names a run, an image or nothing more. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from orchestrator.run.evidence.run_index import RunImage, RunIndex

#: Of the build, and of the tests.
PACKER_LOG, TESTS_LOG = "packer.log", "pytest.log"
#: Of the run itself: each event.
EVENTS = "events.jsonl"

#: How an image ends for something that it did itself.
_OWN_FAULT = ("rejected", "failed")


def chosen_image(index: RunIndex, name: str = "") -> RunImage | None:
    """The image of a run that is meant: the named one, else one that failed, else the last one that has files.

    None when no image of the run has a file. Raises UsageError for a name that the run does not have.
    """
    if name:
        known = {one.image: one for one in index.images}
        if name not in known:
            there = f"it had: {', '.join(known)}" if known else "it had none"
            raise UsageError(f"run {index.run} had no image '{name}'{did_you_mean(name, known)}", hint=there)
        return known[name]
    with_files = [one for one in index.images if files_of_image(index, one.image)]
    bad = [one for one in with_files if one.status in _OWN_FAULT]
    return next(iter([*bad, *reversed(with_files)]), None)


def files_of_image(index: RunIndex, image: str) -> tuple[str, ...]:
    """The paths of the files that a run has of an image."""
    return tuple(one.path for one in index.files if one.path.startswith(f"{image}/"))


def chosen_file(index: RunIndex, image: RunImage | None, name: str = "") -> str:
    """The path of the file that is meant: the named one, else the log of what the image came to last.

    The log of the tests is it for an image that its tests rejected, or that failed while they ran; for any other the
    log of the build. Raises UsageError when the run has no such file.
    """
    paths = [one.path for one in index.files]
    own = f"{image.image}/" if image else ""
    if name:
        wanted = [path for path in (f"{own}{name}", name) if path in paths]
        if not wanted:
            near = did_you_mean(name, [path.removeprefix(own) for path in paths])
            raise UsageError(f"run {index.run} has no file '{name}'{near}", hint=f"ami logs {index.run} --list")
        return wanted[0]
    of_tests_first = image is not None and image.status in _OWN_FAULT
    logs = (TESTS_LOG, PACKER_LOG) if of_tests_first else (PACKER_LOG, TESTS_LOG)
    for path in (*(f"{own}{log}" for log in logs), EVENTS):
        if path in paths:
            return path
    raise UsageError(f"run {index.run} has no logs", hint=f"ami logs {index.run} --list")
