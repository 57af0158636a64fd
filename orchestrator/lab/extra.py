"""The Python packages that only the lab needs, and the command that installs them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

#: What brings them.
EXTRA = "ami-factory[lab]"


def installing() -> str:
    """The command that installs them where this program is installed: by pip, or by pipx or uv, which hide their pip.

    Both leave a record in the environment that they make (pipx, "How pipx works"; uv, "Tool environments").
    """
    environment, pip = Path(sys.prefix), Path(sys.executable).with_name("pip")
    if (environment / "uv-receipt.toml").is_file():
        return f"uv pip install --python {sys.executable} '{EXTRA}'"
    if (environment / "pipx_metadata.json").is_file():
        return f"pipx runpip ami-factory install '{EXTRA}'"
    if shutil.which("pip") == str(pip):
        return f"pip install '{EXTRA}'"
    return f"{sys.executable} -m pip install '{EXTRA}'"
