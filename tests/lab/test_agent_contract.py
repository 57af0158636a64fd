"""How the lab's SSM agent behaves where the real one (3.3) is special: each test is one thing seen there."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.validate.batch.conversation import Conversation
from orchestrator.validate.batch.question import Question
from orchestrator.validate.errors import CorruptResponse, Unwritable
from orchestrator.validate.machine.transport import RunCommandTransport
from orchestrator.validate.round import CallCount
from tests.lab.conftest import AGENT_WAITS
from tests.lab.test_run_command_lab import result, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.lab.settings import Settings

pytestmark = pytest.mark.long(150)

#: The folders of a command on the machine.
FOLDER = "/var/lib/amazon/ssm/{}/document/orchestration/{}/awsrunShellScript/0.awsrunShellScript"


@pytest.fixture(scope="module")
def node(shared_bench: Any) -> str:
    """A machine with a profile and an agent, Online."""
    return str(shared_bench.node())


@pytest.fixture(scope="module")
def run(ssm: Any, node: str, eventually: Callable[..., Any]) -> Callable[..., Any]:
    """Run lines on the node: `run("echo a", executionTimeout="5")`; returns the ended invocation."""

    def sent(*commands: str, **parameters: str) -> str:
        try:
            return send(ssm, node, *commands, **parameters)
        except ssm.exceptions.InvalidInstanceId:
            return ""  # the agent is being started again

    def go(*commands: str, **parameters: str) -> Any:
        command = eventually(lambda: sent(*commands, **parameters), "an agent that takes the command")
        return result(ssm, command, node, eventually)

    return go


PLACE = "/etc/systemd/system/amazon-ssm-agent.service.d"
RESTART = "systemctl daemon-reload && systemctl restart amazon-ssm-agent"


@pytest.fixture
def harden(shared_bench: Any, node: str, ssm: Any, eventually: Callable[..., Any]) -> Iterator[Any]:
    """Put settings into a drop-in of the agent's unit, until the end of the test: `harden("UMask=0077")`."""

    def apply(*settings: str) -> None:
        lines = " ".join(f"'{setting}'" for setting in ("[Service]", *settings))
        shared_bench.shell(node, f"mkdir -p {PLACE} && printf '%s\\n' {lines} >{PLACE}/test.conf && {RESTART}")

    def answers() -> bool:
        try:
            return bool(send(ssm, node, "true"))
        except ssm.exceptions.ClientError:
            return False

    yield apply
    shared_bench.shell(node, f"rm -r {PLACE} && {RESTART}")
    eventually(answers, "the agent as it was")


def ended(found: Any) -> tuple[str, int, str, str]:
    return found["Status"], found["ResponseCode"], found["StandardOutputContent"], found["StandardErrorContent"]


# -- the unit ------------------------------------------------------------------------------------------------------


def test_a_script_runs_in_the_agents_unit(run: Callable[..., Any]) -> None:
    """In its control group and below its processes, in a process group of its own."""
    said = run(
        "cut -d: -f3 /proc/self/cgroup | sort -u | tail -n 1",
        "ps -o comm= -p $(ps -o ppid= -p $PPID)",
        "[ $(ps -o pgid= -p $$) -eq $PPID ] && echo group",
    )["StandardOutputContent"].split("\n")
    assert said[0].endswith("/amazon-ssm-agent.service")
    assert said[1:] == ["ssm-document-wo", "group", ""]


def test_what_a_drop_in_says_applies_to_a_script(
    harden: Any, run: Callable[..., Any], shared_bench: Any, node: str
) -> None:
    harden(
        "UMask=0027", "PrivateTmp=yes", "ReadOnlyPaths=/opt", "ProtectHome=yes", "NoNewPrivileges=yes",
        "LimitNOFILE=1000", "Environment=COLOUR=red", "Nice=5",
    )  # fmt: skip
    shared_bench.shell(node, "touch /tmp/outside /root/outside")
    said = run(
        "umask; ulimit -n; nice; echo $COLOUR; grep NoNewPrivs /proc/self/status",
        "ls -A /tmp; ls -A /root; touch /opt/mark",
    )
    assert said["StandardOutputContent"].split() == ["0027", "1000", "5", "red", "NoNewPrivs:", "1"]
    assert (
        said["StandardErrorContent"]
        == "touch: cannot touch '/opt/mark': Read-only file system\n\
failed to run commands: exit status 1"
    )


def test_a_read_only_system_still_runs_scripts_but_none_without_its_own_folder(
    harden: Any, run: Callable[..., Any]
) -> None:
    harden("ProtectSystem=strict", "ReadWritePaths=/var/lib/amazon")
    assert ended(run("touch /etc/mark || echo kept"))[2] == "kept\n"
    harden("ProtectSystem=strict")
    assert ended(run("echo never")) == ("Failed", 1, "", "")


