"""The roles of `ami bootstrap` in a lab that enforces rights: they do their work, and hold nothing that nobody uses."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from orchestrator.lab import door, lifecycle
from orchestrator.lab.settings import Settings
from tests.lab.conftest import AGENT_WAITS, make_one_host_key
from tests.lab.forked import forked
from tests.lab.small import IMAGE, REPOSITORY, TASKS, TESTS, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.long(120)

ACCOUNT = "123456789012"
BUCKET = f"ami-dev-{ACCOUNT}-us-east-1"
AMI_YML = """
name: small
sources:
  debian-12:
    filter: {name: "debian-12-amd64-*", owner: "136693071363"}
    ssh_username: admin
layers:
  - base: {roles: [marker, ssm_agent]}
"""
VARIABLES = """
region               = "us-east-1"
endpoint             = "{endpoint}"
{who}
ssh_interface        = "private_ip"
iam_instance_profile = "ami-dev-machine"
artifact_bucket      = "{bucket}"
extra_vars = {{ ssm_agent_url = "http://169.254.169.254/ami-lab/amazon-ssm-agent.deb" }}
"""
#: What a build that goes well does not do, by statement and action, and the test that breaks without it: of tests/docs
#: those that compare the policies with the calls of the code and of Packer.
_CODE = "test_the_policies_allow_what_the_code_calls_and_nothing_else"
_PACKER = "test_what_packer_asks_for_is_allowed_or_left_out_with_a_reason"
ELSEWHERE = {
    ("ChangeOwn", "ec2:DeleteTags"): _CODE,
    ("ChangeOwn", "ec2:GetConsoleOutput"): _CODE,
    ("ReadAnswers", "ssm:CancelCommand"): _CODE,
    ("ReachOwn", "ssm:StartSession"): _CODE,
    ("OpenShell", "ssm:StartSession"): _CODE,
    ("MakeInVpc", "ec2:CreateSecurityGroup"): _PACKER,
    ("ImageOwnMachines", "ec2:ModifyInstanceAttribute"): _PACKER,
    ("LookAsPackerDoes", "ec2:DescribeImageAttribute"): _PACKER,
    ("LookAsPackerDoes", "ec2:DescribeInstanceStatus"): _PACKER,
    ("LookAsPackerDoes", "ec2:DescribeRegions"): _PACKER,
    ("LookAsPackerDoes", "ec2:DescribeTags"): _PACKER,
}


@dataclass(frozen=True)
class Desk:
    """A workspace with an environment for each role, and the lab's administrator."""

    root: Path
    lab: Settings

    def ami(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """What `ami` prints on both streams."""
        variables = {**environment(), "AWS_CONFIG_FILE": str(self.root / "aws-config")}
        done = forked(*arguments, cwd=self.root, env=variables)
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout, done.stderr

    def client(self, service: str, **keys: str) -> Any:
        """A client of a session, or of the administrator."""
        given = keys or {"aws_access_key_id": "lab", "aws_secret_access_key": "lab"}
        return boto3.client(service, region_name="us-east-1", endpoint_url=self.lab.endpoint, **given)  # type: ignore[call-overload] # of any service

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def variables(self, name: str, who: str) -> None:
        text = VARIABLES.format(endpoint=self.lab.endpoint, who=who, bucket=BUCKET)
        self.write(f"packer/environments/{name}.pkrvars.hcl", text)

    def session(self, role: str) -> dict[str, str]:
        """Credentials of a role, and an environment of its name that uses them."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/ami-dev-{role}"
        given = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="tests")["Credentials"]
        names = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey"}
        keys = {key: str(given[name]) for key, name in {**names, "aws_session_token": "SessionToken"}.items()}
        with (self.root / "aws-config").open("a") as file:
            file.write("\n".join([f"[profile {role}]", *(f"{key} = {value}" for key, value in keys.items()), ""]))
        self.variables(role, f'profile = "{role}"')
        return keys


@pytest.fixture
def desk(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Desk]:
    name = f"test-roles-{os.getpid()}"
    lab = lifecycle.up(Settings(name, free_port(), 0.0, 0.0, AGENT_WAITS, enforce_iam=True), print)
    try:
        make_one_host_key(lab)
        made = Desk(tmp_path, lab)
        made.write("ami.yml", AMI_YML)
        made.write(
            "packer/images/tiny.yml",
            IMAGE.replace("NAME", "tiny").replace("FROM", "debian-12").replace("LAYER", "base"),
        )
        made.write("roles/marker/tasks/main.yml", TASKS)
        made.write("roles/marker/tests/test_marker.py", TESTS)
        made.variables("dev", 'access_key = "lab"\nsecret_key = "lab"')
        yield made
    finally:
        lifecycle.down(name, print)


def test_roles_do_their_work_and_hold_no_more(desk: Desk) -> None:
    """A stack is deployed, an image built, tested, shown and swept by its roles, and the stack goes without a trace."""
    asked = ("bootstrap", "dev", "--github", "acme/images", "--team", "portal", "--removable", "--deploy", "--json")
    before = present(desk)
    made = json.loads(desk.ami(*asked, "--yes")[0])
    assert {each["action"] for each in made["changes"]} == {"Add"}
    assert (made["outputs"]["ArtifactBucket"], made["outputs"]["InstanceProfile"]) == (BUCKET, "ami-dev-machine")
    assert json.loads(desk.ami(*asked, "--yes")[0])["changes"] == []

    builder, reader, team = (desk.session(role) for role in ("builder", "reader", "team-portal"))
    desk.ami("build", "--yes", "--env", "builder")
    (tiny,) = json.loads(desk.ami("list", "--json", "--env", "reader")[0])["versions"]
    assert tiny["state"] == "validated"
    described = desk.client("ec2", **reader).describe_images(ImageIds=[tiny["ami_id"]])["Images"][0]
    assert described["Description"] == "a small image"
    _reader_builds_nothing(desk)
    _team_changes_nothing_of_others(desk, team, tiny["ami_id"])
    _builder_removes_what_runs_left(desk, builder, tiny["ami_id"])
    assert _used(desk) | set(ELSEWHERE) == _held(made["template"])
    assert _used(desk) & set(ELSEWHERE) == set()
    _one_action_less(desk, builder)

    bucket = boto3.resource("s3", endpoint_url=desk.lab.endpoint, aws_access_key_id="lab", aws_secret_access_key="lab")
    desk.client("cloudformation").delete_stack(StackName="ami-dev")
    (stack,) = desk.client("cloudformation").describe_stacks(StackName="ami-dev")["Stacks"]
    assert stack["StackStatus"] == "DELETE_FAILED", "the bucket has something in it"
    bucket.Bucket(BUCKET).object_versions.delete()
    desk.client("cloudformation").delete_stack(StackName="ami-dev")
    assert present(desk) == before


@pytest.mark.demo
def test_the_demo_passes_by_the_role_of_builders(desk: Desk) -> None:
    """All that `make demo` builds; a reader lists it, and the roles have used no more than they hold."""
    for name in ("ami.yml", "packer/images", "playbooks", "roles"):
        theirs, place = REPOSITORY / name, desk.root / name
        if theirs.is_dir():
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(theirs, place)
        else:
            shutil.copy(theirs, place)
    desk.variables("lab", 'access_key = "lab"\nsecret_key = "lab"')
    made = json.loads(desk.ami("bootstrap", "dev", "--deploy", "--yes", "--json")[0])
    desk.session("builder")
    desk.session("reader")
    desk.ami("build", "--yes", "--env", "builder")
    versions = json.loads(desk.ami("list", "--json", "--env", "reader")[0])["versions"]
    assert {each["image"]: each["state"] for each in versions} == dict.fromkeys(
        ("golden", "web", "analytics"), "validated"
    )
    assert _used(desk) <= _held(made["template"])


def present(desk: Desk) -> dict[str, list[str]]:
    """What a stack could leave behind. A deleted key is one that waits for its end."""
    iam, kms, s3 = (desk.client(service) for service in ("iam", "kms", "s3"))
    keys = (kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in kms.list_keys()["Keys"])
    return {
        "roles": [each["RoleName"] for each in iam.list_roles()["Roles"]],
        "policies": [each["Arn"] for each in iam.list_policies(Scope="Local")["Policies"]],
        "profiles": [each["Arn"] for each in iam.list_instance_profiles()["InstanceProfiles"]],
        "providers": [each["Arn"] for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]],
        "buckets": [each["Name"] for each in s3.list_buckets()["Buckets"]],
        "aliases": [each["AliasName"] for each in kms.list_aliases()["Aliases"] if "/aws/" not in each["AliasName"]],
        "keys": [each["KeyId"] for each in keys if each["KeyState"] == "Enabled" and each["KeyManager"] == "CUSTOMER"],
        "stacks": [each["StackName"] for each in desk.client("cloudformation").describe_stacks()["Stacks"]],
    }


def _reader_builds_nothing(desk: Desk) -> None:
    """It ends before anything is made, and says which action was refused to whom."""
    desk.ami("show", "tiny", "--env", "reader")
    desk.ami("doctor", "--env", "reader", code=3)
    _, said = desk.ami("build", "--rebuild", "tiny", "--yes", "--env", "reader", code=3)
    assert "assumed-role/ami-dev-reader/tests is not authorized to perform: s3:PutObject on resource: " in said
    assert "hint: whoever builds or tests has the policies of docs/iam" in said


def _team_changes_nothing_of_others(desk: Desk, team: dict[str, str], ami: str) -> None:
    ec2 = desk.client("ec2", **team)
    refused = "with an explicit deny in an identity-based policy"
    with pytest.raises(ClientError, match=refused):
        ec2.create_tags(Resources=[ami], Tags=[{"Key": "ami:run", "Value": "mine"}])
    with pytest.raises(ClientError, match=refused):
        ec2.deregister_image(ImageId=ami)


def _builder_removes_what_runs_left(desk: Desk, builder: dict[str, str], ami: str) -> None:
    """What has the tag of a run, and nothing else."""
    admin, ec2 = desk.client("ec2"), desk.client("ec2", **builder)
    zone = {"AvailabilityZone": "us-east-1a", "Size": 1}
    volume, other = (str(admin.create_volume(**zone)["VolumeId"]) for _ in range(2))
    snapshot = str(admin.create_snapshot(VolumeId=volume)["SnapshotId"])
    admin.create_tags(Resources=[volume, snapshot], Tags=[{"Key": "ami:run", "Value": "dead"}])
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        ec2.delete_volume(VolumeId=other)
    desk.ami("sweep", "--yes", "--env", "builder")
    ec2.delete_snapshot(SnapshotId=snapshot)
    ec2.delete_volume(VolumeId=volume)
    ec2.deregister_image(ImageId=ami)


def _held(template: dict[str, Any]) -> set[tuple[str, str]]:
    """Each action of each statement of the deployed policies."""
    found = set()
    for name in ("ReaderPolicy", "ValidatorPolicy", "BuilderPolicy"):
        for each in template["Resources"][name]["Properties"]["PolicyDocument"]["Statement"]:
            actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
            found |= {(each["Sid"], action) for action in actions}
    return found


def _used(desk: Desk) -> set[tuple[str, str]]:
    """Actions of statements without which a call would have been refused: no other statement has allowed it."""
    used = (each for each in door.rights(desk.lab) if len(each["statements"]) == 1)
    return {(each["statements"][0], each["action"]) for each in used}


def _one_action_less(desk: Desk, builder: dict[str, str]) -> None:
    """The lab refuses what a policy has lost."""
    iam, admin = desk.client("iam"), desk.client("ec2")
    volume = str(admin.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"])
    admin.create_tags(Resources=[volume], Tags=[{"Key": "ami:run", "Value": "dead"}])
    (arn,) = [each["Arn"] for each in iam.list_policies(Scope="Local")["Policies"] if "Builder" in each["Arn"]]
    document = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    for each in document["Statement"]:
        if "ec2:DeleteVolume" in each["Action"]:
            each["Action"].remove("ec2:DeleteVolume")
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document), SetAsDefault=True)
    with pytest.raises(ClientError, match="no identity-based policy allows the ec2:DeleteVolume action"):
        desk.client("ec2", **builder).delete_volume(VolumeId=volume)
    admin.delete_volume(VolumeId=volume)
