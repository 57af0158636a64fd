"""What is refused of content from elsewhere: archives that lead out of their folder, and another ansible-core."""

from __future__ import annotations

import posixpath
import tarfile
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from orchestrator.definition.reading.document import read_foreign

if TYPE_CHECKING:
    from pathlib import Path


def archive_trouble(path: Path) -> str:
    """What makes an archive one that is not unpacked; empty when nothing does."""
    try:
        with tarfile.open(path) as archive:
            return next(filter(None, map(_member_trouble, archive)), "")
    except (tarfile.TarError, EOFError, OSError) as error:
        return f"it is no tar archive that can be read ({error})"


def core_trouble(collection: Path) -> str:
    """Why the installed ansible-core is not one that a collection says it works with; empty when it is.

    `requires_ansible` of `meta/runtime.yml` (Ansible, "Collection structure").
    """
    document = read_foreign(collection / "meta" / "runtime.yml", [])
    wanted = document.value.get("requires_ansible") if document else None
    try:
        installed = version("ansible-core")
        fits = wanted is None or SpecifierSet(str(wanted)).contains(installed, prereleases=True)
    except (PackageNotFoundError, InvalidSpecifier):
        return ""  # Ansible says what it makes of that
    return "" if fits else f"it requires ansible-core {wanted}, and {installed} is installed"


def _member_trouble(member: tarfile.TarInfo) -> str:
    if _leads_out(member.name):
        return f"'{member.name}' would be written outside of it"
    if member.isdev():
        return f"'{member.name}' is a device"
    above = posixpath.dirname(member.name) if member.issym() else ""
    if (member.issym() or member.islnk()) and _leads_out(posixpath.join(above, member.linkname)):
        return f"the link '{member.name}' leads out of it, to '{member.linkname}'"
    return ""


def _leads_out(name: str) -> bool:
    return name.startswith("/") or posixpath.normpath(name).split("/")[0] == ".."
