"""Packer variable files as environments."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.aws.account import Account
from orchestrator.definition.environment import Environment, read_environment

if TYPE_CHECKING:
    from orchestrator.errors import Problem

LAB = r"""
# the lab
region     = "us-east-1" // here
endpoint   = "http://127.0.0.1:4999"
access_key = "lab"
secret_key = "s\"e\\c\u00e9\tt"
vpc_id     = null
regions    = ["eu-west-1", "us-east-1"]
other_instance_types = [
  "t3a.small", # as good
  "m5.large",
]
other_subnet_ids = []
vcpu_quota = 16
artifact_bucket = "our-artifacts"
extra_vars = {
  url     = "http://x/$${not_hcl}"
  "other" : "%%{ if }",
}
"""


def read_text(folder: Path, text: str) -> tuple[Environment | None, list[str]]:
    path = folder / "lab.pkrvars.hcl"
    path.write_text(text)
    problems: list[Problem] = []
    environment = read_environment(path, problems)
    return environment, [f"{problem.line}: {problem.what}" for problem in sorted(problems)]


def test_read_environment_when_it_is_right(tmp_path: Path) -> None:
    """Values are those that Packer sees: escapes are read, null is not given, the rest has its default."""
    environment, problems = read_text(tmp_path, LAB)
    assert problems == []
    assert environment == Environment(
        name="lab",
        path=tmp_path / "lab.pkrvars.hcl",
        region="us-east-1",
        regions=("eu-west-1", "us-east-1"),
        endpoint="http://127.0.0.1:4999",
        access_key="lab",
        secret_key='s"e\\c\u00e9\tt',
        other_instance_types=("t3a.small", "m5.large"),
        vcpu_quota=16,
        artifact_bucket="our-artifacts",
        extra_vars={"url": "http://x/${not_hcl}", "other": "%{ if }"},
    )
    assert environment.account == Account("us-east-1", "", "http://127.0.0.1:4999", "lab", 's"e\\c\u00e9\tt')
    assert "s\\" not in repr(environment)


INTERFACES = "'', 'public_ip', 'private_ip', 'public_dns', 'private_dns' or 'session_manager'"
BUCKET = "An S3 bucket's name: 3 to 63 lower-case letters, digits, . and -."
PROFILE = "The name of an instance profile, not its ARN: letters, digits and _ + = , . @ -."
KEY = "The id, the alias (alias/NAME) or the ARN of a key."
ARN = "arn:aws:kms:eu-west-1:123456789012:alias/images"
NO_BUCKET = "cannot be '10.0.0.1': a bucket's name has no two periods in a row, and is no IP address"
RESERVED = "cannot be 'x--x-s3': S3 keeps this beginning or end for itself"
SUBNETS = [f"subnet-{number:08}" for number in range(99)]
TOO_MANY = "3: 99 pairs of type and subnet are too many: a build may be tried in 98"
PLAIN = "must be a plain value: Packer takes no variable or function here"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('regoin = "x"\n', ["1: unknown key 'regoin' (did you mean 'region'?)", "1: 'region' is missing"]),
        ("", ["1: 'region' is missing"]),
        (
            'region = "us-east-1"\nendpoint = true\nvpc_id = ["a"]\nprofile = 5\nextra_vars = "x"\n',
            [
                "2: 'endpoint' must be text, not yes/no: put it in quotes",
                "3: 'vpc_id' must be text, not a list",
                "4: 'profile' must be text, not a number: put it in quotes",
                "5: 'extra_vars' must be a mapping, not 'x'",
            ],
        ),
        (
            'region = "us-east-1"\n\nextra_vars = {\n  a = upper("x")\n  b-c = "d"\n  e = 1\n}\n',
            [
                f"4: 'a' {PLAIN}",
                "5: 'b-c' cannot be 'b-c': Letters, digits and _; no digit first.",
                "6: 'e' must be text, not a number: put it in quotes",
            ],
        ),
        ('region = "us-east-1"\nprofile = "${var.x}"\n', [f"2: 'profile' {PLAIN}"]),
        ('region = "us-east-1"\nprofile = "a"\nprofile = "b"\n', ["3: 'profile' is set twice, first in line 2"]),
        ('region = "us-east-1"\nname = "x"\n', ["2: unknown key 'name': the file's name names the environment"]),
        ('region = "us-east-1"\nsource {\n}\n', ["2: only `name = value` lines may stand in a variable file"]),
        ('region = "us-east-1"\nprofile = \n', ["2: is not HCL: the line ends too early"]),
        ('region = "us-east-1"\nprofile: "x"\n', ["2: is not HCL: ':' was not expected here"]),
        ('region = "us-east-1"\nprofile = "x\n', ["3: the file ends in the middle of a value"]),
        ('region = "us-east-1"\nprofile = "\\q"\n', ["2: \\q is no escape of HCL: write \\\\ for a backslash"]),
        (
            'region = "us-east"\nssh_interface = "private"\n',
            [
                "1: 'region' cannot be 'us-east': A region such as us-east-1.",
                f"2: 'ssh_interface' must be {INTERFACES}, not 'private' (did you mean 'private_ip'?)",
            ],
        ),
        (
            (
                'subnet_id = "subnet-00000001"\nother_subnet_ids = [\n'
                '  "subnet-00000002",\n  "sub",\n  5,\n  upper("x"),\n]\n'
                'region = "us-east-1"\n'
            ),
            [
                "4: entry 2 of 'other_subnet_ids' cannot be 'sub': An id such as subnet-0123456789abcdef0.",
                "5: entry 3 of 'other_subnet_ids' must be text, not a number: put it in quotes",
                f"6: entry 4 of 'other_subnet_ids' {PLAIN}",
            ],
        ),
        (
            'region = "us-east-1"\nother_instance_types = "t3.small"\nvcpu_quota = "8"\nartifact_bucket = "Ours"\n',
            [
                "2: 'other_instance_types' must be a list, not 't3.small'",
                "3: 'vcpu_quota' must be a whole number, not '8'",
                f"4: 'artifact_bucket' cannot be 'Ours': {BUCKET}",
            ],
        ),
        (
            'region = "us-east-1"\nother_subnet_ids = ["subnet-00000002"]\n',
            ["2: 'other_subnet_ids' needs a 'subnet_id' to be other than"],
        ),
        (
            'region = "us-east-1"\nregions = [\n  "eu-west-1",\n  "eu-west",\n]\n',
            ["4: entry 2 of 'regions' cannot be 'eu-west': A region such as us-east-1."],
        ),
        ('region = "us-east-1"\nvcpu_quota = 1.5\n', ["2: 'vcpu_quota' must be a whole number, not a number"]),
        ('region = "us-east-1"\nvcpu_quota = -1\n', ["2: 'vcpu_quota' must be at least 0, not -1"]),
        ('region = "us-east-1"\nprofile = !true\n', [f"2: 'profile' {PLAIN}"]),
        (
            'region = "us-east-1"\niam_instance_profile = "arn:aws:iam::123456789012:instance-profile/x"\n',
            [f"2: 'iam_instance_profile' cannot be 'arn:aws:iam::123456789012:instance-profile/x': {PROFILE}"],
        ),
        ('region = "us-east-1"\nkms_key_id = "images"\n', [f"2: 'kms_key_id' cannot be 'images': {KEY}"]),
        (
            f'region = "us-east-1"\nkms_key_id = "{ARN}"\n',
            ["2: 'kms_key_id' is in eu-west-1, and the AMI in us-east-1"],
        ),
        ('region = "us-east-1"\nartifact_bucket = "10.0.0.1"\n', [f"2: 'artifact_bucket' {NO_BUCKET}"]),
        ('region = "us-east-1"\nartifact_bucket = "x--x-s3"\n', [f"2: 'artifact_bucket' {RESERVED}"]),
        (f'region = "us-east-1"\nsubnet_id = "{SUBNETS[0]}"\nother_subnet_ids = {json.dumps(SUBNETS)}\n', [TOO_MANY]),
    ],
)
def test_read_environment_when_it_is_wrong(tmp_path: Path, text: str, expected: list[str]) -> None:
    """Each problem at the line of its assignment."""
    assert sorted(read_text(tmp_path, text)[1]) == sorted(expected)


def test_places_when_types_and_subnets_are_several(tmp_path: Path) -> None:
    """A type is tried in every subnet before the next type; nothing is tried twice."""
    environment = Environment(
        name="x",
        path=tmp_path,
        region="us-east-1",
        instance_type="t3.small",
        other_instance_types=("m5.large", "t3.small"),
        subnet_id="subnet-00000001",
        other_subnet_ids=("subnet-00000002",),
    )
    expected = [
        ("t3.small", "subnet-00000001"),
        ("t3.small", "subnet-00000002"),
        ("m5.large", "subnet-00000001"),
        ("m5.large", "subnet-00000002"),
    ]
    assert list(environment.places) == expected


def test_places_when_nothing_is_said_of_them(tmp_path: Path) -> None:
    """One place: the type that is the default, where the account's default is."""
    assert Environment(name="x", path=tmp_path, region="us-east-1").places == (("t3.small", ""),)


