"""``python -m helpdesk.surfaces.completions``: write the scripts anew, where they are shipped and into completions/."""

from __future__ import annotations

from pathlib import Path

from helpdesk.surfaces.completions import FILES, SCRIPTS
from helpdesk.surfaces.completions.render import rendered
from helpdesk.surfaces.completions.tree import tree

COPIES = Path(__file__).parents[3] / "completions"


def write() -> None:
    """Write every script to both places."""
    found = tree()
    for shell, name in FILES.items():
        text = rendered(shell, found)
        for folder in (SCRIPTS, COPIES):
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write()
