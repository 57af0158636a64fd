"""The file of a new environment: the lab, or an account on AWS."""

from __future__ import annotations

import re

from orchestrator.errors import UsageError

#: As `definition.environment` has them, which takes long to import.
FOLDER, SUFFIX = "packer/environments", ".pkrvars.hcl"

#: Names of regions (AWS General Reference, "AWS service endpoints"): eu-central-1, us-gov-west-1.
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")

LAB = """\
# The local AWS of `ami lab up`. An account of yours is another file beside
# this one: ami new environment NAME
region               = "us-east-1"
endpoint             = "http://127.0.0.1:4999"
access_key           = "lab"
secret_key           = "lab-secret-key"
instance_type        = "t3.small"
iam_instance_profile = "ami-lab"
ssh_interface        = "private_ip"
artifact_bucket      = "ami-lab-artifacts"

extra_vars = {
  ssm_agent_url = "http://169.254.169.254/ami-lab/amazon-ssm-agent.deb"
}
"""
_ACCOUNT = """\
# An account on AWS. `ami doctor --env {name}` says what it lacks.
region = "{region}"

{profile}

instance_type = "t3.small"

# The instance profile of machines that are tested: its role needs the policy
# AmazonSSMManagedInstanceCore.
iam_instance_profile = "image-validation"

# Packer reaches machines through Systems Manager, without an open port.
ssh_interface = "session_manager"

# Without these, builds are in the region's default network, and builders on
# several hosts do not know of each other.
# subnet_id       = "subnet-0123456789abcdef0"
# artifact_bucket = "example-images"
"""
_PROFILE = 'profile = "{profile}"'
_NO_PROFILE = """\
# A profile of ~/.aws/config; without it, the credentials of your shell count.
# profile = "images-dev\""""


def path_of(name: str) -> str:
    """The file of an environment, from the workspace's folder."""
    return f"{FOLDER}/{name}{SUFFIX}"


def account_text(name: str, region: str, profile: str) -> str:
    """The file of an environment in an account on AWS. Raises UsageError for what is no name of a region or profile."""
    if not _REGION.fullmatch(region):
        raise UsageError(f"'{region}' is not a region's name", hint="such as --region eu-central-1")
    if not re.fullmatch(r"[\w.@ +=,/:-]*", profile):
        raise UsageError(f"'{profile}' is not the name of a profile", hint="aws configure list-profiles")
    return _ACCOUNT.format(
        name=name, region=region, profile=_PROFILE.format(profile=profile) if profile else _NO_PROFILE
    )
