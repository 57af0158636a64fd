"""Decisions that the IAM User Guide documents; each case names the page, or the part of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.lab.rights.evaluation.decision import ALLOWED, AccessVerdict, Attached, Demand, PolicyKind, decide
from orchestrator.lab.rights.evaluation.policy import IamPolicy, Request, policy
from orchestrator.lab.rights.evaluation.principal import Caller, CallerKind

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS, THEIRS = "111122223333", "444455556666"
BUCKET = "arn:aws:s3:::example"
USER = Caller(CallerKind.USER, OURS, f"arn:aws:iam::{OURS}:user/carlos")
ROOT = Caller(CallerKind.ROOT, OURS, f"arn:aws:iam::{OURS}:root")
ROLE = f"arn:aws:iam::{OURS}:role/build"
SESSION = f"arn:aws:sts::{OURS}:assumed-role/build/run-1"
SESSION_OF_ROLE = Caller(CallerKind.ROLE, OURS, ROLE, SESSION)


def said(effect: str = "Allow", action: str = "s3:GetObject", **more: Any) -> IamPolicy:
    """A policy of one statement; about every resource unless told otherwise."""
    statement = {"Effect": effect, "Action": action, "Resource": "*"} | more
    return policy(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def of(principal: Any, effect: str = "Allow", **more: Any) -> IamPolicy:
    """A resource-based policy."""
    return said(effect, Principal=principal, **more)


@dataclass(frozen=True)
class Case:
    """What the guide says of one constellation."""

    source: str
    attached: Attached
    verdict: AccessVerdict
    caller: Caller = USER
    account: str = OURS
    action: str = "s3:GetObject"


GET, LIST, DENY = said(), said(action="s3:ListBucket"), said("Deny")
NO_IDENTITY = AccessVerdict(PolicyKind.IDENTITY)
NO_RESOURCE = AccessVerdict(PolicyKind.RESOURCE)
CASES = (
    Case("Policy evaluation logic: by default, all requests are implicitly denied", Attached(), NO_IDENTITY),
    Case("except the root user, which has full access", Attached(), ALLOWED, ROOT),
    Case("identity-based policies with an allow", Attached((LIST, GET)), ALLOWED),
    Case(
        "an explicit deny overrides any allows",
        Attached((GET, DENY)),
        AccessVerdict(PolicyKind.IDENTITY, explicit=True),
    ),
    Case(
        "a deny of one user is none of the root user",
        Attached(resource=of({"AWS": USER.arn}, "Deny"), identity=(GET,)),
        ALLOWED,
        ROOT,
    ),
    Case(
        "a deny of the account's principal holds for its root user",
        Attached(resource=of({"AWS": ROOT.arn}, "Deny")),
        AccessVerdict(PolicyKind.RESOURCE, explicit=True),
        ROOT,
    ),
    Case(
        "identity-based and resource-based policies: the union within an account",
        Attached((LIST,), resource=of({"AWS": USER.arn})),
        ALLOWED,
    ),
    Case(
        "a resource-based policy that names the account delegates to it: a user needs a policy, too",
        Attached(resource=of({"AWS": ROOT.arn})),
        NO_IDENTITY,
    ),
    Case("the account's id is a name of the account", Attached((GET,), resource=of({"AWS": OURS})), ALLOWED),
    # Permissions boundaries for IAM entities
    Case("a boundary grants nothing on its own", Attached(boundary=GET), NO_IDENTITY),
    Case("the intersection of identity and boundary", Attached((GET,), boundary=GET), ALLOWED),
    Case("outside of the boundary", Attached((GET,), boundary=LIST), AccessVerdict(PolicyKind.BOUNDARY)),
    Case("a deny in a boundary", Attached((GET,), boundary=DENY), AccessVerdict(PolicyKind.BOUNDARY, explicit=True)),
    Case(
        "a resource-based policy for a user is not limited by an implicit deny in a boundary",
        Attached(boundary=LIST, resource=of({"AWS": USER.arn})),
        ALLOWED,
    ),
    Case(
        "a resource-based policy for a role is limited by an implicit deny in a boundary",
        Attached(boundary=LIST, resource=of({"AWS": ROLE})),
        AccessVerdict(PolicyKind.BOUNDARY),
        SESSION_OF_ROLE,
    ),
    Case(
        "a resource-based policy for a session is not",
        Attached(boundary=LIST, session=(LIST,), resource=of({"AWS": SESSION})),
        ALLOWED,
        SESSION_OF_ROLE,
    ),
    # Session policies
    Case("session and identity", Attached((GET,), session=(GET,)), ALLOWED, SESSION_OF_ROLE),
    Case(
        "outside of the session", Attached((GET,), session=(LIST,)), AccessVerdict(PolicyKind.SESSION), SESSION_OF_ROLE
    ),
    Case("a session policy grants nothing on its own", Attached(session=(GET,)), NO_IDENTITY, SESSION_OF_ROLE),
    Case(
        "a resource-based policy for a role is limited by a session policy",
        Attached(session=(LIST,), resource=of({"AWS": ROLE})),
        AccessVerdict(PolicyKind.SESSION),
        SESSION_OF_ROLE,
    ),
    Case(
        "a resource-based policy for a role needs no identity-based one",
        Attached(resource=of({"AWS": ROLE})),
        ALLOWED,
        SESSION_OF_ROLE,
    ),
    # Service control policies (SCPs): evaluation
    Case("SCPs grant nothing", Attached(levels=((GET,),)), NO_IDENTITY),
    Case("every level allows", Attached((GET,), levels=((GET,), (LIST, GET))), ALLOWED),
    Case("one level does not", Attached((GET,), levels=((GET,), (LIST,))), AccessVerdict(PolicyKind.SERVICE_CONTROL)),
    Case(
        "a deny at any level",
        Attached((GET,), levels=((GET, DENY), (GET,))),
        AccessVerdict(PolicyKind.SERVICE_CONTROL, explicit=True),
    ),
    Case(
        "they hold for root users of members",
        Attached(levels=((LIST,),)),
        AccessVerdict(PolicyKind.SERVICE_CONTROL),
        ROOT,
    ),
    Case(
        "they hold for what a resource-based policy gives a user",
        Attached(levels=((LIST,),), resource=of({"AWS": USER.arn})),
        AccessVerdict(PolicyKind.SERVICE_CONTROL),
    ),
    # Cross-account policy evaluation logic
    Case("the caller's side alone is not enough", Attached((GET,)), NO_RESOURCE, account=THEIRS),
    Case(
        "the resource's side alone is not enough", Attached(resource=of({"AWS": USER.arn})), NO_IDENTITY, account=THEIRS
    ),
    Case("both sides allow", Attached((GET,), resource=of({"AWS": USER.arn})), ALLOWED, account=THEIRS),
    Case("both sides, to the whole account", Attached((GET,), resource=of({"AWS": ROOT.arn})), ALLOWED, account=THEIRS),
    Case("to somebody else", Attached((GET,), resource=of({"AWS": THEIRS})), NO_RESOURCE, account=THEIRS),
    Case(
        "the caller's SCPs count",
        Attached((GET,), levels=((LIST,),), resource=of("*")),
        AccessVerdict(PolicyKind.SERVICE_CONTROL),
        account=THEIRS,
    ),
    # AWS KMS Developer Guide, "Key policies": without permission from the key policy, IAM policies have no effect
    Case("a key whose policy names nobody", Attached((GET,), demand=Demand.ALWAYS), NO_RESOURCE),
    Case(
        "a key whose policy names the account",
        Attached((GET,), resource=of({"AWS": ROOT.arn}), demand=Demand.ALWAYS),
        ALLOWED,
    ),
    Case(
        "a key whose policy names the account alone",
        Attached(resource=of({"AWS": ROOT.arn}), demand=Demand.ALWAYS),
        NO_IDENTITY,
    ),
    Case("a key whose policy names the user", Attached(resource=of({"AWS": USER.arn}), demand=Demand.ALWAYS), ALLOWED),
    # IAM JSON policy elements
    Case("NotAction", Attached((said(Action=None, NotAction="s3:Delete*"),)), ALLOWED),
    Case("NotAction of it", Attached((said(Action=None, NotAction="s3:Get*"),)), NO_IDENTITY),
    Case("NotResource", Attached((said(Resource=None, NotResource=f"{BUCKET}-2/*"),)), ALLOWED),
    Case("NotResource of it", Attached((said(Resource=None, NotResource=f"{BUCKET}/*"),)), NO_IDENTITY),
    Case("actions in any case", Attached((said(action="S3:getOBJECT"),)), ALLOWED),
    Case("a question mark is one character", Attached((said(action="s3:Get?bject"),)), ALLOWED),
    Case("a resource's case counts", Attached((said(Resource=f"{BUCKET.upper()}/*"),)), NO_IDENTITY),
    Case("a variable of the caller", Attached((said(Resource=BUCKET + "/home/${aws:username}/*"),)), ALLOWED),
    Case(
        "a variable without a value", Attached((said(Resource=BUCKET + "/home/${aws:PrincipalTag/x}/*"),)), NO_IDENTITY
    ),
    Case("its default", Attached((said(Resource=BUCKET + "/home/${aws:PrincipalTag/x, 'carlos'}/*"),)), ALLOWED),
    Case("a literal asterisk", Attached((said(Resource=BUCKET + "/home/${*}"),)), NO_IDENTITY),
    Case(
        "NotPrincipal with a deny",
        Attached((GET,), resource=of(None, "Deny", NotPrincipal={"AWS": [USER.arn, ROOT.arn]})),
        ALLOWED,
    ),
    Case(
        "NotPrincipal of others",
        Attached((GET,), resource=of(None, "Deny", NotPrincipal={"AWS": THEIRS})),
        AccessVerdict(PolicyKind.RESOURCE, explicit=True),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.source)
def test_decide_when_the_guide_says_so(case: Case) -> None:
    context: Mapping[str, tuple[str, ...]] = {"aws:username": ("carlos",)}
    asked = Request(case.caller, case.action, f"{BUCKET}/home/carlos/a", context, case.account)
    assert decide(asked, case.attached) == case.verdict


def test_policy_when_its_version_has_no_variables() -> None:
    """Before 2012-10-17 they are texts (IAM User Guide, "IAM JSON policy elements: Version")."""
    document = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "x/${aws:username}"}}
    old = policy(json.dumps(document))
    context = {"aws:username": ("carlos",)}
    assert not old.allows(Request(USER, "s3:GetObject", "x/carlos", context))
    assert old.allows(Request(USER, "s3:GetObject", "x/${aws:username}", context))
