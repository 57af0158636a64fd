"""One segment's way through a run: rendered and built; booted, tested and tagged."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from orchestrator.build.access import as_list
from orchestrator.build.build import build
from orchestrator.build.request import BuildRequest
from orchestrator.masks import mask_file, masks_of, values_of
from orchestrator.plan.explaining.short_digests import to_tags
from orchestrator.plan.planned_layer import seal_of
from orchestrator.progress import Event, Stage
from orchestrator.registry import STACK, State, record, set_state, tag, version_of
from orchestrator.registry.record import Statement
from orchestrator.registry.states import FIRST
from orchestrator.run.levels.protected import commit_of_level, protected_layers
from orchestrator.run.machine.fitting import placement_of, root_device
from orchestrator.run.outcome import SegmentOutcome, SegmentStatus
from orchestrator.run.secret_vars import secret_vars
from orchestrator.run.tests import are_current, facts_of, tests_of
from orchestrator.tags import Tag
from orchestrator.validate.options import ALL, ConnectionKind, Selection
from orchestrator.validate.request import ValidateRequest, WantedMachine
from orchestrator.validate.validate import validate

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from orchestrator.aws.account import Account
    from orchestrator.build.packer.installed import Ready
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment
    from orchestrator.progress import Listener
    from orchestrator.render.packer import Renderer
    from orchestrator.run.leases.lease import Leases, NoLeases
    from orchestrator.run.session.identity import RunIdentity
    from orchestrator.run.session.session import RunSession
    from orchestrator.secret_values import Secrets
    from orchestrator.validate.request import TestCounts
    from orchestrator.validate.verdict import Verdict


@dataclass(frozen=True)
class RunContext:
    """What every segment of one run shares."""

    workspace: Workspace
    environment: Environment
    session: RunSession
    secrets: Secrets
    #: That of the whole run, or of one segment.
    stop: threading.Event
    #: Whether machines that were tested are left running.
    keep: bool = False
    #: How machines are asked, and which tests they are asked.
    connection: ConnectionKind = ConnectionKind.SSM
    selection: Selection = ALL
    #: The tests that were collected when the run began, by level and role.
    collected: TestCounts = field(default_factory=dict)

    @property
    def identity(self) -> RunIdentity:
        """Which run it is."""
        return self.session.identity

    @property
    def listener(self) -> Listener:
        """What hears of all that happens."""
        return self.session.listener

    @property
    def leases(self) -> Leases | NoLeases:
        """Who may do what, among all runs."""
        return self.session.leases

    @property
    def account(self) -> Account:
        """Where AWS is asked."""
        return self.environment.account

    @property
    def masks(self) -> tuple[str, ...]:
        """What nothing that is written or told may show."""
        return masks_of((*self.account.secrets, *self.hidden))

    @property
    def hidden(self) -> tuple[str, ...]:
        """Secrets besides the account's keys: those of `masks`, of variables, and what Ansible Vault holds."""
        return (*values_of(self.workspace.masks), *self.secrets.values())

    def until(self, stop: threading.Event) -> RunContext:
        """The same for one segment, which ends with `stop`."""
        return replace(self, stop=stop)

    def folder_of(self, segment: Segment) -> Path:
        """The folder of a segment in the run; made when it is not there."""
        folder = self.identity.folder / segment.name
        folder.mkdir(exist_ok=True)
        return folder


