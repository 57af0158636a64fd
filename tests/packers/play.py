"""Plays a recorded attempt as the present build's: its names and ids, its pace, and what its lines say was made."""

from __future__ import annotations

import itertools
import os
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from orchestrator.build.launch.wrapper_variables import EVENTS_VARIABLE
from tests.packers.account import SDK_V2, Refused
from tests.packers.recording import Line, replaced, ui
from tests.packers.story import Story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.packers.account import Builder
    from tests.packers.recording import Attempt
    from tests.packers.setting import Home
    from tests.packers.template import Template

_REPEATED = re.compile(r"exceeded maximum number of attempts|status code: 50\d")
_TAG = re.compile(r'^Adding tag: "')
#: The longest pause between two lines, in seconds.
_LONGEST = 1.0
#: What AWS says to a plugin that has forgotten the endpoint, and asks AWS with the lab's credentials.
_NOT_OURS = (
    "Error modify AMI attributes: operation error EC2: ModifyImageAttribute, https response error StatusCode: 401, "
    "RequestID: 00000000-0000-0000-0000-000000000000, api error AuthFailure: AWS was not able to validate the provided "
    "access credentials"
)


class Cancelled(Exception):
    """Packer was interrupted."""


class Signals:
    """SIGINT and SIGTERM, as Packer takes them: the first cancels the build, more of them change nothing."""

    def __init__(self) -> None:
        self.came = ""
        signal.signal(signal.SIGINT, lambda *_: self._take("interrupt"))
        signal.signal(signal.SIGTERM, lambda *_: self._take("terminated"))

    def _take(self, name: str) -> None:
        self.came = self.came or name

    def pause(self, seconds: float) -> None:
        """Wait. Raises Cancelled when a signal has come."""
        deadline = time.monotonic() + seconds
        while True:
            if self.came:
                raise Cancelled
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.05))


