"""``log list | search | show``: entries as a person reads them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from helpdesk.surfaces.cli.invocation import current
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
from helpdesk.surfaces.cli.log_progress import searching
from helpdesk.surfaces.log_words import about, who

_SHOWN = 100
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many entries at most.", metavar="N")]


def list_(
    limit: Limit = _SHOWN,
    actor: Actors = None,
    action: Actions = None,
    target: Targets = None,
    outcome: Outcomes = None,
    kind: Kinds = None,
    after: After = "",
    before: Before = "",
    text: Text = "",
) -> int:
    """List the latest entries, oldest first; with --after, the ones that follow it."""
    wanted = chosen(
        current().desk.clock(),
        after=after,
        before=before,
        actors=actor,
        actions=action,
        targets=target,
        outcomes=outcome,
        kinds=kind,
        text=text,
    )
    return _listed(wanted, limit, newest=not after, none="The log is empty.")


def search(
    words: Annotated[list[str] | None, typer.Argument(help="Words that all occur in it.")] = None,
    limit: Limit = _SHOWN,
    actor: Actors = None,
    action: Actions = None,
    target: Targets = None,
    outcome: Outcomes = None,
    kind: Kinds = None,
    after: After = "",
    before: Before = "",
    text: Text = "",
) -> int:
    """Find entries by who, what, whom, how it ended, when, and words; the latest that fit, oldest first.

    Examples:

    helpdesk log search --actor bo --action password.reset --after 30d

    helpdesk log search quarter close --outcome refused
    """
    wanted = chosen(
        current().desk.clock(),
        after=after,
        before=before,
        actors=actor,
        actions=action,
        targets=target,
        outcomes=outcome,
        kinds=kind,
        text=" ".join([*(words or ()), text]).strip(),
    )
    return _listed(wanted, limit, newest=True, none="Nothing in the log fits.")


def _listed(wanted: Chosen, limit: int, *, newest: bool, none: str) -> int:
    from helpdesk.gate.audit_export import plain
    from helpdesk.surfaces.columns import table
    from helpdesk.text import local_time

    run = current()
    with searching(run):
        entries = run.desk.log_search.find(
            wanted.filter, after=wanted.after, before=wanted.before, limit=limit, newest_first=newest
        )
    if newest:
        entries = entries[::-1]
    rows = [
        (
            entry.seq,
            entry.time.isoformat() if run.look.plain else local_time(entry.time),
            entry.kind,
            who(entry),
            about(entry),
        )
        for entry in entries
    ]
    lines = table(("entry", "time", "what", "who", "about"), rows, run.look)
    document = {"schema": "helpdesk.log/1", "entries": [plain(entry) for entry in entries]}
    return run.answer(document, lines or [none])


def show(
    entry: Annotated[int, typer.Argument(help="Its number.", show_default=False, metavar="ENTRY")],
    proof: Annotated[bool, typer.Option("--proof", help="Print the proof that it is in the log.")] = False,
    names: Annotated[
        bool, typer.Option("--names", help="Tell the names and texts with the proof, provably.")
    ] = False,
    checkpoint: Annotated[
        str,
        typer.Option("--checkpoint", help="Prove it under this checkpoint, not the newest.", metavar="FILE"),
    ] = "",
) -> int:
    """Show one entry, whole.

    --proof prints one JSON document instead, which helpdesk log check-proof checks anywhere with the public
    key alone. Names and texts stay out of it without --names: what is handed out cannot be erased any more.
    """
    from helpdesk.errors import UsageError
    from helpdesk.gate.audit_export import plain
    from helpdesk.surfaces.cli.log_proofs import text_of
    from helpdesk.surfaces.look import clean

    run = current()
    if proof:
        kept = text_of(checkpoint, "--checkpoint") if checkpoint else ""
        run.document(run.desk.audit.prove(entry, kept, names=names))
        return 0
    if names or checkpoint:
        raise UsageError("--names and --checkpoint belong to --proof.", hint="Add --proof.")
    found = run.desk.audit.entry(entry)
    lines = [f"{run.look.paint(f'Entry {found.seq}', 'bold')}: {clean(found.kind)}"]
    lines.append(f"  time  {found.time.isoformat()}" + (" (the clock was behind)" if found.behind else ""))
    for title, values in (("stays for ever", found.body), ("can be erased", found.personal)):
        lines.append(f"  {run.look.paint(title, 'bold')}")
        lines += [f"    {clean(name)}: {_shown(value)}" for name, value in values.items() if value != ""]
    lines.append(f"  hash  {found.hash}")
    return run.answer({"schema": "helpdesk.entry/1", **plain(found)}, lines)


def _shown(value: Any) -> str:
    from helpdesk.surfaces.look import clean

    return "(erased)" if value is None else clean(value)
