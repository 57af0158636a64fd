"""Installs the program for tests as a version of Packer: `python -m tests.packers.install FOLDER VERSION`."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from tests.packers.setting import Home, Setting

REPOSITORY = Path(__file__).parents[2]

#: The plugins of each version's recordings: name -> version. 1.6.6 has its own.
PLUGINS = {
    "1.6.6": {},
    "1.9.5": {"amazon": "1.2.6", "ansible": "1.1.0"},
    "1.16.0": {"amazon": "1.8.2", "ansible": "1.1.6"},
}
VERSIONS = tuple(PLUGINS)

_PROGRAM = """#!{python}
import sys
sys.path.insert(0, {repository!r})
from tests.packers.stand_in import main
sys.exit(main({folder!r}, sys.argv[1:]))
"""

_PLUGIN = """#!/bin/sh
# A plugin for tests: it only tells what it is.
[ "$1" = describe ] || exit 1
printf '%s\\n' '{described}'
"""

_PARTS = {"amazon": {"builders": ["ebs"]}, "ansible": {"provisioners": ["-packer-default-plugin-name-"]}}


def install(folder: Path, version: str, *, with_plugins: bool = True) -> Home:
    """Make `folder/packer` and `folder/plugins`."""
    folder.mkdir(parents=True, exist_ok=True)
    home = Home(folder.resolve())
    home.set(Setting(version))
    home.program.write_text(
        _PROGRAM.format(python=sys.executable, repository=str(REPOSITORY), folder=str(home.folder)), encoding="utf-8"
    )
    home.program.chmod(0o755)
    home.plugins.mkdir(exist_ok=True)
    if with_plugins:
        for name, number in PLUGINS[version].items():
            install_plugin(home.plugins, name, number)
    return home


def install_plugin(plugins: Path, name: str, version: str) -> Path:
    """Make a plugin in a folder of plugins, with its checksum; returns its file."""
    path = plugins / "github.com" / "hashicorp" / name / f"packer-plugin-{name}_v{version}_x5.0_linux_amd64"
    path.parent.mkdir(parents=True, exist_ok=True)
    described = {"version": version, "sdk_version": "0.6.0", "api_version": "x5.0", **_PARTS.get(name, {})}
    path.write_text(_PLUGIN.format(described=json.dumps(described)), encoding="utf-8")
    path.chmod(0o755)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}_SHA256SUM").write_text(checksum, encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{install(Path(sys.argv[1]), sys.argv[2]).program}\n")
