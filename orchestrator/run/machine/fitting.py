"""Machines compared with what the account knows, before anything is launched: sources, and types of machines.

Boot mode and TPM are the source's, and no build can change them (RegisterImage alone sets them). Instance types that do
not fit a source are left out, so that one list serves sources of several architectures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import AwsError, error_code
from orchestrator.definition.environment import MOST_PLACES
from orchestrator.definition.workspace import from_here
from orchestrator.errors import DefinitionError, did_you_mean
from orchestrator.run.machine.written import problem_of, problem_of_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.aws.account import Account
    from orchestrator.aws.placement import Placement
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.errors import Problem
    from orchestrator.plan.segment import Segment

#: How many types DescribeInstanceTypes takes at once (EC2 API Reference).
_AT_ONCE = 100


@dataclass(frozen=True)
class Fitting:
    """What the account knows of sources and instance types, as EC2 describes both."""

    workspace: Workspace
    environment: Environment
    #: Images by the source that they are.
    sources: Mapping[str, Mapping[str, Any]]
    types: Mapping[str, Mapping[str, Any]]

    def fitted(self, segment: Segment) -> Segment:
        """The segment with the types that fit. Raises DefinitionError when none does, or its disks do not."""
        problems = [from_here(problem) for problem in (*self._of_source(segment), *self._of_types(segment))]
        if problems:
            raise DefinitionError(problems)
        wanted = types_of(segment, self.environment)
        fitting = tuple(name for name in wanted if not self._why_not(segment, name))
        return segment if fitting == wanted else segment.on_types(fitting)

    def _of_source(self, segment: Segment) -> Iterator[Problem]:
        """What the source does not agree with; a parent's AMI was compared when its definition was read."""
        source, machine = self.sources[segment.source.name], segment.machine
        where = f"the source '{segment.source.name}' ({source['ImageId']})"
        if machine.architecture and machine.architecture != source["Architecture"]:
            what = f"'architecture' is {machine.architecture}, and {where} has {source['Architecture']}"
            yield problem_of(self.workspace, segment.image, what, "architecture")
        sizes = _sizes(source)
        root = sizes.get(str(source.get("RootDeviceName", "")))
        if machine.root_volume.size and root and machine.root_volume.size < root:
            what = f"'size': {where} has a root volume of {root} GiB, which cannot shrink to {machine.root_volume.size}"
            yield problem_of(self.workspace, segment.image, what, "root_volume", "size")
        for volume in machine.volumes:
            size = sizes.get(volume.device)
            if volume.size and size and volume.size < size:
                what = f"'size': {volume.device} has {size} GiB in {where}, and cannot shrink to {volume.size}"
                yield problem_of(self.workspace, segment.image, what, "volumes")

    def _of_types(self, segment: Segment) -> Iterator[Problem]:
        wanted = types_of(segment, self.environment)
        why = {name: self._why_not(segment, name) for name in wanted}
        fitting = [name for name, reason in why.items() if not reason]
        if not fitting:
            yield self._at_types(segment, f"no instance type fits '{segment.image.name}': {'; '.join(why.values())}")
        attempts = (
            len(fitting) * len({subnet for _, subnet in self.environment.places}) * (2 if segment.machine.spot else 1)
        )
        if attempts > MOST_PLACES:
            what = f"{attempts} attempts at a place for the machine are too many: a build may be tried in {MOST_PLACES}"
            yield self._at_types(segment, what)

    def _at_types(self, segment: Segment, what: str) -> Problem:
        if segment.machine.instance_types:
            return problem_of(self.workspace, segment.image, what, "instance_types")
        return problem_of_environment(self.environment, what, "instance_type")

    def _why_not(self, segment: Segment, name: str) -> str:
        """Why a type does not fit; empty when it does."""
        source, facts = self.sources[segment.source.name], self.types[name]
        architectures = facts["ProcessorInfo"]["SupportedArchitectures"]
        if source["Architecture"] not in architectures:
            return f"{name} is for {', '.join(architectures)}, and '{segment.source.name}' for {source['Architecture']}"
        modes, mode = facts.get("SupportedBootModes"), source.get("BootMode")
        if modes and mode in ("uefi", "legacy-bios") and mode not in modes:
            return f"{name} boots by {', '.join(modes)}, and '{segment.source.name}' by {mode}"
        if source.get("TpmSupport") and facts.get("NitroTpmSupport") == "unsupported":
            return f"{name} has no TPM, and '{segment.source.name}' needs one"
        if source.get("EnaSupport") is False and facts.get("NetworkInfo", {}).get("EnaSupport") == "required":
            return f"{name} needs the Elastic Network Adapter, and '{segment.source.name}' has no driver for it"
        if segment.machine.credits and not facts.get("BurstablePerformanceSupported", True):
            return f"{name} has no credits"
        return ""


