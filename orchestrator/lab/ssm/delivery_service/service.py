"""The whole of what a lab with real agents has besides: handlers, endpoints, and what its machines are given."""

from __future__ import annotations

import json
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.host.network import ENDPOINT_ADDRESS
from orchestrator.lab.host.podman import Addition
from orchestrator.lab.ssm.agent_calls import AgentCalls
from orchestrator.lab.ssm.delivery_service import endpoint, resolver
from orchestrator.lab.ssm.delivery_service.actions import MessageDelivery, MessageGateway
from orchestrator.lab.ssm.delivery_service.authority import Authority
from orchestrator.lab.ssm.delivery_service.channels import Channels
from orchestrator.lab.ssm.delivery_service.delivery import AgentDelivery
from orchestrator.lab.ssm.delivery_service.mailboxes import Mailboxes
from orchestrator.lab.ssm.delivery_service.registry import Registry
from orchestrator.lab.ssm.registration import OWN, AgentRegistration
from orchestrator.lab.ssm.run_command import RunCommandApi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.api.call import Call
    from orchestrator.lab.assembly import Application, Assembly
    from orchestrator.lab.tables import Tables

#: The parameter with which a call says for which instance it is made, by operation.
_OWN_ID = {
    "ssm:UpdateInstanceInformation": "InstanceId",
    "ec2messages:GetMessages": "Destination",
    "ssmmessages:CreateControlChannel": "ChannelId",
}

#: Written before init runs: /run is empty then, and goes with the boot. Go's programs read every file of SSL_CERT_DIR
#: besides the bundle. Scripts of the agent have the variable, too: OpenSSL, which looks there for names that are
#: hashes, finds in the first folder what it finds without it.
_TRUST = """\
mkdir -p /run/ami-lab/trust /run/systemd/system/amazon-ssm-agent.service.d
cat >/run/ami-lab/trust/lab.pem <<'.'
{certificate}.
cat >/run/systemd/system/amazon-ssm-agent.service.d/ami-lab.conf <<'.'
[Service]
Environment=SSL_CERT_DIR=/etc/ssl/certs:/run/ami-lab/trust
.
"""


def install(lab: Assembly) -> None:
    """Add all of it to a lab."""
    settings = lab.settings
    registry, mailboxes = Registry(lab.machines), Mailboxes()
    delivery = AgentDelivery(registry, mailboxes, settings.command_delay)
    channels = Channels(registry, mailboxes, delivery)
    commands = RunCommandApi(registry, delivery, settings.command_delay, lab.tables.recent_ids)
    agents = AgentCalls(lab.faults, settings.agent_waits, late=lab.tables.times.agent)
    lab.handlers["ssm"] = AgentRegistration(registry, agents, commands)
    lab.handlers["ec2messages"] = MessageDelivery(registry, mailboxes, delivery)
    lab.handlers["ssmmessages"] = MessageGateway(channels)
    lab.unpublished.update(f"ssm:{action}" for action in OWN)
    lab.guards.append((900, partial(_check_caller, lab.tables)))
    authority = Authority(f"ami-lab {settings.name}")
    lab.machines.addition = Addition(ENDPOINT_ADDRESS, _TRUST.format(certificate=authority.pem))
    lab.listeners.append(partial(_listen, settings.bridge, authority, channels))


def _listen(bridge: str, authority: Authority, channels: Channels, application: Application) -> None:
    context = authority.server(f"*.{region}.amazonaws.com" for region in sorted(ec2_backends["123456789012"].regions))
    listener = endpoint.listening(ENDPOINT_ADDRESS, bridge)
    server = endpoint.serve(endpoint.ControlChannelPath(application), channels, context, listener)
    threading.Thread(target=server.serve_forever, name="endpoints", daemon=True).start()
    resolver.serve(ENDPOINT_ADDRESS, bridge)


def _check_caller(tables: Tables, call: Call, body: bytes, environ: Mapping[str, Any]) -> None:
    """A machine speaks for itself only. Raises AwsFault."""
    parameter = _OWN_ID.get(call.operation)
    if parameter is None:
        return
    address = str(environ.get("REMOTE_ADDR", ""))
    with tables.lock:
        living = (instance for instance in tables.instances() if instance.container_expected)
        caller = next((instance for instance in living if instance.private_ip == address), None)
    try:
        named = json.loads(body or b"{}").get(parameter)
    except (ValueError, AttributeError):
        named = None
    if caller is not None and named != caller.id:
        what = f"{caller.id} is not authorized to perform: {call.operation} on resource: instance/{named}"
        raise AwsFault("AccessDeniedException", what)
