"""Calls that boto3 would not send: unknown actions, unknown parameters, values of the wrong form."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def sending(client: Any, action: str = "", **parameters: Any) -> Iterator[None]:
    """Let the next calls of a client have these parameters besides, as they are written on the wire, or another action.

    A name of a form may have dots: `**{"Filter.1.Name": "x"}`.
    """

    def change(params: dict[str, Any], **_: Any) -> None:
        if isinstance(params["body"], dict):
            params["body"] |= parameters | ({"Action": action} if action else {})
            return
        params["body"] = json.dumps(json.loads(params["body"]) | parameters).encode()
        if action:
            target = params["headers"]["X-Amz-Target"].rpartition(".")[0]
            params["headers"]["X-Amz-Target"] = f"{target}.{action}"

    client.meta.events.register("before-call.*.*", change)
    try:
        yield
    finally:
        client.meta.events.unregister("before-call.*.*", change)


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The code and the message with which AWS refuses a call; fails when it does not."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error: Any = caught.value.response["Error"]
    return str(error["Code"]), str(error.get("Message", ""))
