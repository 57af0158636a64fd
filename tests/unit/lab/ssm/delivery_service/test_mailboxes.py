"""What waits for agents."""

from __future__ import annotations

import threading

from orchestrator.lab.ssm.delivery_service.documents import InstanceMessage
from orchestrator.lab.ssm.delivery_service.mailboxes import Mailboxes

ONE, OTHER = "i-0123456789abcdef0", "i-0123456789abcdef1"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def left(boxes: Mailboxes, name: str = "aws.ssm.c.i", instance: str = ONE) -> str:
    boxes.put(InstanceMessage(name, instance, "aws.ssm.sendCommand", "{}", 0.0))
    return name


def taken(boxes: Mailboxes, instance: str = ONE) -> list[str]:
    return [message.message_id for message in boxes.take(instance, 5)]


def test_a_message_goes_to_its_destination_alone() -> None:
    boxes = Mailboxes(clock=Clock())
    name = left(boxes)
    assert (taken(boxes, OTHER), taken(boxes)) == ([], [name])


def test_what_is_not_acknowledged_is_handed_out_again() -> None:
    boxes = Mailboxes(clock=(clock := Clock()))
    name = left(boxes)
    assert (taken(boxes), taken(boxes)) == ([name], [])
    clock.now += 5.1
    assert taken(boxes) == [name]
    assert boxes.acknowledge(name)
    clock.now += 5.1
    assert (taken(boxes), boxes.acknowledge(name)) == ([], False)


def test_what_an_agent_has_no_room_for_comes_when_it_may_have_room() -> None:
    boxes = Mailboxes(clock=(clock := Clock()))
    name = left(boxes)
    taken(boxes)
    boxes.refuse(name, 2.0)
    clock.now += 2.1
    assert taken(boxes) == [name]


def test_who_takes_a_message_back_hears_whether_the_agent_may_have_it() -> None:
    boxes = Mailboxes(clock=Clock())
    assert not boxes.withdraw(left(boxes))
    name = left(boxes)
    taken(boxes)
    assert boxes.withdraw(name)
    assert not boxes.withdraw(name)


def test_a_poll_gets_what_the_control_channel_has_offered_in_vain() -> None:
    """An agent drops a job without a word that comes while it starts (`mgsinteractor.go`): its poll gets it then."""
    boxes = Mailboxes(clock=(clock := Clock()))
    rung: list[int] = []
    boxes.open_channel(ONE, lambda: rung.append(1))
    name = left(boxes)
    assert rung == [1]
    assert boxes.poll(ONE, 10, 0) == []
    assert taken(boxes) == [name]
    clock.now += 5.1
    assert [message.message_id for message in boxes.poll(ONE, 10, 0)] == [name]


def test_a_later_poll_ends_an_earlier_one() -> None:
    """The earlier one is of an agent that has ended: what it got would be lost for its ten seconds."""
    boxes = Mailboxes()
    found: list[list[InstanceMessage]] = []
    earlier = threading.Thread(target=lambda: found.append(boxes.poll(ONE, 10, 900)))
    earlier.start()
    while not boxes._polls[ONE]:
        pass
    boxes.poll(ONE, 10, 0)
    earlier.join(300)
    assert found == [[]]
