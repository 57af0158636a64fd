"""Events of AWS's services, as rules of EventBridge send them to queues and topics."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.sending import refused
from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

GUIDE = "Amazon EventBridge User Guide"


def admitting(action: str, arn: str) -> str:
    """A policy of a queue or a topic that lets EventBridge in."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": action,
        "Resource": arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass
class Queue:
    """A queue of the rule's own."""

    sqs: Any
    url: str
    arn: str

    def events(self, number: int = 1, within: float = 10.0) -> list[dict[str, Any]]:
        """What arrives until there are so many, or the time is over."""
        found: list[dict[str, Any]] = []
        until = time.monotonic() + within
        while len(found) < number and time.monotonic() < until:
            reply = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            found += [json.loads(message["Body"]) for message in reply.get("Messages", [])]
        return found


@dataclass
class Bus:
    """EventBridge, and the queue to which rules send."""

    aws: Contract
    queue: Queue

    def rule(self, pattern: dict[str, Any], *targets: dict[str, Any], state: str = "ENABLED") -> None:
        """A rule whose target is the queue, unless there are others."""
        events = self.aws.client("events")
        events.put_rule(Name=self.aws.name, EventPattern=json.dumps(pattern), State=state)
        self.aws.later(events.delete_rule, Name=self.aws.name)
        chosen = list(targets) or [{"Id": "queue", "Arn": self.queue.arn}]
        answer = events.put_targets(Rule=self.aws.name, Targets=chosen)
        assert answer["FailedEntryCount"] == 0
        self.aws.later(events.remove_targets, Rule=self.aws.name, Ids=[each["Id"] for each in chosen])

    def put(self, **detail: Any) -> None:
        """An event of the rule's own source."""
        entry = {"Source": self.aws.name, "DetailType": "Contract", "Detail": json.dumps(detail)}
        assert self.aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def queue_of(aws: Contract, suffix: str = "", *, admits: bool = True) -> Queue:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=f"{aws.name}{suffix}")["QueueUrl"]
    aws.later(sqs.delete_queue, QueueUrl=url)
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    if admits:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": admitting("sqs:SendMessage", arn)})
    return Queue(sqs, url, arn)


@pytest.fixture
def bus(aws: Contract) -> Bus:
    return Bus(aws, queue_of(aws))


def parameter(aws: Contract, value: str = "x", **more: Any) -> str:
    """A parameter of the rule's own."""
    ssm, name = aws.client("ssm"), f"/{aws.name}/value"
    ssm.put_parameter(Name=name, Value=value, Type="String", **more)
    return name


@source(GUIDE, "AWS service event metadata")
def test_an_event_has_its_frame(bus: Bus, account: str) -> None:
    bus.rule({"source": [bus.aws.name]})
    bus.put(answer=42)
    (event,) = bus.queue.events()
    frame = {
        "version": "0",
        "detail-type": "Contract",
        "source": bus.aws.name,
        "account": account,
        "region": "us-east-1",
    }
    assert frame.items() <= event.items()
    assert (event["detail"], event["resources"]) == ({"answer": 42}, [])
    assert event["time"].endswith("Z")


@source(GUIDE, "Creating Amazon EventBridge event patterns")
def test_a_rule_sends_only_what_its_pattern_matches(bus: Bus) -> None:
    bus.rule({"source": [bus.aws.name], "detail": {"state": ["available"]}})
    bus.put(state="pending")
    bus.put(state="available")
    assert [event["detail"]["state"] for event in bus.queue.events(2, within=2.0)] == ["available"]


@source("Amazon EventBridge API Reference", "DisableRule: a disabled rule won't match any events")
def test_a_disabled_rule_sends_nothing(bus: Bus) -> None:
    bus.rule({"source": [bus.aws.name]}, state="DISABLED")
    bus.put(state="available")
    assert bus.queue.events(within=2.0) == []


@source(GUIDE, "Using resource-based policies for Amazon EventBridge, Amazon SQS permissions")
def test_a_queue_whose_policy_does_not_admit_eventbridge_gets_nothing(bus: Bus) -> None:
    closed = queue_of(bus.aws, "-closed", admits=False)
    bus.rule({"source": [bus.aws.name]}, {"Id": "closed", "Arn": closed.arn})
    bus.put(state="available")
    assert closed.events(within=2.0) == []


@source(GUIDE, "Event bus targets in Amazon EventBridge: Amazon SNS topic; Using resource-based policies")
def test_a_topic_is_a_target(bus: Bus) -> None:
    sns = bus.aws.client("sns")
    topic = sns.create_topic(Name=bus.aws.name)["TopicArn"]
    bus.aws.later(sns.delete_topic, TopicArn=topic)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=admitting("sns:Publish", topic))
    bus.queue.sqs.set_queue_attributes(
        QueueUrl=bus.queue.url,
        Attributes={"Policy": admitting("sqs:SendMessage", bus.queue.arn).replace("events", "sns")},
    )
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=bus.queue.arn)
    bus.rule({"source": [bus.aws.name]}, {"Id": "topic", "Arn": topic})
    bus.put(answer=42)
    (notice,) = bus.queue.events()
    assert json.loads(notice["Message"])["detail"] == {"answer": 42}


@source("Amazon EventBridge API Reference", "Target, Input: nothing from the event itself is passed")
def test_a_target_may_get_a_constant(bus: Bus) -> None:
    bus.rule({"source": [bus.aws.name]}, {"Id": "queue", "Arn": bus.queue.arn, "Input": '{"a": 1}'})
    bus.put(answer=42)
    assert bus.queue.events() == [{"a": 1}]


