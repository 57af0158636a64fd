"""What is printed, and how."""

from __future__ import annotations

import json
import os
import subprocess
import sys

_PRINTS = """
from orchestrator.cli.tables import Column, print_table
from orchestrator.cli.terminal import print_json, take_any_text


take_any_text()
print_json({"schema": "ami/made-up/1", "reason": "caf\\udce9"})
print_table([Column("REASON")], [["caf\\udce9"]])
"""


def test_a_result_is_printed_whatever_it_says() -> None:
    """To a terminal of UTF-8, which has no bytes for halves of surrogate pairs."""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run([sys.executable, "-c", _PRINTS], capture_output=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    said, end = json.JSONDecoder().raw_decode(done.stdout.decode("utf-8"))
    assert said["reason"] == "caf\udce9"
    assert "caf\\udce9" in done.stdout.decode("utf-8")[end:]
