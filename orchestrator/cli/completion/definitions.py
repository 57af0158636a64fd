"""Names in a workspace's files, found without reading them as definitions: completion answers while somebody types.

Files with mistakes are no reason to stay silent. So names come from where they must be (`packer/images/web.yml` defines
`web`), and a file is opened for variants alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.fetching.cache_folder import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: As `definition.workspace_file.FILE` and its neighbours, which take long to import.
_FILE, _IMAGES, _ENVIRONMENTS, _SUFFIX = "ami.yml", "packer/images", "packer/environments", ".pkrvars.hcl"
#: As `extends.pin.LOCK`.
_LOCK = "ami.lock"
#: The value of `extends:`, with the lines that belong to it.
_EXTENDS = re.compile(r"^extends:(?:.*)(?:\n[ \t]+.*)*", re.MULTILINE)
#: The commit in a lock: as much of it as `extends.checkout.folder_of` names a folder by.
_COMMIT = re.compile(r"^  commit: '?([0-9a-f]{12})[0-9a-f]*'?$", re.MULTILINE)
_FROM = re.compile(r"^from:[ \t]*['\"]?([a-z0-9-]+)", re.MULTILINE)
_VARIANTS = re.compile(r"^variants:", re.MULTILINE)
#: Images whose variants are looked for; of more, people get the names alone and go on typing.
_OPENED = 100


def roots_above(folder: Path) -> tuple[Path, ...]:
    """The workspace of a folder, and those that it extends; none when there is no `ami.yml` above it."""
    start = folder.resolve()
    root = next((one for one in (start, *start.parents) if (one / _FILE).is_file()), None)
    found: list[Path] = []
    while root is not None and root not in found and (root / _FILE).is_file():
        found.append(root)
        root = _extended(root)
    return tuple(found)


def _extended(root: Path) -> Path | None:
    """The workspace that another one extends: a folder, or the files that the cache has of the commit in its lock."""
    written = _EXTENDS.search(_text(root / _FILE))
    if written is None:
        return None
    import yaml

    try:
        extends = yaml.load(written[0], yaml.CSafeLoader)["extends"]
    except yaml.YAMLError:
        return None
    fields = extends if isinstance(extends, dict) else {"path": extends}
    if isinstance(path := fields.get("path"), str):
        return (root / path).resolve()
    lock = root / _LOCK
    commit = _COMMIT.search(_text(lock)) if "git" in fields and lock.is_file() else None
    return (cache_folder("extends") / commit[1] / str(fields.get("folder") or "")).resolve() if commit else None


def environments(roots: Iterable[Path]) -> list[str]:
    """Those of the workspace itself: what it extends has its own."""
    own = next(iter(roots), None)
    files = _files(own / _ENVIRONMENTS, _SUFFIX) if own else ()
    return sorted(path.name.removesuffix(_SUFFIX) for path in files)


def roles(roots: Iterable[Path]) -> list[str]:
    """Roles that lie in `roles/`; those of collections are left out."""
    folders = (path for root in roots for path in (root / "roles").glob("*") if path.is_dir())
    return sorted({path.name for path in folders if not path.name.startswith(".")})


def images(roots: Iterable[Path], beginning: str = "") -> list[str]:
    """Images that begin so, and `web@debian-13` for each variant of those that have some."""
    files = {path.stem: path for root in roots for path in _files(root / _IMAGES, ".yml")}
    family = beginning.partition("@")[0]
    named = sorted(name for name in files if (name == family if "@" in beginning else name.startswith(family)))
    if len(named) > _OPENED:
        return named
    each = ((name, *(f"{name}@{variant}" for variant in _variants(name, files))) for name in named)
    return [name for some in each for name in some if name.startswith(beginning)]


def _variants(name: str, files: dict[str, Path]) -> list[str]:
    """The variants of an image: its own list, or that of what it is built on."""
    entered: set[str] = set()
    while name in files and name not in entered:
        entered.add(name)
        text = _text(files[name])
        if _VARIANTS.search(text):
            return _written_variants(text)
        start = _FROM.search(text)
        name = start[1] if start else ""
    return []


def _written_variants(text: str) -> list[str]:
    import yaml

    try:
        listed = yaml.load(text, yaml.CSafeLoader)["variants"]
    except (yaml.YAMLError, TypeError, KeyError):
        return []
    return _names(listed)


def _names(listed: Any) -> list[str]:
    """The names in a list whose entries are names, or mappings of one name to the rest."""
    entries = listed if isinstance(listed, list) else ()
    each = (next(iter(one), "") if isinstance(one, dict) else one for one in entries)
    return [one for one in each if isinstance(one, str) and one]


def _files(folder: Path, ending: str) -> Iterator[Path]:
    return (path for path in folder.glob(f"*{ending}") if not path.name.startswith("."))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