class Play:
    """One attempt of one build, from its first line to its exit code."""

    def __init__(
        self,
        template: Template,
        attempt: Attempt,
        builder: Builder,
        home: Home,
        signals: Signals,
        show: Callable[[Line], None],
    ) -> None:
        self._template = template
        self._attempt = attempt
        self._builder = builder
        self._home, self._setting = home, home.setting
        self._signals = signals
        self._show = show
        self._story = Story()
        self._name = f"amazon-ebs.{template.image}"
        self._awaits_image = self._tags_due = False
        self._at = 0
        self._tags: tuple[Mapping[str, str], ...] = ()
        self._changes = {
            f"amazon-ebs.{attempt.image}": self._name,
            attempt.first(r"Prevalidating AMI Name: (\S+)"): template.get("ami_name"),
            "/srv/workspace": str(Path.cwd()),
            "t3.small": template.get("instance_type"),
        }
        self._changes.pop("", None)
        self._before = {
            "Found Image ID": self._found,
            "Instance ID": self._launched,
            "Using SSH communicator": self._reached,
            "Using ssh communicator": self._reached,
            "Stopping the source instance": self._provisioned,
            "Creating AMI ": lambda: builder.await_instance("stopped"),
            "AMI: ": self._created,
            "Error creating AMI": self._create_unheard,
            "Modifying attributes on AMI": self._look_where_it_asks,
            "Terminating the source": self._tagged,
            "Cleaning up any extra": self._gone,
        }
        self._after = {
            "Launching a source": lambda: self._begin(
                template.get("run_tags", {}), template.get("run_volume_tags", {})
            ),
            "Creating AMI tags": self._begin_tags,
            "Creating snapshot tags": lambda: self._begin(template.get("snapshot_tags", {})),
            "Stopping the source instance": builder.stop,
            "Waiting for AMI to become ready": self._await_image,
            "Modifying: description": builder.describe,
            "Terminating the source": builder.terminate,
        }

    def run(self) -> int:
        """Packer's exit code."""
        lines = list(self._lines())
        try:
            for line, following in zip(lines, [*lines[1:], None], strict=True):
                self._play(line, following)
            if not self._attempt.ended:
                self._stay()
        except Cancelled:
            return self._cancel()
        except (Refused, ClientError, BotoCoreError) as error:
            return self._fail(str(error))
        return 1 if self._attempt.failed else 0

    def _lines(self) -> Iterator[Line]:
        """The recorded lines; of each list of tags the first alone, because the present build has tags of its own."""
        before = False
        for line in self._attempt.lines:
            is_tag = _TAG.match(line.text) is not None
            if not (is_tag and before):
                yield line
            before = is_tag

    def _play(self, line: Line, following: Line | None) -> None:
        text = line.text
        self._rest(line)
        if self._awaits_image:
            self._awaits_image = False
            self._builder.await_image()
            self._changes |= self._recorded(r"Tagging snapshot: (\S+)", next(iter(self._builder.snapshots), ""))
        self._do(self._before, text)
        if _TAG.match(text):
            self._show_tags(line)
        else:
            self._show(replaced(line, self._changes, int(time.time())))
        self._tell(text)
        if text.startswith("Waiting for AMI") and following is not None and following.is_error:
            return  # this Packer did not wait
        self._do(self._after, text)
        if (hold := self._setting.holds.get(self._template.image)) and text.startswith(hold):
            self._stay()

    def _do(self, steps: dict[str, Callable[[], Any]], text: str) -> None:
        for beginning, step in steps.items():
            if text.startswith(beginning):
                step()

    def _rest(self, line: Line) -> None:
        """The pause before a line: as recorded, or for as long as this build's repetitions of a call take."""
        before, self._at = self._at or line.at, line.at
        if line.is_error and _REPEATED.search(line.text) and line.text.startswith("Error "):
            self._signals.pause(self._repetitions(line.at - before) / self._setting.patience)
        else:
            self._signals.pause(min((line.at - before) / self._setting.speed, _LONGEST))

    def _repetitions(self, recorded: float) -> float:
        """Seconds that a call is repeated for, from those that were recorded with eight repetitions."""
        count = int(self._template.get("max_retries", 0)) or 3
        if self._builder.amazon < SDK_V2:
            return float(recorded * 2.0 ** (count - 8))
        return recorded * sum(min(20.0, 2.0**each) for each in range(1, count)) / 90

    def _stay(self) -> None:
        """Stay until a signal comes, or until the setting names another message for this image to stay at."""
        image = self._template.image
        began = self._setting.holds.get(image, "the end")
        self._home.note(held=image, at=began)
        while self._setting.holds.get(image, "the end") == began:
            self._signals.pause(0.2)
            self._setting = self._home.setting

    # What happens in the account.

    def _recorded(self, pattern: str, now: str) -> dict[str, str]:
        found = self._attempt.first(pattern)
        return {found: now} if found else {}

    def _found(self) -> None:
        self._changes |= self._recorded(r"Found Image ID: (\S+)", self._builder.source)

    def _launched(self) -> None:
        self._builder.launch()
        self._changes |= self._recorded(r"Instance ID: (\S+)", self._builder.instance)

    def _reached(self) -> None:
        self._builder.await_instance("running")
        self._changes |= self._recorded(r"communicator to connect: (\S+)", self._builder.address)

    def _provisioned(self) -> None:
        if self._setting.provisions:
            self._builder.provision()

    def _created(self) -> None:
        self._builder.create_image()
        self._changes |= self._recorded(r"^AMI: (\S+)", self._builder.ami)

    def _create_unheard(self) -> None:
        if self._setting.late:
            self._builder.create_image()

    def _await_image(self) -> None:
        self._awaits_image = True

    def _look_where_it_asks(self) -> None:
        if not self._builder.reaches_all:
            raise Refused(_NOT_OURS)

    def _begin(self, *tags: Mapping[str, str]) -> None:
        self._tags = tags

    def _begin_tags(self) -> None:
        self._tags_due = True
        self._begin(self._builder.tags)

    def _show_tags(self, line: Line) -> None:
        """One line for each tag of this build, in the form of the recorded one."""
        head = line.data[1].partition("Adding tag: ")[0].replace(f"amazon-ebs.{self._attempt.image}", self._name)
        for key, value in itertools.chain.from_iterable(tags.items() for tags in self._tags):
            self._show(ui(line.data[0], f'{head}Adding tag: "{key}": "{value}"', int(time.time())))

    def _tagged(self) -> None:
        if self._tags_due:
            self._tags_due = False
            self._builder.tag()

    def _gone(self) -> None:
        if self._builder.instance:
            self._builder.await_end()

    def _tell(self, text: str) -> None:
        """Write down what Ansible did, as `ami-ansible-playbook` does."""
        events = list(self._story.events(text))
        if events and (path := os.environ.get(EVENTS_VARIABLE)):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write("".join(event.as_line() for event in events))

    # How it ends when the recording does not say so.

    def _say(self, text: str, kind: str = "say") -> None:
        self._show(ui(kind, text, int(time.time())))

    def _clean_up(self) -> None:
        """Packer's own cleaning, which a signal does not end."""
        if not self._builder.instance:
            return
        self._signals.came = ""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._say(f"==> {self._name}: Terminating the source AWS instance...")
        self._builder.terminate()
        self._builder.await_end()
        self._say(f"==> {self._name}: Cleaning up any extra volumes...")
        self._say(f"==> {self._name}: No volumes to clean up, skipping")

    def _cancel(self) -> int:
        self._say(f"Cancelling build after receiving {self._signals.came}", "error")
        self._clean_up()
        self._say("\n==> Wait completed after 1 second")
        self._say("Cleanly cancelled builds after being interrupted.")
        return 1

    def _fail(self, why: str) -> int:
        self._say(f"==> {self._name}: {why}", "error")
        self._clean_up()
        self._say(f"Build '{self._name}' errored after 1 second: {why}", "error")
        self._say("\n==> Wait completed after 1 second")
        now = int(time.time())
        self._show(Line(now, "", "error-count", ("1",)))
        self._say("\n==> Some builds didn't complete successfully and had errors:", "error")
        self._show(Line(now, self._name, "error", (why,)))
        self._say(f"--> {self._name}: {why}", "error")
        self._say("\n==> Builds finished but no artifacts were created.")
        return 1
