"""Mitogen's linear strategy for Ansible, without the pinning of its processes to CPUs, and without Ansible's regret.

Mitogen puts each of its processes onto one CPU, the same ones in every run. That suits one Ansible with many machines.
A factory has many Ansibles with one machine each, and all of them would wait for the same two CPUs.

Ansible calls every strategy that is not its own deprecated, once for each playbook. The factory has tried this one and
does without it when it fails (see `build/mitogen.py`); what Ansible says of roles is told as always.
"""

from __future__ import annotations

from typing import Any

import ansible_mitogen.affinity
from ansible.plugins import loader

# Before the strategy is loaded: from then on the processes ask this object where they belong.
ansible_mitogen.affinity.policy = ansible_mitogen.affinity.Policy()

from ansible_mitogen.plugins.strategy.mitogen_linear import StrategyModule  # noqa: E402

__all__ = ["StrategyModule"]

_tell = loader.display.deprecated


def _tell_of_others(msg: str, *arguments: Any, **options: Any) -> None:
    if not msg.startswith("Use of strategy plugins not included in ansible.builtin"):
        _tell(msg, *arguments, **options)


# The loader calls it after it has loaded this file.
loader.display.deprecated = _tell_of_others
