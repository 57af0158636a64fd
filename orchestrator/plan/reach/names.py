"""What an Ansible file may name: files, roles, and what nobody can tell before it runs.

No list of modules is needed for files: every text in a file may be the name of one, and `reach` looks which there are.
What is computed at run time matters where Ansible takes a file or a role, and stays a pattern: `{{ x }}.conf` is
`*.conf`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Where Ansible takes a file or a folder of the machine that runs it.
_FILES = frozenset(
    [
        "src",
        "file",
        "dir",
        "script",
        "include_tasks",
        "import_tasks",
        "include_vars",
        "import_playbook",
        "include",
        "vars_files",
        "cmd",
        "_raw_params",
        "with_file",
        "with_fileglob",
        "with_filetree",
        "with_first_found",
        "with_template",
        "tasks_from",
        "vars_from",
        "defaults_from",
        "handlers_from",
        "files",
        "paths",
    ]
)
#: Tasks of this machine that read none of its files.
_HARMLESS = frozenset(
    [
        "debug",
        "set_fact",
        "assert",
        "fail",
        "pause",
        "tempfile",
        "wait_for",
        "wait_for_connection",
        "uri",
        "meta",
        "add_host",
        "group_by",
        "include_tasks",
        "import_tasks",
        "include_role",
        "import_role",
        "include_vars",
        "copy",
        "template",
        "block",
    ]
)
#: Lookups that read files by names that stand in their arguments.
_FILE_LOOKUPS = frozenset(["file", "template", "fileglob", "filetree", "csvfile", "ini", "unvault", "first_found"])
#: Lookups whose answers no file decides, and what they do: with a name, and with one that is computed.
_UNCOUNTED_LOOKUPS = {
    "env": ("reads the environment variable {}", "reads an environment variable, whose name is computed"),
    "url": ("asks {}", "asks a server, whose address is computed"),
}
#: Lookups that read no file of the workspace.
_OTHER_LOOKUPS = frozenset(
    [
        "vars",
        "varnames",
        "items",
        "list",
        "dict",
        "dictionary",
        "nested",
        "cartesian",
        "flattened",
        "indexed_items",
        "inventory_hostnames",
        "random_choice",
        "sequence",
        "subelements",
        "together",
        "config",
        "password",
    ]
)
#: Keys whose texts are expressions without braces.
_CONDITIONS = frozenset(["when", "failed_when", "changed_when", "until", "that"])
#: A word between spaces, in which an expression may have spaces of its own: `{{ x }}/y`.
_A_WORD = r"((?:\{\{.*?\}\}|\S)+)"
_WORD = re.compile(_A_WORD)
#: Keys of Ansible's own that are names of folders too.
_KEYWORDS = frozenset(["tasks", "handlers", "vars", "files", "templates", "defaults", "meta", "roles"])
_LOCAL = ("localhost", "127.0.0.1", "::1")

_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_QUOTED = re.compile(r"""'([^'\n]*)'|"([^"\n]*)\"""")
_LOOKUP = re.compile(r"\b(?:lookup|query|q)\(\s*(?:(['\"])([\w.]+)\1)?([^()]*)")
_OPTION = re.compile(r"\w+\s*=\s*(['\"]).*?\1")
_PLAIN = re.compile(r"\s*\{\{\s*([\w.]+)\s*\}\}\s*")
_KNOWN = r"(role_path|playbook_dir)"
_FOLDER = re.compile(r"\{\{\s*" + _KNOWN + r"\s*\}\}")
_ABOVE = re.compile(r"\{\{\s*" + _KNOWN + r"((?:\s*\|\s*(?:ansible\.builtin\.)?dirname)+)\s*\}\}")
_JOINED = re.compile(r"\{\{\s*" + _KNOWN + r"\s*[~+]\s*['\"]([^'\"]*)['\"]\s*\}\}")
_ADDED = re.compile(r"\b" + _KNOWN + r"\s*[~+]\s*['\"]([^'\"]*)['\"]\s*([~+]?)")
#: What the factory gives: the roles of the layer.
LAYER_ROLES = "{{ layer_roles }}"
#: The file in which the factory says how to apply them, when their names do not say it all.
LAYER_TASKS = "{{ layer_tasks }}"


@dataclass
class Names:
    """`texts` may be names of files; `sources` stand where Ansible reads one of this machine. Both may begin with
    `{{ role_path }}` or `{{ playbook_dir }}`. `patterns` are computed names of files, `roles` names of roles as
    written, and `anything` says why any file of the workspace may be read. `uncounted` says what no file decides.
    """

    texts: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    patterns: set[str] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)
    anything: set[str] = field(default_factory=set)
    uncounted: set[str] = field(default_factory=set)

    def add(self, other: Names) -> None:
        """Take what another one has as well."""
        self.texts |= other.texts
        self.sources |= other.sources
        self.patterns |= other.patterns
        self.roles |= other.roles
        self.anything |= other.anything
        self.uncounted |= other.uncounted


