"""`ami update`: the commit of the repository that a workspace extends, shown and locked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.options import HERE, JsonOption, WorkspaceOption, YesOption
from orchestrator.cli.terminal import confirm, plain, print_json, print_text, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.contract.update import LevelOriginJson, PinUpdateJson, UpdateJson
    from orchestrator.definition.levels.origin import LevelOrigin
    from orchestrator.errors import DefinitionError
    from orchestrator.lock_update import LockUpdate

#: Digits of a commit that people are shown, as `extends.pin.DIGITS`.
_SHOWN = 12
#: Newer tags that people are shown: the highest.
_NEWEST = 3


def update(
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            "--dry-run",
            "-n",
            help="Show what would be locked, and write nothing. Exit code 2: the lock does not fit ami.yml.",
        ),
    ] = False,
    follow_moved_tag: Annotated[
        bool, typer.Option("--follow-moved-tag", help="Lock a tag that is at another commit than before.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Lock the workspace that ami.yml extends to the commit that its ref has now, in ami.lock."""
    from orchestrator.definition.workspace import root_of
    from orchestrator.extends.pin import LOCK
    from orchestrator.lock_update import lock_update

    root = root_of(workspace)
    planned = lock_update(root, say)
    if planned is None:
        unused = f"; nothing reads {LOCK}, remove it" if (root / LOCK).exists() else ""
        say(f"nothing to lock: ami.yml extends no git repository{unused}")
        if as_json:
            print_json(_as_json(root / LOCK, None, written=False))
        return
    for line in lines_of(planned) if not as_json else ():
        print_text(line)
    refused = planned.pin.is_moved_tag and not follow_moved_tag
    writes = not (check or refused or planned.pin.is_empty)
    if writes:
        _check_level(planned.level)
        _ask(planned, yes=yes, as_json=as_json)
        planned.write()
        say(f"wrote {LOCK}: commit it")
    if as_json:
        print_json(_as_json(planned.path, planned, written=writes))
    if refused:
        raise _moved(planned)
    if check and not planned.fits:
        raise _misfit(planned)


def _check_level(root: Path) -> None:
    """Let the workspace that is locked have what it requires, and raise DefinitionError when it has mistakes."""
    from orchestrator.definition.workspace import load
    from orchestrator.errors import DefinitionError
    from orchestrator.requirements.bring import bring

    try:
        bring(root, fetch=True, tell=say)
        load(root, whole=False)
    except DefinitionError as error:
        hint = "the owner of the repository has to fix that commit; the lock stays as it is"
        raise DefinitionError(error.problems, hint=hint) from error


def _ask(planned: LockUpdate, *, yes: bool, as_json: bool) -> None:
    for line in lines_of(planned) if as_json and not yes else ():  # standard output is for the object alone
        say(line, always=True)
    confirm(f"Write {planned.path.name}?", yes=yes)


def lines_of(planned: LockUpdate) -> Iterator[str]:
    """An update for a person: what is extended, both commits, and what comes between."""
    pin = planned.pin
    yield f"extends {plain(str(pin.place))}"
    old, new = pin.old.commit[:_SHOWN] if pin.old else "", pin.new.commit[:_SHOWN]
    if pin.is_empty:
        yield f"  {pin.kind} {pin.place.ref}: commit {new}, as it is locked"
    elif not old:
        yield f"  {pin.kind} {pin.place.ref}: commit {new}, not locked yet"
    elif old == new:
        other = f"ref {pin.old.ref}" if pin.old and pin.old.ref != pin.place.ref else "another URL or folder"
        yield f"  {pin.kind} {pin.place.ref}: commit {new}, which the lock has for {other}"
    else:
        yield f"  {pin.kind} {pin.place.ref}: commit {old} -> {new}"
    for line in pin.coming:
        yield f"  + {line.commit[:_SHOWN]} {plain(line.subject)}"
    if (more := pin.coming_count - len(pin.coming)) > 0:
        yield f"  + and {more} more"
    if pin.going_count:
        yield f"  - {pin.going_count} commit{'s' * (pin.going_count > 1)} of the locked one are not in the new one"
    yield from _below(planned)
    if pin.newer:
        lower = f" and {len(pin.newer) - _NEWEST} between" if len(pin.newer) > _NEWEST else ""
        yield f"  newer: {', '.join(reversed(pin.newer[-_NEWEST:]))}{lower}; to use one, change `ref` in ami.yml"


def _below(planned: LockUpdate) -> Iterator[str]:
    """The levels below that come with it: new ones alone when the old ones are known."""
    for place, origin in enumerate(planned.below):
        was = planned.before[place] if planned.before and place < len(planned.before) else None
        if was != origin:
            yield f"  which extends {_spoken(origin)}"
            if was:
                same = was.git and was.git == origin.git
                yield f"    before: {plain(f'{was.ref} (commit {was.commit[:_SHOWN]})') if same else _spoken(was)}"


def _spoken(origin: LevelOrigin) -> str:
    return plain(str(origin))


def _moved(planned: LockUpdate) -> DefinitionError:
    from orchestrator.definition.workspace import from_here
    from orchestrator.errors import DefinitionError

    pin = planned.pin
    was = pin.old.commit[:_SHOWN] if pin.old else ""
    what = f"the tag {pin.place.ref} was moved from commit {was} to {pin.new.commit[:_SHOWN]}; the lock stays as it is"
    hint = "ask its owner why; `ami update --follow-moved-tag` locks the new commit"
    return DefinitionError([from_here(pin.place.problem(what))], hint=hint)


def _misfit(planned: LockUpdate) -> DefinitionError:
    from orchestrator.definition.workspace import from_here
    from orchestrator.errors import DefinitionError

    place, old = planned.pin.place, planned.pin.old
    what = old.misfit(place) if old else f"{planned.path.name} is not there, or cannot be read"
    return DefinitionError([from_here(place.problem(what))], hint="ami update")


def _as_json(lock: Path, planned: LockUpdate | None, *, written: bool) -> UpdateJson:
    return {
        "schema": "ami/update/1",
        "lock": str(lock),
        "extends": _pin_as_json(planned) if planned else None,
        "below": [_origin_as_json(one) for one in planned.below] if planned else [],
        "written": written,
    }


def _pin_as_json(planned: LockUpdate) -> PinUpdateJson:
    pin = planned.pin
    return {
        "git": pin.place.url,
        "ref": pin.place.ref,
        "folder": pin.place.folder or None,
        "ref_kind": pin.kind,
        "fits": planned.fits,
        "moved_tag": pin.is_moved_tag,
        "old_commit": pin.old.commit if pin.old else None,
        "new_commit": pin.new.commit,
        "coming": [{"commit": line.commit, "subject": line.subject} for line in pin.coming],
        "coming_count": pin.coming_count,
        "going_count": pin.going_count,
        "newer": list(pin.newer),
    }


def _origin_as_json(origin: LevelOrigin) -> LevelOriginJson:
    return {
        "path": origin.path or None,
        "git": origin.git or None,
        "ref": origin.ref or None,
        "commit": origin.commit or None,
    }


COMMAND = CliCommand("update", 16, update, prints=("ami/update/1",))
