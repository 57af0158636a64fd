"""Where the Dask scheduler is, as a person writes it: `dask://HOST:PORT`, or `tls://HOST:PORT`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from orchestrator.errors import UsageError, did_you_mean

#: What people write, and what Dask calls it. A scheduler prints `tcp://` itself.
_SCHEMES = {"dask": "tcp", "tls": "tls", "tcp": "tcp"}
_FORM = "--on dask://HOST:PORT, or tls://HOST:PORT where Dask is set up for TLS"


@dataclass(frozen=True)
class SchedulerAddress:
    """A scheduler's address. As text it is what Dask takes: `tcp://10.0.0.5:8786`."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def written(self) -> str:
        """What a person writes for it."""
        scheme, _, rest = str(self).partition("://")
        return f"{'dask' if scheme == 'tcp' else scheme}://{rest}"


def address_of(written: str) -> SchedulerAddress:
    """The address that a person wrote. Raises UsageError, which names the nearest scheme."""
    scheme, sign, rest = written.partition("://")
    if not sign:
        raise UsageError(f"'{written}' is no address of a Dask scheduler: it has no scheme", hint=_FORM)
    if scheme not in _SCHEMES:
        near = did_you_mean(scheme, ("dask", "tls"))
        raise UsageError(f"'{written}': no scheme '{scheme}'{near}", hint=_FORM)
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"'{written}' is no address of a Dask scheduler: {error}", hint=_FORM) from None
    if not host or not port or parts.netloc != rest or "@" in rest:
        lacks = "host" if not host else "port" if not port else ""
        why = f"it has no {lacks}" if lacks else "there is more in it than a host and a port"
        raise UsageError(f"'{written}' is no address of a Dask scheduler: {why}", hint=_FORM)
    return SchedulerAddress(_SCHEMES[scheme], host, port)
