"""``completions``: the script that completes helpdesk's commands in a shell."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from helpdesk.surfaces.cli.invocation import current

SCHEMA = "helpdesk.completions/1"


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


def completions(
    shell: Annotated[
        Shell, typer.Argument(help="Which shell.", show_default=False, metavar="bash|zsh|fish|powershell")
    ],
) -> int:
    """Print the script that completes commands, flags, actions, people and groups in a shell.

    \b
    bash        helpdesk completions bash \\
                  > ~/.local/share/bash-completion/completions/helpdesk
    zsh         helpdesk completions zsh > ~/.zfunc/_helpdesk
                and in ~/.zshrc, before compinit: fpath=(~/.zfunc $fpath)
    fish        helpdesk completions fish \\
                  > ~/.config/fish/completions/helpdesk.fish
    powershell  in $PROFILE:
                helpdesk completions powershell | Out-String | Invoke-Expression

    Completing starts no program and uses no network: people and groups are those that you were shown before.
    """
    from helpdesk.actions.words import Words
    from helpdesk.surfaces.completions import script
    from helpdesk.surfaces.output import write
    from helpdesk.workflows.installed import catalog_of

    run = current()
    run.changes_at_once("completions")
    text = script(shell.value)
    Words(run.paths.cache).actions(catalog_of(run.paths.cache).specs)
    if run.flags.json:
        run.document({"schema": SCHEMA, "shell": shell.value, "script": text})
    else:
        write(text.splitlines())
    return 0
