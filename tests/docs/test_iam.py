"""The policies of docs/iam mean what they say to IAM, and each of their actions has its reason."""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

import pytest

from orchestrator.bootstrap.documented import documents, text_of
from tests.calls import calls_of_code
from tests.iam import FOLDER, allowed, left_out, listed, refused, rows, statements

POLICIES = sorted(path.stem for path in FOLDER.glob("*.json"))
OF_PEOPLE = ("builder", "reader", "validator")
#: Characters of a managed policy, blanks left out (AWS IAM User Guide, "IAM and AWS STS quotas").
LONGEST = 6_144

#: What the Amazon plugin's documentation asks for (packer-plugin-amazon, docs/builders: "IAM Task or Instance Role" and
#: the paragraphs after it), as IAM writes the names.
PACKER = re.findall(
    r"\w+",
    """
    AttachVolume AuthorizeSecurityGroupIngress CopyImage CreateImage CreateKeyPair CreateSecurityGroup CreateSnapshot
    CreateTags CreateVolume DeleteKeyPair DeleteSecurityGroup DeleteSnapshot DeleteVolume DeregisterImage
    DescribeImageAttribute DescribeImages DescribeInstances DescribeInstanceStatus DescribeRegions
    DescribeSecurityGroups DescribeSnapshots DescribeSubnets DescribeTags DescribeVolumes DetachVolume GetPasswordData
    ModifyImageAttribute ModifyInstanceAttribute ModifySnapshotAttribute RegisterImage RunInstances StopInstances
    TerminateInstances CreateLaunchTemplate DeleteLaunchTemplate CreateFleet DescribeSpotPriceHistory DescribeVpcs
""",
)
OF_PACKER = {f"ec2:{name}" for name in PACKER} | {
    "iam:PassRole",
    "iam:GetInstanceProfile",
    "iam:CreateServiceLinkedRole",
}

#: A condition key that AWS names for every action on a key (AWS KMS Developer Guide, "AWS KMS condition keys").
OF_KEYS = "kms:ResourceAliases"
#: Findings that say nothing here: resources and conditions stand in several statements of one action, and `*` is for
#: actions whose resources are told apart by a tag.
_SPLIT = ("RESOURCE_MISMATCH", "RESOURCE_STAR")


def findings_of(policy: str) -> list[Any]:
    """What the linter, with AWS's own list of actions, resources and condition keys, finds in a policy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its own files open
        warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)  # where setuptools is there
        from parliament import analyze_policy_string  # noqa: PLC0415 - while that is ignored

    found: list[Any] = analyze_policy_string((FOLDER / f"{policy}.json").read_text()).findings
    return found


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_is_one_that_iam_understands(policy: str) -> None:
    """Its actions exist, and have the resources and condition keys that it names."""
    text = (FOLDER / f"{policy}.json").read_text()
    wrong = [one for one in findings_of(policy) if one.issue not in _SPLIT and OF_KEYS not in str(one.detail)]
    assert [(one.issue, one.detail) for one in wrong] == []
    assert len(re.sub(r"\s", "", text)) <= LONGEST


def test_every_kind_of_resource_that_an_action_needs_is_named_somewhere() -> None:
    """RunInstances, for one, is refused when a policy leaves out the network interface."""
    together = [each for policy in OF_PEOPLE for each in statements(policy)]
    missing = []
    for policy in OF_PEOPLE:
        wanted = [pair for one in findings_of(policy) if one.issue == "RESOURCE_MISMATCH" for pair in one.detail]
        for pair in wanted:
            action, form = pair["action"], pair["required_format"].replace("arn:*:", "arn:aws:").rstrip("*")
            named = (arn for each in together if action in listed(each["Action"]) for arn in listed(each["Resource"]))
            if not any(arn == "*" or arn.startswith(form) for arn in named):
                missing.append((action, form))
    assert missing == []


def test_the_table_has_each_action_with_its_policies() -> None:
    found = {action: policies for action, (policies, _) in rows().items()}
    said = {action: ", ".join(name for name in OF_PEOPLE if action in allowed(name)) for action in allowed(*OF_PEOPLE)}
    assert found == said


def test_what_packer_asks_for_is_allowed_or_left_out_with_a_reason() -> None:
    assert OF_PACKER - allowed(*OF_PEOPLE) == left_out()


#: What EBS and S3 ask of a key for whoever calls them, besides Decrypt and DescribeKey (Amazon EBS User Guide,
#: "Requirements for Amazon EBS encryption"; Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys").
OF_KEYS_OF_SERVICES = {
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
}
#: For these nobody needs a right, or whoever assumes a role has it from elsewhere.
OF_CALLERS = {"sts:AssumeRole", "sts:GetCallerIdentity"}


def test_the_policies_allow_what_the_code_calls_and_nothing_else() -> None:
    """Each action is called by the factory's own code, by Packer, or by EBS and S3 for a key; no call is forgotten."""
    called = set(calls_of_code()) - OF_CALLERS
    assert called - allowed(*OF_PEOPLE) == set()
    assert allowed(*OF_PEOPLE) - called - OF_PACKER - OF_KEYS_OF_SERVICES == set()
    assert OF_KEYS_OF_SERVICES - allowed(*OF_PEOPLE) == set()


