"""Decrypts what standard input lists, with the passwords that Ansible's settings name; run as a process of its own.

Settings are read when Ansible's modules are loaded, and those of a build are not those of `ami`. What was decrypted
goes through a pipe, and nowhere else.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import yaml
from ansible import constants
from ansible.cli import CLI
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib


def main() -> None:
    """A JSON list of encrypted texts becomes one of {"values": [...]} or {"error": why}, in the same order."""
    listed = list(constants.DEFAULT_VAULT_IDENTITY_LIST)
    prompts = [one for one in listed if one.rpartition("@")[2].startswith("prompt")]
    if prompts:
        sys.exit(f"the vault identity {prompts[0]} asks a person, and a build has none to ask")
    vault = VaultLib(CLI.setup_vault_secrets(DataLoader(), listed, auto_prompt=False))
    answers = [_answer(vault, text) for text in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


def _answer(vault: Any, text: str) -> dict[str, Any]:
    if not vault.secrets:
        return {"error": "is encrypted, and no vault password is configured"}
    try:
        plain = vault.decrypt(text.encode()).decode("utf-8", "backslashreplace")
    except AnsibleError:
        return {"error": "is encrypted, and none of the vault passwords decrypts it"}
    return {"values": sorted({plain, *_leaves(plain)})}


def _leaves(plain: str) -> set[str]:
    """The texts of a YAML file: whatever is printed of it is one of them."""
    try:
        waiting = [yaml.safe_load(plain)]
    except yaml.YAMLError:
        return set()
    found: set[str] = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
        elif isinstance(value, str):
            found.add(value)
    return found


if __name__ == "__main__":
    main()
