"""AWS's errors as Packer passes them on, in one wording: `CODE: message (HTTP 503)`.

Up to 1.7 Packer's Amazon plugin speaks with AWS by the SDK for Go v1 (`CODE: message`, and on a second line `status
code: 503, request id: ...`), from 1.8 on by v2 (`operation error EC2: CreateImage, ... StatusCode: 503, RequestID: ...,
api error CODE: message`). Request ids are in Packer's log.
"""

from __future__ import annotations

import re

_V1 = re.compile(r"\s*\bstatus code: (\d+)(?:, request id: \S+)?")
_V2 = re.compile(
    r"operation error [\w ]+: \w+, (?:exceeded maximum number of attempts, \d+, )?"
    r"https response error StatusCode: (\d+), RequestID: [^,]*, (?:api error )?([^\n]*)"
)


def plain(text: str) -> str:
    """`text` with what AWS said in the wording of this module. Texts of other kinds stay as they are."""
    text, found = _V1.sub(r" (HTTP \1)", text), 1
    while found:  # version 2 quotes an error within another
        text, found = _V2.subn(_as_v1, text)
    return text


def _as_v1(found: re.Match[str]) -> str:
    status, said = found.groups()
    return said if status == "0" else f"{said} (HTTP {status})"  # 0: there was no answer
