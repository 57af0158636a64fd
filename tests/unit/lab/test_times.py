"""How long things take in a lab, with the source of each figure."""

from __future__ import annotations

from dataclasses import fields

import pytest

from orchestrator.lab.settings import Settings
from orchestrator.lab.times import QUICK, REALISTIC, SOURCES, Times, times_of


def test_a_lab_is_quick_unless_it_shall_be_realistic() -> None:
    assert times_of(Settings("one", 4999, 1.0, 0.0)) == QUICK
    assert times_of(Settings("one", 4999, 1.0, 0.0, realistic=True)) == REALISTIC


def test_each_figure_has_its_source() -> None:
    assert sorted(SOURCES) == sorted(field.name for field in fields(Times))


@pytest.mark.parametrize("field", [field.name for field in fields(Times)])
def test_nothing_takes_time_by_default_and_everything_does_on_aws(field: str) -> None:
    assert getattr(QUICK, field) == 0
    assert getattr(REALISTIC, field) > 0


def test_snapshots_and_copies_take_their_time_by_their_size() -> None:
    times = Times(snapshot=10, snapshot_rate=100, copy=20, copy_rate=50)
    assert times.of_snapshot(100) == 10 + 1024
    assert times.of_copy(100) == 20 + 2048
    assert QUICK.of_copy(1000) == QUICK.of_snapshot(1000) == 0