def test_tests_that_have_no_place_to_write_name_the_unit_that_forbids_it(harden: Any, node: str, lab: Settings) -> None:
    harden("ReadOnlyPaths=/run /etc")
    account = Account(region="us-east-1", endpoint=lab.endpoint, access_key="test", secret_key="test")
    stop = threading.Event()
    conversation = Conversation(RunCommandTransport(account, node, stop=stop), stop=stop)
    with pytest.raises(Unwritable) as caught:
        list(conversation.ask([Question(1, b"true")], CallCount()))
    assert re.search(
        "no place on the machine .*/run/ami-validate.*: Read-only file system; commands run in the machine's unit "
        "amazon-ssm-agent, which has ReadOnlyPaths=/run /etc",
        caught.value.message,
    )
    harden("ProtectSystem=strict")
    with pytest.raises(CorruptResponse, match=r"does not say why.*amazon-ssm-agent.*ProtectSystem"):
        RunCommandTransport(account, node, stop=stop).run("exit 0", 10, CallCount())


def test_a_unit_that_runs_something_else_is_told(
    harden: Any, ssm: Any, node: str, eventually: Callable[..., Any]
) -> None:
    harden("ExecStart=", "ExecStart=/bin/sleep infinity")

    def refusal() -> str:
        try:
            send(ssm, node, "true")
        except ssm.exceptions.ClientError as error:
            return str(error)
        return ""

    # For ten seconds it may be an agent that has not listened yet.
    said = eventually(lambda: (said := refusal()) and "InvalidInstanceId" not in said and said, "the lab to refuse")
    assert f"cannot run commands on {node}" in said
    assert "sleep infinity" in said


def test_a_restart_in_the_middle_changes_nothing(
    ssm: Any, shared_bench: Any, node: str, eventually: Callable[..., Any]
) -> None:
    command = send(ssm, node, "touch /run/restarting; sleep 2; echo done")
    eventually(lambda: shared_bench.shell(node, "ls /run/restarting", check=False), "the script to run")
    shared_bench.shell(node, "systemctl restart amazon-ssm-agent")
    assert ended(result(ssm, command, node, eventually)) == ("Success", 0, "done\n", "")


# -- how a script ends ---------------------------------------------------------------------------------------------


def test_a_script_whose_shell_is_killed_fails_without_a_code(run: Callable[..., Any]) -> None:
    assert ended(run("kill -9 $PPID")) == ("Failed", -1, "", "failed to run commands: signal: killed")
    assert ended(run("echo out; kill -TERM 0")) == ("Failed", -1, "out\n", "failed to run commands: signal: terminated")
    assert run("kill -9 $$")["ResponseCode"] == 137


def test_a_working_directory_that_is_not_there_fails(run: Callable[..., Any]) -> None:
    assert run("pwd", workingDirectory="/tmp")["StandardOutputContent"] == "/tmp\n"
    problem = "failed to run commands: fork/exec /usr/bin/sh: no such file or directory"
    assert ended(run("pwd", workingDirectory="/nowhere")) == ("Failed", 1, "", problem)


def test_braces_that_name_no_parameter_make_the_agent_fail(run: Callable[..., Any]) -> None:
    assert run("touch /run/braces # {{ x }}")["Status"] == "Failed"
    assert ended(run("ls /run/braces 2>/dev/null; echo '{{ commands }}'")) == ("Success", 0, "{{ commands }}\n", "")


def test_a_script_for_which_there_is_no_room_fails_and_nothing_is_said(
    run: Callable[..., Any], shared_bench: Any, node: str
) -> None:
    place = f"/var/lib/amazon/ssm/{node}/document/orchestration"
    shared_bench.shell(node, f"mount -t tmpfs -o size=4k tmpfs {place}")
    try:
        assert ended(run("echo " + "x" * 20_000)) == ("Failed", 1, "", "")
    finally:
        shared_bench.shell(node, f"umount {place}")


@pytest.mark.parametrize("character", ["<", "\\0", "\\377"])
def test_a_reply_that_is_too_long_in_json_never_arrives(
    character: str, run: Callable[..., Any], ssm: Any, node: str, shared_bench: Any, eventually: Callable[..., Any]
) -> None:
    """Each of these characters takes six bytes; of others as many arrive."""
    shared_bench.shell(node, "rm -f /run/filled")
    fill = "head -c 21000 /dev/zero | tr '\\0' '{}'; touch /run/filled"
    command = send(ssm, node, fill.format(character))
    eventually(lambda: shared_bench.shell(node, "ls /run/filled", check=False), "the script to run")
    assert len(run(fill.format("x"))["StandardOutputContent"]) == 21_000
    found = ssm.get_command_invocation(CommandId=command, InstanceId=node)
    assert (found["Status"], found["StandardOutputContent"]) == ("InProgress", "")


# -- several at once -----------------------------------------------------------------------------------------------


