"""Checks of the plugins of Packer that a workspace pins: each comes from one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.definition.workspace_file import OWN_PLUGINS
from orchestrator.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.draft import WorkspaceDraft
    from orchestrator.definition.reading.document import Document


def problems_of_plugins(workspace: WorkspaceDraft) -> Iterator[Problem]:
    """Pins of plugins whose source is not known, or is another one than what is extended says."""
    known = dict(OWN_PLUGINS)
    for each in reversed(workspace.lineage):
        for name, source in _plugin_sources(each.document):
            if source and known.setdefault(name, source) != source and each is workspace:
                what = f"the plugin '{name}' comes from {known[name]}, and not from {source}"
                yield each.document.problem(what, "packer", "required_plugins", name)
            if not source and name not in known and each is workspace:
                near = did_you_mean(name, known)
                what = f"the plugin '{name}' needs its source: {{source: HOST/OWNER/NAME, version: ...}}{near}"
                yield each.document.problem(what, "packer", "required_plugins", name)


def _plugin_sources(document: Document) -> list[tuple[str, str]]:
    """(name, source) of each plugin that is pinned; an empty source for one that is written without."""
    settings = document.value.get("packer")
    pins = settings.get("required_plugins") if isinstance(settings, dict) else None
    written = pins.items() if isinstance(pins, dict) else ()
    return [(str(name), str(pin.get("source") or "") if isinstance(pin, dict) else "") for name, pin in written]
