"""What ``log list``, ``search``, ``export`` and ``stats`` have in common: which entries are meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from helpdesk.gate.audit_filter import Filter

_AGO = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = "an entry's number, a date, a time, or an age such as 7d"

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
    str, typer.Option("--after", help=f"Only from then on, or after that entry: {_SPAN}.", metavar="WHEN")
]
Before = Annotated[
    str, typer.Option("--before", help="Only before then, or before that entry.", metavar="WHEN")
]
Text = Annotated[str, typer.Option("--text", help="Words that all occur in it.", metavar="WORDS")]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which entries are meant: a filter, and numbers that they lie between."""

    filter: Filter
    after: int
    before: int | None


def chosen(
    now: datetime,
    *,
    after: str = "",
    before: str = "",
    actors: Sequence[str] | None = None,
    actions: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    outcomes: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    text: str = "",
) -> Chosen:
    """What the flags mean. Raises UsageError when a time is none."""
    from helpdesk.gate.audit_filter import Filter

    first, since = _bound(after, "--after", now)
    last, until = _bound(before, "--before", now)
    filter = Filter(
        actors=tuple(actors or ()),
        actions=tuple(actions or ()),
        targets=tuple(targets or ()),
        outcomes=tuple(outcomes or ()),
        kinds=tuple(kinds or ()),
        since=since,
        until=until,
        text=text,
    )
    return Chosen(filter, first or 0, last)


def _bound(text: str, flag: str, now: datetime) -> tuple[int | None, datetime | None]:
    """The number of an entry, or a moment; a time without a zone is a local one."""
    from helpdesk.errors import UsageError

    text = text.strip()
    if not text:
        return None, None
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text), None
    ago = _AGO.fullmatch(text)
    try:
        moment = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}) if ago else datetime.fromisoformat(text)
        return None, moment.astimezone(now.tzinfo)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{flag} {text} is no entry and no time.", hint=f"Give {_SPAN}, or 2026-03-09T14:10."
        ) from error