def test_the_eleventh_command_is_refused_and_sent_again(
    ssm: Any, node: str, shared_bench: Any, eventually: Callable[..., Any], lab: Settings
) -> None:
    """Five run, and five wait in their order."""
    script = "echo {} >>/run/order; until test -e /run/open; do sleep 0.05; done"
    commands = [send(ssm, node, script.format(number)) for number in range(11)]
    eventually(lambda: shared_bench.shell(node, "wc -l </run/order").strip() == "5", "five to run")
    states = [ssm.get_command_invocation(CommandId=one, InstanceId=node)["Status"] for one in commands]
    assert states == [*["InProgress"] * 10, "Pending"]
    shared_bench.shell(node, "touch /run/open")
    found = [result(ssm, one, node, eventually) for one in commands]
    assert {one["Status"] for one in found} == {"Success"}
    assert max(one["ExecutionStartDateTime"] for one in found) == found[10]["ExecutionStartDateTime"]
    refused = [number for number, one in enumerate(commands) if f"refuses command {one}: 51402" in lab.log.read_text()]
    assert refused == [10]


def test_a_command_that_waits_at_the_agent_is_cancelled_without_a_reply(
    ssm: Any, node: str, shared_bench: Any, run: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    busy = [send(ssm, node, "until test -e /run/cancelled; do sleep 0.1; done") for _ in range(5)]
    queued = send(ssm, node, "touch /run/never")
    ssm.cancel_command(CommandId=queued, InstanceIds=[node])
    shared_bench.shell(node, "touch /run/cancelled")
    for one in busy:
        result(ssm, one, node, eventually)
    assert run("test ! -e /run/never")["Status"] == "Success"
    found = ssm.get_command_invocation(CommandId=queued, InstanceId=node)
    assert (found["StatusDetails"], found["ResponseCode"], found["ExecutionStartDateTime"]) == ("Cancelling", -1, "")


# -- what is left on the disk --------------------------------------------------------------------------------------


def test_files_of_a_command_are_roots_alone(run: Callable[..., Any], shared_bench: Any, node: str) -> None:
    found = run("echo out; echo err >&2")
    folder = FOLDER.format(node, found["CommandId"])
    listed = shared_bench.shell(node, f"cd {folder} && stat -c '%a %n' . .. ../.. *")
    assert listed.split("\n")[:-1] == [
        "700 .", "700 ..", "700 ../..", "700 _script.sh",
        "600 stderr", "600 stderrConsole", "600 stdout", "600 stdoutConsole",
    ]  # fmt: skip
    assert (
        shared_bench.shell(node, f"cd {folder} && cat _script.sh stdout stderr") == "echo out; echo err >&2\nout\nerr\n"
    )


def test_the_log_holds_every_script_and_what_it_said(run: Callable[..., Any], shared_bench: Any, node: str) -> None:
    run("echo $((21 * 2)) in the log")
    log = shared_bench.shell(node, "tail -n 9 /var/log/amazon/ssm/amazon-ssm-agent.log")
    assert "echo $((21 * 2)) in the log\n" in log
    assert "42 in the log\n" in log
    assert shared_bench.shell(node, "stat -c %a /var/log/amazon/ssm/amazon-ssm-agent.log") == "600\n"
    identity = shared_bench.shell(node, "cat /var/lib/amazon/ssm/runtimeconfig/identity_config.json")
    assert f'"InstanceId":"{node}"' in identity


# -- reboots, last: they take the longest --------------------------------------------------------------------------


def test_exit_code_194_reboots_after_a_minute_and_runs_the_script_again(
    ssm: Any, shared_bench: Any, node: str, eventually: Callable[..., Any]
) -> None:
    # What is in /run does not outlive a boot.
    command = send(
        ssm,
        node,
        "echo run; ls -d /run/before 2>/dev/null",
        "if [ -e /var/tmp/booted ]; then exit 0; fi",
        "touch /run/before /var/tmp/booted; exit 194",
    )
    found = result(ssm, command, node, eventually)
    assert (found["Status"], found["StandardOutputContent"]) == ("Success", "run\nrun\n")
    assert float(found["ExecutionElapsedTime"][2:-1]) > 60 * AGENT_WAITS
    assert shared_bench.describe(node)["State"]["Name"] == "running"


def test_a_reboot_in_the_middle_fails_the_command_a_minute_after_the_agent_is_back(
    ssm: Any, ec2: Any, shared_bench: Any, node: str, eventually: Callable[..., Any]
) -> None:
    """It is not run again."""
    command = send(ssm, node, "echo once >>/var/tmp/once; touch /run/begun; sleep 600")
    eventually(lambda: shared_bench.shell(node, "ls /run/begun", check=False), "the script to run")
    ec2.reboot_instances(InstanceIds=[node])
    eventually(lambda: shared_bench.shell(node, "test -e /run/begun || uptime", check=False), "the reboot")
    eventually(lambda: shared_bench.ping(node) == "Online", "Online")
    back = time.monotonic()
    assert ended(result(ssm, command, node, eventually)) == ("Failed", 1, "", "")
    assert time.monotonic() - back > 60 * AGENT_WAITS - 1
    assert shared_bench.shell(node, "cat /var/tmp/once") == "once\n"
