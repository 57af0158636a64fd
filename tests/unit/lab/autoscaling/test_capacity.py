from __future__ import annotations

from orchestrator.lab.autoscaling.capacity import Lifecycle, MemberView, Replacement, emptiest, scale, unhealthy


def member(name: str, **more: object) -> MemberView:
    return MemberView(name, **more)  # type: ignore[arg-type] # of any field


def test_too_few_are_filled_up() -> None:
    """What is pending counts; what terminates or stands by does not."""
    there = [
        member("i-1", lifecycle=Lifecycle.PENDING),
        member("i-2", lifecycle=Lifecycle.TERMINATING),
        member("i-3", lifecycle=Lifecycle.STANDBY),
    ]
    assert scale(there, 3, "") == Replacement(launch=2)


def test_too_many_go_from_the_fullest_subnet_and_of_another_version_first() -> None:
    there = [
        member("i-1", subnet="a", recipe="2", age=9),
        member("i-2", subnet="a", recipe="1", age=1),
        member("i-3", subnet="b", recipe="1", age=9),
    ]
    assert scale(there, 2, "2") == Replacement(terminate=("i-2",))
    assert scale(there, 1, "2") == Replacement(terminate=("i-2", "i-3"))


def test_what_is_protected_stays() -> None:
    there = [member("i-1", protected=True), member("i-2")]
    assert scale(there, 0, "") == Replacement(terminate=("i-2",))


def test_the_emptiest_subnet_is_next() -> None:
    there = [member("i-1", subnet="a"), member("i-2", subnet="b", lifecycle=Lifecycle.TERMINATING)]
    assert [emptiest(["a", "b"], there), emptiest(["a", "b"], [])] == ["b", "a"]


def test_the_unhealthy_go_unless_they_go_already() -> None:
    there = [
        member("i-1"),
        member("i-2", healthy=False),
        member("i-3", healthy=False, lifecycle=Lifecycle.TERMINATING),
        member("i-4", healthy=False, lifecycle=Lifecycle.STANDBY),
    ]
    assert unhealthy(there) == ("i-2",)
