"""Which plugins a rendered file asks Packer for: the frame's own, and what a workspace's fragments add."""

from __future__ import annotations

import json
import re

#: A whole `packer` block, as the layout leaves it: its brackets alone begin a line.
_BLOCK = re.compile(r"^packer \{\n.*?^\}\n", re.MULTILINE | re.DOTALL)
#: A plugin as the frame writes it, and a block that has nothing else.
_ASKED = (
    r"    [a-z0-9_-]+ = \{\n"
    r'      "source"  = "(?P<source>[^"\\$%\n]+)"\n'
    r'      "version" = "(?P<version>[^"\\$%\n]*)"\n'
    r"    \}\n"
)
_PLUGIN = re.compile(_ASKED)
_PLAIN = re.compile(rf"packer \{{\n  required_plugins \{{\n(?:{re.sub(r'[?]P<[a-z]+>', '?:', _ASKED)})+  \}}\n\}}\n")


def required_plugins(text: str) -> dict[str, str]:
    """The versions that are wanted (`>= 1.2.1, < 2.0.0`, or empty) of each plugin (`github.com/hashicorp/amazon`)."""
    if not (blocks := _BLOCK.findall(text)):
        return {}
    if all(_PLAIN.fullmatch(block) for block in blocks):
        return {plugin["source"]: plugin["version"] for block in blocks for plugin in _PLUGIN.finditer(block)}
    import hcl2  # noqa: PLC0415 - its grammar takes a fifth of a second, and only fragments that ask for plugins need it

    found: dict[str, str] = {}
    for block in hcl2.loads("".join(blocks))["packer"]:
        for asked in block.get("required_plugins", ()):
            for plugin in asked.values():
                asks = {_plain(key): _plain(value) for key, value in plugin.items()} if isinstance(plugin, dict) else {}
                if asks.get("source"):
                    found[asks["source"]] = asks.get("version", "")
    return found


def _plain(value: object) -> str:
    """The text of an HCL string, which python-hcl2 gives with its quotes."""
    text = str(value)
    return str(json.loads(text)) if text.startswith('"') else text
