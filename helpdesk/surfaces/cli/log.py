"""``log``: the record of everything that was asked, refused and done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpdesk.surfaces.cli.commands import group
from helpdesk.surfaces.cli.invocation import current

if TYPE_CHECKING:
    from helpdesk.gate.audit import Entry

app = group("The log of everything that was asked, refused and done.")
_SHOWN = 100


@app.command("list")
def list_(
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="How many entries at most.", metavar="N")
    ] = _SHOWN,
    after: Annotated[
        int | None, typer.Option("--after", min=0, help="Only entries after this one.", metavar="ENTRY")
    ] = None,
    before: Annotated[
        int | None, typer.Option("--before", min=1, help="Only entries before this one.", metavar="ENTRY")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Only entries of this kind (repeatable).")
    ] = None,
) -> int:
    """List the latest entries, oldest first; with --after, the ones that follow it."""
    from helpdesk.gate.audit_export import plain
    from helpdesk.surfaces.columns import table
    from helpdesk.text import local_time

    run = current()
    newest = after is None
    entries = run.desk.audit.entries(after or 0, limit, before=before, newest_first=newest, kinds=kind or ())
    if newest:
        entries = entries[::-1]
    rows = [
        (
            entry.seq,
            entry.time.isoformat() if run.look.plain else local_time(entry.time),
            entry.kind,
            _who(entry),
            _about(entry),
        )
        for entry in entries
    ]
    lines = table(("entry", "time", "what", "who", "about"), rows, run.look)
    document = {"schema": "helpdesk.log/1", "entries": [plain(entry) for entry in entries]}
    return run.answer(document, lines or ["The log is empty."])


@app.command()
def show(
    entry: Annotated[int, typer.Argument(help="Its number.", show_default=False, metavar="ENTRY")],
) -> int:
    """Show one entry, whole."""
    from helpdesk.gate.audit_export import plain
    from helpdesk.surfaces.look import clean

    run = current()
    found = run.desk.audit.entry(entry)
    lines = [f"{run.look.paint(f'Entry {found.seq}', 'bold')}: {clean(found.kind)}"]
    lines.append(f"  time  {found.time.isoformat()}" + (" (the clock was behind)" if found.behind else ""))
    for title, values in (("stays for ever", found.body), ("can be erased", found.personal)):
        lines.append(f"  {run.look.paint(title, 'bold')}")
        lines += [f"    {clean(name)}: {_shown(value)}" for name, value in values.items() if value != ""]
    lines.append(f"  hash  {found.hash}")
    return run.answer({"schema": "helpdesk.entry/1", **plain(found)}, lines)


@app.command()
def verify(
    checkpoint: Annotated[
        str, typer.Option("--checkpoint", help="A checkpoint that was kept elsewhere.", metavar="FILE")
    ] = "",
) -> int:
    """Check the whole log: every entry, their order, and the signed checkpoint.

    With a checkpoint that was kept elsewhere, the log must continue it. Exit code 1 when something was
    altered; the first bad entry is named.
    """
    from helpdesk.errors import Exit
    from helpdesk.surfaces.look import clean

    run = current()
    found = run.desk.audit.verify(checkpoint=_file(checkpoint) if checkpoint else None)
    document = found.plain()
    if found.ok:
        lines = [
            f"{run.look.paint('✓', 'green')} The log is whole: {found.entries} entries, {found.signed} of them signed."
        ]
        return run.answer(document, lines)
    which = (
        f"entry {found.first_bad} is the first bad one" if found.first_bad is not None else "entries are gone"
    )
    run.complain(
        [f"{run.error_look.paint('failed:', 'red')} The log was altered, {which}: {clean(found.problem)}"]
    )
    if run.flags.json:
        run.document(document)
    return Exit.FAILED


@app.command()
def checkpoint() -> int:
    """Print the signed checkpoint; kept elsewhere, it shows later that nothing was taken away."""
    run = current()
    note = run.desk.audit.checkpoint()
    return run.answer({"schema": "helpdesk.checkpoint/1", "checkpoint": note}, note.rstrip().split("\n"))


@app.command()
def export(
    file: Annotated[str, typer.Argument(help="The SQLite file to make.", show_default=False, metavar="FILE")],
) -> int:
    """Copy the log into a table to search: one SQLite file, with a full-text index over people and messages.

    The copy holds names and proves nothing; keep it as private as the log itself.
    """
    from pathlib import Path

    from helpdesk.gate.audit_export import export_table
    from helpdesk.surfaces.look import clean

    run = current()
    count = export_table(run.desk.audit, Path(file))
    document = {"schema": "helpdesk.export/1", "file": file, "entries": count}
    return run.answer(document, [f"{count} entries are in {clean(file)}, in the table log."])


def _file(name: str) -> str:
    from helpdesk.errors import UsageError

    try:
        with open(name, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--checkpoint {name} cannot be read: {error}.") from error


def _who(entry: Entry) -> str:
    return str(entry.personal.get("actor") or entry.personal.get("requester") or "-")


def _about(entry: Entry) -> str:
    body, personal = entry.body, entry.personal
    parts = [str(body.get("action") or body.get("decision") or ""), str(personal.get("target") or "")]
    parts.append(str(body.get("request") or ""))
    ending = str(body.get("outcome") or "")
    text = " ".join(part for part in parts if part)
    return f"{text}: {ending}" if text and ending else text or ending


def _shown(value: Any) -> str:
    from helpdesk.surfaces.look import clean

    return "(erased)" if value is None else clean(value)
