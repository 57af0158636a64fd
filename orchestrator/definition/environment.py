"""Where builds run: one Packer variable file, which Packer gets as it is."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.definition.machine.ec2_names import InstanceType, KmsKey
from orchestrator.definition.reading.frozen import Frozen
from orchestrator.definition.reading.variables_file import read_variables
from orchestrator.definition.roles.entry import VariableName
from orchestrator.definition.secret import parse
from orchestrator.definition.wording import validated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.reading.document import Document
    from orchestrator.errors import Problem

#: What follows the hyphen of an id. Old ones have 8 digits (EC2 User Guide, "Resource IDs").
_DIGITS = r"([0-9a-f]{8}|[0-9a-f]{17})"

Region = Annotated[str, Field(pattern=r"^[a-z]{2,}(-[a-z]+)+-[0-9]+$", description="A region such as us-east-1.")]

SubnetId = Annotated[str, Field(pattern=rf"^subnet-{_DIGITS}$", description="An id such as subnet-0123456789abcdef0.")]

#: An instance profile's name (IAM API Reference, GetInstanceProfile). Packer and RunInstances are given names.
ProfileName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_+=,.@-]*$",
        max_length=128,
        description="The name of an instance profile, not its ARN: letters, digits and _ + = , . @ -.",
    ),
]

_RESERVED_BEGINNINGS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def _bucket(name: str) -> str:
    """What the pattern of a bucket's name leaves over (S3 User Guide, "General purpose bucket naming rules")."""
    if ".." in name or re.fullmatch(r"[0-9]+(\.[0-9]+){3}", name):
        raise ValueError(f"cannot be '{name}': a bucket's name has no two periods in a row, and is no IP address")
    if name.startswith(_RESERVED_BEGINNINGS) or name.endswith(_RESERVED_ENDS):
        raise ValueError(f"cannot be '{name}': S3 keeps this beginning or end for itself")
    return name


BucketName = Annotated[
    str,
    Field(
        pattern=r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$",
        description="An S3 bucket's name: 3 to 63 lower-case letters, digits, . and -.",
    ),
    AfterValidator(_bucket),
]

#: How many places a build may be tried in: each is an attempt, whose number stands in the AMI's name (see
#: `image.LONGEST_NAME`), and one attempt makes up for a lost machine.
MOST_PLACES = 98


def _parsed(written: str) -> str:
    parse(written)
    return written


SecretReference = Annotated[str, AfterValidator(_parsed)]

#: Fields of `Environment` that its file does not hold.
NOT_WRITTEN = ("name", "path")

#: What follows an environment's name in the name of its file.
SUFFIX = ".pkrvars.hcl"


