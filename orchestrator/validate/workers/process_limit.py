"""How many tests may have a process at once on this host: as many as it has memory, processes and files for."""

from __future__ import annotations

import resource
from pathlib import Path

#: Bytes that a test's process takes besides what it shares with the others; measured with Testinfra: 5.5 MB.
_EACH = 6 << 20
#: The share of what is free that all of them may take.
_SHARE = 4
#: Files that the process which all of them call may have open besides: lines of branches, of what tests fork.
_OTHER_FILES = 192
_LEAST, _MOST = 16, 1024

NO_LIMIT = 1 << 62


def most_tests() -> int:
    """The bound for this process, now."""
    processes = min(_soft(resource.RLIMIT_NPROC), free_processes())
    return bound(free_memory(), processes, _soft(resource.RLIMIT_NOFILE))


def bound(memory: int, processes: int = NO_LIMIT, files: int = NO_LIMIT) -> int:
    """The bound for so many bytes of memory and processes that are free, and files that one process may open."""
    found = min(memory // _SHARE // _EACH, processes // _SHARE, files - _OTHER_FILES)
    return max(_LEAST, min(found, _MOST))


def free_memory(root: Path = Path("/")) -> int:
    """Bytes that this process can still get: those of the host, or of a container that has fewer."""
    left = [_of_host(root)]
    for folder in _groups(root, "memory"):
        of_version_1 = _left(folder, "memory.limit_in_bytes", "memory.usage_in_bytes")
        of_version_2 = _left(folder, "memory.max", "memory.current")
        stat = _text(folder / "memory.stat")
        # Files that were read a while ago count as used, and go when memory is wanted.
        idle = _field(stat, "total_inactive_file") or _field(stat, "inactive_file") or 0
        left.append(min(of_version_1, of_version_2) + idle)
    return min(left)


def free_processes(root: Path = Path("/")) -> int:
    """Processes that a container leaves to this one."""
    return min((_left(folder, "pids.max", "pids.current") for folder in _groups(root, "pids")), default=NO_LIMIT)


def _of_host(root: Path) -> int:
    kibibytes = _field(_text(root / "proc/meminfo"), "MemAvailable:")
    return NO_LIMIT if kibibytes is None else kibibytes * 1024


def _groups(root: Path, controller: str) -> list[Path]:
    """The folders of the control groups that may limit this process: its own and those above.

    As in cgroups(7). In a container the path is the host's, and the group itself is what is mounted.
    """
    found: list[Path] = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds and controller not in kinds.split(","):
            continue
        mounted = root / "sys/fs/cgroup" / (controller if kinds else "")
        own = mounted / path.lstrip("/")
        found += [each for each in (own, *own.parents) if each.is_relative_to(mounted)]
    return found


def _left(folder: Path, limit: str, used: str) -> int:
    """What a control group has left of something; NO_LIMIT when it does not limit it, or is not there."""
    try:
        return max(0, int(_text(folder / limit)) - int(_text(folder / used)))
    except ValueError:  # empty, or `max`
        return NO_LIMIT


def _soft(which: int) -> int:
    limit, _ = resource.getrlimit(which)
    return NO_LIMIT if limit == resource.RLIM_INFINITY else limit


def _field(text: str, name: str) -> int | None:
    """The number after a name at the beginning of a line."""
    return next((int(line.split()[1]) for line in text.splitlines() if line.split(" ", 1)[0] == name), None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
