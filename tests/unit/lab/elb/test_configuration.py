from __future__ import annotations

from pathlib import Path

from orchestrator.lab.elb.configuration import SLOTS, Forward, backend_name, commands, rendered, slots

WEB = Forward("10.0.0.9", 80, "HTTP", "arn:web")
ONE, TWO, THREE = ("10.0.0.1", 80), ("10.0.0.2", 80), ("10.0.0.3", 80)


def test_a_configuration_has_its_targets_from_the_start() -> None:
    """One that takes over serves at once: no request meets a balancer without targets."""
    text = rendered([WEB], {"arn:web": [ONE]}, Path("/run/it.sock"))
    assert "bind 10.0.0.9:80" in text
    assert "  server s1 10.0.0.1:80\n  server s2 127.0.0.1:1 disabled\n" in text
    assert text.count("  server s") == SLOTS


def test_two_listeners_of_one_target_group_share_its_targets() -> None:
    other = Forward("10.0.0.9", 81, "HTTP", "arn:web")
    text = rendered([WEB, other], {"arn:web": [ONE]}, Path("/run/it.sock"))
    assert (text.count("\nfrontend "), text.count("\nbackend ")) == (2, 1)


def test_who_has_a_slot_keeps_it() -> None:
    assert slots({1: ONE, 2: TWO}, [TWO, THREE]) == {2: TWO, 1: THREE}


def test_more_targets_than_slots() -> None:
    assert len(slots({}, [("10.0.0.1", port) for port in range(SLOTS + 5)])) == SLOTS


def test_who_leaves_drains_and_who_comes_is_made_ready() -> None:
    name = backend_name(WEB)
    assert list(commands(name, {1: ONE, 2: TWO}, {2: TWO, 3: THREE})) == [
        f"set server {name}/s1 state drain",
        f"set server {name}/s3 addr 10.0.0.3 port 80",
        f"set server {name}/s3 state ready",
    ]
