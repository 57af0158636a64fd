from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.validate.room import bound, free_memory, most_tests

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30


@pytest.mark.parametrize(
    ("memory", "processes", "expected"),
    [(24 * GIB, None, 1024), (8 * GIB, None, 341), (8 * GIB, 400, 100), (GIB, None, 42), (1 << 20, 4, 16), (0, 0, 16)],
)
def test_the_bound_follows_what_there_is(memory: int, processes: int | None, expected: int) -> None:
    assert bound(memory, processes) == expected


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/\n", {}, 4 * GIB),
        ("0::/a/b\n", {"a/b/memory.max": f"{GIB}\n", "a/b/memory.current": f"{GIB // 4}\n"}, GIB * 3 // 4),
        ("0::/not/seen\n", {"memory.max": f"{GIB}\n", "memory.current": "0\n"}, GIB),
        ("0::/a\n", {"a/memory.max": "max\n", "a/memory.current": "5\n"}, 4 * GIB),
        (
            "4:memory:/a\n1:name=systemd:/b\n0::/c\n",
            {"memory/a/memory.limit_in_bytes": f"{2 * GIB}\n", "memory/a/memory.usage_in_bytes": f"{GIB}\n"},
            GIB,
        ),
        (
            "4:memory:/a\n",
            {"memory/a/memory.limit_in_bytes": "9223372036854771712\n", "memory/a/memory.usage_in_bytes": "1\n"},
            4 * GIB,
        ),
    ],
)
def test_free_memory_is_that_of_the_container_when_it_has_less(
    groups: str, files: dict[str, str], expected: int, tmp_path: Path
) -> None:
    for name, text in {
        "proc/meminfo": f"MemTotal: 1 kB\nMemAvailable:  {4 * GIB // 1024} kB\n",
        "proc/self/cgroup": groups,
        **{f"sys/fs/cgroup/{name}": text for name, text in files.items()},
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert free_memory(tmp_path) == expected


def test_here_there_is_room() -> None:
    assert 16 <= most_tests() <= 1024
