"""From recorded output of real builds to stages, the AMI, errors and a log without secrets."""

from __future__ import annotations

import io
from pathlib import Path

from orchestrator.build.ansible.tasks import TaskEvent, TaskOutcome
from orchestrator.build.cause import FailureEvidence
from orchestrator.build.failure import BuildFailed
from orchestrator.build.request import Built
from orchestrator.build.watch import Watch
from orchestrator.progress import Event, Stage

RECORDED = Path(__file__).parent / "recorded"
LOG = Path("packer.log")


class Seen:
    """A watch on recorded lines, with what it told and logged."""

    def __init__(self, name: str = "", *, masks: tuple[str, ...] = ()) -> None:
        self.events: list[Event] = []
        self.log = io.StringIO()
        self.watch = Watch("tiny", self.events.append, self.log, masks=masks)
        for line in (RECORDED / name).read_text().splitlines() if name else ():
            self.watch.take_line(line)


def task(event: TaskOutcome, layer: str = "base", message: str = "") -> TaskEvent:
    return TaskEvent("2026-01-01T00:00:00+00:00", layer, f"{layer}.yml", "system", "Do it", event, 1.5, message)


def test_recorded_build_passes_the_stages_in_order() -> None:
    seen = Seen("built.txt")
    assert list(dict.fromkeys(event.stage for event in seen.events)) == [
        Stage.RESOLVE,
        Stage.LAUNCH,
        Stage.CONNECT,
        Stage.PROVISION,
        Stage.SNAPSHOT,
        Stage.TAG,
        Stage.CLEAN,
    ]


def test_ami_comes_from_the_artifact_line_alone() -> None:
    seen = Seen()
    seen.watch.take_line("1,,ui,message,    amazon-ebs.tiny: AMI: ami-0000")
    assert seen.watch.built is None
    seen.watch.take_line("1,amazon-ebs.tiny,artifact,0,id,eu-west-1:ami-1234%!(PACKER_COMMA)us-east-1:ami-5678")
    assert seen.watch.built == Built("ami-1234", "eu-west-1")


def test_artifact_that_is_no_ami_is_not_taken_for_one() -> None:
    seen = Seen()
    seen.watch.take_line("1,null.web,artifact,0,id,Null")
    assert seen.watch.built is None


def test_log_has_every_message_and_no_secret() -> None:
    seen = Seen("built.txt", masks=("ami-4c9c05e407a36b6aa",))
    log = seen.log.getvalue()
    assert "ami-4c9c05e407a36b6aa" not in log
    assert "********" in log
    assert "TASK [marked : Write a mark]" in log


def test_nothing_that_a_machine_prints_is_read_as_a_stage() -> None:
    """From Packer 1.13 on it looks as what Packer says: the same type, the same name in front."""
    seen = Seen()
    seen.watch.take_line("1,,ui,say,==> amazon-ebs.web: Executing Ansible: ansible-playbook site.yml")
    before = len(seen.events)
    for text in (
        "",
        " TASK [nginx : Stopping the source instance...] ***",
        "     msg: |-",
        "       Terminating the source AWS instance...",
        " Terminating the source AWS instance now",
        " Creating AMI",
        " Prevalidating all of it",
        " ok: [default]",
    ):
        seen.watch.take_line(f"2,,ui,say,==> amazon-ebs.web:{text}")
    told = [event.message for event in seen.events[before:]]
    assert told == ["Prevalidating all of it"]  # a sentence of Packer's, of a stage that is over
    assert (seen.watch.stage, seen.watch.end_began) == (Stage.PROVISION, None)
    assert "TASK [nginx : Stopping the source instance...]" in seen.log.getvalue()
    seen.watch.take_line("3,,ui,say,==> amazon-ebs.web: Stopping the source instance...")
    assert (seen.watch.stage, seen.watch.end_began) == (Stage.SNAPSHOT, 3)


