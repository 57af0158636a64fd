"""What AWS says of CloudFormation's stacks: changes, refusals, rollbacks, and what stays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.people import document, statement
from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

API = "AWS CloudFormation API Reference"
GUIDE = "AWS CloudFormation User Guide"
NAMED = ["CAPABILITY_NAMED_IAM"]
TRUST = json.loads(
    document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
)


def policy(action: str) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": json.loads(document(statement(action)))},
    }


def role(name: str = "", **properties: Any) -> dict[str, Any]:
    named = {"RoleName": name} if name else {}
    return {"Type": "AWS::IAM::Role", "Properties": {**named, "AssumeRolePolicyDocument": TRUST, **properties}}


@dataclass(frozen=True)
class StackRule:
    """A stack of this rule's own."""

    aws: Contract
    client: Any

    @property
    def name(self) -> str:
        return self.aws.name

    def make(self, **resources: Any) -> str:
        """Create it, and say in which state it ends."""
        self._call(self.client.create_stack, resources)
        return self.state()

    def change(self, **resources: Any) -> str:
        self._call(self.client.update_stack, resources)
        return self.state()

    def _call(self, act: Any, resources: dict[str, Any]) -> None:
        act(StackName=self.name, TemplateBody=json.dumps({"Resources": resources}), Capabilities=NAMED)

    def state(self) -> str:
        """The state that it ends in."""
        while True:
            (stack,) = self.client.describe_stacks(StackName=self.name)["Stacks"]
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return str(stack["StackStatus"])

    def physical(self, logical: str) -> str:
        found = self.client.describe_stack_resources(StackName=self.name, LogicalResourceId=logical)
        return str(found["StackResources"][0]["PhysicalResourceId"])

    def reasons(self) -> str:
        events = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        return " ".join(each.get("ResourceStatusReason", "") for each in events)


@pytest.fixture
def stack(aws: Contract) -> StackRule:
    client = aws.client("cloudformation")
    aws.later(client.delete_stack, StackName=aws.name)
    return StackRule(aws, client)


@source(API, "UpdateStack: a template that changes nothing")
def test_an_update_without_a_change_is_refused(stack: StackRule) -> None:
    assert stack.make(Policy=policy("s3:ListAllMyBuckets")) == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match=r"ValidationError.*No updates are to be performed"):
        stack.change(Policy=policy("s3:ListAllMyBuckets"))
    before = stack.physical("Policy")
    assert stack.change(Policy=policy("s3:GetObject")) == "UPDATE_COMPLETE"
    assert stack.physical("Policy") == before, "the document of a policy changes without interruption"


@source(API, "CreateChangeSet: a change set without changes fails")
def test_a_change_set_without_a_change_fails(stack: StackRule) -> None:
    stack.make(Policy=policy("s3:ListAllMyBuckets"))
    body = json.dumps({"Resources": {"Policy": policy("s3:ListAllMyBuckets")}})
    made = stack.client.create_change_set(
        StackName=stack.name, ChangeSetName="same", TemplateBody=body, Capabilities=NAMED
    )
    told = stack.client.describe_change_set(ChangeSetName=made["Id"])
    assert (told["Status"], told["StatusReason"].partition(". ")[0]) == (
        "FAILED",
        "The submitted information didn't contain changes",
    )


@source(GUIDE, "Acknowledging IAM resources: CAPABILITY_NAMED_IAM")
def test_iam_resources_need_a_word_of_whoever_asks(stack: StackRule) -> None:
    body = json.dumps({"Resources": {"Role": role(stack.name)}})
    with pytest.raises(
        ClientError, match=r"InsufficientCapabilities.*Requires capabilities : \[CAPABILITY_NAMED_IAM\]"
    ):
        stack.client.create_stack(StackName=stack.name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])


@source(GUIDE, "Stack failure options: roll back all stack resources")
def test_a_stack_whose_resource_fails_is_rolled_back(stack: StackRule, aws: Contract) -> None:
    """What was made goes again, and the event says what IAM has said."""
    iam, taken = aws.client("iam"), aws.fresh()
    iam.create_role(RoleName=taken, AssumeRolePolicyDocument=json.dumps(TRUST))
    aws.later(iam.delete_role, RoleName=taken)
    first = {**role(f"{stack.name}-a"), "DependsOn": "Policy"}
    second = {**role(taken), "DependsOn": "First"}
    assert stack.make(Policy=policy("s3:GetObject"), First=first, Second=second) == "ROLLBACK_COMPLETE"
    assert f"Role with name {taken} already exists" in stack.reasons()
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName=f"{stack.name}-a")
    with pytest.raises(ClientError, match=r"is in ROLLBACK_COMPLETE state and can not be updated"):
        stack.change(Policy=policy("s3:GetObject"))


