"""Settings of a workspace's `ansible.cfg` with which a build would not do what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[defaults]\ntransport = local\n", ["ansible.cfg:2: 'transport = local'"]),
        ("[defaults]\n\nlog_path=/tmp/x\n", ["ansible.cfg:3: 'log_path'"]),
        ("[defaults]\nstrategy = mitogen_linear\n", ["ansible.cfg:2: 'strategy = mitogen_linear'"]),
        ("[privilege_escalation]\nbecome_ask_pass = True ; why\n", ["ansible.cfg:2: 'become_ask_pass'"]),
        ("[defaults]\nroles_path = ./roles:/opt/roles\n", ["ansible.cfg:2: 'roles_path'"]),
        ("[defaults]\nroles_path = roles:./.ami/deps/roles\nstrategy = free\ntransport = smart\n", []),
        ("[other]\ntransport = local\n[defaults]\nask_pass = no\n# log_path = x\n", []),
    ],
)
def test_setting_when_a_build_cannot_have_it(mistakes: Callable[..., list[str]], text: str, told: list[str]) -> None:
    """File and line; everything else is Ansible's own business."""
    found = mistakes({"ansible.cfg": text})
    assert [line[: len(wanted)] for line, wanted in zip(found, told, strict=True)] == told
