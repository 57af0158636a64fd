"""One attempt at a build: one Packer process, watched to its end, and nothing left behind but its AMI.

Packer is interrupted as a terminal does it, by SIGINT to its process group: Packer then removes what it made, and
Ansible below it ends. Whatever happened, the account is searched afterwards for what may have stayed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import process
from orchestrator.aws.account import AwsError, is_loopback, refusal
from orchestrator.build import access as ssh_access
from orchestrator.build import session_manager
from orchestrator.build.access import as_list, build_tags
from orchestrator.build.ansible import mitogen, vault
from orchestrator.build.ansible.secret_files import secret_folder
from orchestrator.build.ansible.tasks import Follower
from orchestrator.build.cause import Cause, FailureEvidence, cause_of
from orchestrator.build.cleanup import remove as clean
from orchestrator.build.cleanup.leftovers import Build, machines_of
from orchestrator.build.failure import BuildFailed
from orchestrator.build.follow import follow
from orchestrator.build.instance_watch import InstanceWatch
from orchestrator.build.lack_of_room import LackOfRoom
from orchestrator.build.launch import variables
from orchestrator.build.launch.environment import packer_environment, private_folder
from orchestrator.build.launch.outside import kept_out
from orchestrator.build.launch.processes import end_orphans
from orchestrator.build.launch.wrapper_variables import SECRETS_VARIABLE
from orchestrator.build.watch import Watch
from orchestrator.errors import Interrupted
from orchestrator.files.whole_file import RecordFile
from orchestrator.progress import Stage
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from orchestrator.build.request import BuildRequest, Built
    from orchestrator.build.retry_plan import RetryPlan
    from orchestrator.progress import Listener

#: The key with which a template gives its AMI a description.
_DESCRIBES = "ami_description"


def attempt(request: BuildRequest, plan: RetryPlan, listener: Listener) -> Built:
    """Build once, in the place that is the next of `plan`. Logs of earlier attempts stay before its own.

    Raises as `packer.build` does; the BuildFailed knows of this attempt alone.
    """
    if request.stop.is_set():
        raise Interrupted(f"{request.image}: not started")
    log = request.folder / "packer.log"
    with RecordFile(log) as file:
        return _Attempt(request, plan, Watch(request.image, listener, file, masks=request.masks)).result(log)


class _Attempt:
    """One attempt on its way."""

    def __init__(self, request: BuildRequest, plan: RetryPlan, watch: Watch) -> None:
        self._request = request
        self._plan = plan
        self._watch = watch
        self._evidence = FailureEvidence()

    def result(self, log: Path) -> Built:
        request = self._request
        if self._plan.number > 1:
            self._watch.note(f"---- attempt {self._plan.number} ----")
        built: Built | None = None
        left: tuple[str, ...] = ()
        try:
            with private_folder() as private:
                built = self._run_packer(private)
        finally:
            left = self._leave_nothing(built)
        if built is not None:
            return built
        if request.stop.is_set():
            raise Interrupted(f"{request.image}: interrupted; {self._what_stayed(left)}")
        raise BuildFailed(request.image, log=log, evidence=self._evidence, left=left)

    def _what_stayed(self, left: tuple[str, ...]) -> str:
        """What an interrupted build leaves in the account. An AMI that was finished before is not removed."""
        if left:
            return f"may have stayed behind: {', '.join(left)}"
        finished = clean.finished(self._request.account, self._request.ami_names)
        if finished:
            return f"{', '.join(finished)} was finished and stays: the next build uses it"
        return "nothing was left behind"

    def _run_packer(self, private: Path) -> Built | None:
        """Start Packer, follow it to its end. The AMI, or None when it made none."""
        way_in = self._access(private)
        self._watch.note(f"{self._request.ready}")
        room = LackOfRoom(self._request, self._plan.place)
        with InstanceWatch(
            self._request.account, way_in.key_name, room, lambda: self._watch.launching
        ) as instance_watch:
            self._watch.on_trouble = instance_watch.look
            code = self._packer(private, way_in, instance_watch)
            self._judge(code, instance_watch)
        built = self._watch.built if code == 0 else None
        if built is not None:
            self._tag(built)
        return built

    def _packer(self, private: Path, way_in: ssh_access.Access, instance_watch: InstanceWatch) -> int:
        """Packer's exit code; negative: the signal that ended it."""
        request, output = self._request, private / "packer.out"
        argv = self._command(way_in)
        env = packer_environment(request, private, os.environ, mitogen=self._with_mitogen())
        env |= vault.passwords(os.environ, Path.cwd())
        if left_out := kept_out(os.environ, request.account):
            self._watch.note(f"not handed to Packer: {', '.join(left_out)}")
        tasks = Follower(request.folder / "tasks.jsonl")
        list(tasks.read())  # those of earlier attempts
        with (
            secret_folder(request.secret_vars, (*request.account.secrets, *request.secrets)) as secrets,
            output.open("wb") as written,
            output.open("rb") as read,
            process.started(
                argv, env={**env, SECRETS_VARIABLE: str(secrets)}, cwd=request.workspace, stdout=written
            ) as popen,
        ):
            try:
                follow(
                    popen,
                    read,
                    self._watch,
                    tasks,
                    why_stop=lambda: self._why_stop(instance_watch),
                    urgent=request.urgent,
                )
                return popen.wait()
            finally:
                process.kill_group(popen)  # plugins and Ansible, when Packer itself was killed
                end_orphans(private)

    def _command(self, way_in: ssh_access.Access) -> list[str]:
        request, own_file = self._request, self._request.folder / "run.pkrvars.json"
        variables.write(own_file, self._variables(way_in))
        files = [f"-var-file={request.var_file}", f"-var-file={own_file}"]
        return ["packer", "build", "-machine-readable", *files, str(request.template)]

    def _variables(self, way_in: ssh_access.Access) -> dict[str, object]:
        values = variables.run_variables(self._request, way_in, self._plan.place)
        return values | {"spot_price": ""} if self._request.spot and not self._plan.spot else values

    def _with_mitogen(self) -> bool:
        """Whether Ansible runs with Mitogen; the log says why when it does not."""
        request = self._request
        reason = mitogen.why_not(wanted=request.mitogen, known=mitogen.remembered())
        if reason:
            self._watch.note(f"Ansible runs without Mitogen: {reason}")
            self._watch.tell(f"Ansible runs without Mitogen: {reason}")
        return not reason

    def _why_stop(self, instance_watch: InstanceWatch) -> str:
        if self._request.stop.is_set():
            return "asked to stop"
        if instance_watch.no_room:
            return "EC2 has no room for the machine"
        gone = instance_watch.gone_before(self._watch.end_began)
        return str(gone) if gone is not None else ""

    def _judge(self, code: int, instance_watch: InstanceWatch) -> None:
        """Gather what was seen of a Packer that failed."""
        watch = self._watch
        if code == 0 and watch.finished and watch.built is None:
            watch.errors.append("Packer ended well, but made no AMI")
        if instance_watch.no_room:  # what Packer says of its interruption tells nothing
            self._evidence = FailureEvidence(errors=(instance_watch.no_room,))
            return
        gone = instance_watch.gone_before(watch.end_began)
        lab = is_loopback(self._request.account.endpoint)
        self._evidence = FailureEvidence(
            watch.failed_task,
            tuple(watch.errors),
            signal=max(-code, 0),
            gone=gone,
            lab=lab,
            early=not watch.connected,
        )

    def _tag(self, built: Built) -> None:
        """Leave the AMI with the tags that were asked for: newer Amazon plugins add those of the run.

        One that the template does not describe is described now, when it has tags.
        """
        ec2, wanted = self._request.account.client("ec2"), self._request.tags
        late = variables.late_tags(self._request)
        if late:
            ec2.create_tags(Resources=[built.ami_id], Tags=as_list(late))
        of_run = {key: value for key, value in build_tags(self._request, "").items() if key not in wanted}
        if self._request.ready and self._request.ready.plugins:
            ec2.delete_tags(Resources=[built.ami_id], Tags=[{"Key": key} for key in of_run])
        text = self._request.description
        if text and _DESCRIBES not in self._request.template.read_text(encoding="utf-8"):
            ec2.modify_image_attribute(ImageId=built.ami_id, Description={"Value": text})

    def _access(self, private: Path) -> ssh_access.Access:
        try:
            return ssh_access.prepare(self._request, private, self._plan.number)
        except AwsError as error:
            raise refusal(error) or error from None

    def _leave_nothing(self, built: Built | None) -> tuple[str, ...]:
        """Remove what is still there of this build but its AMI. Returns what could not be removed, for people."""
        request, watch = self._request, self._watch
        watch.stage = Stage.CLEAN
        unwanted = request.ami_names[:-1] if built else request.ami_names
        build = Build(request.run, request.image, unwanted, keep=built.ami_id if built else "")
        late = clean.LATE if self._may_come(built) else 0
        if late:
            watch.tell(f"looking for an AMI that EC2 may still be making, for up to {late:.0f} s")
        try:
            stayed = clean.clean_up(
                request.account,
                build,
                late=late,
                patience=0 if request.urgent.is_set() else 300,
                hurry=request.urgent,
                removed=lambda leftover: watch.note(f"cleaning up: {leftover}"),
            )
        except AwsError as error:
            watch.note(f"cleaning up: {error}")
            return (f"unknown ({error}): look for the tag {Tag.RUN}={request.run}",)
        self._end_sessions(build)
        return tuple(map(str, stayed))

    def _end_sessions(self, build: Build) -> None:
        """End what Packer left open of Systems Manager; AWS itself does when a session has been idle for long."""
        account = self._request.account
        if not session_manager.is_used(self._request.placement):
            return
        try:
            for session in session_manager.end_sessions(account, machines_of(account, build)):
                self._watch.note(f"cleaning up: session {session}")
        except AwsError as error:
            self._watch.note(f"sessions of the machine may be open until they are idle: {error}")

    def _may_come(self, built: Built | None) -> bool:
        """Whether EC2 may be making an AMI that it does not list yet."""
        return built is None and self._watch.asked_for_ami and cause_of(self._evidence) is not Cause.REFUSED
