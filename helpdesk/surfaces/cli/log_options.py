"""What ``log list``, ``search``, ``export`` and ``stats`` have in common: which entries are meant."""

from __future__ import annotations

from typing import Annotated

import typer

from helpdesk.surfaces.log_words import SPAN, Chosen, chosen

__all__ = ["Actions", "Actors", "After", "Before", "Chosen", "Kinds", "Outcomes", "Targets", "Text", "chosen"]


Actors = Annotated[
    list[str] | None, typer.Option("--actor", help="Who acted: login or id (repeatable).", metavar="WHO")
]
Actions = Annotated[
    list[str] | None, typer.Option("--action", help="Which action (repeatable).", metavar="ACTION")
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target", help="Whom or what it is about: login, group or id (repeatable).", metavar="NAME"
    ),
]
Outcomes = Annotated[
    list[str] | None,
    typer.Option("--outcome", help="How it ended, or was decided (repeatable).", metavar="OUTCOME"),
]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Only entries of this kind (repeatable).")]
After = Annotated[
    str, typer.Option("--after", help=f"Only from then on, or after that entry: {SPAN}.", metavar="WHEN")
]
Before = Annotated[
    str, typer.Option("--before", help="Only before then, or before that entry.", metavar="WHEN")
]
Text = Annotated[str, typer.Option("--text", help="Words that all occur in it.", metavar="WORDS")]
