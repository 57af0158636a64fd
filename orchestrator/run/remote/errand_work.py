"""An errand as its process does it: what the machine lacks for a run, or one segment built or proven."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError, refusal, told
from orchestrator.build.cleanup.leftovers import Build
from orchestrator.build.cleanup.remove import clean_up
from orchestrator.definition.secret import parse
from orchestrator.errors import AmiError, LackError
from orchestrator.progress import Event, Stage
from orchestrator.registry import State, versions
from orchestrator.run.doctor.host import disk, locale, packer, programs, session_manager
from orchestrator.run.guard import guarded
from orchestrator.run.image import RunContext, make, prove
from orchestrator.run.leases.lease import TTL, Leases, NoLeases
from orchestrator.run.leases.owner import this_process
from orchestrator.run.outcome import SegmentOutcome, SegmentStatus
from orchestrator.run.prepare import packer_of
from orchestrator.run.secret_vars import hide_vaulted
from orchestrator.run.session.identity import RunIdentity
from orchestrator.run.session.session import RunSession
from orchestrator.secret_values import Secrets, learn_masks

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from orchestrator.plan.segment import Segment
    from orchestrator.progress import Listener
    from orchestrator.run.leases.owner import LeaseOwner
    from orchestrator.run.remote.errand import Errand, Orders

#: What a build needs of the machine that it runs on. The account is asked where the run is.
_CHECKS = (locale.CHECK, packer.CHECK, session_manager.CHECK, programs.CHECK, disk.CHECK)


def lacks(orders: Orders) -> Iterator[str]:
    """What this machine lacks for a run, each with what mends it."""
    for check in _CHECKS:
        for result in check.examine(orders.workspace, orders.environment):
            if not result.ok:
                yield f"{result.what}: {result.said}" + (f" ({result.mend})" if result.mend else "")
    yield from _other_account(orders)
    unset = [name for name in orders.masks if not os.environ.get(name)]
    yield from (f"the environment variable {name}, which `masks` names, is not set" for name in unset)
    try:
        _secrets(orders, orders.segments)
    except AmiError as error:
        yield error.message


def _other_account(orders: Orders) -> Iterator[str]:
    try:
        found = str(orders.environment.account.client("sts").get_caller_identity()["Account"])
    except AwsError as error:
        lack = refusal(error)
        yield lack.message if lack else told(error)
    else:
        if found != orders.account_id:
            yield f"its credentials are of the account {found}, and those of the run of {orders.account_id}"


def _secrets(orders: Orders, segments: Collection[Segment]) -> Secrets:
    """The secrets of a run, read with this machine's own credentials and variables.

    Raises DefinitionError for one that cannot be read, and LackError for one that has another value than for the run.
    """
    learn_masks(orders.workspace)
    secrets = Secrets(orders.workspace, orders.environment).of_references(map(parse, orders.references))
    other = [name for name, digest in secrets.digests().items() if digest != orders.references[name]]
    if other:
        raise LackError(f"{', '.join(other)} has another value here than where the run was started")
    hide_vaulted(secrets, segments)
    return secrets


def outcome_of(
    errand: Errand, orders: Orders, folder: Path, listener: Listener, stops: tuple[threading.Event, threading.Event]
) -> SegmentOutcome:
    """Build or prove the segment of an errand. Every failure becomes an outcome; only a bug raises.

    `stops` are the request to end tidily, and that it is urgent. Raises LackError for secrets that are not there.
    """
    segment, (stop, urgent) = orders.segment, stops
    if segment is None:
        raise AssertionError("an errand without a segment is a check")
    secrets = _secrets(orders, [segment])
    owner = this_process(errand.run, orders.commit)
    identity = RunIdentity(errand.run, folder, orders.started, orders.commit, owner)
    session = RunSession(identity, listener, NoLeases(), stop, urgent)
    context = RunContext(
        orders.workspace,
        orders.environment,
        session,
        secrets,
        stop=stop,
        keep=orders.keep,
        collected=orders.collected,
    )
    leases = Leases(context.account, errand.bucket, owner)
    key = f"work/{errand.run}/{errand.name.replace(' ', '/', 1)}"

    def waiting(other: LeaseOwner) -> None:
        listener(Event(segment.name, Stage.WAIT, message=f"{other} may still work on it"))

    def work() -> SegmentOutcome:
        was_begun = leases.records.read(key, ttl=TTL) is not None
        with leases.hold(key, stop=stop, lost=stop.set, waiting=waiting):
            made = _made_before(context, segment) if orders.built is None else None
            if was_begun:
                _clear(context, orders, segment, made)
            return made or _done(context, orders, segment)

    return guarded(segment.name, stop, work)


def _done(context: RunContext, orders: Orders, segment: Segment) -> SegmentOutcome:
    if orders.built is not None:
        return prove(context, segment, orders.built, build_seconds=orders.build_seconds)
    known = {segment.name: orders.text} if orders.packers else {}
    ready, renderer = packer_of(orders.workspace, [segment], rendered=known, rendered_for=orders.packers)
    return make(context, segment, orders.base, ready, renderer)


def _made_before(context: RunContext, segment: Segment) -> SegmentOutcome | None:
    """The AMI that the run has already: a worker that is lost had made it, and could not say so."""
    for one in versions(context.account, image=segment.name):
        mine = one.run == context.identity.id and one.fingerprint == segment.fingerprint
        if mine and one.state is State.BUILT:
            took = one.took("build") or 0.0
            return SegmentOutcome(
                segment.name,
                SegmentStatus.BUILT,
                one.ami_id,
                one.version,
                shared=segment.shared,
                build_seconds=took,
            )
    return None


def _clear(context: RunContext, orders: Orders, segment: Segment, made: SegmentOutcome | None) -> None:
    """Remove what a lost worker left of an errand: machines, keys, groups, AMIs that it did not finish."""
    context.listener(Event(segment.name, Stage.CLEAN, message="what a lost worker left is removed"))
    if orders.built is not None:
        lost = Build(context.identity.id, segment.name, keep=orders.built.ami_id, purpose="validate")
    else:
        lost = Build(context.identity.id, segment.name, keep=made.ami_id if made else orders.base)
    clean_up(context.account, lost, hurry=context.session.urgent)