def make(context: RunContext, segment: Segment, base: str, ready: Ready, renderer: Renderer) -> SegmentOutcome:
    """Build a segment on the AMI `base` with this Packer. Raises AmiError when it comes to no AMI."""
    began, environment = time.monotonic(), context.environment
    version = segment.version_at(datetime.now(UTC))
    tags = ami_tags(context, segment, version, base)
    home = segment.home(context.workspace)
    folder, layers = context.folder_of(segment), (*segment.layers, seal_of(home))
    try:
        built = build(
            BuildRequest(
                image=segment.name,
                version=version,
                run=context.identity.id,
                template=renderer.write(segment, folder),
                var_file=environment.path,
                folder=folder,
                workspace=home.root,
                account=context.account,
                source_filters={"image-id": base},
                source_owners=(),
                tags=tags,
                description=segment.image.description,
                placement=placement_of(environment, segment),
                spot=segment.machine.spot is not None,
                variables=_of_machine(context.account, segment, base) | _of_level(home, environment),
                mitogen=home.mitogen,
                secrets=context.hidden,
                secret_vars=secret_vars(context.secrets, layers, home.met(environment)),
                run_tags={**segment.machine.tags, **_leased(environment)},
                ready=ready,
                stop=context.stop,
                urgent=context.session.urgent,
            ),
            context.listener,
        )
    finally:
        _keep_no_secret(folder, context.masks)
    took = time.monotonic() - began
    if segment.shared:
        tag(context.account, built.ami_id, {"seconds": f"build={took:.0f}"})
    made = version_of({"ImageId": built.ami_id, "Tags": as_list(tags)}, built.region)
    if made is not None:
        record.append(*_bucket(context), made, _statement(context, segment, base, ready, took))
    return SegmentOutcome(
        segment.name, SegmentStatus.BUILT, built.ami_id, version, shared=segment.shared, build_seconds=took
    )


def _statement(context: RunContext, segment: Segment, base: str, ready: Ready, seconds: float) -> Statement:
    """What the record says of a build that took so many seconds."""
    at = {"base": base, "commit": context.identity.commit}
    protected = protected_layers(context.workspace, context.environment, segment, **at)
    return Statement(context.identity.id, seconds={"build": seconds}, programs=ready.versions, protected=protected)


def _of_machine(account: Account, segment: Segment, base: str) -> dict[str, object]:
    """What a template must be told of the AMI that a build starts from."""
    root = segment.machine.root_volume
    return {"root_device": root_device(account, base)} if root.model_dump(exclude_none=True) else {}


def _of_level(home: Workspace, environment: Environment) -> dict[str, object]:
    """What a template gets in the place of what the environment's file says: see `Workspace.met`."""
    met = home.met(environment)
    return {"extra_vars": dict(met.extra_vars)} if met.extra_vars != environment.extra_vars else {}


def _keep_no_secret(folder: Path, masks: tuple[str, ...]) -> None:
    """Take out of the files of a build what somebody wrote into definitions although `masks` names it."""
    for path in folder.iterdir():
        if path.name.endswith((".hcl", ".json")):
            mask_file(path, masks)


def prove(
    context: RunContext, segment: Segment, built: SegmentOutcome, *, build_seconds: float | None = None
) -> SegmentOutcome:
    """Boot and test the AMI of an outcome, and tag the verdict. Raises AmiError when the tests could not be run.

    `build_seconds` is what building the AMI took, which its tag keeps beside what the tests took. When only chosen
    tests run, nothing is tagged: what they say is no verdict.
    """
    began, folder = time.monotonic(), context.folder_of(segment)
    verdict = validate(_request(context, segment, built, folder), context.listener)
    if context.selection.partial:
        good = SegmentStatus.CHECKED if verdict.passed else SegmentStatus.FAILED
        return _tested(built, good, verdict, folder, began)
    state = State.VALIDATED if verdict.passed else State.REJECTED
    context.listener(Event(segment.name, Stage.TAG, message=str(state)))
    outcome = _tested(
        built, SegmentStatus.VALIDATED if verdict.passed else SegmentStatus.REJECTED, verdict, folder, began
    )
    took = f"validate={outcome.validate_seconds:.0f}"
    seconds = f"build={build_seconds:.0f} {took}" if build_seconds is not None else took
    said = outcome.reason.partition(";")[0]
    version = set_state(
        context.account, built.ami_id, state, tests=verdict.counted, proof=segment.tests, reason=said, seconds=seconds
    )
    record.append(
        *_bucket(context),
        version,
        Statement(
            context.identity.id,
            reason=outcome.reason,
            tests=verdict.counts,
            proof=segment.tests,
            seconds={"validate": outcome.validate_seconds},
            untested=verdict.image.untested,
        ),
    )
    return outcome