def test_time_of_a_launch_runs_until_there_is_a_machine() -> None:
    seen = Seen()
    assert seen.watch.launching == 0
    seen.watch.take_line("1,,ui,say,==> amazon-ebs.web: Launching a source AWS instance...")
    seen.watch.take_line('1,,ui,say,==> amazon-ebs.web: Adding tag: "Name": "web"')
    assert seen.watch.launching > 0
    seen.watch.take_line("2,,ui,message,    amazon-ebs.web: Instance ID: i-7cbe480a0d7681aa4")
    assert seen.watch.launching == 0
    assert "Adding tag" not in str([event.message for event in seen.events])


def test_no_secret_is_logged_that_packer_has_escaped() -> None:
    """A comma and a newline look otherwise in Packer's output than in the secret."""
    seen = Seen(masks=("a,b,c-secret",))
    seen.watch.take_line("1,,ui,message,    amazon-ebs.web: key is a%!(PACKER_COMMA)b%!(PACKER_COMMA)c-secret")
    assert "key is ********" in seen.log.getvalue()


def test_failed_task_is_what_a_failure_tells() -> None:
    seen = Seen()
    seen.watch.take_tasks([task(TaskOutcome.START), task(TaskOutcome.FAILED, message="no such package")])
    told = BuildFailed(
        "tiny", log=LOG, evidence=FailureEvidence(seen.watch.failed_task, ("Error executing Ansible",))
    ).message
    assert told == "tiny: layer base, role system, task 'Do it' failed:\nno such package\nlog: packer.log"


def test_no_secret_is_told_of_a_failed_task() -> None:
    seen = Seen(masks=("t0ken",))
    seen.watch.take_tasks([task(TaskOutcome.FAILED, message="GET https://t0ken@example.com failed")])
    assert seen.watch.failed_task is not None
    assert seen.watch.failed_task.message == "GET https://********@example.com failed"
    assert "t0ken" not in str(seen.events)


def test_rescued_failure_is_forgotten_when_packer_goes_on() -> None:
    seen = Seen()
    seen.watch.take_tasks([task(TaskOutcome.FAILED), task(TaskOutcome.OK, layer="hardening")])
    assert seen.watch.failed_task is None
    seen.watch.take_tasks([task(TaskOutcome.FAILED, layer="hardening")])
    seen.watch.take_line("1,,ui,say,==> amazon-ebs.tiny: Stopping the source instance...")
    assert seen.watch.failed_task is None


def test_ignored_failure_is_none() -> None:
    seen = Seen()
    seen.watch.take_tasks([task(TaskOutcome.IGNORED)])
    assert seen.watch.failed_task is None


def test_tasks_are_told_with_layer_role_and_seconds() -> None:
    seen = Seen()
    seen.watch.take_tasks([task(TaskOutcome.CHANGED)])
    (event,) = seen.events
    assert (event.stage, event.layer, event.role, event.task, event.message, event.seconds) == (
        Stage.PROVISION,
        "base",
        "system",
        "Do it",
        "changed",
        1.5,
    )


def test_packers_errors_are_told_once_each() -> None:
    seen = Seen("name_taken.txt")
    told = BuildFailed("tiny", log=LOG, evidence=FailureEvidence(errors=tuple(seen.watch.errors)))
    assert told.message.count("is used by an existing AMI") == 1
    assert "Some builds" not in told.message


def test_error_that_packer_repeats_with_other_words_in_front_is_told_once() -> None:
    seen = Seen("wrong_user.txt")
    told = BuildFailed("tiny", log=LOG, evidence=FailureEvidence(errors=tuple(seen.watch.errors)))
    assert told.message.count("authentication error") == 1
    assert "ssh_username is wrong" in told.hint


def test_lack_gets_a_hint() -> None:
    seen = FailureEvidence(errors=("Error launching source instance: InsufficientInstanceCapacity: no t3.small",))
    assert "other_instance_types" in BuildFailed("tiny", log=LOG, evidence=seen).hint


def test_what_may_stay_is_part_of_the_message() -> None:
    told = BuildFailed(
        "tiny", log=LOG, evidence=FailureEvidence(errors=("x",)), left=["instance i-1 (UnauthorizedOperation)"]
    )
    assert "may have stayed behind: instance i-1 (UnauthorizedOperation)" in told.message
