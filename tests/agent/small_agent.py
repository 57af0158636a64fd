"""A small SSM agent of the tests' own: registers, gets commands by either protocol, runs them, and replies.

It needs Python's standard library and `websockets` alone, so that it runs in a machine of the lab (`main`) as well as
in a test's process. What it says, and when, is what amazon-ssm-agent 3.3 says (`agent/messageservice/interactor`).
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import signal
import socket
import ssl
import sys
import threading
import urllib.request
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.agent.frames import framed, unframed
from tests.agent.running import Job, kill, progress, run

if TYPE_CHECKING:
    from collections.abc import Callable

#: What JSON tells.
Told = dict[str, Any]

VERSION = "3.3.0.0"
METADATA = "http://169.254.169.254/latest/"
RUNNING, WAITING = 5, 5


@dataclass
class Connection:
    """How the agent reaches its services."""

    instance_id: str
    region: str
    context: ssl.SSLContext
    key_id: str = "ASIATEST"
    token: str = ""
    #: Where all names lead when there is no name server for them: (address, port).
    address: tuple[str, int] | None = None

    def name(self, service: str) -> str:
        return f"{service}.{self.region}.amazonaws.com"

    def headers(self, service: str) -> dict[str, str]:
        """Those of SigV4, unsigned: the lab looks at who calls, not at the signature."""
        scope = f"{self.key_id}/{datetime.now(UTC):%Y%m%d}/{self.region}/{service}/aws4_request"
        signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        return {
            "Authorization": signed,
            "X-Amz-Security-Token": self.token,
            "User-Agent": f"amazon-ssm-agent/{VERSION}",
        }

    def request(self, service: str, path: str, body: Told, headers: dict[str, str]) -> tuple[int, bytes]:
        name = self.name(service)
        line = http.client.HTTPSConnection(name, context=self.context, timeout=25)
        if self.address is not None:
            line._create_connection = lambda *_: socket_to(self.address)  # type: ignore[attr-defined]
        line.request("POST", path, json.dumps(body), self.headers(service) | headers)
        reply = line.getresponse()
        answer = reply.status, reply.read()
        line.close()
        return answer

    def call(self, service: str, target: str, body: Told) -> Told:
        """Call an action of a JSON service. Raises OSError when it is refused."""
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        status, answer = self.request(service, "/", body, headers)
        if status != 200:
            raise OSError(f"{target}: {status} {answer!r}")
        found: Told = json.loads(answer)
        return found


def socket_to(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, timeout=25)


class Agent:
    """Five commands run, five wait."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.jobs: dict[str, Job] = {}
        self.waiting: Queue[Job] = Queue()
        self.stopping = threading.Event()
        self.unfinished = 0
        self.lock = threading.Lock()
        for _ in range(RUNNING):
            threading.Thread(target=self._work, daemon=True).start()

    def register(self) -> None:
        """Two short calls, and a full one."""
        short = {"InstanceId": self.connection.instance_id, "AgentName": "amazon-ssm-agent", "AgentVersion": VERSION}
        full = {
            "AgentStatus": "Active",
            "ComputerName": platform.node(),
            "IPAddress": "127.0.0.1",
            "PlatformName": _release().get("NAME", "Linux"),
            "PlatformType": "Linux",
            "PlatformVersion": _release().get("VERSION_ID", ""),
        }
        for told in (short, short, short | full):
            self.connection.call("ssm", "AmazonSSM.UpdateInstanceInformation", told)
        asked = {"InstanceId": self.connection.instance_id, "MaxResults": 20}
        self.connection.call("ssm", "AmazonSSM.ListInstanceAssociations", asked)

    # -- taking on -----------------------------------------------------------------------------------------

    def take(self, job_id: str, topic: str, payload: str, reply: Callable[[Told], None]) -> str:
        """Take on a message; returns the status of `agent_job_ack`. `reply` sends a reply of the job."""
        told = json.loads(payload)
        if topic.startswith("aws.ssm.cancelCommand"):
            self._cancel(told["CancelMessageId"])
            return "200"
        with self.lock:
            if job_id in self.jobs:
                return "51405"
            job = Job(job_id, told, reply=reply)
            if self.unfinished >= RUNNING + WAITING:
                return "51402"
            self.unfinished += 1
            self.jobs[job_id] = job
            self.waiting.put(job)
        return "200"

    def _cancel(self, job_id: str) -> None:
        job = self.jobs.get(job_id)
        if job is not None:
            job.cancelled = True
            kill(job)

    def _work(self) -> None:
        names = {
            "AWS_SSM_INSTANCE_ID": self.connection.instance_id,
            "AWS_SSM_REGION_NAME": self.connection.region,
        }
        while not self.stopping.is_set():
            try:
                job = self.waiting.get(timeout=0.5)
            except Empty:
                continue
            # As with the real one, nothing is said of a command that is cancelled while it waits. A reply that does not
            # get through is lost; the real one keeps it.
            with suppress(OSError, WebSocketException):
                if not job.cancelled:
                    job.reply(run(job, names | {"SSM_COMMAND_ID": job.command_id}))
            with self.lock:
                self.unfinished -= 1

    # -- the two protocols ---------------------------------------------------------------------------------

    def poll(self) -> None:
        """Get messages by ec2messages until `stopping` is set."""
        while not self.stopping.is_set():
            asked = {
                "Destination": self.connection.instance_id,
                "MessagesRequestId": str(uuid.uuid4()),
                "VisibilityTimeoutInSeconds": 10,
            }
            try:
                found = self._deliver("GetMessages", asked)["Messages"]
            except OSError:
                self.stopping.wait(1)
                continue
            for message in found:
                self._polled(message)

    def _polled(self, message: Told) -> None:
        job_id = message["MessageId"]

        def reply(content: Told) -> None:
            self._deliver(
                "SendReply", {"MessageId": job_id, "Payload": json.dumps(content), "ReplyId": str(uuid.uuid4())}
            )
            if content["documentStatus"] != "InProgress":
                self._deliver("DeleteMessage", {"MessageId": job_id})

        status = self.take(job_id, message["Topic"], message["Payload"], reply)
        if status == "51402":
            return  # it is seen again when its time is up
        self._deliver("AcknowledgeMessage", {"MessageId": job_id})
        if status == "200" and message["Topic"].startswith("aws.ssm.sendCommand"):
            reply(progress())

    def _deliver(self, action: str, body: Told) -> Told:
        return self.connection.call("ec2messages", f"EC2WindowsMessageDeliveryService.{action}", body)

    def listen(self) -> None:
        """Hold the control channel open until `stopping` is set."""
        while not self.stopping.is_set():
            try:
                self._channel()
            except (OSError, WebSocketException):
                self.stopping.wait(1)

    def _channel(self) -> None:
        connection = self.connection
        path = f"/v1/control-channel/{connection.instance_id}"
        asked = {"MessageSchemaVersion": "1.0", "RequestId": str(uuid.uuid4())}
        status, answer = connection.request("ssmmessages", path, asked, {"Content-Type": "application/json"})
        if status != 201:
            raise OSError(f"no control channel: {status} {answer!r}")
        token = answer.decode().split("<TokenValue>")[1].split("</TokenValue>")[0]
        address = connection.address or (connection.name("ssmmessages"), 443)
        with connect(
            f"wss://{connection.name('ssmmessages')}{path}?role=subscribe&stream=input",
            sock=socket_to(address),
            ssl=connection.context,
            additional_headers=connection.headers("ssmmessages"),
            proxy=None,
        ) as channel:
            opening = asked | {"TokenValue": token, "AgentVersion": VERSION, "PlatformType": "linux"}
            channel.send(json.dumps(opening))
            while not self.stopping.is_set():
                try:
                    frame = bytes(channel.recv(timeout=0.2, decode=False))
                except TimeoutError:
                    continue
                self._heard(channel, frame)

    def _heard(self, channel: ClientConnection, frame: bytes) -> None:
        kind, message_id, content = unframed(frame)
        if kind == "agent_job":
            self._pushed(channel, message_id, content)

    def _pushed(self, channel: ClientConnection, message_id: uuid.UUID, content: Told) -> None:
        job_id = content["JobId"]

        def reply(told: Told) -> None:
            payload = {"schemaVersion": 1, "jobId": job_id, "content": json.dumps(told), "topic": "aws.ssm.sendCommand"}
            channel.send(framed("agent_job_reply", payload))

        status = self.take(job_id, content["Topic"], content["Content"], reply)
        ack = {"jobId": job_id, "acknowledgedMessageId": str(message_id), "statusCode": status, "errorMessage": ""}
        channel.send(framed("agent_job_ack", ack))
        if status == "200" and content["Topic"].startswith("aws.ssm.sendCommand"):
            reply(progress())