def reject(context: RunContext, ami_id: str, reason: str) -> None:
    """Give an AMI the state `rejected` for something that its own tests did not find.

    Raises StageError when it was retired meanwhile.
    """
    version = set_state(context.account, ami_id, State.REJECTED, reason=reason)
    record.append(*_bucket(context), version, Statement(context.identity.id, reason=reason))


def _bucket(context: RunContext) -> tuple[Account, str]:
    """Where records of versions are: an account's bucket, whose name is empty when there is none."""
    return context.account, context.environment.artifact_bucket


def _tested(
    built: SegmentOutcome, status: SegmentStatus, verdict: Verdict, folder: Path, began: float
) -> SegmentOutcome:
    """The outcome of an AMI whose tests have run."""
    return replace(
        built,
        status=status,
        reason="" if verdict.passed else _failures(verdict, folder),
        tests=verdict.counted,
        kept=verdict.way_in,
        validate_seconds=time.monotonic() - began,
        rounds=verdict.rounds,
    )


def ami_tags(context: RunContext, segment: Segment, version: str, base: str) -> dict[str, str]:
    """Every tag of the AMI that a build makes: the image's own, and the factory's."""
    image, identity = segment.image, context.identity
    return {
        **image.tags,
        Tag.DISPLAY_NAME: f"{image.name}-{version}",
        Tag.IMAGE: image.name,
        Tag.VERSION: version,
        Tag.FINGERPRINT: segment.fingerprint,
        Tag.STATE: str(FIRST),
        Tag.LAYERS: " ".join(layer.name for layer in segment.stack),
        Tag.SOURCE: segment.source.name,
        Tag.PARENT if segment.parent else Tag.SOURCE_AMI: base,
        Tag.COMMIT: commit_of_level(context.workspace, segment.home(context.workspace), identity.commit),
        Tag.RUN: identity.id,
        Tag.OWNER: f"{image.owner.team} <{image.owner.email}>",
        **({Tag.PURPOSE: STACK} if segment.shared else {}),
        **to_tags(segment.inputs),
    }


def _request(context: RunContext, segment: Segment, built: SegmentOutcome, folder: Path) -> ValidateRequest:
    environment = context.environment
    return ValidateRequest(
        account=context.account,
        ami_id=built.ami_id,
        image=facts_of(context.workspace, segment, built.version),
        tests=tests_of(context.workspace, segment),
        workspace=context.workspace.root,
        run=context.identity.id,
        folder=folder,
        placement=placement_of(environment, segment),
        wanted=_wanted(segment),
        tags=_leased(environment),
        masks=context.masks,
        keep=context.keep,
        stop=context.stop,
        connection=context.connection,
        ssh_username=segment.source.ssh_username,
        environment="" if environment.name == context.workspace.default_environment else environment.name,
        selection=context.selection,
        collected=context.collected,
        is_current=partial(are_current, context.workspace, environment, segment),
    )


def _wanted(segment: Segment) -> WantedMachine:
    machine = segment.machine
    return WantedMachine(
        machine.root_volume.size or 0, {volume.device: volume.size or 0 for volume in machine.kept_volumes}
    )


def _leased(environment: Environment) -> dict[str, str]:
    """The tag by which the sweep knows that the run had a lease: when that is gone, the run has ended."""
    return {Tag.LEASE: environment.artifact_bucket} if environment.artifact_bucket else {}


#: Lines of an assertion, and commands before it, that the end of a run shows; the report has all of them.
_SHOWN_LINES, _SHOWN_COMMANDS = 5, 3


def _failures(verdict: Verdict, folder: Path) -> str:
    """Every failed test with its assertion and the last commands that it ran."""
    failed = [test for test in verdict.tests if test.failed]
    lines = [f"{verdict.failure}; the whole report is in {folder}"]
    for test in failed:
        lines.append(f"  {test.role}: {test.name} ({test.place})")
        lines += [f"      {line}" for line in test.message.strip().splitlines()[:_SHOWN_LINES]]
        lines += [f"      ran: {asked.command} ({asked.ended})" for asked in test.asked[-_SHOWN_COMMANDS:]]
    return "\n".join(lines)
