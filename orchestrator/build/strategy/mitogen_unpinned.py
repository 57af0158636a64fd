"""Mitogen's linear strategy for Ansible, without the pinning of its processes to CPUs.

Mitogen puts each of its processes onto one CPU, the same ones in every run. That suits one Ansible with many machines.
A factory has many Ansibles with one machine each, and all of them would wait for the same two CPUs.
"""

from __future__ import annotations

import ansible_mitogen.affinity

# Before the strategy is loaded: from then on the processes ask this object where they belong.
ansible_mitogen.affinity.policy = ansible_mitogen.affinity.Policy()

from ansible_mitogen.plugins.strategy.mitogen_linear import StrategyModule  # noqa: E402

__all__ = ["StrategyModule"]
