"""The one place that makes boto3 clients: sessions, regions, endpoints. How they repeat calls is in `aws_retries`."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

from orchestrator.aws.retries import pause_before_retry
from orchestrator.errors import LackError

#: What callers catch; `ClientError.response["Error"]["Code"]` tells which.
AwsError = (BotoCoreError, ClientError)

#: Characters below which a key is not looked for in logs; AWS's own have 40.
SHORTEST_SECRET = 16

_MAKING = threading.Lock()


@dataclass(frozen=True)
class Account:
    """Where AWS is asked: one account in one region. An empty string means boto3's own default."""

    region: str
    profile: str = ""
    endpoint: str = ""
    access_key: str = ""
    secret_key: str = ""

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
        # With keys of its own the account needs no profile; AWS_PROFILE might name one that is not there.
        no_profile = {"profile": (None, None, None, None)}
        given = {"botocore_session": botocore.session.Session(no_profile)} if self.access_key else {}
        return boto3.session.Session(
            **given,
            region_name=self.region,
            profile_name=self.profile or None,
            aws_access_key_id=self.access_key or None,
            aws_secret_access_key=self.secret_key or None,
        )

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
                if repeats:
                    made.meta.events.register("needs-retry", pause_before_retry)
                self._clients[service, repeats] = made
            client: Any = self._clients[service, repeats]
        return client


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine itself, which no proxy reaches."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


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
        url = str(error.kwargs.get("endpoint_url", "AWS"))
        hint = "ami lab up" if is_loopback(url) else "check network and region"
        return LackError(f"nothing answers at {url}", hint=hint)
    if isinstance(error, NoCredentialsError):
        return LackError("no AWS credentials were found", hint="name a `profile` in the environment, or log in")
    if isinstance(error, ClientError):
        return LackError(f"AWS refused {told(error)}")
    if isinstance(error, BotoCoreError):
        return LackError(f"AWS could not be asked: {error}")
    return None
