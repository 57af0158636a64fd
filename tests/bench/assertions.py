"""A suite of many assertions about a Debian machine: one role for each kind, with values that its AMI really has.

What is asserted is read from a machine of the AMI, so that suites of any size hold on every machine of it. Kinds take
turns. Two of three tests assert one thing, as parametrised tests do; each third one asserts three things about its
subject, one after the other, and so cannot ask the second question before the first is answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Every generated test's name begins so: `-k` chooses them.
PREFIX = "test_asked_"

#: Run on a machine as root; prints lines `KIND FIELD...`.
FACTS = r"""
export LC_ALL=C
find /usr/bin /usr/share/doc /usr/lib/systemd/system /etc/init.d -xdev -type f -printf 'file %p %m %u %s\n' | sort
dpkg-query -W -f 'package ${Package} ${Version}\n'
systemctl list-unit-files --no-legend --type=service |
  awk '$1 !~ /@/ && ($2 == "enabled" || $2 == "disabled") {print "service", $1, $2}'
awk -F: '{print "user", $1, $3, $7}' /etc/passwd
sysctl -a -r '^net\.ipv[46]\.conf\.(all|default|lo)\.' 2>/dev/null |
  sed -n 's/^\([^ ]*\) = \([0-9]*\)$/sysctl \1 \2/p' | grep -v 'mc_forwarding'
"""

KINDS = ("files", "packages", "services", "sockets", "users", "sysctls", "processes", "commands")
_DEEP = 3


@dataclass(frozen=True)
class Facts:
    """What a machine has: rows of words by their kind."""

    rows: dict[str, tuple[tuple[str, ...], ...]]

    @classmethod
    def read(cls, said: str) -> Facts:
        """What FACTS printed. Lines whose names have spaces are left out."""
        rows: dict[str, list[tuple[str, ...]]] = {}
        lengths = {"file": 4, "package": 2, "service": 2, "user": 3, "sysctl": 2}
        for line in said.splitlines():
            kind, *words = line.split(" ")
            if len(words) == lengths.get(kind):
                rows.setdefault(kind, []).append(tuple(words))
        return cls({kind: tuple(some) for kind, some in rows.items()})

    def of(self, kind: str) -> Iterator[tuple[str, ...]]:
        """Its rows, spread out, and over again when there are too few."""
        rows = self.rows[kind]
        step = 7 if len(rows) % 7 else 11
        place = 0
        while True:
            yield rows[place % len(rows)]
            place += step


def suite(facts: Facts, assertions: int) -> dict[str, str]:
    """The text of each role's tests, by the role's name; together they assert exactly so many things."""
    subjects = {kind: _subjects(kind, facts) for kind in KINDS}
    tests: dict[str, list[str]] = {kind: [] for kind in KINDS}
    left, turn = assertions, 0
    while left:
        kind = KINDS[turn % len(KINDS)]
        deep = turn // len(KINDS) % 3 == 2 and left >= _DEEP
        asserted = next(subjects[kind])[: _DEEP if deep else 1]
        body = "".join(f"    assert {one}\n" for one in asserted)
        tests[kind].append(f"def {PREFIX}{kind}_{len(tests[kind])}(host):\n{body}")
        left -= len(asserted)
        turn += 1
    return {kind: "\n\n".join(some) for kind, some in tests.items() if some}


def write(roles: Path, texts: dict[str, str]) -> None:
    """Give each role its tests; a kind without any keeps one that asks nothing."""
    for kind in KINDS:
        folder = roles / kind / "tests"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"test_{kind}.py").write_text(texts.get(kind, "def test_nothing():\n    pass\n"))


def _subjects(kind: str, facts: Facts) -> Iterator[tuple[str, str, str]]:
    """Three assertions about each of as many subjects as are asked for."""
    ask: dict[str, Callable[[], Iterator[tuple[str, str, str]]]] = {
        "files": lambda: (
            (f"host.file({path!r}).mode == 0o{mode}", f"host.file({path!r}).user == {user!r}", _size(path, size))
            for path, mode, user, size in facts.of("file")
        ),
        "packages": lambda: (
            (
                f"host.package({name!r}).is_installed",
                f"host.package({name!r}).version == {version!r}",
                f"not host.package('no-{name}').is_installed",
            )
            for name, version in facts.of("package")
        ),
        "services": lambda: (
            (
                f"host.service({name!r}).is_enabled == {state == 'enabled'}",
                f"not host.service({name!r}).is_masked",
                f"host.service({name!r}).is_valid",
            )
            for name, state in facts.of("service")
        ),
        "sockets": lambda: (
            (
                f"not host.socket('tcp://0.0.0.0:{20000 + place}').is_listening",
                "host.socket('tcp://0.0.0.0:22').is_listening",
                f"not host.socket('udp://127.0.0.1:{20000 + place}').is_listening",
            )
            for place in range(40000)
        ),
        "users": lambda: (
            (
                f"host.user({name!r}).uid == {uid}",
                f"host.user({name!r}).shell == {shell!r}",
                f"host.user({name!r}).gid >= 0",
            )
            for name, uid, shell in facts.of("user")
        ),
        "sysctls": lambda: (
            (f"host.sysctl({name!r}) == {value}", f"host.sysctl({name!r}) is not None", "host.sysctl('kernel.ostype')")
            for name, value in facts.of("sysctl")
        ),
        "processes": lambda: (
            (
                f"not host.process.filter(comm='nothing-{place}')",
                "host.process.filter(user='root', comm='sshd')",
                "host.process.filter(comm='systemd')",
            )
            for place in range(40000)
        ),
        "commands": lambda: (
            (
                f"host.check_output('head -c 4 %s | wc -c', {path!r})",
                f"host.run('test -s %s', {path!r}).rc in (0, 1)",
                f"host.run('echo %s >&2', {path!r}).stderr",
            )
            for path, _mode, _user, _size in islice(facts.of("file"), 3, None)
        ),
    }
    return ask[kind]()


def _size(path: str, size: str) -> str:
    return f"host.file({path!r}).size == {size}"
