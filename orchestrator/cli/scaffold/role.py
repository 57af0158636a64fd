"""The files of a new role: a task and its test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TASKS = """\
---
- name: {task}
  ansible.builtin.copy:
    content: "{content}\\n"
    dest: {dest}
    mode: "0644"
"""
_TESTS = '''\
def test_{what}(host):
    """{proof}"""
    assert host.file("{dest}").content_string == "{content}\\n"
'''


def role_files(name: str) -> Mapping[str, str]:
    """A role that writes a file, by paths in the workspace."""
    return _files(
        name,
        task=f"Write the settings of {name}",
        what="settings",
        proof="The settings are there.",
        content=f"# Settings of {name}",
        dest=f"/etc/{name}.conf",
    )


def greeting_files(role: str, image: str) -> Mapping[str, str]:
    """The role of a first image, by paths in the workspace. docs/tutorial.md shows it."""
    content = f"Hello from {image}"
    proof = "The greeting is there."
    return _files(role, task="Say hello", what="hello", proof=proof, content=content, dest=f"/etc/{image}")


def _files(name: str, **words: str) -> Mapping[str, str]:
    return {
        f"roles/{name}/tasks/main.yml": _TASKS.format(**words),
        f"roles/{name}/tests/test_{name}.py": _TESTS.format(**words),
    }
