"""What a build needs of this machine and of the account, examined without changing anything."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError, is_loopback, mend_of, refusal
from orchestrator.build.ansible import mitogen
from orchestrator.errors import AmiError
from orchestrator.process import PACKAGES, installed_with_us, run, utf8_locale
from orchestrator.run.doctor.check_result import CheckResult
from orchestrator.run.doctor.packer import examine_packer
from orchestrator.run.source import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.source import Source
    from orchestrator.definition.workspace import Workspace

#: Bytes that a run's logs and Packer's temporary files are given at least.
ENOUGH_DISK = 2 * 1024**3
#: The kernel knows arm64 programs, or `ami lab up --with` can tell it of them (binfmt.d(5)).
_ARM64 = (Path("/proc/sys/fs/binfmt_misc/qemu-aarch64"), Path("/usr/lib/binfmt.d/qemu-aarch64.conf"))


def examine(workspace: Workspace, environment: Environment) -> tuple[CheckResult, ...]:
    """Everything that a build in an environment needs, in the order in which it would be missed."""
    results = [_asked("locale", lambda: f"programs run in {utf8_locale()}")]
    results += [*examine_packer(workspace, environment), *_programs(), _mitogen(workspace), _disk(workspace)]
    results += _emulation(workspace, environment)
    account = _asked("account", lambda: _identity(environment), mend_of(environment.endpoint))
    results.append(account)
    if account.ok:
        results += _account(workspace, environment)
    return tuple(results)


def _programs() -> Iterator[CheckResult]:
    """Programs that every build needs besides Packer; those of the lab are examined by `ami lab up`."""
    for name, arguments in (("ansible-playbook", ["--version"]), ("git", ["--version"])):
        mend = f"apt-get install {PACKAGES[name]}" if name in PACKAGES else "pip install ansible-core"
        found = installed_with_us(name)
        if found is None:
            yield CheckResult(name, ok=False, said="not installed", mend=mend)
        else:
            yield _asked(name, lambda argv=(found, *arguments): run(argv).out.splitlines()[0], mend)  # type: ignore[misc]


def _mitogen(workspace: Workspace) -> CheckResult:
    """Whether Ansible runs with Mitogen. Builds go on without it, so that a workspace that wants none is in order."""
    reason = mitogen.why_not(wanted=workspace.mitogen)
    if not reason:
        return CheckResult("mitogen", ok=True, said=mitogen.installed())
    in_order = reason == mitogen.UNWANTED
    mend = "" if in_order else "pip install --upgrade mitogen, or say in ami.yml: ansible: {mitogen: false}"
    return CheckResult("mitogen", ok=in_order, said=f"Ansible runs without it: {reason}", mend=mend)


def _disk(workspace: Workspace) -> CheckResult:
    free = shutil.disk_usage(workspace.root).free
    said = f"{free / 1024**3:.0f} GiB free in {workspace.root}"
    return CheckResult(
        "disk", ok=free > ENOUGH_DISK, said=said, mend="" if free > ENOUGH_DISK else "ami runs --prune 30d"
    )


def _identity(environment: Environment) -> str:
    caller = environment.account.client("sts").get_caller_identity()
    return f"{caller['Account']} as {caller['Arn']} in {environment.region}"


def _account(workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    account = environment.account
    for source in workspace.sources.values():
        if _is_used(workspace, source):
            yield _asked(f"source {source.name}", lambda source=source: resolve(account, source).ami_id)  # type: ignore[misc]
        else:
            yield CheckResult(f"source {source.name}", ok=True, said="no image starts from it")
    profile = environment.iam_instance_profile
    if not profile:
        mend = f"set iam_instance_profile in {environment.path}"
        yield CheckResult("instance profile", ok=False, said="the environment names none; SSM needs it", mend=mend)
    else:
        yield _asked(
            f"instance profile {profile}",
            lambda: account.client("iam").get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Arn"],
            f"aws iam create-instance-profile --instance-profile-name {profile}",
        )
    yield _asked("network", lambda: _network(environment), "aws ec2 create-default-vpc")
    yield _bucket(environment)
    if key := environment.kms_key_id:
        yield _asked(f"key {key}", lambda: key_of(environment), f"aws kms describe-key --key-id {key}")


def _is_used(workspace: Workspace, source: Source) -> bool:
    return any(image.from_ == source.name for image in workspace.images.values())


def _emulation(workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    """Whether the lab can make machines of arm64 on this host, where an image starts from a source of arm64."""
    filters = (source.filter for source in workspace.sources.values() if _is_used(workspace, source))
    asked = any(one is not None and one.architecture == "arm64" for one in filters)
    if asked and is_loopback(environment.endpoint):
        ok = platform.machine() == "aarch64" or any(path.exists() for path in _ARM64)
        said = "arm64 programs run here" if ok else "this host cannot run arm64 programs, as the lab's machines are"
        yield CheckResult("arm64", ok=ok, said=said, mend="" if ok else "apt-get install qemu-user-static")


def key_of(environment: Environment) -> str:
    """The key that encrypts AMIs. Raises AmiError when EC2 could not use it, which it says when the whole build is done
    (EC2 API Reference, CopyImage: `KmsKeyId`).
    """
    key = environment.account.client("kms").describe_key(KeyId=environment.kms_key_id)["KeyMetadata"]
    if key["KeyState"] != "Enabled" or key.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        raise AmiError(f"EC2 takes an enabled symmetric key, and this one is {key['KeyState']}, {key.get('KeySpec')}")
    return f"{key['Arn']} is enabled"


def _bucket(environment: Environment) -> CheckResult:
    """The artifact bucket: without one builds work, and are not exclusive."""
    name = environment.artifact_bucket
    if not name:
        return CheckResult(
            "artifact bucket",
            ok=True,
            said="the environment names none: builds are not exclusive, and reports stay on this disk",
        )

    def look() -> str:
        environment.account.client("s3").head_bucket(Bucket=name)
        return "builders agree there on who builds what; evidence of runs is kept there"

    return _asked(f"artifact bucket {name}", look, f"aws s3 mb s3://{name}")


def _network(environment: Environment) -> str:
    ec2 = environment.account.client("ec2")
    if environment.subnet_id:
        subnet = ec2.describe_subnets(SubnetIds=[environment.subnet_id])["Subnets"][0]
        return f"{subnet['SubnetId']} {subnet['CidrBlock']} in {subnet['AvailabilityZone']}"
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        raise AmiError("the region has no default VPC, and the environment names no subnet_id")
    return f"default VPC {vpcs[0]['VpcId']}"


def _asked(what: str, ask: Callable[[], str], mend: str = "") -> CheckResult:
    try:
        return CheckResult(what, ok=True, said=ask())
    except AmiError as error:
        return CheckResult(what, ok=False, said=error.message, mend=error.hint or mend)
    except AwsError as error:
        lack = refusal(error)
        return CheckResult(
            what, ok=False, said=lack.message if lack else str(error), mend=(lack.hint if lack else "") or mend
        )
