"""How many tests may have a process at once on this host: as many as it has memory and processes for."""

from __future__ import annotations

import resource
from pathlib import Path

#: Bytes that a test's process takes besides what it shares with the others; measured with Testinfra: 5.5 MB.
_EACH = 6 << 20
#: The share of what is free that all of them may take.
_SHARE = 4
_LEAST, _MOST = 16, 1024


def most_tests() -> int:
    """The bound for this process, now."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    return bound(free_memory(), limit if limit != resource.RLIM_INFINITY else None)


def bound(memory: int, processes: int | None) -> int:
    """The bound for so many bytes of memory that are free, and a limit on the processes of one user, if any."""
    found = memory // _SHARE // _EACH
    if processes is not None:
        found = min(found, processes // _SHARE)
    return max(_LEAST, min(found, _MOST))


def free_memory(root: Path = Path("/")) -> int:
    """Bytes that this process can still get: those of the host, or of a container that has fewer."""
    return min(_of_host(root), *_of_groups(root))


def _of_host(root: Path) -> int:
    lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def _of_groups(root: Path) -> list[int]:
    """Of each control group that limits memory, what it has left: cgroups(7), versions 1 and 2."""
    groups = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    paths = {kind: path for _, kind, path in (line.split(":", 2) for line in groups)}
    files = []
    for kind, mount, limit, used in (
        ("", "", "memory.max", "memory.current"),
        ("memory", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        if kind in paths:
            mounted = root / "sys/fs/cgroup" / mount
            # In a container the path is the host's, and the group itself is what is mounted.
            folder = mounted / paths[kind].lstrip("/")
            files += [(each / limit, each / used) for each in {folder, mounted}]
    left = [(_number(limit), _number(used)) for limit, used in files]
    return [limit - used for limit, used in left if limit is not None and used is not None] or [1 << 62]


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # not there, or `max`
        return None
