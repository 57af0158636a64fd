"""Run Command through an agent that speaks the real one's protocols, over TLS; the scripts run on this host."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.fault_rules import FaultKind, Rule
from tests.unit.lab.ssm.delivery_service.conftest import INSTANCE, Service
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.small_agent import Agent, Connection

pytestmark = [pytest.mark.long(60)]


@pytest.mark.usefixtures("agent")
def test_exit_code_and_both_streams_come_back(service: Service) -> None:
    found = service.ended(service.send("echo out; echo err >&2; exit 3"))
    assert (found["Status"], found["ResponseCode"]) == ("Failed", 3)
    assert found["StandardOutputContent"] == "out\n"
    assert found["StandardErrorContent"] == "err\nfailed to run commands: exit status 3"
    assert found["ExecutionStartDateTime"] <= found["ExecutionEndDateTime"]


@pytest.mark.usefixtures("agent")
def test_the_node_says_what_it_is(service: Service) -> None:
    (node,) = service.ask("DescribeInstanceInformation")["InstanceInformationList"]
    assert (node["InstanceId"], node["PingStatus"], node["AgentVersion"]) == (INSTANCE, "Online", "3.3.0.0")
    assert node["PlatformName"].startswith("Debian")


@pytest.mark.usefixtures("agent")
def test_a_parameter_reaches_the_script_and_time_runs_out(service: Service) -> None:
    found = service.ended(service.send("pwd; sleep 7774", workingDirectory="/tmp", executionTimeout="5"))
    assert (found["Status"], found["StatusDetails"], found["ResponseCode"]) == ("TimedOut", "ExecutionTimedOut", 137)
    assert found["StandardOutputContent"] == "/tmp\n"


def test_a_running_command_is_cancelled_and_keeps_its_output(service: Service, agent: Agent) -> None:
    command = service.send("echo begun; sleep 7775")
    until(lambda: any(job.out for job in agent.jobs.values()), "the script to say something")
    until(lambda: service.result(command)["Status"] == "InProgress", "the agent's acknowledgement")
    service.ask("CancelCommand", CommandId=command)
    assert service.result(command)["StatusDetails"] in ("Cancelling", "Cancelled")
    found = service.ended(command)
    assert (found["Status"], found["StandardOutputContent"]) == ("Cancelled", "begun\n")


def test_five_run_five_wait_and_the_eleventh_is_sent_again(
    service: Service, agent: Agent, way: str, tmp_path: Path
) -> None:
    """A real agent refuses the 11th with 51402, and takes it when there is room."""
    commands = [service.send(f"until test -e {tmp_path}/open; do sleep 0.05; done") for _ in range(11)]
    until(lambda: len(agent.jobs) >= 10, "ten jobs")

    def pending() -> int:
        return [service.result(command)["Status"] for command in commands].count("Pending")

    until(lambda: pending() == 1, f"one that is not acknowledged, by {way}")
    (tmp_path / "open").touch()
    assert {service.ended(command)["Status"] for command in commands} == {"Success"}


def test_a_command_that_no_agent_gets_is_cancelled_at_once(service: Service) -> None:
    service.registry.update(INSTANCE, {})
    command = service.send("true")
    until(lambda: service.mailboxes.take(INSTANCE, 0) != [], "the message")
    service.ask("CancelCommand", CommandId=command)
    assert service.result(command)["Status"] == "Cancelled"


@pytest.mark.parametrize("way", ["channel"])
def test_a_node_is_lost_when_its_channel_ends_and_back_when_it_opens(
    service: Service, agent: Agent, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.stopping.set()
    with monkeypatch.context() as soon:
        soon.setattr("orchestrator.lab.ssm.delivery_service.registry._BETWEEN_POLLS", 0.1)
        until(lambda: service.ping() == "ConnectionLost", "ConnectionLost")
        with pytest.raises(AwsFault, match="InvalidInstanceId"):
            service.send("true")
    agent.stopping.clear()
    agent.register()
    assert service.ping() == "Online"
    assert connection.instance_id == INSTANCE


@pytest.mark.parametrize("refused", ["ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel"])
def test_faults_reach_an_agents_calls(service: Service, connection: Connection, refused: str) -> None:
    service.faults.set(Rule(FaultKind.DENY, operations=(refused,)))
    if refused.startswith("ssm:"):
        with pytest.raises(OSError, match="AccessDeniedException"):
            connection.call("ssm", "AmazonSSM.UpdateInstanceInformation", {"InstanceId": INSTANCE})
    else:
        status, answer = connection.request("ssmmessages", f"/v1/control-channel/{INSTANCE}", {}, {})
        # The agent looks for this element: it waits longer then.
        assert (status, b"<AccessDeniedException>" in answer) == (400, True)


def test_a_token_opens_one_channel_of_its_own_instance(service: Service) -> None:
    token = service.channels.token(INSTANCE)
    opening = b'{"TokenValue": "%s"}' % token.encode()
    opens = service.channels._opens
    assert not opens(opening, "i-00000000000000000")
    assert not opens(opening, INSTANCE)
    assert opens(b'{"TokenValue": "%s"}' % service.channels.token(INSTANCE).encode(), INSTANCE)
    assert not opens(b"no JSON", INSTANCE)


def test_who_does_not_trust_the_lab_gets_nothing_and_disturbs_nobody(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = replace(connection, context=ssl.create_default_context())
    caplog.set_level("INFO", logger="orchestrator")
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.call("ssm", "AmazonSSM.UpdateInstanceInformation", {"InstanceId": INSTANCE})
    until(lambda: "does not speak TLS with the lab" in caplog.text, "a line of the log")
    assert connection.call("ssm", "AmazonSSM.ListInstanceAssociations", {}) == {"Associations": []}
