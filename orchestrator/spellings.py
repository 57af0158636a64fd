"""Every way in which a text may appear in what programs write: as it is, and in the encodings of this field.

Pure. `masks` decides which texts are looked for.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What JavaScript's encodeURIComponent leaves as it is, besides what Python always does.
_LEFT_BY_BROWSERS = "!*'()"
_HCL = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
#: Characters that a shell takes for its own between double quotes.
_IN_DOUBLE_QUOTES = re.compile(r'(["$`\\])')
#: Bytes of base64 that a byte before or after the text changes too, by how many stand before it in its group of three.
_CHANGED = {0: 0, 1: 2, 2: 3}


def spellings(text: str) -> frozenset[str]:
    """The text itself and its encodings, and each of these within JSON, as which Ansible shows results."""
    once = {text, *_escaped(text), *_of_urls(text), *_of_shells(text)}
    within = {json.dumps(one, ensure_ascii=plain)[1:-1] for one in once for plain in (True, False)}
    return frozenset({*once, *within, *_of_bytes(text)})


def _escaped(text: str) -> Iterator[str]:
    """Within the quotes of JSON (Python's, Go's, with and without ASCII alone), Python, YAML, HCL, HTML, and Packer's
    machine-readable lines.
    """
    for plain in (True, False):
        inner = json.dumps(text, ensure_ascii=plain)[1:-1]
        yield inner
        # Go writes these so (encoding/json, HTMLEscape); HCL's jsonencode is Go's.
        yield inner.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
        yield inner.replace("{{", "{\\u007b")
        yield inner.replace("/", "\\/")
        yield "".join(map(_visible, inner))
        yield inner.replace("${", "$${").replace("%{", "%%{")
    hcl = "".join(_HCL.get(char) or _visible(char) for char in text)  # as `render.literal` writes it
    yield hcl.replace("${", "\\u0024{").replace("%{", "\\u0025{")
    for written in (repr(text), ascii(text)):
        yield written[1:-1]
        yield written[1:-1].replace("'", "\\'")
        yield written[1:-1].replace("\\'", "'").replace('"', '\\"')
    yield text.replace("'", "''")  # YAML and SQL
    yield html.escape(text, quote=True)
    yield html.escape(text, quote=False)
    yield text.replace("\\", "\\\\")
    yield text.replace(",", "%!(PACKER_COMMA)").replace("\n", "\\n").replace("\r", "\\r")
    yield text.replace("\n", "\\n")
    yield text.replace("\n", "\r\n")


def _visible(char: str) -> str:
    point = ord(char)
    return char if char.isprintable() else f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"  # noqa: PLR2004


def _of_urls(text: str) -> Iterator[str]:
    if not _has_bytes(text):
        return
    for encoded in (quote(text), quote(text, safe=""), quote(text, safe=_LEFT_BY_BROWSERS), quote_plus(text)):
        yield encoded
        yield re.sub("%..", lambda found: found[0].lower(), encoded)


def _of_shells(text: str) -> Iterator[str]:
    quoted = shlex.quote(text)
    yield quoted[1:-1] if quoted.startswith("'") else quoted
    yield text.replace("'", "'\\''")
    yield _IN_DOUBLE_QUOTES.sub(r"\\\1", text)
    yield re.sub(r"([^\w./:=@%+-])", r"\\\1", text)


def _of_bytes(text: str) -> Iterator[str]:
    """Base64 and hexadecimal digits. In a longer text base64 has one of three forms, by where the text begins."""
    for written in {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}:
        if not _has_bytes(written):
            continue
        content = written.encode()
        yield content.hex()
        yield content.hex().upper()
        for whole in (base64.b64encode(content).decode(), *_within_base64(content)):
            yield whole
            yield whole.replace("+", "-").replace("/", "_")


def _within_base64(content: bytes) -> Iterator[str]:
    """What is the same whatever stands before and after, for each of the three places in a group of three bytes."""
    for before, changed in _CHANGED.items():
        encoded = base64.b64encode(b"\0" * before + content).decode().rstrip("=")
        whole = (before + len(content)) % 3 == 0
        yield encoded[changed:] if whole else encoded[changed:-1]


def _has_bytes(text: str) -> bool:
    """Whether UTF-8 has the text: halves of surrogate pairs have no bytes."""
    return not any("\ud800" <= char <= "\udfff" for char in text)