class Environment(Frozen):
    """Where builds run: a Packer variable file. An empty string means AWS's or Packer's own default.

    `name` and `path` are those of the file (`NOT_WRITTEN`); the rest is what people write there.
    """

    name: str
    path: Path
    region: Annotated[Region, Field(description="Where builds run.", examples=["eu-central-1"])]
    regions: Annotated[
        tuple[Region, ...],
        Field(
            description="The other regions in which images of the environment are: `ami sweep` looks there too.",
            examples=[["eu-west-1", "us-east-1"]],
        ),
    ] = ()
    profile: Annotated[
        str, Field(description="A profile of the AWS configuration of whoever runs ami.", examples=["images-dev"])
    ] = ""
    endpoint: Annotated[
        str,
        Field(
            pattern=r"^(https?://\S+)?$",
            description="Where the AWS API answers, if not at AWS itself: a lab.",
            examples=["http://127.0.0.1:4999"],
        ),
    ] = ""
    access_key: Annotated[
        str, Field(description="The id of an access key; for labs, which take any.", examples=["lab"])
    ] = ""
    secret_key: Annotated[
        str, Field(description="Its secret; for labs, which take any.", examples=["lab-secret-key"], repr=False)
    ] = ""
    instance_type: Annotated[
        InstanceType, Field(description="What machines of builds and validations are.", examples=["m7i.large"])
    ] = "t3.small"
    other_instance_types: Annotated[
        tuple[InstanceType, ...],
        Field(
            description="Tried in their order when EC2 has no capacity for `instance_type`.",
            examples=[["t3a.small", "m6i.large"]],
        ),
    ] = ()
    vpc_id: Annotated[
        str,
        Field(
            pattern=rf"^(vpc-{_DIGITS})?$",
            description="The VPC of builds; empty: that of the subnet, or the default one.",
            examples=["vpc-0123456789abcdef0"],
        ),
    ] = ""
    subnet_id: Annotated[
        str,
        Field(
            pattern=rf"^(subnet-{_DIGITS})?$",
            description="The subnet of builds; empty: one of the default VPC.",
            examples=["subnet-0123456789abcdef0"],
        ),
    ] = ""
    other_subnet_ids: Annotated[
        tuple[SubnetId, ...],
        Field(
            description="Tried in their order when EC2 has no capacity in `subnet_id`, which they need.",
            examples=[["subnet-0fedcba9876543210"]],
        ),
    ] = ()
    vcpu_quota: Annotated[
        int,
        Field(
            ge=0,
            strict=True,
            description="How many vCPUs builds and validations may use at once; 0: no bound.",
            examples=[64],
        ),
    ] = 0
    iam_instance_profile: Annotated[
        ProfileName,
        Field(
            description="The instance profile of machines that are validated; its role lets the SSM agent in.",
            examples=["image-validation"],
        ),
    ] = ""
    ssh_interface: Annotated[
        Literal["", "public_ip", "private_ip", "public_dns", "private_dns", "session_manager"],
        Field(
            description="How Packer reaches the machine that it builds on; `session_manager` needs no open port.",
            examples=["session_manager"],
        ),
    ] = ""
    kms_key_id: Annotated[
        KmsKey,
        Field(
            description="Encrypts AMIs: the id, the alias (alias/NAME) or the ARN of a key of the region.",
            examples=["alias/images"],
        ),
    ] = ""
    artifact_bucket: Annotated[
        BucketName,
        Field(
            description="The S3 bucket in which builders on several hosts agree on who builds what, and which "
            "keeps the evidence of runs; empty: none.",
            examples=["example-images"],
        ),
    ] = ""
    extra_vars: Annotated[
        dict[VariableName, str],
        Field(
            description="Ansible's extra variables: mirrors and package addresses of that network.",
            examples=[{"apt_mirror": "http://mirror.example.com/debian"}],
        ),
    ] = Field(default_factory=dict)
    secret_vars: Annotated[
        dict[VariableName, SecretReference],
        Field(
            description="Secret Ansible variables: where each value is, as env:NAME, ssm:NAME or secretsmanager:NAME.",
            examples=[{"db_password": "ssm:/prod/db_password"}],
        ),
    ] = Field(default_factory=dict)

    @cached_property
    def account(self) -> Account:
        """The account and region that the environment speaks of: always the same one, which keeps its clients."""
        return Account(self.region, self.profile, self.endpoint, self.access_key, self.secret_key)

    @cached_property
    def places(self) -> tuple[tuple[str, str], ...]:
        """The (instance type, subnet id) pairs in which a machine may run, in the order in which they are tried.

        Every subnet with the wanted type before the next type: EC2 lacks a type in one availability zone, not in all
        of them, and another subnet changes neither the machine nor its price. No pair comes twice.
        """
        types = dict.fromkeys((self.instance_type, *self.other_instance_types))
        subnets = dict.fromkeys((self.subnet_id, *self.other_subnet_ids))
        return tuple((instance_type, subnet) for instance_type in types for subnet in subnets)

    @property
    def placement(self) -> Placement:
        """Where machines of builds and validations run."""
        return Placement(self.places, self.vpc_id, self.iam_instance_profile, self.ssh_interface)


def read_environment(path: Path, problems: list[Problem]) -> Environment | None:
    """One variable file as an Environment. What is wrong is added to `problems`."""
    document = read_variables(path, problems)
    if document is None:
        return None
    problems += [
        document.problem(f"unknown key '{key}': the file's name names the environment", key)
        for key in NOT_WRITTEN
        if key in document.value
    ]
    # Packer takes null for "not given".
    given = {key: value for key, value in document.value.items() if value is not None}
    if given.get("other_subnet_ids") and not given.get("subnet_id"):
        problems.append(document.problem("'other_subnet_ids' needs a 'subnet_id' to be other than", "other_subnet_ids"))
    extra, secret = given.get("extra_vars"), given.get("secret_vars")
    if isinstance(extra, dict) and isinstance(secret, dict):
        twice = [name for name in secret if name in extra]
        problems += [document.problem(f"'{name}' is in 'extra_vars' too", "secret_vars", name) for name in twice]
    name = path.name.removesuffix(SUFFIX)
    environment = validated(Environment, replace(document, value=given), problems, name=name, path=path)
    if environment:
        problems += _problems(environment, document)
    return environment


def _problems(environment: Environment, document: Document) -> Iterator[Problem]:
    """What AWS would refuse of values that are right each for itself."""
    if len(environment.places) > MOST_PLACES:
        what = f"{len(environment.places)} pairs of type and subnet are too many: a build may be tried in {MOST_PLACES}"
        yield document.problem(what, "other_subnet_ids" if environment.other_subnet_ids else "other_instance_types")
    key = environment.kms_key_id.split(":")
    if len(key) > 1 and key[3] != environment.region:  # arn:aws:kms:REGION:...
        yield document.problem(f"'kms_key_id' is in {key[3]}, and the AMI in {environment.region}", "kms_key_id")
