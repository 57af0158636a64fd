from __future__ import annotations

import ipaddress
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from orchestrator.lab.api.faults import Trouble
from orchestrator.lab.tables import Tables


@pytest.fixture
def tables() -> Tables:
    return Tables(ipaddress.IPv4Network("10.89.0.0/24"))


def test_one_call_is_answered_at_a_time(tables: Tables) -> None:
    """What makes moto's conditional writes atomic: it looks first, and writes later."""
    inside: list[int] = []
    most = 0

    def answer(number: int) -> None:
        nonlocal most
        with tables.answering(Trouble()):
            inside.append(number)
            most = max(most, len(inside))
            time.sleep(0.005)
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(answer, range(16)))
    assert most == 1


def test_the_trouble_of_a_call_ends_with_it(tables: Tables) -> None:
    trouble = Trouble(latency=1)
    with suppress(ZeroDivisionError), tables.answering(trouble):
        assert tables.trouble is trouble
        raise ZeroDivisionError
    assert tables.trouble == Trouble(record_hit=tables.trouble.record_hit)
