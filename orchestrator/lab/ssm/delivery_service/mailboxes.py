"""What waits for each agent. A message that was handed out and not acknowledged is handed out again."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.ssm.delivery_service.documents import InstanceMessage

#: How often a poll looks whether a message that it may not have yet has become its own, seconds.
_GLANCE = 1.0


@dataclass
class _Post:
    message: InstanceMessage
    hidden_until: float = 0.0
    """Monotonic seconds."""
    offered: int = 0


class Mailboxes:
    """The messages of every instance, in their order. Safe to use from many threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._posts: dict[str, _Post] = {}
        self._channels: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)
        self._polls: defaultdict[str, int] = defaultdict(int)
        self._closed = False

    def put(self, message: InstanceMessage) -> None:
        """Leave a message for its destination."""
        with self._changed:
            self._posts[message.message_id] = _Post(message)
            self._changed.notify_all()
            ring = list(self._channels[message.destination])
        for wake in ring:
            wake()

    def take(self, instance_id: str, hidden: float) -> list[InstanceMessage]:
        """What there is for an instance now; nobody else gets it for `hidden` seconds."""
        with self._changed:
            return self._take(instance_id, hidden, after_channel=False)

    def poll(self, instance_id: str, hidden: float, seconds: float) -> list[InstanceMessage]:
        """Wait so long for messages at most. A later poll of the same instance ends this one.

        While the instance has a control channel, a poll gets only what the channel has offered before in vain.
        """
        ends = self._clock() + seconds
        with self._changed:
            self._polls[instance_id] += 1
            turn = self._polls[instance_id]
            self._changed.notify_all()
            while not self._closed and self._polls[instance_id] == turn:
                found = self._take(instance_id, hidden, after_channel=bool(self._channels[instance_id]))
                left = ends - self._clock()
                if found or left <= 0:
                    return found
                self._changed.wait(min(left, _GLANCE))
            return []

    def acknowledge(self, message_id: str) -> bool:
        """The agent has a message. False when nobody knows it (any more)."""
        with self._changed:
            return self._posts.pop(message_id, None) is not None

    def refuse(self, message_id: str, seconds: float) -> None:
        """The agent cannot take a message on now: offer it again after so long."""
        with self._changed:
            if (post := self._posts.get(message_id)) is not None:
                post.hidden_until = self._clock() + seconds

    def withdraw(self, message_id: str) -> bool:
        """Take a message back. Returns whether it had been offered to the agent, which may have it."""
        with self._changed:
            post = self._posts.pop(message_id, None)
            return post is not None and post.offered > 0

    def open_channel(self, instance_id: str, wake: Callable[[], None]) -> None:
        """An instance has a control channel: `wake` is called when there is something for it."""
        with self._changed:
            self._channels[instance_id].append(wake)

    def close_channel(self, instance_id: str, wake: Callable[[], None]) -> None:
        """The control channel is gone."""
        with self._changed:
            self._channels[instance_id].remove(wake)

    def close(self) -> None:
        """End every poll."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _take(self, instance_id: str, hidden: float, *, after_channel: bool) -> list[InstanceMessage]:
        now = self._clock()
        found = [
            post
            for post in self._posts.values()
            if post.message.destination == instance_id
            and post.hidden_until <= now
            and not (after_channel and post.offered == 0)
        ]
        for post in found:
            post.hidden_until = now + hidden
            post.offered += 1
        return [post.message for post in found]
