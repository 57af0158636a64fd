"""What SendCommand was asked for, checked as the service checks it, as one value.

Sources: API reference, SendCommand; the document AWS-RunShellScript; amazon-ssm-agent `ValidateExecutionTimeout`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from orchestrator.lab.api.aws_fault import AwsFault

DOCUMENT = "AWS-RunShellScript"
#: The agent's working directory, which its unit file sets.
WORKING_DIRECTORY = "/usr/bin"

_DOCUMENT_NAMES = re.compile(rf"(arn:aws:ssm:[a-z0-9-]*:[0-9]*:document/)?{DOCUMENT}")
_PARAMETERS = frozenset({"commands", "workingDirectory", "executionTimeout"})
_PAYLOAD_BYTES = 64 * 1024
_EXECUTION_SECONDS = range(5, 172_800 + 1)
_DELIVERY_SECONDS = range(30, 2_592_000 + 1)
_INSTANCES = 50
_COMMENT_CHARACTERS = 100
#: `{{ name }}` with a name: a document parameter or, with `ssm:`, one of Parameter Store. `{{.Names}}` is neither.
_REFERENCE = re.compile(r"\{\{\s*([A-Za-z0-9_][\w:./-]*)\s*\}\}")
_SHARE = re.compile(r"(0|[1-9][0-9]*)(%?)")


@dataclass(frozen=True)
class Order:
    """A SendCommand whose parameters were checked, with defaults filled in."""

    commands: tuple[str, ...]
    working_directory: str
    execution_timeout: int
    """Seconds that the script may run."""
    delivery_timeout: int
    """Seconds within which it must have started."""
    instance_ids: tuple[str, ...]
    targets: tuple[tuple[str, tuple[str, ...]], ...]
    comment: str
    max_concurrency: str
    max_errors: str
    document_version: str
    parameters: dict[str, list[str]]

    @property
    def script(self) -> bytes:
        """The file that the agent writes: the lines joined, and a newline at the end."""
        return ("\n".join(self.commands) + "\n").encode()

    @property
    def unresolved(self) -> str:
        """A `{{ name }}` that names no parameter of the document, which makes the agent fail; empty when there is none.

        One that names a parameter stays as it stands.
        """
        texts = (*self.commands, self.working_directory)
        names = (found[1] for text in texts for found in _REFERENCE.finditer(text))
        return next((name for name in names if name not in _PARAMETERS), "")


def order(body: dict[str, Any]) -> Order:
    """The order in a SendCommand request. Raises AwsFault with the service's codes."""
    _check_document(body)
    _check_output(body)
    parameters = _parameters(body.get("Parameters") or {})
    timeout = _single(parameters, "executionTimeout") or "3600"
    return Order(
        commands=tuple(parameters["commands"]),
        working_directory=_working_directory(_single(parameters, "workingDirectory")),
        execution_timeout=_execution_timeout(timeout),
        delivery_timeout=_delivery_timeout(body.get("TimeoutSeconds", 3600)),
        instance_ids=_instance_ids(body),
        targets=_targets(body),
        comment=_comment(body.get("Comment", "")),
        max_concurrency=_share(body, "MaxConcurrency", "50"),
        max_errors=_share(body, "MaxErrors", "0"),
        document_version=body.get("DocumentVersion") or "$DEFAULT",
        parameters=parameters,
    )


