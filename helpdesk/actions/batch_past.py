"""What the log remembers of a batch: which rows are done, which wait, and which were interrupted (R7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from helpdesk.actions.journal import Journal
from helpdesk.actions.prepare import Prepared
from helpdesk.canonical import digest
from helpdesk.gate.audit import Entry

_KINDS = ("intent", "outcome", "read", "request")
_PAGE = 500


def batch_id(file: str, actor_id: str, action: str, shared: dict[str, object], run: str) -> str:
    """Names one run of one file by one person; the same command has the same id.

    Args:
        file: the digest of its bytes. run: tells runs of the same file apart.
    """
    return digest({"file": file, "actor": actor_id, "action": action, "shared": shared, "run": run})[:32]


def row_key(batch: str, number: int, prepared: Prepared) -> str:
    """The idempotency key of a row: the batch, the row's number, and the canonical call (R3)."""
    document = {name: value for name, value in prepared.document().items() if name != "version"}
    return f"{batch}:{number}:{digest(document)[:32]}"


class Stand(StrEnum):
    """Where a row stands. ``BEGUN``: its effect may exist. ``OPEN``: it is to be carried out, again or at last."""

    DONE = "done"
    WAITING = "waiting"
    BEGUN = "begun"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Past:
    """What was logged about a row last.

    Attributes:
        entry: the newest entry about it. digest: what was agreed to. intent: of its effect.
        half: it took effect in part, so that the state is neither the old nor the new one.
    """

    stand: Stand
    key: str
    entry: Entry
    digest: str = ""
    request: str = ""
    intent: Entry | None = None
    half: bool = False


def batch_past(journal: Journal, batch: str) -> dict[int, Past]:
    """The rows of a batch that the log knows, by their numbers; blocking."""
    begun = _first(journal, batch)
    found: dict[int, Past] = {}
    while begun is not None:
        entries = journal.audit.entries(after=begun, limit=_PAGE, kinds=_KINDS)
        for entry in entries:
            key = entry.body.get("key")
            if isinstance(key, str) and key.startswith(f"{batch}:"):
                number = int(key.split(":")[1])
                after = _after(found.get(number), key, entry)
                if after is not None:
                    found[number] = after
        begun = entries[-1].seq if len(entries) == _PAGE else None
    return found


def _first(journal: Journal, batch: str) -> int | None:
    """The entry with which the batch began."""
    after = 0
    while entries := journal.audit.entries(after=after, limit=_PAGE, kinds=("batch",)):
        for entry in entries:
            if entry.body.get("batch") == batch:
                return entry.seq
        after = entries[-1].seq
    return None


def _after(past: Past | None, key: str, entry: Entry) -> Past | None:
    body = entry.body
    agreed = str(body.get("digest", ""))
    if entry.kind == "intent":
        request = str(body.get("request", ""))
        return Past(Stand.BEGUN, key, entry, agreed, request, entry)
    if entry.kind == "request":
        return Past(Stand.WAITING, key, entry, agreed, str(body.get("request", "")))
    if entry.kind == "read":
        return Past(Stand.DONE, key, entry, agreed) if agreed else past
    if past is None:
        return None
    outcome = body.get("outcome")
    if outcome == "done":
        return replace(past, stand=Stand.DONE, entry=entry)
    begun = outcome in ("unknown", "accepted")
    return replace(past, stand=Stand.BEGUN if begun else Stand.OPEN, entry=entry, half=outcome == "partial")
