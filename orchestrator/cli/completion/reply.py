"""The answer to a shell: what can stand where the cursor is.

The shell hands over the line up to the cursor in the variable AMI_COMPLETE. The answer is lines of text: first what is
offered (`names`, or `files` where the shell's own completion of paths fits), then a name on each line, and what it is
after a tab. Whatever goes wrong, nothing else is printed: somebody is typing there.
"""

from __future__ import annotations

import os
import re
import shlex
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

#: The variable that has the line.
VARIABLE = "AMI_COMPLETE"
#: An assignment before a command.
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")

Named = tuple[str, str]


def complete(root: Any) -> None:
    """Print the answer to the line in AMI_COMPLETE. `root` is the command `ami`, as Typer makes it."""
    silent = os.open(os.devnull, os.O_WRONLY)
    answer = os.dup(1)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    text = "names\n"
    with suppress(Exception):
        kind, named = offered(root, words_of(os.environ[VARIABLE])[1:])
        text = "".join(f"{line}\n" for line in (kind, *_lines(named)))
    with suppress(OSError):
        os.write(answer, text.encode(errors="replace"))


def _lines(named: Iterable[Named]) -> Iterator[str]:
    """A line for each name. A file's name may have control characters: it is left out, and they are in what it is."""
    for name, what in named:
        told = " ".join("".join(one if one.isprintable() else " " for one in what).split())
        if name.isprintable():
            yield f"{name}\t{told}" if told else name


def words_of(line: str) -> list[str]:
    """The words of a line as a shell has them, the last one unfinished: empty after a space. `ami` is the first."""
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        words.extend(lexer)
        if line[-1:].isspace() and not line.endswith("\\ "):
            words.append("")
    except ValueError:  # a quote is open
        words.append(lexer.token)
    while words and _ASSIGNMENT.match(words[0]):
        del words[0]
    return words or [""]


def offered(root: Any, words: Sequence[str]) -> tuple[str, list[Named]]:
    """What can stand in the place of the last word: (`names` or `files`, names that begin like it)."""
    *before, last = words or [""]
    command, rest = _command(root, before)
    if command is None:
        return "names", []
    if getattr(command, "commands", None):
        return _beginning(last, _options(command) if last.startswith("-") else commands_of(command))
    option, equals, value = last.partition("=")
    if equals and (parameter := _taker(command, option)):
        kind, named = _values(root, command, parameter, rest, value)
        return kind, [(f"{option}={name}", what) for name, what in named]
    if rest and (parameter := _taker(command, rest[-1])) and "--" not in rest:
        return _values(root, command, parameter, rest[:-1], last)
    if last.startswith("-") and "--" not in rest:
        return _beginning(last, _options(command))
    parameter = _argument(command, len(_taken(command, rest)[1]))
    return _values(root, command, parameter, rest, last) if parameter else ("names", [])


def commands_of(group: Any, path: Iterable[str] = ()) -> Iterator[Named]:
    """The commands of a group, or of the group below it that `path` leads to, with their summaries."""
    for name in path:
        group = getattr(group, "commands", {}).get(name)
    for name, command in getattr(group, "commands", {}).items():
        if not command.hidden:
            yield name, command.get_short_help_str(limit=100)


def _command(group: Any, words: Sequence[str]) -> tuple[Any, list[str]]:
    """The command that words lead to, None when there is none, and the words after its name."""
    rest = list(words)
    while (commands := getattr(group, "commands", None)) and rest:
        word = rest.pop(0)
        if word in commands:
            group = commands[word]
        elif not word.startswith("-"):
            return None, []
        elif _taker(group, word) and rest:
            del rest[0]
    return group, rest


def _taker(command: Any, word: str) -> Any:
    """The option of that name, if it takes a value."""
    return next((one for one in _of_kind(command, "option") if word in one.opts and not one.is_flag), None)


def _of_kind(command: Any, kind: str) -> list[Any]:
    hidden = (one for one in command.params if one.param_type_name == kind)
    return [one for one in hidden if not getattr(one, "hidden", False)]


def _options(command: Any) -> Iterator[Named]:
    """The long names of options, and the short ones of those that have no other."""
    for one in _of_kind(command, "option"):
        names = [*one.opts, *one.secondary_opts]
        for name in [name for name in names if name.startswith("--")] or names:
            yield name, one.help or ""
    yield "--help", "Show this message and exit."


def _argument(command: Any, plain: int) -> Any:
    """The argument that the next word is for, after so many words that are no options."""
    for one in _of_kind(command, "argument"):
        if one.nargs < 0 or plain < one.nargs:
            return one
        plain -= one.nargs
    return None


def _taken(command: Any, words: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The values that words give to options, by parameter, and the words that are left for arguments.

    Typer's own parser would do it too, and load pydantic: that takes longer than all the rest.
    """
    given: dict[str, Any] = {}
    plain: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        option, equals, value = word.partition("=")
        if word == "--":
            plain += waiting
            break
        if not word.startswith("-"):
            plain.append(word)
        elif taker := _taker(command, option if equals else word):
            given[taker.name] = value if equals else waiting.pop(0) if waiting else ""
    return given, plain


def _values(root: Any, command: Any, parameter: Any, rest: Sequence[str], beginning: str) -> tuple[str, list[Named]]:
    """What an option or an argument takes; `files` when nothing is known of it."""
    given, plain = _taken(command, rest)
    context = typer.Context(command, parent=typer.Context(root), resilient_parsing=True)
    context.params = given | ({parameter.name: plain} if parameter.nargs < 0 else {})
    found = parameter.shell_complete(context, beginning)
    if not found and getattr(parameter, "_custom_shell_complete", None) is None:
        return "files", []
    named = ((item.value, item.help or "") for item in found)
    return _beginning(beginning, (one for one in named if parameter.nargs > 0 or one[0] not in plain))


def _beginning(beginning: str, named: Iterable[Named]) -> tuple[str, list[Named]]:
    found: Mapping[str, str] = {name: what for name, what in named if name.startswith(beginning)}
    return "names", list(found.items())
