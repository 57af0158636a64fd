"""The transport `ssh`: every script is a session of one connection, which is opened once and shared.

A person's own settings of ssh hold where nothing else is said here, so that a machine behind a bastion is reached as
always (`ProxyJump`). What they say of keys, host keys, terminals and forwarding does not.
"""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.polling import poll, steady
from orchestrator.process import started
from orchestrator.validate.machine.piped import ROOT_SHELL, Piped

if TYPE_CHECKING:
    import subprocess
    import threading
    from pathlib import Path

#: Seconds until an address from which nothing comes counts as silent, and so does a connection.
_CONNECT, _ALIVE = 10, 5
#: Seconds for a whole login, keys and all.
_LOGIN = 30

#: The machine's words are read by programs, whatever the person's language; servers are often told it.
_ENVIRONMENT = dict.fromkeys(("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LC_TIME"))


@dataclass(frozen=True)
class Login:
    """Who logs in where, and with what."""

    user: str
    address: str
    #: The private key.
    key_file: Path
    #: Where the connection keeps its socket and the machine's host key; private to it.
    folder: Path

    @property
    def argv(self) -> tuple[str, ...]:
        """Ssh with everything but what is to be run."""
        settings = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            # A machine that has just been made has a key that nobody knows; it must stay the same from then on.
            "StrictHostKeyChecking": "accept-new",
            "UserKnownHostsFile": self.folder / "known_hosts",
            "GlobalKnownHostsFile": "/dev/null",
            "ControlPath": self.socket,
            "ConnectTimeout": _CONNECT,
            "ServerAliveInterval": _ALIVE,
            "ServerAliveCountMax": 6,
            "ClearAllForwardings": "yes",
            "ForwardAgent": "no",
            "ForwardX11": "no",
            "PermitLocalCommand": "no",
            "RemoteCommand": "none",
            "RequestTTY": "no",
            "LogLevel": "ERROR",
        }
        options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        return ("ssh", "-i", str(self.key_file), *options, "-l", self.user)

    @property
    def socket(self) -> Path:
        """Where the shared connection listens."""
        return self.folder / "shared"

    @property
    def by_hand(self) -> str:
        """What a person types to get a shell."""
        known = f"-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={self.folder / 'known_hosts'}"
        return f"ssh -i {self.key_file} -o IdentitiesOnly=yes {known} {self.user}@{self.address}"


class Ssh(Piped):
    """Scripts through the shared connection, or through one of their own when that is gone, or has no room."""

    def __init__(self, login: Login, *, stop: threading.Event) -> None:
        argv = (*login.argv, "-o", "ControlMaster=no", login.address, shlex.join(("sudo", "-n", *ROOT_SHELL)))
        machine = f"{login.user}@{login.address}"
        super().__init__(argv, name="ssh", machine=machine, stop=stop, env=_ENVIRONMENT)


class SharedConnection:
    """The connection that the scripts of one machine share. It ends with the process, or with `close`."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._held = ExitStack()
        self._program: subprocess.Popen[bytes] | None = None

    @property
    def there(self) -> bool:
        """Whether it is open."""
        return self._program is not None and self._program.poll() is None and self._login.socket.is_socket()

    def open(self) -> str:
        """Open it unless it is there. Returns why that came to nothing, or an empty string."""
        if self.there:
            return ""
        self.close()
        log = self._login.folder / "ssh.log"
        with log.open("wb") as stream:
            argv = [*self._login.argv, "-o", "ControlMaster=yes", "-o", "ControlPersist=no", "-N", self._login.address]
            program = self._held.enter_context(started(argv, stdout=stream, stderr=stream, env=_ENVIRONMENT))
        self._program = program
        poll(lambda: self.there or program.poll() is not None, until=bool, pauses=steady(0.05), within=_LOGIN)
        if self.there:
            return ""
        said = log.read_text(errors="replace").strip().splitlines()
        self.close()
        return said[-1] if said else f"no login within {_LOGIN} s"

    def close(self) -> None:
        """Close it, if it is there."""
        self._held.close()
        self._program = None
        self._login.socket.unlink(missing_ok=True)
