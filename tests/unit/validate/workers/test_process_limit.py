from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.validate.workers.process_limit import NO_LIMIT, bound, free_memory, free_processes, most_tests

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30


@pytest.mark.parametrize(
    ("memory", "processes", "files", "expected"),
    [
        (24 * GIB, NO_LIMIT, NO_LIMIT, 1024),
        (8 * GIB, NO_LIMIT, NO_LIMIT, 341),
        (8 * GIB, 400, NO_LIMIT, 100),
        (24 * GIB, NO_LIMIT, 1024, 832),
        (GIB, 4000, 4000, 42),
        (1 << 20, 4, 4, 16),
        (0, 0, 0, 16),
    ],
)
def test_the_bound_follows_what_there_is(memory: int, processes: int, files: int, expected: int) -> None:
    assert bound(memory, processes, files) == expected


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/\n", {}, 4 * GIB),
        ("0::/a/b\n", {"a/b/memory.max": f"{GIB}\n", "a/b/memory.current": f"{GIB // 4}\n"}, GIB * 3 // 4),
        ("0::/a/b\n", {"a/memory.max": f"{GIB}\n", "a/memory.current": "0\n"}, GIB),
        (
            "0::/a\n",
            {
                "a/memory.max": f"{2 * GIB}\n",
                "a/memory.current": f"{2 * GIB}\n",
                "a/memory.stat": f"anon 1\ninactive_file {GIB}\n",
            },
            GIB,
        ),
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
    meminfo = f"MemTotal: 1 kB\nMemAvailable:  {4 * GIB // 1024} kB\n"
    assert free_memory(host(tmp_path, groups, files, meminfo)) == expected


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/\n", {}, NO_LIMIT),
        ("0::/a/b\n", {"a/pids.max": "500\n", "a/pids.current": "20\n"}, 480),
        ("8:pids:/a\n0::/\n", {"pids/a/pids.max": "500\n", "pids/a/pids.current": "600\n"}, 0),
        ("8:cpu,pids:/a\n", {"pids/a/pids.max": "max\n", "pids/a/pids.current": "600\n"}, NO_LIMIT),
    ],
)
def test_free_processes_are_those_that_the_container_leaves(
    groups: str, files: dict[str, str], expected: int, tmp_path: Path
) -> None:
    assert free_processes(host(tmp_path, groups, files)) == expected


def test_memory_of_which_nothing_is_known_is_no_limit(tmp_path: Path) -> None:
    assert free_memory(tmp_path) == NO_LIMIT


def host(root: Path, groups: str, files: dict[str, str], meminfo: str = "") -> Path:
    """The files of a host, below `root`."""
    for name, text in {
        "proc/meminfo": meminfo,
        "proc/self/cgroup": groups,
        **{f"sys/fs/cgroup/{name}": text for name, text in files.items()},
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_here_there_is_room() -> None:
    assert 16 <= most_tests() <= 1024
