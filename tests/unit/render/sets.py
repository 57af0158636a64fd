"""The Packers that images are rendered for in tests: what Debian packages, and three with plugins."""

from __future__ import annotations

from orchestrator.render.packer_set import PackerSet

LEGACY = PackerSet("1.6.6")
PLUGINS = PackerSet("1.9.5", "1.2.6", "1.1.0")
#: By the name of the folder of their golden files.
SETS = {
    "packer-1.6.6": LEGACY,
    "packer-1.9.5-amazon-1.2.6": PLUGINS,
    "packer-1.14-amazon-1.3.10": PackerSet("1.14.0", "1.3.10", "1.1.4"),
    "packer-1.16-amazon-1.8.2": PackerSet("1.16.0", "1.8.2", "1.1.6"),
}
