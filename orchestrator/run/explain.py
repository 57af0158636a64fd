"""Which input of an image changed since its newest AMI was built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.plan.explaining.change import Change, changes
from orchestrator.plan.explaining.record import record, states_of
from orchestrator.plan.explaining.short_digests import in_tags
from orchestrator.plan.steps import known
from orchestrator.registry import versions
from orchestrator.run import inputs_record
from orchestrator.run.image_segment import segment_of
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from orchestrator.contract.plan import ExplainedJson, SinceJson, UndecidedJson
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.registry import Version
    from orchestrator.secret_values import Secrets


@dataclass(frozen=True)
class Explained:
    """What changed since the version `since`, which is None when there is none. `hint` says how to know more.

    `notes` say, with the layer, which files and roles count because nobody can tell before it runs which are used.
    """

    image: str
    since: Version | None
    changes: tuple[Change, ...] = ()
    hint: str = ""
    notes: tuple[tuple[str, str], ...] = ()

    def as_json(self, *, diff: bool = False) -> ExplainedJson:
        """A JSON object with the version that it is compared with, and every change, with `diff` line by line."""
        newest = self.since
        since: SinceJson | None = {"version": newest.version, "ami_id": newest.ami_id} if newest else None
        notes: list[UndecidedJson] = [{"layer": layer, "note": note} for layer, note in self.notes]
        return {
            "image": self.image,
            "since": since,
            "changes": [one.as_json(diff=diff) for one in self.changes],
            "undecided": notes,
        }


def explained(workspace: Workspace, environment: Environment, name: str, secrets: Secrets | None = None) -> Explained:
    """Compare an image as it is defined with its newest AMI.

    File by file when the artifact bucket has the record of what that was made from, else part by part from its tags.
    """
    segment = segment_of(workspace, environment, name, secrets)
    notes = tuple((one.layer, note) for one in segment.inputs.chain() for note in one.notes)
    newest = known(versions(environment.account, image=name)).newest.get(name)
    if newest is None or newest.fingerprint == segment.fingerprint:
        return Explained(name, newest, notes=notes)
    before = inputs_record.states(environment, newest.fingerprint)
    if before:
        return Explained(name, newest, changes(before, states_of(record(segment.inputs))), notes=notes)
    found = in_tags(segment.inputs, newest.tags)
    return Explained(name, newest, found, _hint(newest, found), notes)


def _hint(newest: Version, found: tuple[Change, ...]) -> str:
    """How to know more than the AMI's tags say."""
    if not found:
        return "the AMI says nothing of what it was made from"
    commit = newest.tags.get(Tag.COMMIT, "").removesuffix("-dirty")
    by_hand = f"; `git diff {commit[:12]}` has what changed since its commit" if commit else ""
    return f"with an artifact_bucket in the environment, files and values are shown{by_hand}"