def fitting_of(
    workspace: Workspace, environment: Environment, segments: Iterable[Segment], source_amis: Mapping[str, str]
) -> Fitting:
    """What the account knows of all that segments are built on. Raises DefinitionError for a type that EC2 lacks."""
    wanted = list(segments)
    by_id = {source_amis[name]: name for name in sorted({segment.source.name for segment in wanted})}
    images = environment.account.client("ec2").describe_images(ImageIds=list(by_id))["Images"] if by_id else []
    types: dict[str, Mapping[str, Any]] = {}
    for segment in wanted:
        if missing := [name for name in types_of(segment, environment) if name not in types]:
            types |= _described(workspace, environment, segment, missing)
    sources = {by_id[image["ImageId"]]: image for image in images}
    twins = {name: sources[by_id[ami]] for name, ami in source_amis.items() if ami in by_id and by_id[ami] in sources}
    return Fitting(workspace, environment, twins, types)


def types_of(segment: Segment, environment: Environment) -> tuple[str, ...]:
    """The instance types that a segment is built on and booted on: those of its machine, else the environment's."""
    own = segment.machine.instance_types
    return own or tuple(dict.fromkeys(instance_type for instance_type, _ in environment.places))


def placement_of(environment: Environment, segment: Segment) -> Placement:
    """Where the machines of a segment run: the environment's subnets, with the types of the segment's machine."""
    own = segment.machine.instance_types
    if not own:
        return environment.placement
    subnets = dict.fromkeys(subnet for _, subnet in environment.places)
    places = tuple((instance_type, subnet) for instance_type in dict.fromkeys(own) for subnet in subnets)
    return replace(environment.placement, places=places)


def root_device(account: Account, ami_id: str) -> str:
    """The device that an AMI boots from, `/dev/xvda`."""
    (image,) = account.client("ec2").describe_images(ImageIds=[ami_id])["Images"]
    return str(image["RootDeviceName"])


def _described(
    workspace: Workspace, environment: Environment, segment: Segment, names: list[str]
) -> dict[str, Mapping[str, Any]]:
    ec2: Any = environment.account.client("ec2")
    found: dict[str, Mapping[str, Any]] = {}
    try:
        for start in range(0, len(names), _AT_ONCE):
            answer = ec2.describe_instance_types(InstanceTypes=names[start : start + _AT_ONCE])
            found |= {each["InstanceType"]: each for each in answer["InstanceTypes"]}
    except AwsError as error:
        if error_code(error) != "InvalidInstanceType":
            raise
    if not (unknown := [name for name in names if name not in found]):
        return found
    pages = ec2.get_paginator("describe_instance_type_offerings").paginate()
    there = {offer["InstanceType"] for page in pages for offer in page["InstanceTypeOfferings"]}
    name = next((name for name in unknown if name not in there), unknown[0])
    what = f"{environment.region} has no instance type '{name}'{did_you_mean(name, there)}"
    if segment.machine.instance_types:
        problem = problem_of(workspace, segment.image, what, "instance_types")
    else:
        problem = problem_of_environment(environment, what, "instance_type")
    raise DefinitionError([from_here(problem)])


def _sizes(image: Mapping[str, Any]) -> dict[str, int]:
    """The sizes of an image's volumes by device, GiB, as far as EC2 tells them."""
    mappings = image.get("BlockDeviceMappings", ())
    return {
        each["DeviceName"]: int(each["Ebs"]["VolumeSize"]) for each in mappings if "VolumeSize" in each.get("Ebs", {})
    }
