"""What a run will do and where, decided with a few questions to the account; nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from orchestrator.build import session_manager
from orchestrator.build.packer import installed
from orchestrator.build.packer.plugin_folders import check_workspace
from orchestrator.definition.workspace import from_here
from orchestrator.errors import DefinitionError, LackError, Problem
from orchestrator.plan.ages import built_on, check_ages
from orchestrator.plan.inputs import Collector
from orchestrator.plan.modules import problems_of_modules, written_in_vain
from orchestrator.plan.steps import Action, is_empty, known, steps
from orchestrator.plan.tree import cut, tree
from orchestrator.registry import versions_of
from orchestrator.run.image_segment import resolved_sources
from orchestrator.run.levels.parents import concerned, out_of_date, standing_parents
from orchestrator.run.machine.agents import check_agents, user_data_for_agent
from orchestrator.run.machine.fitting import Fitting, fitting_of, types_of
from orchestrator.run.schedule import Bounds, makespan
from orchestrator.run.secret_vars import hide_vaulted
from orchestrator.run.tasks import tasks
from orchestrator.run.tests import tests_to_run
from orchestrator.secret_values import Secrets
from orchestrator.validate.suite.session import check_present

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from mypy_boto3_ec2.literals import InstanceTypeType

    from orchestrator.build.packer.installed import Ready
    from orchestrator.build.packer.plugins import Requirement
    from orchestrator.contract.plan import PlanJson
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.planned_layer import PlannedLayer
    from orchestrator.plan.segment import Segment
    from orchestrator.plan.standing import StandingImage
    from orchestrator.plan.steps import PlanStep
    from orchestrator.render.packer import Renderer
    from orchestrator.render.packer_set import PackerSet
    from orchestrator.run.explain import Explained
    from orchestrator.validate.request import TestCounts


@dataclass(frozen=True)
class PlanWishes:
    """What a person asks for besides what changed: images built `anew`, images tested `again` by the same tests, and
    those of the workspaces that are extended built as well (`with_parents`).
    """

    anew: Collection[str] = ()
    again: Collection[str] = ()
    with_parents: bool = False

    @property
    def named(self) -> set[str]:
        """The images that are built or tested whatever changed."""
        return {*self.anew, *self.again}


_NOTHING_MORE = PlanWishes()


@dataclass(frozen=True)
class Plan:
    """What a run will do, and where. `source_amis` has the AMI of each source, `bounds` how much goes on at once.

    `ready` is the Packer that builds, with its plugins, and `renderer` has what it is given; both are None when nothing
    is built.

    `vcpus` is what one machine has when the environment has a quota, else 0. `seen` are the AMI ids of all versions
    that there were: what another run makes meanwhile is not among them. `secrets` were read for it. `warnings` are what
    may be wrong in what is built. `collected` is how many tests there are, by level and role, once they are collected.
    """

    workspace: Workspace
    environment: Environment
    ready: Ready | None
    steps: tuple[PlanStep, ...]
    source_amis: Mapping[str, str]
    bounds: Bounds
    vcpus: int = 0
    seen: frozenset[str] = frozenset()
    secrets: Secrets | None = None
    renderer: Renderer | None = None
    warnings: tuple[Problem, ...] = ()
    collected: TestCounts = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return is_empty(self.steps)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Secrets that could not be read: whether they changed is not known."""
        return tuple(self.secrets.unknown) if self.secrets else ()

    @property
    def exclusive(self) -> bool:
        """Whether two runs at once build each segment once: that takes an artifact bucket."""
        return bool(self.environment.artifact_bucket)

    @property
    def seconds(self) -> float | None:
        """How long it will take as far as earlier runs tell; None when a step was never done before."""
        if any(step.seconds is None for step in self.steps):
            return None
        return makespan(tasks(self.steps, vcpus=self.vcpus), self.bounds)

    def as_json(self, explained: Iterable[Explained] = (), *, diff: bool = False) -> PlanJson:
        """A JSON object: the steps, what holds for all of them, and what changed in the images that were explained."""
        return {
            "schema": "ami/plan/1",
            "environment": self.environment.name,
            "region": self.environment.region,
            "empty": self.empty,
            "exclusive": self.exclusive,
            "parallel": self.bounds.tasks,
            "seconds": self.seconds,
            "unknown": list(self.unknown),
            "warnings": [one.as_json() for one in self.warnings],
            "steps": [step.as_json() for step in self.steps],
            "explained": [one.as_json(diff=diff) for one in explained],
        }


