"""Run Command in a real machine, asked through boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.long(120)

ENDED = frozenset({"Success", "Failed", "TimedOut", "Cancelled"})


@pytest.fixture(scope="module")
def node(shared_bench: Any) -> str:
    """A machine with a profile and an agent, Online."""
    return str(shared_bench.node())


def send(ssm: Any, instance: str, *commands: str, **parameters: str) -> str:
    """Send lines; returns the command's id."""
    given = {"commands": list(commands)} | {name: [value] for name, value in parameters.items()}
    answer = ssm.send_command(DocumentName="AWS-RunShellScript", InstanceIds=[instance], Parameters=given)
    return str(answer["Command"]["CommandId"])


def result(ssm: Any, command: str, instance: str, eventually: Callable[..., Any]) -> Any:
    """The invocation once it has ended."""

    def ended() -> Any:
        found = ssm.get_command_invocation(CommandId=command, InstanceId=instance)
        return found["Status"] in ENDED and found

    return eventually(ended, f"the end of {command}")


@pytest.fixture(scope="module")
def run(ssm: Any, node: str, eventually: Callable[..., Any]) -> Callable[..., Any]:
    """Run lines on the node: `run("echo a", executionTimeout="5")`; returns the ended invocation."""

    def go(*commands: str, **parameters: str) -> Any:
        return result(ssm, send(ssm, node, *commands, **parameters), node, eventually)

    return go


def test_a_machine_is_no_node_without_a_profile_or_without_an_agent(
    bench: Any, ssm: Any, ami_with_agent: str, eventually: Callable[..., Any]
) -> None:
    without_profile = bench.launch(ImageId=ami_with_agent)
    without_agent = bench.launch(IamInstanceProfile={"Name": "ami-lab"})
    active = "systemctl is-active amazon-ssm-agent"
    eventually(lambda: bench.shell(without_profile, active, check=False) == "active\n", "the agent's unit")
    bench.booted(without_agent)
    assert (bench.ping(without_profile), bench.ping(without_agent)) == (None, None)
    for instance in (without_profile, without_agent):
        with pytest.raises(ClientError, match="InvalidInstanceId"):
            send(ssm, instance, "true")


def test_a_node_says_what_it_is(ssm: Any, shared_bench: Any, node: str) -> None:
    asked = [{"Key": "PingStatus", "Values": ["Online"]}, {"Key": "InstanceIds", "Values": [node]}]
    (found,) = ssm.describe_instance_information(Filters=asked)["InstanceInformationList"]
    assert (found["PlatformType"], found["PlatformName"]) == ("Linux", "Debian GNU/Linux")
    assert (found["PlatformVersion"], found["ResourceType"]) == ("12", "EC2Instance")
    assert found["IPAddress"] == shared_bench.describe(node)["PrivateIpAddress"]
    assert found["AgentVersion"].count(".") >= 2


def test_a_script_runs_as_the_agent_runs_it(run: Callable[..., Any], node: str) -> None:
    """Root, /usr/bin, no HOME, empty standard input, one script for all lines, the agent's variables."""
    found = run("a=x", "id -un; pwd; echo ${HOME-none} $a; cat | wc -c", "echo $AWS_SSM_INSTANCE_ID $SSM_COMMAND_ID")
    assert found["StandardOutputContent"] == f"root\n/usr/bin\nnone x\n0\n{node} {found['CommandId']}\n"
    assert (found["Status"], found["ResponseCode"], found["PluginName"]) == ("Success", 0, "aws:runShellScript")


def test_a_first_line_that_names_an_interpreter_is_followed(run: Callable[..., Any]) -> None:
    assert run("#!/usr/bin/python3", "print(6 * 7)")["StandardOutputContent"] == "42\n"


def test_how_the_script_is_started_is_not_seen_in_the_process_list(run: Callable[..., Any]) -> None:
    """A test that looks for a process by its command line must not find the lab's own launcher."""
    assert run("pgrep -cf AMI_RELAY[=]; pgrep -cf '^[p]erl'; true")["StandardOutputContent"] == "0\n0\n"


def test_exit_code_and_both_streams_come_back(ssm: Any, run: Callable[..., Any], node: str) -> None:
    found = run("echo out; echo err >&2; exit 3")
    assert (found["Status"], found["ResponseCode"]) == ("Failed", 3)
    assert found["StandardOutputContent"] == "out\n"
    assert found["StandardErrorContent"] == "err\nfailed to run commands: exit status 3"
    listed = ssm.list_command_invocations(CommandId=found["CommandId"], InstanceId=node, Details=True)
    (plugin,) = listed["CommandInvocations"][0]["CommandPlugins"]
    assert (plugin["ResponseCode"], plugin["Status"]) == (3, "Failed")
    assert plugin["Output"] == "out\n\n----------ERROR-------\nerr\nfailed to run commands: exit status 3"
    (command,) = ssm.list_commands(CommandId=found["CommandId"])["Commands"]
    assert (command["Status"], command["ErrorCount"], command["CompletedCount"]) == ("Failed", 1, 1)


