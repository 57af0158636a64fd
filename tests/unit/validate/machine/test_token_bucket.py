"""How fast Systems Manager is called."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestrator.aws.account import Account
from orchestrator.errors import Interrupted
from orchestrator.validate.machine.token_bucket import TokenBucket, bucket_of


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_served_at_once_and_then_each_waits_for_its_token() -> None:
    bucket = TokenBucket(3, 2, clock=Clock())
    assert [bucket.taken() for _ in range(6)] == [0, 0, 0, 0.5, 1, 1.5]


def test_tokens_come_back_at_the_rate_and_no_more_than_there_were() -> None:
    clock = Clock()
    bucket = TokenBucket(3, 2, clock=clock)
    for _ in range(4):
        bucket.taken()
    clock.now += 1  # two came back, of which one was owed
    assert [bucket.taken() for _ in range(2)] == [0, 0.5]
    clock.now += 3600
    assert [bucket.taken() for _ in range(4)] == [0, 0, 0, 0.5]


def test_threads_share_the_tokens() -> None:
    """No token is taken twice."""
    bucket, stop = TokenBucket(5, 100), threading.Event()
    began = time.monotonic()

    def take(_: int) -> float:
        bucket.take(stop)
        return time.monotonic() - began

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(45)))
    assert max(taken) >= 0.4
    for seconds in (0.1, 0.2, 0.3):
        assert sum(one < seconds for one in taken) <= 5 + 100 * seconds


def test_a_stop_ends_the_wait() -> None:
    bucket, stop = TokenBucket(1, 0.01), threading.Event()
    bucket.take(stop)
    began = time.monotonic()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(Interrupted):
        bucket.take(stop)
    assert time.monotonic() - began < 60  # of a hundred
    with pytest.raises(Interrupted):
        TokenBucket().take(stop)


def test_there_is_one_bucket_for_each_account_and_region() -> None:
    """However often the environment that names it was read."""

    def of(region: str, profile: str) -> TokenBucket:
        return bucket_of(Account(region, profile=profile))

    with ThreadPoolExecutor(8) as pool:
        one, *same = pool.map(lambda _: of("eu-west-1", "bucket-test"), range(50))
    assert all(other is one for other in same)
    assert of("eu-west-2", "bucket-test") is not one
    assert of("eu-west-1", "bucket-test-2") is not one
