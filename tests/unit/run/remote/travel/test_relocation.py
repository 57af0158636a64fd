"""Values that name files, on their way to a machine on which these lie elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.run.remote.travel.relocation import dumped, loaded, told_here


@dataclass(frozen=True)
class Named:
    path: Path
    beside: tuple[Path, ...] = ()


def test_paths_when_folders_lie_elsewhere() -> None:
    """A path below a root follows it, that of the innermost root; another one stays."""
    here, there = (Path("/a/w"), Path("/a/w/factory")), (Path("/x/1"), Path("/y/2"))
    value = Named(Path("/a/w/roles/web"), (Path("/a/w/factory/ami.yml"), Path("/a/w"), Path("/etc/x"), Path("roles")))
    moved = loaded(dumped(value, here), there)
    assert moved == Named(Path("/x/1/roles/web"), (Path("/y/2/ami.yml"), Path("/x/1"), Path("/etc/x"), Path("roles")))


def test_value_when_another_travels_in_its_place() -> None:
    """What is named by its identity is replaced, and what is equal to it is not."""
    one, equal = Named(Path("a")), Named(Path("a"))
    moved = loaded(dumped([one, equal], (), {id(one): Named(Path("b"))}), ())
    assert moved == [Named(Path("b")), Named(Path("a"))]


def test_text_when_it_names_folders_of_another_machine() -> None:
    """The longest folder is replaced first: one may lie in another."""
    places = {"/c/1": "/a/w", "/c/1/2": "/a/w/factory"}
    assert told_here("/c/1/2/ami.yml:3 and /c/1/x", places) == "/a/w/factory/ami.yml:3 and /a/w/x"
