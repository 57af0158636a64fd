"""A secret that no encoding leaves as it is, and where it is looked for."""

from __future__ import annotations

import base64
import json
import shlex
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Quotes of both kinds, a comma, a dollar, braces, a newline, and what is not ASCII.
CANARY = "kanari,\"quoted'$HOME{{ no }}\nzweite Zeile ä€"


def forms(secret: str) -> set[bytes]:
    """The secret and its lines as they may be written; not by the code that hides them."""
    found: set[str] = set()
    for text in (secret, *secret.splitlines()):
        found |= {text, repr(text)[1:-1], json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
        found |= {shlex.quote(text), quote(text), quote(text, safe=""), quote_plus(text), quote(text).lower()}
        for start in range(3):
            encoded = base64.b64encode(b"x" * start + text.encode() + b"xyz").decode()
            found.add(encoded[4:20])
    return {one.encode() for one in found}


#: What begins the one or the other line: nobody else writes it, and no quoting touches it.
MARKS = (b"kanari,", b"zweite Zeile", b"zweite%20Zeile", b"zweite+Zeile")


def leaks(content: bytes) -> list[bytes]:
    """What of the canary is in these bytes."""
    return sorted(one for one in {*forms(CANARY), *MARKS} if one in content)


def leaking(*folders: Path) -> dict[str, list[bytes]]:
    """The files below folders that hold something of the canary."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path): found for path in files if (found := leaks(_read(path)))}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it was a temporary one


@contextmanager
def sampled(seconds: float = 0.1) -> Iterator[set[str]]:
    """Command lines, and environments of programs that `ami` starts, that hold the canary while the block lasts."""
    found: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(seconds):
            for process in Path("/proc").glob("[0-9]*"):
                command = _read(process / "cmdline")
                if leaks(command):
                    found.add(command.replace(b"\0", b" ").decode("utf-8", "replace"))
                is_ours = any(name in command for name in (b"packer", b"ansible", b"ssh"))
                if is_ours and leaks(_read(process / "environ")):
                    found.add("environment of " + command.replace(b"\0", b" ").decode("utf-8", "replace"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
