"""Whatever is added to a template, it is in the workspace or in the list."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.adopt.adoption import adopt
from orchestrator.adopt.reading.template import read_template
from tests.unit.adopt.conftest import OWNER

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "zq"
KEY = st.sampled_from(["spot_price", "iops", "user_data", "tag", "groups", "timeout", "inline", "only", "x", "{{x}}"])
PLAIN = st.sampled_from([f"{MARK}-text", 7319, f"{{{{timestamp}}}}-{MARK}", f"{{{{user `{MARK}`}}}}"])
VALUE = st.one_of(PLAIN, st.lists(PLAIN, min_size=1, max_size=2), st.dictionaries(KEY, PLAIN, min_size=1, max_size=2))


def template() -> dict[str, Any]:
    return {
        "variables": {"region": "us-east-1"},
        "builders": [
            {
                "type": "amazon-ebs",
                "region": "{{user `region`}}",
                "source_ami_filter": {"filters": {"name": "debian-*"}, "owners": ["self"]},
                "launch_block_device_mappings": [{"device_name": "/dev/xvdb"}],
                "ssh_username": "admin",
                "tags": {"a": "b"},
            }
        ],
        "provisioners": [{"type": "shell", "inline": ["true"]}, {"type": "breakpoint"}, {"type": "other"}],
        "post-processors": ["manifest", [{"type": "shell-local", "inline": ["true"]}]],
    }


def mappings(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to each mapping of a template, but to the template itself: its keys are checked."""
    if isinstance(value, dict) and at and at != ("variables",):
        yield at
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from mappings(inner, (*at, key))


@settings(max_examples=150, deadline=None)
@given(at=st.sampled_from(sorted(mappings(template()), key=str)), key=KEY, value=VALUE)
def test_an_added_key_is_carried_or_listed(at: tuple[Any, ...], key: str, value: Any) -> None:
    """Its text is in what is written, or its address, or that of what holds it, is in the list."""
    written = template()
    place: Any = written
    for step in at:
        place = place[step]
    added = key not in place
    place[key] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.json"
        path.write_text(json.dumps(written, indent=1))
        read = read_template(path, {})
        adoption = adopt(read, None, OWNER)
        text = "".join(file.content.decode() for file in adoption.files)
    ledger = adoption.ledger
    assert set(read.leaves()) - {*ledger.carried, *ledger.listed} == set()
    address = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in (*at, key)).removeprefix(".")
    listed = [what for what in ledger.listed if what.startswith(address) or address.startswith(what)]
    if added:
        assert listed or MARK in text or "7319" in text or key == "only", (address, text)