def _release() -> dict[str, str]:
    lines = Path("/etc/os-release").read_text().splitlines()
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}


# -- in a machine ------------------------------------------------------------------------------------------


def _metadata(path: str, token: str) -> str:
    asked = urllib.request.Request(METADATA + path, headers={"X-aws-ec2-metadata-token": token})  # noqa: S310
    with urllib.request.urlopen(asked, timeout=60) as reply:  # noqa: S310
        return str(reply.read().decode())


def connection_of_machine() -> Connection:
    """Who this machine is, as the metadata service tells it. Raises OSError, and the unit starts it again."""
    headers = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    asked = urllib.request.Request(METADATA + "api/token", headers=headers, method="PUT")  # noqa: S310
    with urllib.request.urlopen(asked, timeout=60) as reply:  # noqa: S310
        token = reply.read().decode()
    found = json.loads(_metadata("dynamic/instance-identity/document", token))
    role = _metadata("meta-data/iam/security-credentials/", token)
    credentials = json.loads(_metadata(f"meta-data/iam/security-credentials/{role}", token))
    context = ssl.create_default_context()
    # Go's programs read every file of these folders, OpenSSL those with a hash for a name.
    for folder in os.environ.get("SSL_CERT_DIR", "").split(":")[1:]:
        for file in Path(folder).iterdir():
            context.load_verify_locations(file)
    return Connection(found["instanceId"], found["region"], context, credentials["AccessKeyId"], credentials["Token"])


def main() -> None:
    """Be the agent of this machine until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--way", choices=("channel", "poll"), default="channel")
    way = parser.parse_args().way
    agent = Agent(connection_of_machine())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    agent.register()
    (agent.listen if way == "channel" else agent.poll)()


if __name__ == "__main__":
    main()