def prepare(
    workspace: Workspace,
    environment: Environment,
    names: Sequence[str],
    *,
    parallel: int = 2,
    asked: PlanWishes = _NOTHING_MORE,
    strict: bool = True,
) -> Plan:
    """Resolve sources, read secrets and the account, and decide what is built, tested and reused.

    Images of a workspace that is extended are used as they stand in the account, unless it is asked `with_parents`:
    then they are built and tested as those of the workspace itself are.

    Unless `strict`, a secret that cannot be read counts as changed, and the plan says so: it cannot be carried out.

    Raises UsageError for an unknown image, DefinitionError for a mistake in a template and for what is too old to build
    on, NoTests for a role without tests, and LackError for a source, a Packer or a plugin that cannot be found, and for
    a missing profile.
    """
    there = versions_of(environment.account, concerned(workspace, names))
    found = known(there)
    standing = {} if asked.with_parents else standing_parents(workspace, environment, names, there, asked.named)
    secrets = Secrets(workspace, environment, strict=strict).of_images(names, standing)
    sources = resolved_sources(workspace, environment, names, standing)
    source_amis = {name: ami.ami_id for name, ami in sources.items()}
    collector = Collector(workspace, environment, datetime.now(UTC), secrets)
    segments = cut(tree(workspace, names, collector, source_amis, standing), collector, found.standing)
    _check_modules(workspace, _layers_built(segments, standing))
    decided = steps(segments, wanted=names, account=found, anew=asked.anew, again=asked.again, standing=standing)
    made = {name: (ami.ami_id, ami.created) for name, ami in sources.items()}
    check_ages(workspace, built_on(decided, made), datetime.now(UTC))
    if tests := tests_to_run(workspace, decided):
        _check_profile(environment)
    check_present(tests)
    decided = _fitted(workspace, environment, decided, _starts(segments, standing) | source_amis)
    if strict and not is_empty(decided):
        hide_vaulted(secrets, [step.segment for step in decided if step.action.works])
    builds = [step.segment for step in decided if step.action is Action.BUILD]
    if builds:
        session_manager.check(environment.placement)
        check_agents(workspace, environment, builds)
    warnings = out_of_date(workspace, standing)
    warnings += written_in_vain(workspace, collector, builds) + user_data_for_agent(workspace, environment, builds)
    packer, renderer = packer_of(workspace, builds) if builds else (None, None)
    vcpus = _vcpus(environment, decided) if environment.vcpu_quota and not is_empty(decided) else 0
    bounds = Bounds(parallel, environment.vcpu_quota)
    seen = frozenset(found.ami_ids)
    known_here = (seen, secrets, renderer, warnings)
    return Plan(workspace, environment, packer, decided, source_amis, bounds, vcpus, *known_here)


def _check_modules(workspace: Workspace, layers: Iterable[PlannedLayer]) -> None:
    if problems := list(problems_of_modules(workspace, layers)):
        raise DefinitionError(map(from_here, problems))


def _layers_built(segments: Iterable[Segment], standing: Collection[str]) -> list[PlannedLayer]:
    """The layers that a run may apply: those of standing images are applied by their owners."""
    return [layer for segment in segments if segment.name not in standing for layer in segment.layers]


def _starts(segments: Iterable[Segment], standing: Mapping[str, StandingImage]) -> dict[str, str]:
    """The AMIs of standing images, by the source that each began with: what stands on them must fit these."""
    return {one.source.name: standing[one.name].version.ami_id for one in segments if one.name in standing}


def _fitted(
    workspace: Workspace, environment: Environment, decided: tuple[PlanStep, ...], source_amis: Mapping[str, str]
) -> tuple[PlanStep, ...]:
    """The steps with the instance types that fit their sources. Raises DefinitionError when none does."""
    active = [step.segment for step in decided if step.action.works]
    if not active:
        return decided
    fitting = fitting_of(workspace, environment, active, source_amis)
    return tuple(_on_fitting(step, fitting) if step.action.works else step for step in decided)


def _on_fitting(step: PlanStep, fitting: Fitting) -> PlanStep:
    fitted = fitting.fitted(step.segment)
    return step if fitted is step.segment else replace(step, segment=fitted)


def _check_profile(environment: Environment) -> None:
    """EC2 refuses to launch a machine with a profile that has no name: the AMI would stand there, and not be tested."""
    if not environment.iam_instance_profile:
        raise LackError(
            f"the environment '{environment.name}' names no instance profile, and tests reach machines through one",
            hint=f"set iam_instance_profile in {environment.path}",
        )


def packer_of(
    workspace: Workspace,
    builds: Sequence[Segment],
    *,
    rendered: Mapping[str, str] | None = None,
    rendered_for: PackerSet | None = None,
) -> tuple[Ready, Renderer]:
    """The Packer that builds and what renders for it, once all that needs no machine has been checked.

    Of segments that differ in nothing but values one is rendered: a template that takes one takes all. What only
    values can have wrong is looked for in each. `rendered` are the texts of builds that were rendered before, by their
    names, for a Packer and plugins like `rendered_for`.
    """
    from orchestrator.render.packer import Renderer  # noqa: PLC0415 - a plan that builds nothing needs no Jinja

    there = installed.packer()
    check_workspace(workspace, there)
    asked = installed.asked_by_frame(there, workspace.required_plugins)
    found = installed.looked_up(there, asked, workspace.root)
    packers = installed.set_of(there, (one.plugin for one in found if one.plugin))
    renderer = Renderer(workspace, packers, rendered if packers == rendered_for else None)
    required = _required(renderer, builds)
    ready = installed.ready(required, workspace.root, there=there, known=found)
    if ready.packers != packers:  # a fragment wants another version of a plugin than the frame alone would get
        renderer = Renderer(workspace, ready.packers)
        _required(renderer, builds)
    return ready, renderer


def _required(renderer: Renderer, builds: Iterable[Segment]) -> set[Requirement]:
    """The plugins that the builds ask for, once they are rendered and checked."""
    rendered: dict[Any, str] = {}
    for segment in builds:
        renderer.check(segment)
        machine = segment.machine.model_dump_json() if segment.machine.model_fields_set else ""
        shape = (machine, *((layer.name, tuple(layer.vars)) for layer in segment.layers))
        if shape not in rendered:
            rendered[shape] = renderer.text(segment)
    return {asked for text in rendered.values() for asked in installed.required_by(text)}


def _vcpus(environment: Environment, decided: Iterable[PlanStep]) -> int:
    """The vCPUs of the largest type that machines begin with (EC2 API Reference, DescribeInstanceTypes: `VCpuInfo`)."""
    wanted = {types_of(step.segment, environment)[0] for step in decided if step.action.works}
    names = cast("list[InstanceTypeType]", sorted(wanted))
    found = environment.account.client("ec2").describe_instance_types(InstanceTypes=names)["InstanceTypes"]
    return max(int(each["VCpuInfo"]["DefaultVCpus"]) for each in found)
