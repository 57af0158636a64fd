"""One request to the API of a service that holds comments, with its refusals as errors of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.errors import LackError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from requests import Response, Session

#: Seconds to wait for a connection, and for an answer.
_PATIENCE = (10, 60)
_FORBIDDEN = (401, 403, 404)


class Refused(LackError):
    """The service refuses a request, or has no such thing: 401, 403 or 404."""


class ReadOnlyToken(Refused):
    """The token of the job may read, and not write."""


def session_with(headers: Mapping[str, str]) -> Session:
    """A session that repeats what failed for reasons that pass, and honours proxies and Retry-After.

    A POST is not repeated after it was sent: it could write a second comment.
    """
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    again = Retry(total=4, connect=1, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504), raise_on_status=False)
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=again))
    session.headers.update(headers)
    return session


def asked(session: Session, method: str, url: str, **given: Any) -> Response:
    """An answer that is no refusal.

    Raises Refused, ReadOnlyToken when the request would write, and LackError for other trouble.
    """
    import requests

    try:
        response = session.request(method, url, timeout=_PATIENCE, allow_redirects=method == "GET", **given)
    except requests.RequestException as error:
        raise LackError(f"{url} does not answer: {error}", hint="the job needs this network") from error
    if response.ok:
        return response
    what = f"{method} {url}: {response.status_code} {_reason(response)}"
    if response.status_code in _FORBIDDEN:
        kind = Refused if method == "GET" else ReadOnlyToken
        raise kind(what, hint="the job's token needs a right that it has not")
    raise LackError(what, hint="look at the status of the service")


def listed(session: Session, url: str) -> Iterator[Any]:
    """What a list holds, page by page (RFC 8288: each page has a link to the next). Raises as `asked` does."""
    while url:
        response = asked(session, "GET", url)
        yield from response.json()
        url = response.links.get("next", {}).get("url", "")


def _reason(response: Response) -> str:
    """What the service says in its JSON, or HTTP's own word."""
    try:
        value = response.json()
    except ValueError:
        return response.reason
    message = value.get("message") or value.get("error") if isinstance(value, dict) else None
    return str(message or response.reason)