def names_in(content: bytes, *, is_yaml: bool) -> Names:
    """The names that a file of Ansible may mean: of YAML every text, of another one what stands in its expressions."""
    names = Names()
    text = content.decode("utf-8", "replace")
    if is_yaml:
        try:
            documents = list(yaml.load_all(text, Loader=yaml.CBaseLoader))
        except (yaml.YAMLError, ValueError, RecursionError):
            names.anything.add("it is not YAML")
        else:
            _Reader(names).value(documents, {})
            return names
    for found in _EXPRESSION.findall(text):
        _expression(found, names)
    return names


def names_of(value: Any) -> Names:
    """The names in plain values: the variables of a layer or of an environment."""
    names = Names()
    _Reader(names).value(value, {})
    return names


def pattern_of(text: str) -> str:
    """A computed text as a pattern in which `*` stands for whatever is computed."""
    return "*" if "{%" in text else re.sub(r"\*+", "*", _EXPRESSION.sub("*", text))


class _Reader:
    def __init__(self, names: Names) -> None:
        self.names = names
        self.seen: set[int] = set()  # aliases repeat a value

    def value(self, node: Any, items: Mapping[str, tuple[str, ...]]) -> None:
        """Read a value below a task whose loop gives `items` by what the loop's variable is called."""
        if isinstance(node, str):
            self._text(node, items)
        elif isinstance(node, list | tuple | dict):
            if id(node) in self.seen:
                return
            self.seen.add(id(node))
            if isinstance(node, dict):
                self._mapping(node, items)
            else:
                for one in node:
                    self.value(one, items)

    def _mapping(self, node: dict[Any, Any], outer: Mapping[str, tuple[str, ...]]) -> None:
        items = {**outer, **_items(node)}
        self._where(node)
        for key, value in node.items():
            word = _word(key)
            if word in ("include_role", "import_role"):
                self.names.roles.update(_spread(_name_of(value), items))
            elif word in ("roles", "dependencies") and isinstance(value, list):
                self.names.roles.update(name for one in value for name in _spread(_name_of(one), items))
            elif word in ("with_pipe", "with_lines"):
                self.names.anything.add(f"`{key}` runs a command of its own")
            if word in _CONDITIONS:
                self._conditions(value)
            if isinstance(key, str) and key not in _KEYWORDS:
                self.value(key, items)
            if word in _FILES or word in ("copy", "template", "unarchive", "assemble"):
                self._files(value, items, remote=node.get("remote_src", "no"), imported=word == "import_playbook")
            self.value(value, items)

    def _conditions(self, value: Any) -> None:
        """The lookups of conditions."""
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and "{" not in one and _LOOKUP.search(one):
                _expression("{{ " + one + " }}", self.names)

    def _files(self, value: Any, items: Mapping[str, tuple[str, ...]], *, remote: str, imported: bool) -> None:
        """What stands where a file of this machine is taken."""
        for one in value if isinstance(value, list) else [value]:
            for text in map(plain_folders, _spread(one, items)) if isinstance(one, str) and one != LAYER_TASKS else ():
                for name in {text, *(part.partition("=")[2] for part in _WORD.findall(text) if "=" in part)}:
                    if ("{{" in name or "{%" in name) and imported:
                        self.names.anything.add(f"the name of an imported playbook is computed ('{name}')")
                    elif "{{" in name or "{%" in name:
                        self.names.patterns.add(name)
                    elif remote in ("no", "false", "False"):
                        self.names.sources.add(name)

    def _where(self, node: dict[Any, Any]) -> None:
        """Whether a task or a play works on this machine, where it may read whatever it likes."""
        words = {_word(key) for key in node}
        there = str(node.get("delegate_to", ""))
        if there in _LOCAL or ("{" in there and "inventory_hostname" not in there):
            local = f"`delegate_to: {there}`"
        elif "local_action" in words:
            local = "`local_action`"
        elif node.get("connection") == "local" or str(node.get("hosts", "")) in _LOCAL:
            local = "it works on this machine"
        else:
            return
        if not words & _HARMLESS:
            self.names.anything.add(f"{local} may read any file")

    def _text(self, text: str, items: Mapping[str, tuple[str, ...]]) -> None:
        for one in _spread(text, items):
            bare = one
            if "{" in one:  # most texts hold no expression
                for found in _EXPRESSION.findall(one):
                    _expression(found, self.names)
                bare = _FOLDER.sub(r"{{\1}}", plain_folders(one))
            words = _WORD.findall(bare)
            given = [word.partition("=")[2] for word in words if "=" in word]
            self.names.texts.update(word.strip("\"',") for word in (bare, *words, *given))


