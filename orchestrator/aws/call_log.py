"""Each call of AWS in the log: what was called, on what, and how it ended. For `--log-level debug`.

Of what is asked only names and ids are written: bodies, user data, scripts and values of parameters may have secrets
that nobody has learned.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOG = logging.getLogger(__name__)

#: Parameters that are written: those that name something.
_NAMES = re.compile(r"(?!ExternalId).*(Id|Ids|Name|Names|Owners|Bucket|Key|Prefix|Arn|DryRun)")
#: Characters of one value.
_LONGEST = 200


def log_calls(client: Any) -> None:
    """Let a client of boto3 write a line for each answer that it gets. Costs next to nothing when nobody reads it."""
    client.meta.events.register("provide-client-params.*.*", _asked)
    client.meta.events.register("after-call.*.*", _answered)
    client.meta.events.register("after-call-error.*.*", _failed)


def _asked(params: Mapping[str, Any], model: Any, **_: Any) -> None:
    if LOG.isEnabledFor(logging.DEBUG):
        shown = ", ".join(_shown(params))
        LOG.debug("%s %s(%s)", model.service_model.service_name, model.name, shown)


def _answered(model: Any, parsed: Mapping[str, Any], **_: Any) -> None:
    if LOG.isEnabledFor(logging.DEBUG):
        status = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", "no status")
        code = parsed.get("Error", {}).get("Code", "")
        LOG.debug("%s %s: %s%s", model.service_model.service_name, model.name, status, f" {code}" if code else "")


def _failed(exception: Exception, event_name: str, **_: Any) -> None:
    LOG.debug("%s: %s", event_name.partition(".")[2].replace(".", " "), type(exception).__name__)


def _shown(params: Mapping[str, Any]) -> Iterator[str]:
    for name, value in params.items():
        texts = value if isinstance(value, list) else [value]
        if not (_NAMES.fullmatch(name) and all(isinstance(one, str | int) for one in texts)):
            yield f"{name}=..."
            continue
        text = " ".join(map(str, texts))
        yield f"{name}={text if len(text) <= _LONGEST else text[:_LONGEST] + '...'}"
