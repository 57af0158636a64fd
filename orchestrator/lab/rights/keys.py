"""The condition keys of a request: those of AWS, of who calls, of what is asked, and of the resource.

Source: IAM User Guide, "AWS global condition context keys"; Service Authorization Reference.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from orchestrator.lab.rights.callers import organisation_of, path_of
from orchestrator.lab.rights.evaluation.principal import CallerKind
from orchestrator.lab.rights.reference import action_reference
from orchestrator.lab.rights.resource_policies import resource_tags

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.lab.api.call import Call
    from orchestrator.lab.rights.callers import Identity
    from orchestrator.lab.rights.need import Need

#: The keys whose absence the lab can tell, as it has them whenever AWS does: the others it refuses to judge by.
_KNOWN = re.compile(
    r"aws:(principal(arn|account|type|orgid|orgpaths|isawsservice|tag/.+)|userid|username|sourceip|useragent"
    r"|currenttime|epochtime|securetransport|requestedregion|resource(account|orgid|orgpaths|tag/.+)|requesttag/.+"
    r"|tagkeys|tokenissuetime|viaawsservice|calledvia|calledviafirst|calledvialast|multifactorauth(present|age)"
    r"|source(arn|account|owner|orgid|orgpaths|vpc|vpce|identity)|principalservicename|principalservicenameslist"
    r"|federatedprovider|ec2instancesourcevpc|ec2instancesourceprivateipv4)"
    r"|ec2:(region|instancetype|instanceid|imageid|imagetype|owner|public|createaction|vpc|attribute|keypairname"
    r"|metadatahttptokens|availabilityzone|tenancy|instanceprofile|rootdevicetype|volumetype|volumesize|encrypted"
    r"|islaunchtemplateresource|resourcetag/.+|(add|remove)/.+)"
    r"|ssm:(overwrite|recursive|resourcetag/.+)|sts:(externalid|rolesessionname)"
    r"|iam:(passedtoservice|policyarn|permissionsboundary|resourcetag/.+|awsservicename)"
    r"|kms:(viaservice|grantisforawsresource|calleraccount|signingalgorithm|messagetype|encryptionalgorithm"
    r"|granteeprincipal|grantoperations)"
    r"|s3:(prefix|delimiter|max-keys|x-amz-(acl|server-side-encryption|server-side-encryption-aws-kms-key-id"
    r"|storage-class)|versionid|if-none-match|if-match|requestobjecttag/.+)",
    re.IGNORECASE,
)


def is_known(key: str) -> bool:
    """Whether the lab has a condition key whenever AWS has it."""
    return _KNOWN.fullmatch(key) is not None


def context_of(identity: Identity, need: Need, call: Call, environ: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The keys of one need, by their names in small letters."""
    everywhere = dict(_of_caller(identity)) | dict(_of_request(identity, call, environ)) | dict(_of_account(need, call))
    of_resource = {f"aws:ResourceTag/{key}": (value,) for key, value in resource_tags(need).items()}
    if need.action.startswith("ssm:"):
        of_resource |= {key.replace("aws:R", "ssm:r"): value for key, value in of_resource.items()}
    own = {**of_resource, **need.keys}
    return {key.lower(): value for key, value in {**everywhere, **_counting(own, need)}.items()}


def _counting(keys: Mapping[str, tuple[str, ...]], need: Need) -> dict[str, tuple[str, ...]]:
    """Of the keys of EC2's requests and resources those that the reference has for the resource's type.

    Other services' pages are less exact: there all count.
    """
    reference = action_reference(need.action) if need.action.startswith("ec2:") else None
    if reference is None:
        return dict(keys)
    types = {each.name: each.keys for each in reference.resources}
    known = reference.keys | types.get(need.kind, frozenset())
    return {key: value for key, value in keys.items() if _stem(key) in known}


def _stem(key: str) -> str:
    """`aws:requesttag/` of `aws:RequestTag/team`."""
    small, slash, _ = key.lower().partition("/")
    return "ec2:attribute/" if small in ("ec2:add", "ec2:remove") else f"{small}{slash}"


def _of_caller(identity: Identity) -> Iterator[tuple[str, tuple[str, ...]]]:
    caller = identity.caller
    kinds = {CallerKind.USER: "User", CallerKind.ROLE: "AssumedRole", CallerKind.ROOT: "Account"}
    yield "aws:PrincipalArn", (caller.arn,)
    yield "aws:PrincipalAccount", (caller.account,)
    yield "aws:PrincipalType", (kinds.get(caller.kind, "Anonymous"),)
    yield "aws:PrincipalIsAWSService", ("false",)
    yield "aws:SourceOwner", (caller.account,)
    yield "aws:userid", (caller.user_id,)
    if caller.name:
        yield "aws:username", (caller.name,)
    yield from ((f"aws:PrincipalTag/{key}", (value,)) for key, value in identity.tags.items())
    if identity.issued:
        yield "aws:TokenIssueTime", (identity.issued,)
    yield from _organisation("Principal", caller.account)


def _organisation(of: str, account: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    tables = organisation_of(account) if account.isdigit() else None
    if tables is not None:
        path = [each.id for each in path_of(tables, account)[:-1]]
        yield f"aws:{of}OrgID", (str(tables.org.id),)
        yield f"aws:{of}OrgPaths", ("/".join([tables.org.id, *path, ""]),)


def _of_request(identity: Identity, call: Call, environ: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    now = time.time()
    yield "aws:SourceIp", (str(environ.get("REMOTE_ADDR", "127.0.0.1")),)
    yield "aws:UserAgent", (str(environ.get("HTTP_USER_AGENT", "")),)
    yield "aws:CurrentTime", (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),)
    yield "aws:EpochTime", (str(int(now)),)
    # The lab's port stands for AWS's, which clients reach by TLS unless they are told otherwise.
    yield "aws:SecureTransport", ("true",)
    yield "aws:ViaAWSService", ("false",)
    yield "aws:RequestedRegion", (call.region,)
    if identity.issued:
        yield "aws:MultiFactorAuthPresent", ("false",)


def _of_account(need: Need, call: Call) -> Iterator[tuple[str, tuple[str, ...]]]:
    account = need.account or call.account
    yield "aws:ResourceAccount", (account,)
    yield from _organisation("Resource", account)
