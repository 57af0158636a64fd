"""What a workspace uses and may not, and what its images lack, by the `allow` and `require` of what it extends.

`allow` holds for those who extend the workspace that says it, `require` for that workspace too: see ADR 47.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.definition.policy.rules import Allow, Require, fits, is_plain
from orchestrator.definition.reading.tag_rules import refusals
from orchestrator.definition.reading.variables_file import read_variables
from orchestrator.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from orchestrator.definition.draft import ImageDraft, WorkspaceDraft
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.machine.block import Machine
    from orchestrator.definition.reading.document import Document, Keys
    from orchestrator.errors import Problem


@dataclass(frozen=True)
class Policy:
    """What one workspace allows and requires, and how messages name it."""

    draft: WorkspaceDraft
    allow: Allow
    require: Require

    def refusal(self, what: str, patterns: Iterable[str], *keys: str) -> str:
        """What is refused, what is allowed instead, and who says so in which file and line."""
        return f"{what}: {self._name} allows {_listed(patterns)} ({self.place('allow', *keys)})"

    def demand(self, what: str, patterns: Iterable[str], *keys: str) -> str:
        """What is wrong, what must be there, and who says so in which file and line."""
        return f"{what}: {self._name} requires {_listed(patterns)} ({self.place('require', *keys)})"

    def place(self, *keys: str) -> str:
        """The file and line of a rule."""
        document = self.draft.document
        return f"{document.path}:{document.place(*keys).key}"

    @property
    def _name(self) -> str:
        return self.draft.file.name if self.draft.file else str(self.draft.root)


def problems_of_policies(workspace: WorkspaceDraft) -> Iterator[Problem]:
    """Every use of something that is not allowed, and every lack of what is required, in a workspace's own files."""
    policies = [Policy(one, one.file.allow, one.file.require) for one in workspace.lineage if one.file]
    yield from _of_rules(workspace)
    for image in workspace.images:
        for policy in policies:
            yield from _required(policy, image)
    for policy in policies:
        if policy.draft is not workspace:
            yield from _allowed(policy, workspace)


def _of_rules(workspace: WorkspaceDraft) -> Iterator[Problem]:
    """Rules that no image could keep: sources that are not there, and tags that images cannot set."""
    if workspace.file is None:
        return
    for place, name in enumerate(workspace.file.allow.sources or ()):
        if is_plain(name) and name not in workspace.all_sources:
            near = did_you_mean(name, workspace.all_sources)
            yield workspace.document.problem(f"no source '{name}'{near}", "allow", "sources", place)
    for key, why in refusals(dict.fromkeys(workspace.file.require.tags, "")):
        yield workspace.document.problem(why, "require", "tags", key)


def _required(policy: Policy, image: ImageDraft) -> Iterator[Problem]:
    """What an image lacks of its owner and its tags."""
    owner = image.document.value.get("owner")
    for name, patterns in (("team", policy.require.owner.team), ("email", policy.require.owner.email)):
        value = owner.get(name) if isinstance(owner, dict) else None
        if patterns is not None and isinstance(value, str) and not fits(value, patterns):
            what = f"owner: '{name}' is '{value}'{did_you_mean(value, filter(is_plain, patterns))}"
            yield image.document.problem(policy.demand(what, patterns, "owner", name), "owner", name)
    for tag, patterns in policy.require.tags.items():
        if tag not in image.tags:
            what = f"tag '{tag}' is missing{_meant(tag, image.tags)}"
            yield image.document.problem(policy.demand(what, patterns, "tags", tag), "tags")
        elif not fits(image.tags[tag], patterns):
            what = f"tag '{tag}' is '{image.tags[tag]}'{did_you_mean(image.tags[tag], filter(is_plain, patterns))}"
            yield image.document.problem(policy.demand(what, patterns, "tags", tag), "tags", tag)


def _meant(tag: str, tags: Collection[str]) -> str:
    """The tag that is there and may have been meant."""
    near = did_you_mean(tag, tags)
    return near.replace("did you mean", "there is").replace("?", "") if near else ""


