"""Puts the lab's Elastic Load Balancing in the place of moto's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.elbv2 import urls

from orchestrator.lab.elb.answers import LabElbResponse

if TYPE_CHECKING:
    from orchestrator.lab.elb.balancer import Balancer


def install(balancer: Balancer) -> None:
    """To be called before moto reads its routes."""
    balancer.states.changed = balancer.follow
    LabElbResponse.balancer = balancer
    urls.url_paths = {"{0}/$": LabElbResponse.dispatch}
