"""What a "no" of the operating system means to a person: a full disk, a read-only folder, too many open files."""

from __future__ import annotations

import errno

from orchestrator.errors import LackError

#: A disk that is full, a quota that is used up, a file system that is read-only.
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
#: What to do about a refusal. Other numbers get their own text alone.
_MENDS = {
    **dict.fromkeys(_DISK, "df -h; then run the command again"),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM), "ls -ld the path and the folders above it; `id` says who you are here"
    ),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "ulimit -n 4096; then run the command again"),
    **dict.fromkeys((errno.ENOMEM, errno.EAGAIN), "free -m, ulimit -u; then run the command again"),
    errno.ENAMETOOLONG: "use a folder with a shorter path",
}


def system_refusal(error: BaseException | None) -> LackError | None:
    """What an error of the operating system means, also one that caused another error; None for any other."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _MENDS:
            where = f" ({error.filename})" if error.filename else ""
            verb = "cannot write" if error.errno in _DISK else "says no"
            return LackError(f"this machine {verb}{where}: {error.strerror}", hint=_MENDS[error.errno])
        error = error.__cause__
    return None