@source(GUIDE, "Stack failure options: an update is rolled back to what was there")
def test_an_update_that_fails_is_taken_back(stack: StackRule, aws: Contract) -> None:
    iam = aws.client("iam")
    stack.make(Role=role(stack.name))
    broken = role(
        stack.name, ManagedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/not-there"]
    )
    assert stack.change(Role=broken, More=policy("s3:GetObject")) == "UPDATE_ROLLBACK_COMPLETE"
    assert iam.list_attached_role_policies(RoleName=stack.name)["AttachedPolicies"] == []
    summaries = stack.client.list_stack_resources(StackName=stack.name)["StackResourceSummaries"]
    assert [each["LogicalResourceId"] for each in summaries] == ["Role"]


@source(GUIDE, "Update behaviors of stack resources: replacement")
def test_a_new_name_is_a_new_resource(stack: StackRule, aws: Contract) -> None:
    stack.make(Role=role(f"{stack.name}-a"))
    assert stack.change(Role=role(f"{stack.name}-b")) == "UPDATE_COMPLETE"
    assert stack.physical("Role") == f"{stack.name}-b"
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").get_role(RoleName=f"{stack.name}-a")


@source(GUIDE, "DeletionPolicy attribute: Retain; Delete of a bucket with objects")
def test_what_is_retained_stays_and_a_full_bucket_too(stack: StackRule, aws: Contract) -> None:
    s3, kept = aws.client("s3"), f"{stack.name}-kept"
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": stack.name}}
    retained = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {"BucketName": kept}}
    stack.make(Bucket=bucket, Kept=retained)
    aws.later(s3.delete_bucket, Bucket=kept)
    s3.put_object(Bucket=stack.name, Key="a", Body=b"")
    stack.client.delete_stack(StackName=stack.name)
    assert stack.state() == "DELETE_FAILED"
    assert "The bucket you tried to delete is not empty" in stack.reasons()
    s3.delete_object(Bucket=stack.name, Key="a")
    stack.client.delete_stack(StackName=stack.name)
    with pytest.raises(ClientError, match=rf"Stack with id {stack.name} does not exist"):
        stack.state()
    assert s3.head_bucket(Bucket=kept)


@source(GUIDE, "Template anatomy; Intrinsic function reference")
@pytest.mark.parametrize(
    ("template", "said"),
    [
        ({"Resources": {}}, "At least one Resources member must be defined"),
        ({"Resources": {"A": {"Properties": {}}}}, "Every Resources object must contain a Type member"),
        ({"Resources": {"A": {"Type": "AWS::Nothing::Here"}}}, r"Unrecognized resource types: \[AWS::Nothing::Here\]"),
        (
            {"Resources": {"A": role(Description={"Ref": "Gone"})}},
            r"Unresolved resource dependencies \[Gone\] in the Resources block",
        ),
        (
            {"Resources": {"A": role(Description={"Ref": "B"}), "B": role(Description={"Ref": "A"})}},
            "Circular dependency between resources",
        ),
        (
            {"Parameters": {"P": {"Type": "String"}}, "Resources": {"A": role(Description={"Ref": "P"})}},
            r"Parameters: \[P\] must have values",
        ),
    ],
)
def test_a_template_that_is_wrong(template: dict[str, Any], said: str, stack: StackRule) -> None:
    with pytest.raises(ClientError, match=f"ValidationError.*{said}"):
        stack.client.create_stack(StackName=stack.name, TemplateBody=json.dumps(template), Capabilities=NAMED)


@source(API, "CreateStack: AWS refuses a property that a type lacks; the lab also one that it would ignore")
def test_a_property_that_is_not_there(stack: StackRule) -> None:
    try:
        state = stack.make(A={"Type": "AWS::S3::Bucket", "Properties": {"Colour": "red"}})
    except ClientError as refused:  # before anything is made
        said = str(refused)
    else:
        assert state == "ROLLBACK_COMPLETE"
        said = stack.reasons()
    assert "Colour" in said