def test_the_files_are_what_bootstrap_has() -> None:
    """`make reference` writes them."""
    made = {name: text_of(document) for name, document in documents().items()}
    assert {path.stem: path.read_text() for path in FOLDER.glob("*.json")} == made


def test_no_two_statements_share_a_name() -> None:
    """The lab tells by these what has allowed a call."""
    names = [each["Sid"] for policy in OF_PEOPLE for each in statements(policy)]
    assert [name for name in names if names.count(name) > 1] == []


def test_only_what_carries_the_tag_of_a_run_is_changed() -> None:
    """Whatever removes, stops or runs something has a condition on the tag, or a resource by name."""
    free = re.compile(r"(ec2:(Describe|Create|Run|CopyImage)|ssm:(Describe|Get|Cancel)|servicequotas:|kms:Describe)")
    for policy in OF_PEOPLE:
        for each in statements(policy):
            acts = [action for action in listed(each["Action"]) if not free.match(action)]
            by_name = all("image-" in arn or "ssm:*:*" in arn or "secret" in arn for arn in listed(each["Resource"]))
            condition = json.dumps(each.get("Condition", {}))
            spot = each["Sid"] == "SpotCapacity"
            assert not acts or by_name or spot or "ResourceTag/ami:run" in condition or "kms:" in condition, each["Sid"]


MACHINE, AMI, KEY = "i-0123456789abcdef0", "ami-0123456789abcdef0", "key-0123456789abcdef0"
TAGGED = {"instance": ["ami:run"], "volume": ["ami:run"]}


def change(action: str, named: dict[str, list[str]], brought: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """A call as the lab tells it: the tag keys of what it named, and those that it brought."""
    return {"operation": f"ec2:{action}", "named": named, "brought": brought or {}}


@pytest.mark.parametrize(
    ("call", "pairs"),
    [
        (change("TerminateInstances", {MACHINE: ["ami:run"]}), set()),
        (change("TerminateInstances", {MACHINE: ["Name"]}), {("ec2:TerminateInstances", "instance")}),
        (change("CreateTags", {MACHINE: ["Name"]}, {"": ["ami:run"]}), {("ec2:CreateTags", "instance")}),
        (change("CreateTags", {MACHINE: ["ami:run"]}, {"": ["Name"]}), set()),
        (change("CreateTags", {AMI: []}, {"": ["ami:run"]}), set()),
        (change("CreateTags", {AMI: []}, {"": ["ami:state"]}), {("ec2:CreateTags", "image")}),
        (change("DeregisterImage", {AMI: []}), {("ec2:DeregisterImage", "image")}),
        (change("CreateImage", {MACHINE: ["Name"]}), {("ec2:CreateImage", "instance")}),
        (change("RunInstances", {AMI: [], KEY: ["ami:run"]}, TAGGED), set()),
        (
            change("RunInstances", {AMI: []}, {"instance": ["ami:run"], "volume": ["Name"]}),
            {("ec2:RunInstances", "volume")},
        ),
    ],
)
def test_what_is_not_a_runs_own_is_out_of_reach(call: dict[str, Any], pairs: set[tuple[str, str]]) -> None:
    """By all three policies together, read as IAM reads actions, resources and conditions."""
    assert refused([call], *OF_PEOPLE) == pairs


def test_tests_make_no_image() -> None:
    assert refused([change("CreateImage", {MACHINE: ["ami:run"]})], "reader", "validator") == {
        ("ec2:CreateImage", kind) for kind in ("instance", "image", "snapshot")
    }