@pytest.mark.parametrize("code", [125, 126, 127, 255])
def test_podmans_own_exit_codes_are_a_scripts_too(run: Callable[..., Any], code: int) -> None:
    assert run(f"exit {code}")["ResponseCode"] == code


def test_text_survives_and_other_bytes_are_replaced(run: Callable[..., Any]) -> None:
    found = run("echo 'grün 日本'", r"printf 'a\377b'")
    assert found["StandardOutputContent"] == "grün 日本\na\ufffdb"


def test_endless_output_is_cut_and_the_lab_lives_on(run: Callable[..., Any]) -> None:
    found = run("head -c 300000000 /dev/zero | tr '\\0' x")
    assert found["Status"] == "Success"
    assert len(found["StandardOutputContent"]) == 24_000
    assert found["StandardOutputContent"].endswith("x--output truncated--")


def test_a_child_in_the_background_that_still_writes_is_waited_for(run: Callable[..., Any]) -> None:
    assert run("{ sleep 1; echo late; } &", "echo early")["StandardOutputContent"] == "early\nlate\n"


def test_time_that_runs_out_kills_the_whole_group_and_keeps_the_output(
    run: Callable[..., Any], shared_bench: Any, node: str
) -> None:
    found = run("echo before", "sleep 7771 &", "sleep 7772", executionTimeout="5")
    assert (found["Status"], found["StatusDetails"], found["ResponseCode"]) == ("TimedOut", "ExecutionTimedOut", 137)
    assert (found["StandardOutputContent"], found["StandardErrorContent"]) == ("before\n", "")
    assert shared_bench.shell(node, "pgrep -f '^sleep 777'", check=False) == ""


def test_a_cancelled_script_is_killed(ssm: Any, shared_bench: Any, node: str, eventually: Callable[..., Any]) -> None:
    command = send(ssm, node, "echo begun", "sleep 7773")
    eventually(lambda: shared_bench.shell(node, "pgrep -f '^sleep 7773'", check=False), "the script")
    running = ssm.get_command_invocation(CommandId=command, InstanceId=node)
    assert (running["Status"], running["ResponseCode"], running["StandardOutputContent"]) == ("InProgress", -1, "")
    ssm.cancel_command(CommandId=command)
    found = result(ssm, command, node, eventually)
    assert (found["Status"], found["StandardOutputContent"]) == ("Cancelled", "begun\n")
    assert ssm.list_commands(CommandId=command)["Commands"][0]["Status"] == "Cancelled"
    assert shared_bench.shell(node, "pgrep -f '^sleep 7773'", check=False) == ""


def test_five_scripts_run_at_once_on_one_node_and_the_others_wait(
    ssm: Any, shared_bench: Any, node: str, eventually: Callable[..., Any]
) -> None:
    """The agent says that a command is in progress as soon as it has it (amazon-ssm-agent, `mgsinteractor.go`)."""
    commands = [send(ssm, node, "until test -e /run/seen; do sleep 0.1; done") for _ in range(7)]

    def statuses() -> list[str]:
        return [ssm.get_command_invocation(CommandId=one, InstanceId=node)["Status"] for one in commands]

    eventually(lambda: statuses() == ["InProgress"] * 7, "all in progress")
    shared_bench.shell(node, "touch /run/seen")
    ended = [result(ssm, one, node, eventually) for one in commands]
    assert {found["Status"] for found in ended} == {"Success"}
    first_end = min(found["ExecutionEndDateTime"] for found in ended)
    assert all(found["ExecutionStartDateTime"] >= first_end for found in ended[5:])


def test_a_target_names_nodes_and_an_unknown_one_is_left_out(
    ssm: Any, node: str, eventually: Callable[..., Any]
) -> None:
    targets = [{"Key": "InstanceIds", "Values": [node, "i-00000000000000000"]}]
    parameters = {"commands": ["echo hit"]}
    sent = ssm.send_command(DocumentName="AWS-RunShellScript", Targets=targets, Parameters=parameters)
    command = sent["Command"]["CommandId"]
    assert result(ssm, command, node, eventually)["StandardOutputContent"] == "hit\n"
    assert ssm.list_commands(CommandId=command)["Commands"][0]["TargetCount"] == 1


