"""The one place that makes boto3 clients: sessions, regions, endpoints. How they repeat calls is in `retries`."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal, overload
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

from orchestrator.aws import web_identity
from orchestrator.aws.call_log import log_calls
from orchestrator.aws.models import ModelLoader
from orchestrator.aws.retries import pause_before_retry
from orchestrator.aws.role import AssumedRole, session_name
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

#: What callers catch; `ClientError.response["Error"]["Code"]` tells which.
AwsError = (BotoCoreError, ClientError)

#: Characters below which a key is not looked for in logs; AWS's own have 40.
SHORTEST_SECRET = 16

_MAKING = threading.Lock()


class NoCredentials(LackError):
    """Nothing says who asks AWS: no profile, no variable, no role of this machine."""


@dataclass(frozen=True)
class Account:
    """Where AWS is asked: one account in one region. An empty string means boto3's own default.

    With a `role`, its credentials are used and no others. Programs that get the account's profile or keys (Packer) know
    nothing of the role.
    """

    region: str
    profile: str = ""
    endpoint: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    role: AssumedRole | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: where AWS is asked, without clients."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def in_region(self, region: str) -> Account:
        """The same account, with the same credentials, in a region such as `eu-west-1`."""
        return self if region == self.region else replace(self, region=region)

    def assuming(self, role_arn: str, *, run: str, external_id: str = "") -> Account:
        """The account of a role, in the same region and at the same endpoint, with the role's credentials.

        This account assumes the role, as soon as a client makes its first call, and again before the credentials
        expire. `run` names the sessions in CloudTrail; `external_id` is for a role whose trust policy asks for one. A
        call raises AwsError when the role may not be assumed.
        """
        role = AssumedRole(self, role_arn, session_name(run), external_id)
        return Account(self.region, endpoint=self.endpoint, role=role)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Keys that no log and no report may show, also those that boto3 has found by itself.

        A short one (a lab's) is a word like any other and stays.
        """
        return tuple(key for key in (self.secret_key, *self._found_keys()) if len(key) >= SHORTEST_SECRET)

    def _found_keys(self) -> tuple[str, ...]:
        try:
            found = self._session.get_credentials()
            keys = found.get_frozen_credentials() if found else None
        except AwsError:
            return ()  # whoever asks AWS is told
        return (keys.secret_key or "", keys.token or "") if keys else ()

    @cached_property
    def _session(self) -> Any:
        return boto3.session.Session(
            botocore_session=self._core_session,
            region_name=self.region,
            profile_name=self.profile or None,
            aws_access_key_id=self.access_key or None,
            aws_secret_access_key=self.secret_key or None,
        )

    @property
    def _core_session(self) -> Any:
        """A session of botocore that shares the models of services with all others of this process."""
        # With credentials of its own the account needs no profile; AWS_PROFILE might name one that is not there.
        own = bool(self.access_key) or self.role is not None
        session = botocore.session.Session({"profile": (None, None, None, None)} if own else None)
        session.lazy_register_component("data_loader", lambda: _loader(session.get_config_variable("data_path")))
        if self.role is not None:
            session.register_component("credential_provider", self.role.resolver)
        return session

    @cached_property
    def _clients(self) -> dict[tuple[str, bool], Any]:
        return {}

    @property
    def _ways(self) -> dict[str, Any]:
        """Where clients ask: at the endpoint, or at AWS itself whatever a variable or a profile says."""
        if not self.endpoint:
            return {"ignore_configured_endpoint_urls": True}
        direct: dict[str, Any] = {"proxies": {}} if is_loopback(self.endpoint) else {}
        return {"use_fips_endpoint": False, "use_dualstack_endpoint": False, **direct}

    @overload
    def client(self, service: Literal["cloudformation"], *, repeats: bool = True) -> Any: ...
    @overload
    def client(self, service: Literal["ec2"], *, repeats: bool = True) -> EC2Client: ...
    @overload
    def client(self, service: Literal["iam"], *, repeats: bool = True) -> IAMClient: ...
    @overload
    def client(self, service: Literal["kms"], *, repeats: bool = True) -> KMSClient: ...
    @overload
    def client(self, service: Literal["s3"], *, repeats: bool = True) -> S3Client: ...
    @overload
    def client(self, service: Literal["secretsmanager"], *, repeats: bool = True) -> SecretsManagerClient: ...
    @overload
    def client(self, service: Literal["service-quotas"], *, repeats: bool = True) -> Any: ...
    @overload
    def client(self, service: Literal["ssm"], *, repeats: bool = True) -> SSMClient: ...
    @overload
    def client(self, service: Literal["sts"], *, repeats: bool = True) -> STSClient: ...

    def client(self, service: str, *, repeats: bool = True) -> Any:
        """The account's client of a service ("ec2", "ssm", ...); made once and safe to share between threads.

        One that does not repeat is for those who do it themselves: each call of theirs is one request.
        """
        with _MAKING:
            if (service, repeats) not in self._clients:
                config = Config(
                    retries={"mode": "standard", "total_max_attempts": 1},  # it repeats nothing: the policy below does
                    connect_timeout=10,
                    read_timeout=60,
                    max_pool_connections=32,
                    **self._ways,
                )
                made = self._session.client(service, endpoint_url=self.endpoint or None, config=config)
                log_calls(made)
                if repeats:
                    made.meta.events.register("needs-retry", pause_before_retry)
                self._clients[service, repeats] = made
            client: Any = self._clients[service, repeats]
        return client


@cache
def _loader(data_path: str | None) -> ModelLoader:
    """What reads the models of services, and keeps what it has read: EC2's takes a twentieth of a second."""
    return ModelLoader(data_path)


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine itself, which no proxy reaches."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


#: Where `ami lab up` answers when nothing else is said.
_PORT = 4999


def mend_of(endpoint: str) -> str:
    """The command that makes a local endpoint answer; empty for one that is not of this machine."""
    if not is_loopback(endpoint):
        return ""
    port = urlsplit(endpoint).port
    return "ami lab up" if port in (None, _PORT) else f"ami lab up --name lab-{port} --port {port}"


def error_code(error: Exception) -> str:
    """The error's code as AWS names it (`InvalidAMIID.NotFound`), or an empty string."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""


def told(error: Exception) -> str:
    """What AWS says, in one line: `SendCommand: Rate exceeded (ThrottlingException)`."""
    if isinstance(error, ClientError):
        said = error.response.get("Error", {})
        return f"{error.operation_name}: {said.get('Message', '')} ({said.get('Code', '')})"
    return str(error)


def refusal(error: Exception) -> LackError | None:
    """The LackError that tells a person why AWS did not do what was asked; None when `error` is not of AWS."""
    if isinstance(error, EndpointConnectionError):
        url = str(error.kwargs.get("endpoint_url", "AWS")).partition("?")[0]  # S3's has the whole request
        return LackError(f"nothing answers at {url}", hint=mend_of(url) or "check network and region")
    if isinstance(error, NoCredentialsError):
        return NoCredentials("no AWS credentials were found", hint="name a `profile` in the environment, or log in")
    if isinstance(error, ClientError) and error.operation_name == web_identity.OPERATION:
        return web_identity.refused(error)
    if isinstance(error, ClientError):
        return LackError(f"AWS refused {told(error)}")
    if isinstance(error, BotoCoreError):
        return LackError(f"AWS could not be asked: {error}")
    return None
