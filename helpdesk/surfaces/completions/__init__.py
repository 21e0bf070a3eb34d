"""Completion scripts for bash, zsh, fish and PowerShell, made from the table of commands.

``python -m helpdesk.surfaces.completions`` (``make completions``) writes them anew, here for the wheel and into
the checkout's completions/ folder; a test keeps them current. A script holds what the program ships with;
a site's own actions, people and groups come from the lists of :mod:`helpdesk.actions.words`.
"""

from __future__ import annotations

from pathlib import Path

FILES = {"bash": "helpdesk.bash", "zsh": "_helpdesk", "fish": "helpdesk.fish", "powershell": "helpdesk.ps1"}
"""Shell → the file's name, as the shells look for it."""
SCRIPTS = Path(__file__).parent / "scripts"


def script(shell: str) -> str:
    """The script of one of :data:`FILES`, as it is shipped."""
    return (SCRIPTS / FILES[shell]).read_text("utf-8")