def share(text: str, count: int) -> int:
    """A MaxConcurrency or MaxErrors (`10` or `10%`) of `count` targets, as a number; a percentage is rounded up."""
    found = _SHARE.fullmatch(text)
    if found is None:
        raise AwsFault("ValidationException", f"'{text}' is neither a number nor a percentage.")
    return -(-count * int(found[1]) // 100) if found[2] else int(found[1])


def _check_document(body: dict[str, Any]) -> None:
    if not _DOCUMENT_NAMES.fullmatch(str(body.get("DocumentName", ""))):
        raise AwsFault("InvalidDocument", f"Document with name {body.get('DocumentName')} does not exist.")
    if body.get("DocumentVersion", "$DEFAULT") not in ("$DEFAULT", "$LATEST", "1"):
        raise AwsFault("InvalidDocumentVersion", "The document version is not valid or does not exist.")


def _check_output(body: dict[str, Any]) -> None:
    # Refused, not ignored: who asks for output in S3 would look for it there.
    if body.get("OutputS3BucketName"):
        raise AwsFault("InvalidOutputFolder", "This lab keeps no command output in S3.")


def _parameters(given: dict[str, list[str]]) -> dict[str, list[str]]:
    for name, values in given.items():
        if name not in _PARAMETERS:
            raise AwsFault("InvalidParameters", f"document {DOCUMENT} does not support parameters: {name}")
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise AwsFault("InvalidParameters", f"Parameter {name} must be a list of strings.")
    if not given.get("commands"):
        raise AwsFault("InvalidParameters", "Missing required parameter: commands")
    if len(json.dumps(given, ensure_ascii=False).encode()) > _PAYLOAD_BYTES:
        raise AwsFault("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB.")
    for values in given.values():
        for value in values:
            _check_references(value)
    return given


def _check_references(value: str) -> None:
    found = _REFERENCE.search(value)
    if found is not None and found[1].startswith("ssm"):
        raise AwsFault("InvalidParameters", f"The lab has no Parameter Store to ask for '{found[0]}'.")


def _single(parameters: dict[str, list[str]], name: str) -> str:
    values = parameters.get(name, [""])
    if len(values) != 1:
        raise AwsFault("InvalidParameters", f"Parameter {name} takes exactly one value.")
    return values[0]


def _working_directory(given: str) -> str:
    # A relative path is meant below the document's downloads, of which this document has none.
    return given if given.startswith("/") else WORKING_DIRECTORY


def _execution_timeout(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text) or int(text) > _EXECUTION_SECONDS[-1]:
        raise AwsFault("InvalidParameters", f"Parameter executionTimeout does not allow the value '{text}'.")
    # The document allows 1 to 4 seconds; the agent then falls back to its default.
    return int(text) if int(text) in _EXECUTION_SECONDS else 3600


def _delivery_timeout(given: Any) -> int:
    if not isinstance(given, int) or given not in _DELIVERY_SECONDS:
        raise AwsFault("ValidationException", f"TimeoutSeconds must be between 30 and 2592000, not {given}.")
    return given


def _instance_ids(body: dict[str, Any]) -> tuple[str, ...]:
    given = tuple(body.get("InstanceIds") or ())
    if not given and not body.get("Targets"):
        raise AwsFault("InvalidInstanceId", "Neither InstanceIds nor Targets names a managed node.")
    if given and body.get("Targets"):
        raise AwsFault("ValidationException", "InstanceIds and Targets cannot be given together.")
    if len(given) > _INSTANCES:
        raise AwsFault("ValidationException", "InstanceIds can have at most 50 entries.")
    if len(set(given)) < len(given):
        raise AwsFault("DuplicateInstanceId", "InstanceIds names a managed node twice.")
    return given


def _targets(body: dict[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    targets = tuple((str(target.get("Key")), tuple(target.get("Values") or ())) for target in body.get("Targets") or ())
    for key, values in targets:
        if key != "InstanceIds":
            raise AwsFault("ValidationException", f"This lab resolves targets by InstanceIds, not by '{key}'.")
        if not values:
            raise AwsFault("ValidationException", f"The target '{key}' has no values.")
    return targets


def _comment(given: str) -> str:
    if len(given) > _COMMENT_CHARACTERS:
        raise AwsFault("ValidationException", "Comment can have at most 100 characters.")
    return given


def _share(body: dict[str, Any], name: str, default: str) -> str:
    text = str(body.get(name) or default)
    if share(text, 100) == 0 and name == "MaxConcurrency":
        raise AwsFault("ValidationException", "MaxConcurrency must be at least 1.")
    return text
