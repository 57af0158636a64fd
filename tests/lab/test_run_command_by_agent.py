"""What holds of Run Command with the lab's stand-in holds with an agent that speaks the real one's protocols.

The agent is the tests' own, or the one that `AMI_TEST_AGENT` names: a package of amazon-ssm-agent.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from orchestrator.lab import lifecycle
from orchestrator.lab.settings import Settings
from tests.agent import package
from tests.lab.conftest import Bench, make_one_host_key, newest_debian
from tests.lab.test_run_command_lab import (
    result,
    run,
    send,
    test_a_cancelled_script_is_killed,
    test_a_child_in_the_background_that_still_writes_is_waited_for,
    test_a_first_line_that_names_an_interpreter_is_followed,
    test_a_node_says_what_it_is,
    test_a_script_runs_as_the_agent_runs_it,
    test_a_target_names_nodes_and_an_unknown_one_is_left_out,
    test_botocores_own_waiter_understands_the_answers,
    test_commands_are_listed_newest_first_in_pages,
    test_errors_carry_the_names_that_boto3_knows,
    test_exit_code_and_both_streams_come_back,
    test_text_survives_and_other_bytes_are_replaced,
    test_time_that_runs_out_kills_the_whole_group_and_keeps_the_output,
)
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "run",
    "test_a_cancelled_script_is_killed",
    "test_a_child_in_the_background_that_still_writes_is_waited_for",
    "test_a_first_line_that_names_an_interpreter_is_followed",
    "test_a_node_says_what_it_is",
    "test_a_script_runs_as_the_agent_runs_it",
    "test_a_target_names_nodes_and_an_unknown_one_is_left_out",
    "test_botocores_own_waiter_understands_the_answers",
    "test_commands_are_listed_newest_first_in_pages",
    "test_errors_carry_the_names_that_boto3_knows",
    "test_exit_code_and_both_streams_come_back",
    "test_text_survives_and_other_bytes_are_replaced",
    "test_time_that_runs_out_kills_the_whole_group_and_keeps_the_output",
]

pytestmark = pytest.mark.long(240)


@pytest.fixture(scope="module")
def agent_lab(free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A lab whose machines install a real agent's package."""
    given = os.environ.get("AMI_TEST_AGENT")
    agent = Path(given) if given else package.build(tmp_path_factory.mktemp("agent") / "agent.deb")
    wanted = Settings(f"test-agent-{os.getpid()}", free_port(), command_delay=0.0, image_delay=0.0)
    made = lifecycle.up(wanted, print, agent)
    make_one_host_key(made)
    yield made
    lifecycle.down(made.name, print)


@pytest.fixture(scope="module")
def client(agent_lab: Settings) -> Callable[..., Any]:
    """boto3 clients of that lab."""

    @cache
    def get(service: str, region: str = "us-east-1") -> Any:
        return boto3.client(  # type: ignore[call-overload] # of any service
            service,
            region_name=region,
            endpoint_url=agent_lab.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    return get


@pytest.fixture(scope="module")
def ssm(client: Callable[..., Any]) -> Any:
    return client("ssm")


@pytest.fixture(scope="module")
def shared_bench(agent_lab: Settings, client: Callable[..., Any]) -> Iterator[Bench]:
    """Machines of that lab."""
    client("ec2").create_key_pair(KeyName="tests", KeyType="ed25519")
    made = Bench(agent_lab, client, newest_debian(client("ec2"))["ImageId"], Path("/dev/null"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def node(shared_bench: Bench) -> str:
    """A machine whose agent is Online."""
    return shared_bench.node()


def test_a_machines_disk_has_no_trace_of_the_labs_endpoints(shared_bench: Bench, node: str) -> None:
    """What an image of it would bring elsewhere."""
    looked_for = (
        "grep -rlE --exclude-dir=amazon 'ami-lab|169.254.169.253' /etc /usr/lib/systemd /lib/systemd /var/lib/dpkg/info"
    )
    # /etc/resolv.conf is mounted, and is no file of the disk.
    assert shared_bench.shell(node, looked_for, check=False).split() == ["/etc/resolv.conf"]
    assert "/etc/resolv.conf" in shared_bench.shell(node, "cat /proc/mounts")


def test_the_agents_calls_are_counted_and_denied_like_any_others(shared_bench: Bench, node: str) -> None:
    asked = 'https://ssm.us-east-1.amazonaws.com/ -d \'{"InstanceId": "i-00000000000000000"}\''
    scope = "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/ssm/aws4_request, SignedHeaders=host, Signature=0"
    headers = f"-H 'X-Amz-Target: AmazonSSM.UpdateInstanceInformation' -H 'Authorization: {scope}'"
    trust = "--cacert /run/ami-lab/trust/lab.pem"
    said = shared_bench.shell(node, f"curl -s {trust} {headers} {asked}")
    assert "AccessDeniedException" in said
    assert node in said


def test_a_reboot_leaves_the_node_a_node(
    ssm: Any, client: Callable[..., Any], shared_bench: Bench, node: str, eventually: Callable[..., Any]
) -> None:
    """Its channel ends with the machine, and what the machine trusts is there again after the boot."""
    read = "cat /proc/sys/kernel/random/boot_id"
    boot = shared_bench.shell(node, read)
    client("ec2").reboot_instances(InstanceIds=[node])
    until(
        lambda: shared_bench.shell(node, "cat /proc/sys/kernel/random/boot_id", check=False) not in ("", boot), "boot"
    )
    until(lambda: shared_bench.shell(node, "systemctl is-active amazon-ssm-agent", check=False) == "active\n", "agent")
    until(lambda: shared_bench.ping(node) == "Online", "Online")
    assert result(ssm, send(ssm, node, "echo back"), node, eventually)["StandardOutputContent"] == "back\n"
