"""The small agent as a Debian package, which takes the real one's place in a machine of the lab."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import websockets

from orchestrator import process
from orchestrator.lab.host.agent_package import AFTER_INSTALL, BEFORE_REMOVE, UNIT

HERE = Path(__file__).parent
CONTROL = """\
Package: amazon-ssm-agent
Version: 3.3.0.0-1
Architecture: all
Maintainer: Tests <tests@example.com>
Depends: python3
Description: Small agent of the tests
"""
PROGRAM = """\
#!/usr/bin/python3
import sys

sys.path.insert(0, "/usr/lib/small-agent")
from tests.agent.small_agent import main

main()
"""


def build(target: Path) -> Path:
    """Write the package; returns where it is."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        texts = {
            "DEBIAN/control": CONTROL,
            "DEBIAN/postinst": AFTER_INSTALL,
            "DEBIAN/prerm": BEFORE_REMOVE,
            "lib/systemd/system/amazon-ssm-agent.service": UNIT.format(restart=1),
            "usr/bin/amazon-ssm-agent": PROGRAM,
        }
        texts |= {f"usr/lib/small-agent/tests/agent/{file.name}": file.read_text() for file in HERE.glob("*.py")}
        for path, text in texts.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o755 if path.startswith(("usr/bin/", "DEBIAN/p")) else 0o644)
        library = Path(websockets.__file__).parent
        without = shutil.ignore_patterns("__pycache__", "*.so", "legacy")
        shutil.copytree(library, root / "usr/lib/small-agent/websockets", ignore=without)
        process.run(["dpkg-deb", "--root-owner-group", "--build", folder, str(target)])
    return target
