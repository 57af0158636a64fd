"""`ami lab faults set | list | clear`: make the local AWS misbehave, as the real one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.completion import labs
from orchestrator.cli.options import JsonOption, LabOption
from orchestrator.cli.tables import Column, print_table
from orchestrator.cli.terminal import print_json, say
from orchestrator.errors import UsageError
from orchestrator.lab.api.fault_rules import FaultKind, Rule, kind_named

if TYPE_CHECKING:
    from orchestrator.contract.lab import FaultJson, LabFaultsJson

app = typer.Typer(no_args_is_help=True)

#: The longest of "kind NUMBER", for a table.
_WIDTH = max(len(f"{kind} {kind.value_name}") for kind in FaultKind) + 2
_KINDS = "\n".join(f"{f'{kind} {kind.value_name}':<{_WIDTH}}{kind.sentence}" for kind in FaultKind)
_HELP = f"""Make calls go wrong, until it is cleared. Several rules can be in force at once.

\b
{_KINDS}

\b
ami lab faults set throttle 0.3 -o 'ec2:*' -o 'ssm:*' --seed 7
ami lab faults set capacity --instance-type t3.small --times 2
ami lab faults set cut-off 0 --region eu-central-1
ami lab faults set cut-off 30 --region eu-west-1 -o 'ssm:*'
ami lab faults set latency 2 --region ap-*
"""


@app.command("set", help=_HELP)
def set_(  # noqa: PLR0917  a command has as many parameters as options
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What goes wrong; see below.", autocompletion=labs.fault)],
    value: Annotated[
        str | None, typer.Argument(metavar="RATE|SECONDS", help="0.3 or 30%, or seconds.", show_default=False)
    ] = None,
    operation: Annotated[
        list[str] | None,
        typer.Option("--operation", "-o", help="A pattern of service:Action, as 'ec2:Describe*'; repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed and calls give the same faults.")] = 0,
    times: Annotated[int | None, typer.Option("--times", help="End after so many hits.", show_default=False)] = None,
    instance_type: Annotated[str, typer.Option("--instance-type", help="capacity: of this type only.")] = "",
    subnet: Annotated[str, typer.Option("--subnet", help="capacity: in this subnet only.")] = "",
    account: Annotated[str, typer.Option("--account", help="Calls of this account only.")] = "",
    region: Annotated[str, typer.Option("--region", help="Calls to these regions only, as 'eu-*'.")] = "",
    resource: Annotated[str, typer.Option("--resource", help="Calls that name this id, name or path only.")] = "",
    name: LabOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Make calls go wrong, until it is cleared; the kinds are in the help."""
    from orchestrator.lab import door, lifecycle

    known = kind_named(kind)
    rule = Rule(
        known,
        _number(known, value),
        tuple(operation or ()),
        seed,
        times,
        instance_type,
        subnet,
        account,
        region,
        resource,
    )
    told = door.set_fault(lifecycle.present(name), rule)
    if as_json:
        print_json(_as_json(name, [told]))
    else:
        say(f"rule {told['id']}: {_sentence(told)}")


#: Operations are many when a rule is about all of a service.
_RULES = (*map(Column, ("ID", "FAULT")), Column("OPERATIONS", gives_way=1), *map(Column, ("HITS", "SEED")))


@app.command("list")
def list_(name: LabOption = "default", as_json: JsonOption = False) -> None:
    """The rules in force, and how often each has hit."""
    from orchestrator.lab import door, lifecycle

    rules = door.faults(lifecycle.present(name))
    if as_json:
        print_json(_as_json(name, rules))
    elif rules:
        print_table(_RULES, [_row(rule) for rule in rules])
    else:
        say(f"the lab '{name}' has no faults")


@app.command("clear")
def clear(
    rules: Annotated[
        list[int] | None, typer.Argument(metavar="ID", help="All when none is given.", autocompletion=labs.rule)
    ] = None,
    name: LabOption = "default",
    as_json: JsonOption = False,
) -> None:
    """End rules; prints what they did. Images that were made slow, and machines that shall die, stay so."""
    from orchestrator.lab import door, lifecycle

    cleared = door.clear_faults(lifecycle.present(name), rules or ())
    if as_json:
        print_json(_as_json(name, cleared))
        return
    for told in cleared:
        say(f"cleared rule {told['id']}: {_sentence(told)}; hits: {_hits(told)}")
    if not cleared:
        say(f"the lab '{name}' has no faults")


def _as_json(name: str, rules: list[dict[str, Any]]) -> LabFaultsJson:
    return {"schema": "ami/lab-faults/1", "lab": name, "rules": [_rule(one) for one in rules]}


def _rule(told: dict[str, Any]) -> FaultJson:
    """A rule as it is printed; the lab tells it in its own words."""
    return {
        "rule": told["id"],
        "kind": told["kind"],
        "value": told["value"],
        "operations": told["operations"],
        "seed": told["seed"],
        "times": told["times"],
        "instance_type": told["instance_type"] or None,
        "subnet": told["subnet"] or None,
        "account": told["account"] or None,
        "region": told["region"] or None,
        "resource": told["resource"] or None,
        "met": told["calls"],
        "hits": told["hits"],
        "spent": told["spent"],
    }


def _number(kind: FaultKind, value: str | None) -> float:
    wanted = kind.value_name
    if value is None:
        if wanted:
            raise UsageError(f"'{kind}' needs {wanted}", hint=f"ami lab faults set {kind} {wanted}")
        return 0.0
    if not wanted:
        raise UsageError(f"'{kind}' takes no number, but '{value}' was given")
    try:
        return float(value.removesuffix("%")) / 100 if value.endswith("%") and wanted == "RATE" else float(value)
    except ValueError:
        raise UsageError(f"'{value}' is no {wanted}", hint=f"ami lab faults set {kind} {wanted}") from None


def _sentence(told: dict[str, Any]) -> str:
    """`throttle 30% of ec2:* in eu-west-1`."""
    return f"{_fault(told)} of {_scope(told)}"


def _scope(told: dict[str, Any]) -> str:
    """Of which calls a rule is: operations, and where they are made, by whom, about what."""
    more = (("in", "region"), ("by", "account"), ("about", "resource"))
    return " ".join((", ".join(told["operations"]), *(f"{word} {told[key]}" for word, key in more if told[key])))


def _row(told: dict[str, Any]) -> tuple[str, ...]:
    return str(told["id"]), _fault(told), _scope(told), _hits(told), str(told["seed"])


def _fault(told: dict[str, Any]) -> str:
    match FaultKind(told["kind"]).value_name:
        case "RATE":
            return f"{told['kind']} {told['value'] * 100:g}%"
        case "SECONDS":
            return f"{told['kind']} {told['value']:g} s"
    return " ".join([told["kind"], *filter(None, (told["instance_type"], told["subnet"]))])


def _hits(told: dict[str, Any]) -> str:
    """`3`, `1 of 2`, `2 of 2 (spent)`; with rates also of how many calls."""
    of = f" of {told['times']}" if told["times"] else ""
    asked = f" in {told['calls']} calls" if FaultKind(told["kind"]).value_name == "RATE" else ""
    return f"{told['hits']}{of}{asked}{' (spent)' if told['spent'] else ''}"
