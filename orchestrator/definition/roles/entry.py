"""A role of a layer, as `roles:` of Ansible has it: a name, or a mapping.

roles:
- packages
- {role: geerlingguy.nginx, vars: {nginx_user: www-data}, when: ansible_processor_count > 1}
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue, StrictBool

from orchestrator.definition.reading.frozen import Frozen
from orchestrator.errors import did_you_mean

#: `nginx`, `geerlingguy.nginx`, or `devsec.hardening.os_hardening`: a role of a collection.
RoleName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9][A-Za-z0-9_-]*)*$",
        max_length=128,
        description="Letters, digits, _ and -; parts may have a dot between them.",
        examples=["nginx", "devsec.hardening.os_hardening"],
    ),
]
VariableName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Letters, digits and _; no digit first.",
        examples=["nginx_port"],
    ),
]
Condition = Annotated[
    str, Field(min_length=1, description="An expression of Ansible.", examples=["ansible_processor_count > 1"])
]

#: Keywords of Ansible's own role entries that are not taken here.
_REFUSED = frozenset(
    {"any_errors_fatal", "become_exe", "become_flags", "become_method", "check_mode"}
    | {"collections", "connection", "debugger", "delegate_facts", "delegate_to"}
    | {"diff", "environment", "ignore_errors", "ignore_unreachable", "max_fail_percentage"}
    | {"module_defaults", "no_log", "port", "remote_user", "run_once"}
    | {"throttle", "timeout"}
)


class RoleEntry(Frozen):
    """One role of a layer, with what holds for it alone."""

    role: RoleName
    vars: Annotated[
        dict[VariableName, JsonValue],
        Field(description="Ansible variables for this role alone, over the layer's.", examples=[{"nginx_port": 8081}]),
    ] = Field(default_factory=dict)
    tags: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        Field(
            description="Ansible's tags of the role's tasks. Builds run all tasks that are not tagged `never`.",
            examples=[["web"]],
        ),
    ] = ()
    when: Annotated[
        tuple[Condition, ...],
        Field(
            description="The role is applied when all of these conditions hold.",
            examples=[["ansible_processor_count > 1"]],
        ),
    ] = ()
    become: Annotated[
        StrictBool | None, Field(description="Whether its tasks run as another user (root).", examples=[True])
    ] = None
    become_user: Annotated[
        str | None, Field(min_length=1, description="The user that its tasks run as.", examples=["postgres"])
    ] = None

    @property
    def is_plain(self) -> bool:
        """Whether it says nothing but the role's name."""
        return not (self.vars or self.tags or self.when or self.become is not None or self.become_user)


def as_entry(written: Any) -> Any:
    """The fields of an entry from the way it is written. Raises ValueError for what is no role entry."""
    if isinstance(written, str):
        return {"role": written}
    if not isinstance(written, dict):
        return written if isinstance(written, Frozen) else _refuse("must be the name of a role, or `{role: NAME, ...}`")
    if "role" not in written:
        other = next((key for key in ("name", "src") if key in written), "")
        _refuse(f"must name its role as `role: NAME`{f', and not as `{other}`' if other else ''}")
    for key in written.keys() - RoleEntry.model_fields.keys():
        if key in _REFUSED:
            _refuse(f"takes no '{key}': say it in the layer's playbook, or in the role")
        near = did_you_mean(key, RoleEntry.model_fields)
        _refuse(f"has the unknown key '{key}'{near or ': write variables of the role below `vars`'}")
    return written | {key: _listed(written[key]) for key in ("tags", "when") if key in written}


def _listed(value: Any) -> Any:
    """Ansible takes one text in the place of a list of one, and true or false in the place of an expression."""
    if isinstance(value, bool):
        return (str(value).lower(),)
    return (value,) if isinstance(value, str) else value


def _refuse(what: str) -> Any:
    raise ValueError(what)


#: `schema.py` gives it the JSON Schema of the written form.
WrittenRole = Annotated[RoleEntry, BeforeValidator(as_entry)]
