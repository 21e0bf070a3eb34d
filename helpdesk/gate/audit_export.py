"""The log for scripts and for people who search it: plain documents, single lines, a table of its own.

The table is a copy without proof, for questions like "who reset whose password in March"; sqlite-utils makes it,
with a full-text index. What proves something is the log itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_chain import Entry
from helpdesk.platform import create_private

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
    return json.dumps(plain(entry), ensure_ascii=True).replace("\x7f", "\\u007f")


def export_table(log: AuditLog, target: Path) -> int:
    """Copy the log into a new SQLite file with one table, ``log``, and a full-text index; how many entries.

    Raises:
        Failed: the file exists already, or cannot be written. LogUnavailable: the log cannot be read.
    """
    import sqlite_utils  # slow to import, and needed only here

    create_private(target, b"")
    database = sqlite_utils.Database(str(target))
    try:
        table = database.table("log")
        table.create(_COLUMNS, pk="seq")
        table.insert_all(_row(entry) for entry in _all(log))
        table.enable_fts(list(_SEARCHED))
        return int(table.count)
    finally:
        database.close()


def _all(log: AuditLog) -> Iterator[Entry]:
    last = 0
    while page := log.entries(last, _PAGE):
        yield from page
        last = page[-1].seq


def _row(entry: Entry) -> dict[str, Any]:
    found = plain(entry) | {name: entry.body.get(name) for name in ("code", "rule", "request", "intent")}
    found["message"] = entry.personal.get("message")
    for name in ("body", "personal"):
        found[name] = json.dumps(found[name], sort_keys=True)
    return {name: found.get(name) for name in _COLUMNS}
