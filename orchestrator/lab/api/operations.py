"""Which operations the lab's services have, so that a pattern that can never match is refused."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache

from orchestrator.errors import UsageError, did_you_mean
from orchestrator.lab.api.fault_rules import EVERYTHING, Rule

#: The services that the lab answers for, as SigV4 names them, with botocore's name where it is another.
_SERVICES = {
    "autoscaling": "", "cloudformation": "", "ec2": "", "elasticloadbalancing": "elbv2", "events": "", "iam": "",
    "kms": "", "monitoring": "cloudwatch", "organizations": "", "rbin": "", "s3": "", "secretsmanager": "",
    "servicequotas": "service-quotas", "sns": "", "sqs": "", "ssm": "", "sts": "",
}  # fmt: skip
SERVICES = tuple(_SERVICES)


def check(rule: Rule) -> None:
    """Raise UsageError when one of a rule's patterns can never match, with the nearest operation."""
    for pattern in rule.operations:
        if pattern not in rule.kind.reach:
            _check(rule, pattern)


def _check(rule: Rule, pattern: str) -> None:
    service, colon, action = pattern.partition(":")
    if pattern in EVERYTHING:
        return
    if not (colon and service and action):
        raise UsageError(f"'{pattern}' is no pattern of operations", hint="write 'ec2:RunInstances', 'ec2:*' or '*'")
    services = [name for name in SERVICES if fnmatchcase(name, service)]
    if not services:
        what = f"the lab has no service '{service}'{did_you_mean(service, SERVICES)}"
        raise UsageError(what, hint=f"it has {', '.join(SERVICES)}")
    actions = {name: [each for each in _actions(name) if fnmatchcase(each, action)] for name in services}
    if not any(actions.values()):
        known = [each for name in services for each in _actions(name)]
        raise UsageError(f"{service} has no operation '{action}'{did_you_mean(action, known)}")
    matched = (f"{name}:{each}" for name, found in actions.items() for each in found)
    if not any(fnmatchcase(operation, reach) for operation in matched for reach in rule.kind.reach):
        what = f"'{rule.kind}' has nothing to do with '{pattern}'"
        raise UsageError(what, hint=f"it can concern {', '.join(rule.kind.reach)}")


@cache
def _actions(service: str) -> tuple[str, ...]:
    # Deferred: botocore takes longer to import than the rest of the command.
    from botocore.session import get_session  # noqa: PLC0415

    return tuple(get_session().get_service_model(_SERVICES[service] or service).operation_names)
