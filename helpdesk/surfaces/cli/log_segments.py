"""``log segments | rotate | retain``: the files of the log, closing one, and letting old ones go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpdesk.surfaces.cli.invocation import current

if TYPE_CHECKING:
    from helpdesk.gate.audit_rotate import Extent
    from helpdesk.gate.audit_segments import Segment


def segments() -> int:
    """List the closed segments of the log, the live file, and what retention removed."""
    from helpdesk.surfaces.columns import table

    run = current()
    found, live = run.desk.audit.segments(), run.desk.audit.extent()
    rows = [
        (one.number, f"{one.first}-{one.last}", one.began[:10], one.ended[:10], _state(one)) for one in found
    ]
    rows.append((len(found) + 1, _span(live), live.began[:10], "", "live: log.db"))
    document = {
        "schema": "helpdesk.log-segments/1",
        "segments": [_plain(one) for one in found],
        "live": {"first": live.first, "last": live.last, "began": live.began or None},
    }
    lines = table(("segment", "entries", "from", "to", "where"), rows, run.look)
    return run.answer(document, lines)


def rotate() -> int:
    """Close a segment: what is logged so far moves into a file of its own, linked to what follows.

    Only auditors may ([roles] auditor). Numbers, proofs, search and undo go on across segments. [log]
    rotate_entries and rotate_days do it by themselves. --dry-run shows what would move.
    """
    from helpdesk.actions.upkeep import ROTATE
    from helpdesk.events import Result

    run = current()
    run.confirms(ROTATE)

    async def work() -> Result:
        signed_in = await run.signed_in()
        done: Result = await run.desk.upkeep.rotate(signed_in, run.terminal, dry_run=run.flags.dry_run)
        return done

    return run.perform(work)


def retain(
    keep_days: Annotated[
        int | None,
        typer.Option(
            "--keep-days", min=1, help="Keep so many days, not those of [log] keep_days.", metavar="N"
        ),
    ] = None,
) -> int:
    """Remove old segments from the log, for good, and record that in the log.

    Only auditors may ([roles] auditor). Removed are closed segments whose entries are all older than [log]
    keep_days, and whose end is under a signed checkpoint that a place outside has confirmed. It is shown
    first and confirmed by typing the numbers. --dry-run shows what would go.
    """
    from helpdesk.actions.upkeep import RETAIN
    from helpdesk.events import Result

    run = current()
    run.confirms(RETAIN)

    async def work() -> Result:
        signed_in = await run.signed_in()
        done: Result = await run.desk.upkeep.retain(
            signed_in, run.terminal, days=keep_days, dry_run=run.flags.dry_run
        )
        return done

    return run.perform(work)


def _plain(segment: Segment) -> dict[str, Any]:
    return {
        "segment": segment.number,
        "first": segment.first,
        "last": segment.last,
        "began": segment.began,
        "ended": segment.ended,
        "file": segment.file,
        "bytes": segment.bytes,
        "digest": segment.digest,
        "closed_by": segment.recorded,
        "removed_by": segment.removed,
        "removed_at": segment.removed_at or None,
    }


def _state(segment: Segment) -> str:
    if segment.removed is None:
        return f"segments/{segment.file}"
    return f"removed on {segment.removed_at[:10]}, entry {segment.removed}"


def _span(live: Extent) -> str:
    return f"{live.first}-{live.last}" if live.entries else "none yet"
