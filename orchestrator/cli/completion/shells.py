"""Shells that complete `ami`: the script of each, and where it is installed for one person.

The scripts hand the line up to the cursor to `ami` and offer what comes back (see `reply`). They hold no names, so that
nothing has to be installed anew when commands change.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping


class Shell(StrEnum):
    """A shell that is served."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


#: Bash replaces a part of the word only, which it gives as $2: `@deb` of `web@deb`, and `la` of `--env=la`.
_BASH = r"""# Completion of ami for bash. To try it in this shell: source <(ami completion show bash)
_ami_completion() {
    local line="${COMP_LINE:0:COMP_POINT}" program="${1/#\~/$HOME}" kind="" name word kept
    word="${line##*[[:space:]]}"
    kept="${word%"$2"}"
    COMPREPLY=()
    while IFS=$'\t' read -r name _; do
        if [ -z "$kind" ]; then
            kind="$name"
        else
            COMPREPLY+=("${name#"$kept"}")
        fi
    done < <(AMI_COMPLETE="$line" "$program" 2>/dev/null)
    case "$kind" in
        files) compopt -o default ;;
    esac
    case "${#COMPREPLY[@]} ${COMPREPLY[0]}" in
        "1 ami-") compopt -o nospace ;;
    esac
}
complete -F _ami_completion ami
"""

_ZSH = r"""#compdef ami
# Completion of ami for zsh. To try it in this shell: source <(ami completion show zsh)
_ami() {
    local -a reply offered
    local one
    reply=("${(@f)$(AMI_COMPLETE="${(j: :)words[1,CURRENT-1]} $PREFIX" ${~words[1]} 2>/dev/null)}")
    if [[ $reply[1] == files ]]; then
        _files
        return
    fi
    for one in $reply[2,-1]; do
        if [[ $one == *$'\t'* ]]; then
            offered+=("${${one%%$'\t'*}//:/\\:}:${one#*$'\t'}")
        else
            offered+=("${one//:/\\:}")
        fi
    done
    if [[ $#offered == 1 && $offered[1] == ami-* ]]; then
        _describe ami offered -S ''
    else
        _describe ami offered
    fi
}
if [[ $funcstack[1] == _ami ]]; then
    _ami "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _ami ami
fi
"""

_FISH = r"""# Completion of ami for fish. To try it in this shell: ami completion show fish | source
function __ami_completion
    set -l program (commandline -op)[1]
    set -l reply (env AMI_COMPLETE=(commandline -cp) $program 2>/dev/null)
    if test "$reply[1]" = files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $reply[2..-1]
    end
end
complete --command ami --erase
complete --command ami --no-files --keep-order --arguments '(__ami_completion)'
"""

SCRIPTS: Mapping[Shell, str] = {Shell.BASH: _BASH, Shell.ZSH: _ZSH, Shell.FISH: _FISH}


def shell_named(name: str | None) -> Shell:
    """The shell of that name, or the person's own (SHELL). Raises UsageError for one that is not served."""
    wanted = name or Path(os.environ.get("SHELL", "")).name
    if wanted in set(Shell):
        return Shell(wanted)
    if not wanted:
        raise UsageError("SHELL does not say which shell this is", hint="name one: bash, zsh or fish")
    what = f"there is no completion for '{wanted}'{did_you_mean(wanted, list(Shell))}"
    raise UsageError(what, hint=f"there is one for {', '.join(Shell)}")


def place_of(shell: Shell, home: Path) -> Path:
    """The file that the shell loads when `ami` is completed the first time.

    Bash: bash-completion's folder for one person (its README, "Where should I put it"). Zsh: a folder that has to be in
    `fpath`. Fish: the folder of the manual ("Where to put completions").
    """
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    match shell:
        case Shell.BASH:
            return data / "bash-completion/completions/ami"
        case Shell.ZSH:
            return data / "zsh/site-functions/_ami"
        case Shell.FISH:
            return config / "fish/completions/ami.fish"


def start_file(shell: Shell, home: Path) -> tuple[Path, str] | None:
    """The file of a shell's start and the line in it that loads the script; None where the shell finds it by itself."""
    path = place_of(shell, home)
    match shell:
        case Shell.BASH:
            return home / ".bashrc", f'[ -r "{path}" ] && . "{path}"'
        case Shell.ZSH:
            return Path(os.environ.get("ZDOTDIR") or home) / ".zshrc", f'[ -r "{path}" ] && . "{path}"'
        case Shell.FISH:
            return None
