"""EC2's DescribeImages: the AMIs that an account has, and those that are shared with it (EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.ec2.exceptions import MalformedAMIIdError

from orchestrator.lab.accounts.membership import Reader, reader
from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.sharing import EVERYBODY
from orchestrator.lab.ec2.images.view import FIELDS, view
from orchestrator.lab.ec2.listing import matching, part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.lab.asked import Asked
    from orchestrator.lab.ec2.ami import LabAmi


def answer(asked: Asked) -> dict[str, Any]:
    """One page. Raises AwsFault for ids that nobody has, and for filters that EC2 does not know.

    Of an AMI that was deregistered nothing is shown, and nothing is refused.
    """
    tables, parameters = asked.ec2(), asked.parameters
    images = tables._seen(list(tables.visible_images()))  # noqa: SLF001 - what is too new for this call
    images = [image for image in images if tables.allowed.lets(image, asked.account)]
    ids = parameters.get("ImageIds", [])
    if ids:
        _check(ids, {image.id for image in images} | set(tables.deleted_amis))
        images = [image for image in images if image.id in ids]
    images = [image for image in images if _listed(image, asked.account, parameters)]
    owners = {asked.account if owner == "self" else owner for owner in parameters.get("Owners", [])}
    if owners:
        images = [image for image in images if {image.owner_id, image.owner_alias} & owners]
    users = parameters.get("ExecutableUsers", [])
    if users:
        images = [image for image in images if any(_executable(image, user, asked.account) for user in users)]
    late = asked.tables.times.last_launched
    views = [view(image, asked.account, tables.allowed, late) for image in images]
    shown, more = part(matching(views, parameters.get("Filters", []), FIELDS), parameters)
    return {"Images": shown, **more}


def _check(ids: Sequence[str], known: set[str]) -> None:
    malformed = [each for each in ids if not each.startswith("ami-")]
    if malformed:
        raise MalformedAMIIdError(malformed)
    unknown = [each for each in ids if each not in known]
    if unknown:
        what = "id '[{}]' does" if len(unknown) == 1 else "ids '[{}]' do"
        raise AwsFault("InvalidAMIID.NotFound", f"The image {what.format(', '.join(unknown))} not exist")


def _listed(image: LabAmi, account: str, parameters: dict[str, Any]) -> bool:
    if image.state == "disabled":
        return bool(parameters.get("IncludeDisabled"))
    deprecated = image.deprecated(utcnow()) and image.owner_id != account
    return not deprecated or bool(parameters.get("IncludeDeprecated"))


def _executable(image: LabAmi, user: str, account: str) -> bool:
    if user == "all":
        return EVERYBODY in image.launch_permissions
    if user in ("self", account):
        return reader(account).may(image.launch_permissions)
    return Reader(user).may(image.launch_permissions, public=False)
