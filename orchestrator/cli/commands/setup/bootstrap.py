"""`ami bootstrap`: what an account needs for an environment, as a CloudFormation template, or deployed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.completion import names
from orchestrator.cli.options import HERE, DryRunOption, JsonOption, WorkspaceOption, YesOption
from orchestrator.cli.terminal import confirm, print_json, print_text, say
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from orchestrator.aws.account import Account
    from orchestrator.bootstrap.deploy import StackChange
    from orchestrator.bootstrap.order import BootstrapOrder
    from orchestrator.bootstrap.trust import PipelineTrust
    from orchestrator.contract.bootstrap import BootstrapJson


EnvironmentArgument = Annotated[
    str,
    typer.Argument(
        metavar="ENV",
        help="The environment: packer/environments/NAME.pkrvars.hcl.",
        autocompletion=names.environment,
    ),
]
GitHubOption = Annotated[
    str | None,
    typer.Option("--github", metavar="OWNER/NAME", help="The repository whose workflows may assume the roles."),
]
GitLabOption = Annotated[
    str | None,
    typer.Option("--gitlab", metavar="GROUP/PROJECT", help="The project whose pipelines may assume the roles."),
]
ProviderOption = Annotated[
    str, typer.Option("--oidc-provider", metavar="ARN", help="The OIDC provider, if the account has it already.")
]
TeamsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--team",
        metavar="TEAM[=REPOSITORY]",
        help="A team that builds on the factory's images, and its repository; again for each.",
    ),
]


def bootstrap(  # noqa: PLR0917  Typer reads options from parameters
    env: EnvironmentArgument,
    github: GitHubOption = None,
    gitlab: GitLabOption = None,
    branch: Annotated[str, typer.Option("--branch", help="The branch whose pipelines may build.")] = "main",
    provider: ProviderOption = "",
    teams: TeamsOption = None,
    removable: Annotated[
        bool, typer.Option("--removable", help="Let the bucket and the key go when the stack is deleted.")
    ] = False,
    deploy: Annotated[
        bool, typer.Option("--deploy", help="Show what would change in the account, ask, do it.")
    ] = False,
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = HERE,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print CloudFormation for what an account needs: bucket, key, instance profile, and roles with few rights."""
    from orchestrator.bootstrap.order import order_of
    from orchestrator.bootstrap.template import template, text_of
    from orchestrator.cli.environment import environment_of
    from orchestrator.cli.opened import opened

    loaded = opened(workspace, roles=False, env=env)
    environment = environment_of(loaded, env)
    trust = _trust(github, gitlab, branch)
    order = replace(
        order_of(loaded, environment), trust=trust, provider=provider, teams=_teams(teams, trust), removable=removable
    )
    made = template(order)
    _tell_keys(order)
    if not deploy:
        _print(order, made, None, {}, as_json=as_json)
        say(f"to deploy it: ami bootstrap {env} --deploy, with the same options")
        return
    _deploy(order, made, text_of(made), environment.account, dry_run=dry_run, yes=yes, as_json=as_json)


def _trust(github: str | None, gitlab: str | None, branch: str) -> PipelineTrust | None:
    from orchestrator.bootstrap.trust import PipelineHost, PipelineTrust

    if github is not None and gitlab is not None:
        raise UsageError("--github and --gitlab are for one repository", hint="leave one of them out")
    if github is not None:
        return PipelineTrust(PipelineHost.GITHUB, github, branch)
    return PipelineTrust(PipelineHost.GITLAB, gitlab, branch) if gitlab is not None else None


def _teams(written: Sequence[str] | None, factory: PipelineTrust | None) -> dict[str, PipelineTrust | None]:
    """The teams, each with the repository that it names at the host of the factory's own."""
    found: dict[str, PipelineTrust | None] = {}
    for each in written or ():
        team, equals, repository = each.partition("=")
        if equals and factory is None:
            raise UsageError(f"'{each}' names a repository of no host", hint="say --github or --gitlab too")
        found[team] = replace(factory, repository=repository) if equals and factory is not None else None
    return found


def _tell_keys(order: BootstrapOrder) -> None:
    for each in order.more_keys:
        if each.startswith("alias/"):
            say(f"note: a machine block names the key {each}: add its ARN to the policies, or name its id there")


def _deploy(
    order: BootstrapOrder,
    made: Mapping[str, Any],
    text: str,
    account: Account,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    from orchestrator.bootstrap.deploy import Deployment

    deployment = Deployment(account, order.stack, text)
    changes = deployment.plan()
    try:
        if not as_json or (changes and not yes and not dry_run):
            _show(changes, order)
        if not changes or dry_run:
            outputs = deployment.outputs()
            _print(order, made, changes, outputs, as_json=as_json, deployed=not dry_run)
            return
        confirm(f"Change the stack {order.stack} in {order.region}?", yes=yes)
        outputs = deployment.execute(say)
    finally:
        deployment.forget()
    _print(order, made, changes, outputs, as_json=as_json, deployed=True)


def _show(changes: Sequence[StackChange], order: BootstrapOrder) -> None:
    for each in changes:
        again = " (made anew)" if each.replaced else ""
        say(f"{each.action:<7} {each.type:<26} {each.resource}{again}", always=True)
    if not changes:
        say(f"nothing to change in the stack {order.stack}")


def _print(
    order: BootstrapOrder,
    made: Mapping[str, Any],
    changes: Sequence[StackChange] | None,
    outputs: Mapping[str, str],
    *,
    as_json: bool,
    deployed: bool = False,
) -> None:
    from orchestrator.bootstrap.template import OUTPUT_KEYS, text_of

    if as_json:
        told: BootstrapJson = {
            "schema": "ami/bootstrap/1",
            "environment": order.environment,
            "stack_name": order.stack,
            "region": order.region,
            "template": dict(made),
            "deployed": deployed,
            "changes": None if changes is None else [each.as_json() for each in changes],
            "outputs": dict(outputs),
        }
        print_json(told)
    elif changes is None:
        print_text(text_of(made).rstrip())
    else:
        for name, value in outputs.items():
            key = f"  ({OUTPUT_KEYS[name]})" if name in OUTPUT_KEYS else ""
            print_text(f"{name}: {value}{key}")


COMMAND = CliCommand("bootstrap", 15, bootstrap, prints=("ami/bootstrap/1",))
