from orchestrator.registry.search import find, find_version, is_version, newest_validated, versions, versions_of
from orchestrator.registry.states import State
from orchestrator.registry.version import (
    STACK,
    TAGS,
    UNPROVEN,
    Copy,
    Version,
    counted,
    lacks_state,
    tags_of,
    version_of,
)
from orchestrator.registry.write import set_state, tag, tag_value

__all__ = [
    "STACK",
    "TAGS",
    "UNPROVEN",
    "Copy",
    "State",
    "Version",
    "counted",
    "find",
    "find_version",
    "is_version",
    "lacks_state",
    "newest_validated",
    "set_state",
    "tag",
    "tag_value",
    "tags_of",
    "version_of",
    "versions",
    "versions_of",
]
