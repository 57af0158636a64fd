"""Addresses of Dask schedulers as people write them."""

from __future__ import annotations

import pytest

from orchestrator.errors import UsageError
from orchestrator.run.remote.scheduler_address import address_of


@pytest.mark.parametrize(
    ("written", "dask"),
    [
        ("dask://10.0.0.5:8786", "tcp://10.0.0.5:8786"),
        ("tcp://builders.example.com:8786", "tcp://builders.example.com:8786"),
        ("tls://builders.example.com:8786", "tls://builders.example.com:8786"),
        ("dask://[::1]:8786", "tcp://[::1]:8786"),
    ],
)
def test_address_when_it_is_one(written: str, dask: str) -> None:
    """Dask gets its own words for it."""
    assert str(address_of(written)) == dask


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("10.0.0.5:8786", "it has no scheme"),
        ("dsk://10.0.0.5:8786", "no scheme 'dsk' (did you mean 'dask'?)"),
        ("http://10.0.0.5:8786", "no scheme 'http'"),
        ("dask://10.0.0.5", "it has no port"),
        ("dask://:8786", "it has no host"),
        ("dask://10.0.0.5:port", "Port could not be cast"),
        ("dask://10.0.0.5:99999", "Port out of range"),
        ("dask://10.0.0.5:8786/queue", "there is more in it"),
        ("dask://me@10.0.0.5:8786", "there is more in it"),
    ],
)
def test_address_when_it_is_none(written: str, said: str) -> None:
    """What is wrong is said, and how an address looks."""
    with pytest.raises(UsageError) as raised:
        address_of(written)
    assert said in raised.value.message
    assert "dask://HOST:PORT" in raised.value.hint