def test_commands_are_listed_newest_first_in_pages(ssm: Any, run: Callable[..., Any], node: str) -> None:
    older, newer = run("true")["CommandId"], run("true")["CommandId"]
    first = ssm.list_commands(InstanceId=node, MaxResults=1)
    second = ssm.list_commands(InstanceId=node, MaxResults=1, NextToken=first["NextToken"])
    assert [page["Commands"][0]["CommandId"] for page in (first, second)] == [newer, older]


def test_botocores_own_waiter_understands_the_answers(ssm: Any, node: str) -> None:
    command = send(ssm, node, "sleep 1")
    waiter = ssm.get_waiter("command_executed")
    waiter.wait(CommandId=command, InstanceId=node, WaiterConfig={"Delay": 1, "MaxAttempts": 300})


def test_errors_carry_the_names_that_boto3_knows(ssm: Any, node: str, client: Callable[..., Any]) -> None:
    command = send(ssm, node, "true")
    with pytest.raises(ssm.exceptions.InvalidInstanceId):
        send(ssm, "i-00000000000000000", "true")
    with pytest.raises(ssm.exceptions.InvocationDoesNotExist):
        ssm.get_command_invocation(CommandId=command, InstanceId="i-00000000000000000")
    with pytest.raises(ssm.exceptions.InvalidCommandId):
        ssm.cancel_command(CommandId="0" * 8 + "-0000-0000-0000-" + "0" * 12)
    with pytest.raises(ssm.exceptions.InvalidPluginName):
        ssm.get_command_invocation(CommandId=command, InstanceId=node, PluginName="aws:other")
    other = client("ssm", "eu-west-1")
    with pytest.raises(other.exceptions.InvocationDoesNotExist):
        other.get_command_invocation(CommandId=command, InstanceId=node)


def test_a_node_whose_agent_stops_is_lost_until_it_runs_again(
    ssm: Any, shared_bench: Any, node: str, eventually: Callable[..., Any]
) -> None:
    """The script goes on, as under the real agent (KillMode=process); its end is reported when the agent is back."""
    command = send(ssm, node, "touch /run/begun; until test -e /run/go-on; do sleep 0.1; done; echo done")
    eventually(lambda: shared_bench.shell(node, "ls /run/begun", check=False), "the script to run")
    shared_bench.shell(node, "systemctl stop amazon-ssm-agent")
    eventually(lambda: shared_bench.ping(node) == "ConnectionLost", "ConnectionLost")
    with pytest.raises(ssm.exceptions.InvalidInstanceId):
        send(ssm, node, "true")
    assert ssm.get_command_invocation(CommandId=command, InstanceId=node)["Status"] in ("Pending", "InProgress")
    shared_bench.shell(node, "touch /run/go-on; systemctl start amazon-ssm-agent")
    eventually(lambda: shared_bench.ping(node) == "Online", "Online")
    assert result(ssm, command, node, eventually)["StandardOutputContent"] == "done\n"


@pytest.fixture(scope="module")
def second(shared_bench: Any) -> str:
    """Another node."""
    return str(shared_bench.node())


def test_after_too_many_errors_the_command_goes_to_no_further_node(
    ssm: Any, node: str, second: str, eventually: Callable[..., Any]
) -> None:
    sent = ssm.send_command(
        DocumentName="AWS-RunShellScript",
        InstanceIds=[node, second],
        Parameters={"commands": ["exit 1"]},
        MaxConcurrency="1",
        MaxErrors="0",
    )
    command = sent["Command"]["CommandId"]
    assert result(ssm, command, node, eventually)["StatusDetails"] == "Failed"
    assert result(ssm, command, second, eventually)["StatusDetails"] == "Terminated"
    assert ssm.list_commands(CommandId=command)["Commands"][0]["Status"] == "Failed"


def test_a_stopped_node_is_lost_and_a_terminated_one_gone(
    shared_bench: Any, ssm: Any, ec2: Any, second: str, eventually: Callable[..., Any]
) -> None:
    command = send(ssm, second, "sleep 600")
    eventually(lambda: shared_bench.shell(second, "pgrep -f '^sleep 600'", check=False), "the script")
    ec2.stop_instances(InstanceIds=[second])
    shared_bench.wait(second, "stopped")
    eventually(lambda: shared_bench.ping(second) == "ConnectionLost", "ConnectionLost")
    assert ssm.get_command_invocation(CommandId=command, InstanceId=second)["Status"] == "InProgress"
    ec2.terminate_instances(InstanceIds=[second])
    shared_bench.wait(second, "terminated")
    assert shared_bench.ping(second) is None
