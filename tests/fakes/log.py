"""A log in memory that says when it was written to, and that can be out of order on demand."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from helpdesk.errors import LogUnavailable, NotFound
from helpdesk.gate.audit import Entry


@dataclass
class MemoryLog:
    """Stands where the audit log stands.

    Attributes:
        trail: gets a line for each entry. down: kinds of entries that cannot be written now.
    """

    trail: list[str] = field(default_factory=list)
    kept: list[Entry] = field(default_factory=list)
    down: set[str] = field(default_factory=set)

    def company(self) -> AbstractContextManager[None]:
        return nullcontext()

    def append(self, kind: str, body: Mapping[str, Any], personal: Mapping[str, str | int]) -> int:
        if kind in self.down:
            raise LogUnavailable("The log cannot be used: the disk is full.", hint="Make room.")
        json.dumps([body, personal], allow_nan=False)  # plain values only, as the real one insists
        entry = Entry(len(self.kept) + 1, datetime.now(UTC), kind, dict(body), dict(personal), "")
        self.kept.append(entry)
        self.trail.append(f"log:{kind}")
        return entry.seq

    def append_many(
        self, entries: Sequence[tuple[str, Mapping[str, Any], Mapping[str, str | int]]]
    ) -> list[int]:
        return [self.append(*entry) for entry in entries]

    def entries(
        self,
        after: int = 0,
        limit: int = 100,
        *,
        before: int | None = None,
        newest_first: bool = False,
        kinds: Collection[str] = (),
    ) -> list[Entry]:
        found = [
            entry
            for entry in self.kept
            if entry.seq > after
            and (before is None or entry.seq < before)
            and (not kinds or entry.kind in kinds)
        ]
        return (found[::-1] if newest_first else found)[:limit]

    def of(self, kind: str) -> list[Entry]:
        return self.entries(kinds=(kind,), limit=10**9)

    def entry(self, seq: int) -> Entry:
        if not 0 < seq <= len(self.kept):
            raise NotFound(f"The log has no entry {seq}.")
        return self.kept[seq - 1]

    def outcomes_of(self, intent: int) -> list[Entry]:
        return [entry for entry in self.of("outcome") if entry.body["intent"] == intent]

    def undoing(self, seq: int) -> list[Entry]:
        return [entry for entry in self.kept if entry.body.get("undoes") == seq]

    def interrupted(self) -> list[Entry]:
        ended = {entry.body["intent"] for entry in self.of("outcome")}
        return [entry for entry in self.of("intent") if entry.seq not in ended]

    def open_intents(self) -> list[Entry]:
        last = {entry.body["intent"]: entry.body["outcome"] for entry in self.of("outcome")}
        return [e for e in self.of("intent") if last.get(e.seq, "unknown") in ("unknown", "accepted")]

    @property
    def text(self) -> str:
        """Everything in it, for a search."""
        return "\n".join(f"{e.kind} {dict(e.body)} {dict(e.personal)}" for e in self.kept)