def _allowed(policy: Policy, workspace: WorkspaceDraft) -> Iterator[Problem]:
    allow = policy.allow
    for image in workspace.images:
        if allow.sources is not None:
            yield from _sources(policy, allow.sources, workspace, image)
        for use in image.layers if allow.layers is not None else ():
            if not fits(use.name, allow.layers or ()):
                near = did_you_mean(use.name, [name for name in workspace.all_layers if fits(name, allow.layers or ())])
                what = f"layer '{use.name}' is not allowed{near}"
                yield use.problem(policy.refusal(what, allow.layers or (), "layers"))
    if allow.regions is not None:
        for environment in filter(None, workspace.own_environments.values()):
            yield from _regions(policy, allow.regions, environment)
    if allow.instance_types is not None:
        yield from _instance_types(policy, allow.instance_types, workspace)


def _sources(
    policy: Policy, patterns: Collection[str], workspace: WorkspaceDraft, image: ImageDraft
) -> Iterator[Problem]:
    """Sources from which an image starts: a name says nothing unless who allows it also declares it."""
    if image.from_ in workspace.all_images:
        return
    starts: list[tuple[Keys, str]] = [(("from",), image.from_)] if image.from_ else []
    known = policy.draft.all_sources
    for keys, source in [*starts, *image.variants.values()]:
        if source not in workspace.all_sources or (source in known and fits(source, patterns)):
            continue
        near = did_you_mean(source, [name for name in known if fits(name, patterns)])
        what = f"source '{source}' is not allowed{near}"
        if fits(source, patterns):
            what = f"source '{source}' is not allowed, as this workspace declares it"
        yield image.document.problem(policy.refusal(what, patterns, "sources"), *keys)


def _regions(policy: Policy, patterns: Collection[str], environment: Environment) -> Iterator[Problem]:
    written: list[tuple[Keys, str]] = [(("region",), environment.region)]
    written += [(("regions", place), region) for place, region in enumerate(environment.regions)]
    for keys, region in written:
        if not fits(region, patterns):
            what = f"region '{region}' is not allowed{did_you_mean(region, filter(is_plain, patterns))}"
            yield from _in_environment(environment, policy.refusal(what, patterns, "regions"), keys)


def _instance_types(policy: Policy, patterns: Collection[str], workspace: WorkspaceDraft) -> Iterator[Problem]:
    for environment in filter(None, workspace.own_environments.values()):
        written: list[tuple[Keys, str]] = [(("instance_type",), environment.instance_type)]
        others = enumerate(environment.other_instance_types)
        written += [(("other_instance_types", place), each) for place, each in others]
        for keys, each in written:
            if not fits(each, patterns):
                yield from _in_environment(environment, _no_type(policy, patterns, each), keys)
    for document, at, machine in _machines(workspace):
        for place, each in enumerate(machine.instance_types):
            if not fits(each, patterns):
                yield document.problem(_no_type(policy, patterns, each), *at, "instance_types", place)


def _no_type(policy: Policy, patterns: Collection[str], name: str) -> str:
    near = did_you_mean(name, filter(is_plain, patterns))
    return policy.refusal(f"instance type '{name}' is not allowed{near}", patterns, "instance_types")


def _machines(workspace: WorkspaceDraft) -> Iterator[tuple[Document, Keys, Machine]]:
    """The machine blocks of a workspace's own files, with the keys that lead to each."""
    if workspace.file:
        yield workspace.document, ("machine",), workspace.file.machine
        for draft, layer in zip(workspace.layers, workspace.file.layers, strict=True):
            yield workspace.document, (*draft.at, "machine"), layer.machine
    for each in workspace.images:
        if each.image:
            yield each.document, ("machine",), each.image.machine


def _in_environment(environment: Environment, what: str, keys: Keys) -> Iterator[Problem]:
    """A problem at the line of an environment's variable, or of the file when it is not written there."""
    if document := read_variables(environment.path, []):
        if keys[0] not in document.value:
            what = f"'{keys[0]}' is not written here, and {what}"
        yield document.problem(what, *keys)


def _listed(patterns: Iterable[Any]) -> str:
    return ", ".join(f"'{pattern}'" for pattern in patterns) or "none"
