"""Puts the lab's Elastic Load Balancing in the place of moto's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.elb import urls

from orchestrator.lab.elb.answers import LabElbResponse

if TYPE_CHECKING:
    from orchestrator.lab.elb.balancer import Balancer


def install(balancer: Balancer) -> None:
    """To be called before moto answers its first request."""
    balancer.states.changed = balancer.follow
    LabElbResponse.balancer = balancer
    # Both generations of load balancers have one host name; the version of a request's API tells them apart there.
    urls.ELBV2Response = LabElbResponse  # type: ignore[attr-defined] # imported there
