"""From a rendered template to an AMI: one Packer process, watched to its end, and nothing left behind.

Packer is interrupted as a terminal does it, by SIGINT to its process group: Packer then removes what it made, and
Ansible below it ends. Whatever happened, the account is searched afterwards for what may have stayed.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from orchestrator import process
from orchestrator.aws import AwsError, refusal
from orchestrator.build import access as ssh_access
from orchestrator.build import clean, mitogen, variables
from orchestrator.build.environment import packer_environment, private_folder
from orchestrator.build.failure import BuildFailed
from orchestrator.build.follow import follow
from orchestrator.build.orphans import end_orphans
from orchestrator.build.request import BuildRequest, Built
from orchestrator.build.tasks import Follower
from orchestrator.build.watch import Watch
from orchestrator.errors import Interrupted, LackError
from orchestrator.progress import Event, Listener, Stage, ignore

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BuildFailed", "BuildRequest", "Built", "build", "packer_version"]


def packer_version() -> str:
    """The version of the Packer on PATH (`1.6.6`). Raises LackError when there is none."""
    said = process.run(["packer", "-machine-readable", "version"], env={"CHECKPOINT_DISABLE": "1"}).out
    found = re.search(r",version,(\d+\.\d+\.\d+)", said)
    if found is None:
        raise LackError("the program 'packer' is not HashiCorp Packer", hint="apt-get install packer")
    return found.group(1)


def build(request: BuildRequest, listener: Listener = ignore) -> Built:
    """Build one image. Logs stay in `request.folder`: `packer.log`, `tasks.jsonl`, `run.pkrvars.json`.

    Raises BuildFailed when the build fails, LackError when it cannot begin, Interrupted when `request.stop` was set.
    Each says what may have stayed behind in the account, if anything.
    """
    if request.stop.is_set():
        raise Interrupted(f"{request.image}: not started")
    request.folder.mkdir(parents=True, exist_ok=True)
    log = request.folder / "packer.log"
    with log.open("a", encoding="utf-8") as file:
        watch = Watch(request.image, listener, file, masks=request.account.secrets)
        built: Built | None = None
        left: tuple[str, ...] = ()
        try:
            with private_folder() as private:
                built = _run_packer(request, private, watch)
        finally:
            left = _leave_nothing(request, watch, keep_ami=built is not None)
    if built is not None:
        listener(Event(request.image, Stage.TAG, f"built {built.ami_id} in {built.region}"))
        return built
    if request.stop.is_set():
        stayed = f"may have stayed behind: {', '.join(left)}" if left else "nothing was left behind"
        raise Interrupted(f"{request.image}: interrupted; {stayed}")
    raise BuildFailed(request.image, log=log, task=watch.failed_task, errors=watch.errors, left=left)


def _run_packer(request: BuildRequest, private: Path, watch: Watch) -> Built | None:
    """Start Packer, follow it to its end. The AMI, or None when it made none."""
    values = variables.run_variables(request, _access(request, private))
    own_file = request.folder / "run.pkrvars.json"
    variables.write(own_file, values)
    argv = ["packer", "build", "-machine-readable", f"-var-file={request.var_file}", f"-var-file={own_file}"]
    env = packer_environment(request, private, os.environ, mitogen=_with_mitogen(request, watch))
    with process.started([*argv, str(request.template)], env=env, cwd=request.workspace) as popen:
        try:
            follow(popen, watch, Follower(request.folder / "tasks.jsonl"), stop=request.stop, urgent=request.urgent)
            code = popen.wait()
        finally:
            process.kill_group(popen)  # plugins and Ansible, when Packer itself was killed
            end_orphans(private)
    if code < 0:
        watch.errors.append(f"Packer was ended by signal {-code}")
    elif code == 0 and watch.built is None:
        watch.errors.append("Packer ended well, but made no AMI")
    if code != 0 or watch.built is None:
        return None
    _tag(request, watch.built)
    return watch.built


def _with_mitogen(request: BuildRequest, watch: Watch) -> bool:
    """Whether Ansible runs with Mitogen; the log says why when it does not."""
    reason = mitogen.why_not(wanted=request.mitogen, known=request.workspace / ".ami" / "mitogen")
    if reason:
        watch.note(f"Ansible runs without Mitogen: {reason}")
        watch.tell(f"Ansible runs without Mitogen: {reason}")
    return not reason


def _tag(request: BuildRequest, built: Built) -> None:
    late = [{"Key": key, "Value": value} for key, value in variables.late_tags(request).items()]
    if late:
        request.account.client("ec2").create_tags(Resources=[built.ami_id], Tags=late)


def _access(request: BuildRequest, private: Path) -> ssh_access.Access:
    try:
        return ssh_access.prepare(request, private)
    except AwsError as error:
        raise refusal(error) or error from None


def _leave_nothing(request: BuildRequest, watch: Watch, *, keep_ami: bool) -> tuple[str, ...]:
    """Remove what is still there of this build. Returns what could not be removed, for people."""
    watch.stage = Stage.CLEAN
    unwanted = "" if keep_ami else request.ami_name
    try:
        found = clean.find_leftovers(request.account, request.run, image=request.image, ami_name=unwanted)
        patience = 0 if request.urgent.is_set() else 300
        stayed = clean.remove(request.account, found, patience=patience)
    except AwsError as error:
        watch.note(f"cleaning up: {error}")
        return (f"unknown ({error}): look for the tag ami:run={request.run}",)
    for leftover in found:
        watch.note(f"cleaning up: {leftover}")
    return tuple(map(str, stayed))
