"""What the bench of asking is made of: the suite that it generates, and the distance that it adds."""

from __future__ import annotations

import ast
import socket
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.bench.assertions import KINDS, Facts, suite, write
from tests.bench.far_away import far_away

if TYPE_CHECKING:
    from pathlib import Path

SAID = """\
file /usr/bin/true 755 root 39
file /etc/init.d/it's 644 root 12
file /with a space 644 root 1
package adduser 3.134
service ssh.service enabled
user root 0 /bin/bash
sysctl net.ipv4.conf.all.rp_filter 0
noise
"""


def test_facts_when_a_machine_has_told_them() -> None:
    """Lines that are none, or that hold more words than they should, are left out."""
    facts = Facts.read(SAID)
    assert [len(facts.rows[kind]) for kind in ("file", "package", "service", "user", "sysctl")] == [2, 1, 1, 1, 1]


@pytest.mark.parametrize("count", [1, 7, 150, 1500])
def test_suite_when_so_many_are_wanted(count: int) -> None:
    """It is Python, asserts exactly so many things, names no test twice, and is even over the kinds."""
    texts = suite(Facts.read(SAID), count)
    trees = {kind: ast.parse(text) for kind, text in texts.items()}
    asserted = {kind: sum(isinstance(node, ast.Assert) for node in ast.walk(tree)) for kind, tree in trees.items()}
    assert sum(asserted.values()) == count
    names = Counter(
        node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    )
    assert set(names.values()) == {1}
    if count >= len(KINDS) * 9:
        assert max(asserted.values()) - min(asserted.values()) <= 3


def test_suite_when_it_is_asked_for_again() -> None:
    """The same facts give the same suite, so that both sides are asked the same."""
    assert suite(Facts.read(SAID), 150) == suite(Facts.read(SAID), 150)


def test_roles_when_a_suite_is_small(tmp_path: Path) -> None:
    """A role without a generated test has one all the same: a role without tests is an error."""
    write(tmp_path, suite(Facts.read(SAID), 1))
    assert sorted(path.parts[-3] for path in tmp_path.glob("*/tests/test_*.py")) == sorted(KINDS)


def test_machine_when_it_is_far_away() -> None:
    """A question and its answer take twice the way, and many pieces on their way do not wait for each other."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def echo() -> None:
            there, _ = server.accept()
            with there:
                while said := there.recv(65536):
                    there.sendall(said)

        thread = threading.Thread(target=echo)
        thread.start()
        with (
            far_away("127.0.0.1", server.getsockname()[1], 0.05) as port,
            socket.create_connection(("127.0.0.1", port)) as here,
        ):
            began = time.monotonic()
            here.sendall(b"x")
            assert here.recv(1) == b"x"
            assert 0.1 <= time.monotonic() - began < 0.2
            began = time.monotonic()
            for _ in range(20):
                here.sendall(b"y")
                time.sleep(0.005)
            got = b""
            while len(got) < 20:
                got += here.recv(64)
            assert time.monotonic() - began < 0.4
        thread.join(5)
        assert not thread.is_alive()