def plain_folders(text: str) -> str:
    """A text in which `{{ role_path | dirname }}` and `{{ role_path ~ '/x' }}` stand as plain paths."""
    text = _ABOVE.sub(lambda found: "{{" + found[1] + "}}" + "/.." * found[2].count("|"), text)
    return _JOINED.sub(lambda found: "{{" + found[1] + "}}" + found[2], text)


def _expression(text: str, names: Names) -> None:
    """An expression of Jinja: what stands in quotes, and the lookups."""
    for name, path, more in _ADDED.findall(text):
        known = "{{" + name + "}}" + path
        names.patterns.add(known + "{{ more }}" if more else known)
    if re.search(
        r"\b(role_path|playbook_dir|inventory_dir|ansible_config_file)\b[^,]*\b(dirname|realpath|\w*replace|split)",
        text,
    ):
        bare = plain_folders(text)
        if bare.startswith("{{") and bare == text:
            names.anything.add(f"'{text}' is a folder that is computed")
    names.texts.update(one or other for one, other in _QUOTED.findall(text))
    for _, name, rest in _LOOKUP.findall(text):
        plugin = name.rpartition(".")[2]
        computed = re.search(r"[A-Za-z_]", re.sub(r"\w+\s*=", "", _QUOTED.sub("", _ADDED.sub(r"\3", rest))))
        if plugin in _FILE_LOOKUPS:
            names.sources.update(one or other for one, other in _QUOTED.findall(rest))
            if computed:
                names.patterns.add(text)
        elif plugin in _UNCOUNTED_LOOKUPS:
            named, computed_name = _UNCOUNTED_LOOKUPS[plugin]
            asked = _QUOTED.findall(_OPTION.sub("", rest))
            names.uncounted.update(named.format(f"'{one or other}'") for one, other in asked)
            names.uncounted.update([] if asked else [computed_name])
        elif plugin not in _OTHER_LOOKUPS:
            names.anything.add(f"the lookup '{name}'" if name else "a lookup whose name is computed")
    if text.startswith("{%") and re.search(r"\b(include|import|from|extends)\s+(?!['\"])[^%]*[a-z]", text):
        names.patterns.add(text)


def _word(key: Any) -> str:
    """A module or keyword without its collection."""
    return str(key).rpartition(".")[2]


def _name_of(role: Any) -> str:
    """The name of a role as `include_role`, `roles` and `dependencies` have it."""
    if isinstance(role, dict):
        return str(role.get("role") or role.get("name") or role.get("src") or "")
    found = re.search(r"\bname=" + _A_WORD, str(role))
    return found[1].strip("\"'") if found else str(role).strip()


def _items(task: Mapping[Any, Any]) -> dict[str, tuple[str, ...]]:
    """What a task's loop gives: texts that are written there, or what the factory gives."""
    control = task.get("loop_control")
    name = control.get("loop_var", "item") if isinstance(control, dict) else "item"
    for key in ("loop", "with_items", "with_list"):
        listed = task.get(key)
        if isinstance(listed, list) and all(isinstance(one, str) for one in listed):
            return {name: tuple(listed)}
        if isinstance(listed, list) and all(isinstance(one, dict) for one in listed):
            fields = {field for one in listed for field in one}
            return {f"{name}.{field}": tuple(str(one.get(field, "")) for one in listed) for field in fields}
        if isinstance(listed, str) and (found := _PLAIN.fullmatch(listed)) and found[1] == "layer_roles":
            return {name: (LAYER_ROLES,)}
    if isinstance(globs := task.get("with_fileglob", task.get("ansible.builtin.with_fileglob")), str | list):
        listed = [globs] if isinstance(globs, str) else globs
        return {name: tuple(one for one in listed if isinstance(one, str))}
    return {}


def _spread(text: str, items: Mapping[str, tuple[str, ...]]) -> list[str]:
    """A text for each of the items that its loop gives, when it uses the loop's variable as it is."""
    for name, values in items.items():
        used = re.compile(r"\{\{\s*" + re.escape(name) + r"\s*\}\}")
        if used.search(text):
            return [value.join(used.split(text)) for value in values]
    return [text]


def known_text(text: str, given: Mapping[str, Any]) -> str | None:
    """The value of a text that is one variable which the factory gives and nothing can replace, else None."""
    found = _PLAIN.fullmatch(text)
    value = given.get(found[1]) if found else None
    return value if isinstance(value, str) and "{{" not in value else None


def pieces(names: Names) -> Iterator[str]:
    """Every text that may be a name of a file."""
    yield from names.texts
    yield from names.sources
