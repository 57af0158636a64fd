"""Sessions can be kept, and none outgrows the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host


def test_redis_answers_from_boot_on(host: Host) -> None:
    """Enabled, running, and answering."""
    assert host.service("redis-server").is_enabled
    assert host.check_output("redis-cli ping") == "PONG"


def test_memory_is_bounded(host: Host) -> None:
    """The oldest sessions go first."""
    assert host.check_output("redis-cli config get maxmemory").split()[-1] == str(64 * 1024**2)
    assert host.check_output("redis-cli config get maxmemory-policy").split()[-1] == "allkeys-lru"
