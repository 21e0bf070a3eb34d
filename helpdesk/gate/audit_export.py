"""The log for scripts and for people who search it: plain documents, single lines, a table of its own.

Every one of them is a copy without proof, for questions like "who reset whose password in March". The table is made
by sqlite-utils, with a full-text index. What proves something is the log itself.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from helpdesk.errors import Failed
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_chain import Entry
from helpdesk.platform import create_private
from helpdesk.text import visible

_PAGE = 1000
_COLUMNS: dict[str, type] = {
    "seq": int,
    "time": str,
    "kind": str,
    "actor": str,
    "action": str,
    "target": str,
    "outcome": str,
    "code": str,
    "rule": str,
    "request": str,
    "intent": int,
    "message": str,
    "body": str,
    "personal": str,
    "hash": str,
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SEARCHED = ("actor", "action", "target", "outcome", "message")


def plain(entry: Entry) -> dict[str, Any]:
    """An entry for ``--json``; what it does not have, or was erased, is ``None``.

    ``body`` stays for ever, ``personal`` can be erased; the keys above them say the same in short.
    """
    body, personal = entry.body, entry.personal
    document = {
        "seq": entry.seq,
        "time": entry.time.isoformat(),
        "kind": entry.kind,
        "actor": personal.get("actor") or personal.get("requester"),
        "action": body.get("action"),
        "target": personal.get("target") or None,
        "outcome": body.get("outcome") or body.get("decision"),
        "body": dict(body),
        "personal": dict(personal),
        "hash": entry.hash,
    }
    if entry.behind:
        document["clock"] = "behind"
    return document


def line(entry: Entry) -> str:
    """An entry on exactly one line of printable ASCII, whatever anyone typed into it (A5)."""
    return _one_line(plain(entry))


def lines(entries: Iterable[Entry], form: str) -> Iterator[str]:
    """The entries as lines of text, each of printable ASCII (JSON) or quoted cells (CSV), without line ends.

    Args:
        form: "jsonl", "csv" or "ocsf".
    """
    if form == "csv":
        yield _cells(_COLUMNS)
        for entry in entries:
            yield _cells(_row(entry).values())
        return
    if form == "ocsf":
        from helpdesk.gate.audit_ocsf import event

        for entry in entries:
            yield _one_line(event(entry))
        return
    for entry in entries:
        yield line(entry)


def export_text(entries: Iterable[Entry], target: Path, form: str) -> int:
    """Write the entries into a new private text file; how many.

    Raises:
        Failed: the file exists already, or cannot be written. LogUnavailable: the log cannot be read.
    """
    _make(target)
    count = 0

    def counted() -> Iterator[Entry]:
        nonlocal count
        for entry in entries:
            count += 1
            yield entry

    try:
        with target.open("w", encoding="utf-8", newline="\n") as file:
            for text in lines(counted(), form):
                file.write(f"{text}\n")
    except OSError as error:
        raise Failed(f"{target} cannot be written: {error.strerror}.", hint="Check the disk.") from error
    return count


def _make(target: Path) -> None:
    try:
        create_private(target, b"")
    except Failed as error:
        if isinstance(error.__cause__, FileExistsError):
            raise Failed(
                f"{target} is there already, and nothing is written over it.",
                hint="Give another name, or move that file away.",
                code=error.code,
            ) from error
        raise


def export_table(log: AuditLog, target: Path, entries: Iterable[Entry] | None = None) -> int:
    """Copy entries, all when left out, into a new SQLite file with one table, ``log``, and a full-text index.

    Returns:
        How many.

    Raises:
        Failed: the file exists already, or cannot be written. LogUnavailable: the log cannot be read.
    """
    import sqlite_utils  # slow to import, and needed only here

    _make(target)
    database = sqlite_utils.Database(str(target))
    try:
        table = database.table("log")
        table.create(_COLUMNS, pk="seq")
        table.insert_all(_row(entry) for entry in (_all(log) if entries is None else entries))
        table.enable_fts(list(_SEARCHED))
        return int(table.count)
    finally:
        database.close()


def _all(log: AuditLog) -> Iterator[Entry]:
    last = 0
    while page := log.entries(last, _PAGE):
        yield from page
        last = page[-1].seq


def _cells(values: Iterable[Any]) -> str:
    """One line of CSV. A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([_cell(value) for value in values])
    return out.getvalue()


def _cell(value: Any) -> Any:
    """A cell on one line: what would end it, or act on a terminal, is shown instead."""
    if not isinstance(value, str):
        return value
    shown = visible(value, one_line=True)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def _one_line(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=True).replace("\x7f", "\\u007f")


def _row(entry: Entry) -> dict[str, Any]:
    found = plain(entry) | {name: entry.body.get(name) for name in ("code", "rule", "request", "intent")}
    found["message"] = entry.personal.get("message")
    for name in ("body", "personal"):
        found[name] = json.dumps(found[name], sort_keys=True)
    return {name: found.get(name) for name in _COLUMNS}
