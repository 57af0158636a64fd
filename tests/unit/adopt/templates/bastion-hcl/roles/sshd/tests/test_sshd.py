from typing import Any


def test_port(host: Any) -> None:
    """The port listens."""
    assert host.socket("tcp://2222").is_listening
