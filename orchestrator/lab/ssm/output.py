"""What Run Command keeps of a command's output: the agent's and the service's cuts, marks and exit codes. Pure values.

The rules are those of amazon-ssm-agent (`pluginutil.StringPrefix`, `iohandler.TruncateOutput`, `runpluginutil`,
`pluginutil.GetStatus`): the agent cuts bytes, then encodes its reply as JSON, which replaces invalid UTF-8.
The service's own limits are those of the API reference (GetCommandInvocation: 24,000 and 8,000 characters).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: The agent cuts *both* streams here (its limit of 8,000 for standard error exists, but is not applied).
AGENT_BYTES = 24_000
#: The service cuts standard error once more, without a mark.
STDERR_CHARACTERS = 8_000
#: Both streams together in ListCommandInvocations.
PLUGIN_BYTES = 2_500

_MARK = b"--output truncated--"
_ERROR_TITLE = b"\n----------ERROR-------\n"
_STDOUT_CUT = b"\n---Output truncated---"
_STDERR_CUT = b"\n---Error truncated----"

#: Exit codes that mean something to the agent (AWS Systems Manager User Guide, "Rebooting managed nodes from scripts";
#: document model `ExitWithSuccess`, `ExitWithFailure`; SIGKILL).
REBOOT, EXIT_SUCCESS, EXIT_FAILURE, STOPPED = 194, 168, 169, 137
#: The exit code that the agent gives a script which a signal ended, or which it did not see ending.
NO_CODE = -1


@dataclass(frozen=True)
class Result:
    """What a command ended with, as the service shows it."""

    details: str
    """`Success`, `Failed`, `ExecutionTimedOut` or `Cancelled`: a StatusDetails."""
    code: int
    stdout: str
    """StandardOutputContent of GetCommandInvocation."""
    stderr: str
    """StandardErrorContent of GetCommandInvocation."""
    output: str
    """The plugin's Output in ListCommandInvocations."""


def ended(code: int, stdout: bytes, stderr: bytes, *, problem: str = "") -> Result:
    """The result of a script that ended by itself. `problem` in Go's words, as `exit status 3`; the agent has none
    to tell when there was no room for the script.
    """
    if problem and code not in (0, STOPPED):
        stderr += f"failed to run commands: {problem}".encode()
    if code == EXIT_SUCCESS:
        said = _steps_skipped(code, "succeeded")
        return _result("Success", code, (stdout, b""), (stdout + said, b""))
    if code == EXIT_FAILURE:
        said = _steps_skipped(code, "Failed")
        return _result("Failed", code, (stdout, stderr), (stdout + said, stderr + said))
    # 137 cannot be told from the agent's own kill: a script that ends so has timed out, whatever happened.
    details = {0: "Success", STOPPED: "ExecutionTimedOut"}.get(code, "Failed")
    return _result(details, code, (stdout, stderr), (stdout, stderr))


def failed(code: int) -> Result:
    """The result of a command of which the agent says no more than that it failed."""
    return _result("Failed", code, (b"", b""), (b"", b""))


def stopped(stdout: bytes, stderr: bytes, *, cancelled: bool) -> Result:
    """The result of a script that the agent killed, with what it had printed before."""
    details = "Cancelled" if cancelled else "ExecutionTimedOut"
    return _result(details, STOPPED, (stdout, stderr), (stdout, stderr))


def _steps_skipped(code: int, how: str) -> bytes:
    return (
        f"\nStep exited with code {code}. Therefore, marking step as {how}. Further document steps will be skipped."
    ).encode()


def _result(details: str, code: int, plugin: tuple[bytes, bytes], streams: tuple[bytes, bytes]) -> Result:
    stdout, stderr = (_text(prefix(stream)) for stream in streams)
    return Result(details, code, stdout[:AGENT_BYTES], stderr[:STDERR_CHARACTERS], _text(joined(*plugin)))


def prefix(stream: bytes, limit: int = AGENT_BYTES) -> bytes:
    """A stream as the agent sends it: whole when *shorter* than the limit, else cut so that the mark still fits."""
    return stream if len(stream) < limit else stream[: limit - len(_MARK)] + _MARK


def joined(stdout: bytes, stderr: bytes, limit: int = PLUGIN_BYTES) -> bytes:
    """Both streams in one field of at most `limit` bytes; the longer one gives way, or both when both are long."""
    title = _ERROR_TITLE if stderr else b""
    room = limit - len(title)
    if len(stdout) + len(stderr) < room:
        return stdout + title + stderr
    if len(stdout) > room // 2 and len(stderr) > room // 2:
        half = (room - len(_STDERR_CUT) - len(_STDOUT_CUT)) // 2
        return stdout[:half] + _STDOUT_CUT + title + stderr[:half] + _STDERR_CUT
    if len(stdout) <= room // 2:
        return stdout + title + stderr[: room - len(_STDERR_CUT) - len(stdout)] + _STDERR_CUT
    return stdout[: room - len(_STDOUT_CUT) - len(stderr)] + _STDOUT_CUT + title + stderr


def _text(stream: bytes) -> str:
    return stream.decode("utf-8", "replace")


#: The agent drops a reply that is longer, bytes of JSON.
REPLY_BYTES = 120_000
#: What is in a reply besides the streams, at least: status, times, names.
_REPLY_FRAME = 1_000
#: As Go writes JSON, six bytes each: what HTML would take for markup, what is no UTF-8, control characters but three.
_ESCAPED = re.compile("[<>&\u2028\u2029\ufffd]|[\x00-\x1f](?<![\t\n\r])")
_SHORT = re.compile('["\\\\\t\n\r]')


def reply_size(result: Result) -> int:
    """About how many bytes the agent's reply takes that carries a result."""
    return _REPLY_FRAME + sum(_json_size(text) for text in (result.stdout, result.stderr, result.output))


def _json_size(text: str) -> int:
    escaped, short = len(_ESCAPED.findall(text)), len(_SHORT.findall(text))
    return len(_ESCAPED.sub("", text).encode()) + 6 * escaped + short