@source("Amazon EventBridge API Reference", "Target, InputPath")
def test_a_target_may_get_a_part(bus: Bus) -> None:
    bus.rule({"source": [bus.aws.name]}, {"Id": "queue", "Arn": bus.queue.arn, "InputPath": "$.detail"})
    bus.put(answer=42)
    assert bus.queue.events() == [{"answer": 42}]


@source("AWS Systems Manager User Guide", "Amazon EventBridge event examples for Systems Manager, Parameter Store")
def test_a_new_parameter_is_told(bus: Bus, account: str) -> None:
    bus.rule(
        {
            "source": ["aws.ssm"],
            "detail-type": ["Parameter Store Change"],
            "detail": {"name": [f"/{bus.aws.name}/value"]},
        }
    )
    name = parameter(bus.aws, Description="Sample")
    bus.aws.later(bus.aws.client("ssm").delete_parameter, Name=name)
    (event,) = bus.queue.events()
    assert event["detail"] == {"operation": "Create", "name": name, "type": "String", "description": "Sample"}
    assert event["resources"] == [f"arn:aws:ssm:us-east-1:{account}:parameter{name}"]


@source(
    "AWS Systems Manager User Guide", "Setting up notifications based on Parameter Store events: Create, Update, Delete"
)
def test_updates_and_deletions_of_a_parameter_are_told(bus: Bus) -> None:
    bus.rule({"source": ["aws.ssm"], "detail": {"name": [f"/{bus.aws.name}/value"]}})
    name = parameter(bus.aws)
    parameter(bus.aws, "y", Overwrite=True)
    assert len(bus.queue.events(2)) == 2
    time.sleep(1)
    bus.aws.client("ssm").delete_parameter(Name=name)
    (event,) = bus.queue.events()
    assert event["detail"]["operation"] == "Delete"


@source("AWS Systems Manager User Guide", "Parameter Store events: LabelParameterVersion")
def test_a_label_is_told(bus: Bus) -> None:
    pattern = {"name": [f"/{bus.aws.name}/value"], "operation": ["LabelParameterVersion"]}
    bus.rule({"source": ["aws.ssm"], "detail": pattern})
    name = parameter(bus.aws)
    bus.aws.later(bus.aws.client("ssm").delete_parameter, Name=name)
    time.sleep(1)
    bus.aws.client("ssm").label_parameter_version(Name=name, Labels=["live"])
    assert [event["detail"]["operation"] for event in bus.queue.events()] == ["LabelParameterVersion"]


def volume_snapshot(aws: Contract) -> str:
    """A snapshot of an empty volume."""
    ec2 = aws.client("ec2")
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    aws.later(ec2.delete_volume, VolumeId=volume)
    snapshot = str(ec2.create_snapshot(VolumeId=volume)["SnapshotId"])
    aws.later(ec2.delete_snapshot, SnapshotId=snapshot)
    return snapshot


@source("Amazon EBS User Guide", "EventBridge events for Amazon EBS, createSnapshot")
def test_a_snapshot_that_is_done_is_told(bus: Bus) -> None:
    bus.rule({"source": ["aws.ec2"], "detail-type": ["EBS Snapshot Notification"]})
    snapshot = volume_snapshot(bus.aws)
    arn = f"arn:aws:ec2:us-east-1::snapshot/{snapshot}"
    events = [event for event in bus.queue.events() if event["detail"]["snapshot_id"] == arn]
    assert [(each["detail"]["event"], each["detail"]["result"]) for each in events] == [("createSnapshot", "succeeded")]
    assert events[0]["detail"]["source"].startswith("arn:aws:ec2:us-east-1:")


@source("Amazon EC2 User Guide", "Monitor AMI events using Amazon EventBridge")
def test_the_states_of_an_ami_are_told(bus: Bus) -> None:
    ec2 = bus.aws.client("ec2")
    snapshot = volume_snapshot(bus.aws)
    bus.rule({"source": ["aws.ec2"], "detail-type": ["EC2 AMI State Change"]})
    mapping = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}
    image = ec2.register_image(Name=bus.aws.name, RootDeviceName="/dev/xvda", BlockDeviceMappings=[mapping])["ImageId"]
    assert [event["detail"]["State"] for event in bus.queue.events()] == ["available"]
    ec2.deregister_image(ImageId=image)
    (event,) = bus.queue.events()
    assert {"ImageId": image, "State": "deregistered", "ErrorMessage": ""}.items() <= event["detail"].items()
    assert event["resources"] == [f"arn:aws:ec2:us-east-1::image/{image}"]


@source("Amazon EventBridge API Reference", "PutTargets, ResourceNotFoundException")
def test_a_rule_that_is_not_there_has_no_targets(bus: Bus) -> None:
    arguments = {"Rule": f"{bus.aws.name}-none", "Targets": [{"Id": "queue", "Arn": bus.queue.arn}]}
    assert refused(bus.aws.client("events").put_targets, **arguments)[0] == "ResourceNotFoundException"


@source("Amazon EventBridge API Reference", "PutRule, InvalidEventPatternException")
def test_a_pattern_is_json(aws: Contract) -> None:
    answer = refused(aws.client("events").put_rule, Name=aws.name, EventPattern="state = available")
    assert answer[0] == "InvalidEventPatternException"
