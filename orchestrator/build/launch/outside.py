"""What reaches Packer from outside: a person's variables that builds get, and those that they do not.

Builds come out alike whoever starts them. A variable that would change what is built, where, or how long Packer waits
is left out and told; credentials of AWS, proxies and the SSH configuration pass through. What each variable does was
read in the sources of Packer 1.16 and of its Amazon plugin 1.8. The whole table is in docs/environment-variables.md; a
test walks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.aws.account import Account

#: Beginnings of the names of variables that are a person's own settings. With some of `HCP_`, Packer sends what it does
#: to HCP, skips builds that HCP knows, and from 1.15.2 on runs provisioners that HCP adds.
PERSONAL = ("ANSIBLE_", "PKR_VAR_", "PACKER_", "HCP_", "AWX_", "MITOGEN_", "PYTHON")

#: Where Ansible finds the passwords of its vaults: who builds has them, and no two people in the same place.
VAULT_PASSWORDS = ("ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_IDENTITY_LIST", "ANSIBLE_VAULT_IDENTITY")

#: What counts although it is a person's: where plugins are looked for (see `plugin_folders`), and vaults' passwords.
_HONOURED = frozenset({"PACKER_PLUGIN_PATH", "PACKER_CONFIG_DIR", *VAULT_PASSWORDS})

#: How long Packer's Amazon plugin waits, over what the template says.
_WAITS = frozenset({"AWS_POLL_DELAY_SECONDS", "AWS_MAX_ATTEMPTS", "AWS_TIMEOUT_SECONDS", "AWS_RETRY_MODE"})

#: Who asks AWS. Before 1.8 the plugin prefers them to the environment's `profile`; boto3 does not.
_IDENTITY = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_PROFILE",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECRET_KEY",
        "AWS_SECURITY_TOKEN",
        "AWS_SESSION_TOKEN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    }
)

#: Where AWS is asked. The environment alone says it: without an `endpoint` it means AWS itself.
_ENDPOINT, _ENDPOINT_OFF = "AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"

#: Which of AWS's own endpoints are asked; clients refuse both beside an endpoint that is named.
_KIND_OF_ENDPOINT = frozenset({"AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"})

#: Characters below which Packer gets no value as a sensitive one. From 1.15.1 on it replaces every occurrence in all
#: that it prints: a short value may be part of an AMI's id.
_SHORTEST_SENSITIVE = 8


def kept_out(inherited: Iterable[str], account: Account) -> tuple[str, ...]:
    """Those of the inherited variables that a build in `account` does not get, sorted by name."""
    personal = (name for name in inherited if name.startswith(PERSONAL) or _misleads(name, account))
    return tuple(sorted(name for name in personal if name not in _HONOURED))


def aws_variables(account: Account) -> dict[str, str]:
    """What tells Packer and its plugins where AWS is, and who asks when the template must not know the key."""
    found = {"HCP_PACKER_REGISTRY": "off", "AWS_REGION": account.region, "AWS_DEFAULT_REGION": account.region}
    if account.endpoint:  # from 1.8 on the plugin uses `custom_endpoint_ec2` for some of its calls only
        found[_ENDPOINT] = account.endpoint
    else:  # a profile may name an endpoint, too
        found[_ENDPOINT_OFF] = "true"
    if account.access_key and has_short_secret(account):
        found |= {"AWS_ACCESS_KEY_ID": account.access_key, "AWS_SECRET_ACCESS_KEY": account.secret_key}
    return found


def endpoints_without_effect(inherited: Iterable[str], account: Account) -> tuple[str, ...]:
    """Inherited variables that name an endpoint while the environment means AWS itself, sorted by name."""
    return () if account.endpoint else tuple(sorted(name for name in inherited if name.startswith(_ENDPOINT)))


def has_short_secret(account: Account) -> bool:
    """Whether the account's secret key is too short to be given to Packer as a sensitive variable."""
    return 0 < len(account.secret_key) < _SHORTEST_SENSITIVE


def _misleads(name: str, account: Account) -> bool:
    if name in _WAITS:
        return True
    if name in _IDENTITY:
        return bool(account.profile or account.access_key)
    if name in _KIND_OF_ENDPOINT:
        return bool(account.endpoint)
    return name == _ENDPOINT_OFF or name.startswith(_ENDPOINT)