HEREDOCS = r"""region = "us-east-1"
extra_vars = {
  plain = <<EOT
one
  two $${x} \n
EOT
  flush = <<-END
    one
      two
BLANK
    three
    END
  empty = <<EOT
EOT
}
"""


def test_read_environment_when_a_value_is_a_heredoc(tmp_path: Path) -> None:
    """Lines between `<<EOT` and `EOT` are what Packer makes of them (recorded of Packer 1.6.6)."""
    environment, problems = read_text(tmp_path, HEREDOCS.replace("BLANK", "  "))
    assert problems == []
    assert environment is not None
    assert environment.extra_vars == {
        "plain": "one\n  two ${x} \\n\n",
        "flush": "one\n  two\n  \nthree\n",
        "empty": "",
    }


def test_read_environment_when_a_heredoc_is_computed(tmp_path: Path) -> None:
    """What HCL would evaluate is refused in a heredoc as it is in quotes."""
    _, problems = read_text(tmp_path, 'region = "us-east-1"\nvpc_id = <<EOT\n${var.x}\nEOT\n')
    assert problems == ["2: 'vpc_id' must be a plain value: Packer takes no variable or function here"]


def test_account_is_always_the_same() -> None:
    """Its clients are made once, and stay behind when the environment changes or travels."""
    environment = Environment(
        name="lab", path=Path("lab.pkrvars.hcl"), region="eu-west-1", access_key="key", secret_key="secret"
    )
    client = environment.account.client("ec2")
    assert environment.account.client("ec2") is client
    elsewhere = environment.model_copy(update={"region": "us-east-1"})
    assert elsewhere.account.region == "us-east-1"
    travelled = pickle.loads(pickle.dumps((environment, environment.account)))  # noqa: S301 - of our own
    assert travelled == (environment, environment.account)
    assert travelled[0].account.client("ec2").meta.region_name == "eu-west-1"
