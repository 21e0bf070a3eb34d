"""A log of several segments, and an attacker on its closed files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_segments import Segment
from tests.unit.audit_world import START, open_log, story

BY = {"action": "log.rotate", "outcome": "done", "actor_id": "id-9"}


def rotated(log: AuditLog, times: int = 3) -> list[Segment]:
    """Stories, each closed as a segment, and one more in the live file."""
    for _ in range(times):
        story(log)
        assert log.rotate(BY, {"actor": "aud"}) is not None
    story(log)
    return log.segments()


def closed_segments(root: Path, times: int = 3) -> list[Segment]:
    """A closed log with some segments: entries 1-7, 8-15, 16-23 and, in the live file, 24-31."""
    log = open_log(root)
    segments = rotated(log, times)
    log.close()
    return segments


def removed_until(log: AuditLog, shipped: int) -> int:
    """The oldest segments are removed by retention, as far as a checkpoint is known outside; the entry's number."""
    removal = log.removable(START + timedelta(days=1), shipped)
    return log.remove(
        removal, {"action": "log.retain", "outcome": "done", "actor_id": "id-9"}, {"actor": "aud"}
    )


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A closed file, as somebody writes it who owns it."""
    path.chmod(0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN")
        yield database
        database.execute("COMMIT")
