"""``log export | stats``: the log for other programs, and what it adds up to."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpdesk.surfaces.cli.invocation import Invocation, current
from helpdesk.surfaces.cli.log_options import (
    Actions,
    Actors,
    After,
    Before,
    Chosen,
    Kinds,
    Outcomes,
    Targets,
    Text,
    chosen,
)
from helpdesk.surfaces.cli.log_progress import counting, searching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from helpdesk.gate.audit import Entry
    from helpdesk.gate.audit_stats import Ask
    from helpdesk.gate.audit_verify import Tell


class Form(StrEnum):
    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"
    OCSF = "ocsf"


def export(
    file: Annotated[
        str,
        typer.Argument(help="The file to make; - is standard output.", show_default=False, metavar="FILE"),
    ],
    form: Annotated[
        Form,
        typer.Option("--format", help="An SQLite table, JSON lines, CSV, or the events of OCSF."),
    ] = Form.TABLE,
    actor: Actors = None,
    action: Actions = None,
    target: Targets = None,
    outcome: Outcomes = None,
    kind: Kinds = None,
    after: After = "",
    before: Before = "",
    text: Text = "",
) -> int:
    """Copy the log, or the entries that fit, into a file of its own: a table to search, or text.

    The table is one SQLite file with a full-text index over people and messages. The copy holds names and
    proves nothing; keep it as private as the log itself.
    """
    from pathlib import Path

    from helpdesk.errors import UsageError
    from helpdesk.gate.audit_export import export_table, export_text
    from helpdesk.surfaces.look import clean

    run = current()
    wanted = chosen(
        run.desk.clock(),
        after=after,
        before=before,
        actors=actor,
        actions=action,
        targets=target,
        outcomes=outcome,
        kinds=kind,
        text=text,
    )
    entries = run.desk.log_search.all(wanted.filter, after=wanted.after, before=wanted.before)
    if file == "-":
        if form is Form.TABLE or run.flags.json:
            raise UsageError(
                "Only lines of text go to standard output.", hint="Add --format jsonl, without --json."
            )
        with searching(run):
            return _streamed(run, entries, form)
    with searching(run):
        if form is Form.TABLE:
            count = export_table(run.desk.audit, Path(file), entries)
        else:
            count = export_text(entries, Path(file), form)
    document = {"schema": "helpdesk.export/1", "file": file, "format": str(form), "entries": count}
    where = ", in the table log" if form is Form.TABLE else ""
    return run.answer(document, [f"{count} entries are in {clean(file)}{where}."])


def _streamed(run: Invocation, entries: Iterator[Entry], form: Form) -> int:
    from itertools import islice

    from helpdesk.gate.audit_export import lines
    from helpdesk.surfaces.output import write

    told = lines(entries, form)
    while page := list(islice(told, 500)):
        write(page)
    run.printed = True
    return 0


def stats(
    actor: Actors = None,
    action: Actions = None,
    target: Targets = None,
    after: After = "",
    before: Before = "",
) -> int:
    """Count what was asked for and what became of it, together and for each action.

    Done is only what was read back as promised, by its receipt. What was given up, waits for somebody, or is
    unknown is not. Counted is by when, by whom and about what it was asked.
    """
    from helpdesk.gate.audit_stats import document

    run = current()
    wanted = chosen(
        run.desk.clock(), after=after, before=before, actors=actor, actions=action, targets=target
    )
    told = document(asked(run, wanted), wanted.filter)
    return run.answer(told, _figures(run, told))


def asked(run: Invocation, wanted: Chosen) -> list[Ask]:
    """What was asked for between the chosen entries; whether it fits the filter is the caller's to ask."""
    from helpdesk.gate.audit_filter import Filter
    from helpdesk.gate.audit_stats import asks

    desk = run.desk
    start = wanted.after
    if wanted.filter.since is not None:
        with searching(run):
            start = max(start, desk.log_search.begins(wanted.filter.since) - 1)
    reads = {spec.name for spec in desk.catalog.specs if spec.reads}
    newest = max((entry.seq for entry in desk.audit.entries(limit=1, newest_first=True)), default=0)
    with counting(run, "Counting") as tell:
        entries = _passing(desk.log_search.all(Filter(), after=start), tell, newest)
        found = asks(entries, desk.clock(), reads)
    return [ask for ask in found if wanted.before is None or ask.opened.seq < wanted.before]


def _passing(entries: Iterator[Entry], tell: Tell, newest: int) -> Iterator[Entry]:
    for entry in entries:
        if not entry.seq % 1000:
            tell(entry.seq, newest)
        yield entry


_SHOWN = ("done", "partial", "failed", "refused", "abandoned", "pending", "unknown", "unproven")


def _figures(run: Invocation, told: dict[str, Any]) -> list[str]:
    from helpdesk.surfaces.columns import table

    if not told["asked"]:
        return ["Nothing was asked for."]
    rows = [("everything", told), *told["actions"].items()]
    used = [state for state in _SHOWN if told[state] or state == "done"]
    headers = ("action", "asked", *used, "closed", "median")
    return table(
        headers,
        [
            (name, part["asked"], *(part[state] for state in used), _share(part), _took(part))
            for name, part in rows
        ],
        run.look,
    )


def _share(part: dict[str, Any]) -> str:
    """Cut, never rounded up: 100% means all of it."""
    return f"{part['done'] * 100 // part['asked']}%"


def _took(part: dict[str, Any]) -> str:
    seconds = part["median_seconds"]
    return "-" if seconds is None else f"{seconds:.1f} s"
