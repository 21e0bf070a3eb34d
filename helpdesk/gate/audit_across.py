"""Reading the log across its closed segments: the same questions as in :mod:`helpdesk.gate.audit_read`.

What still needs an answer must be known without opening every old file. So the entry that closes a segment names
the intents up to there that had no outcome, and those whose effect was not known.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from helpdesk.errors import NotFound
from helpdesk.gate import audit_erase, audit_read
from helpdesk.gate.audit_chain import Entry
from helpdesk.gate.audit_erase import Value
from helpdesk.gate.audit_store import FEWER, head_of
from helpdesk.gate.audit_view import View

if TYPE_CHECKING:
    from helpdesk.gate.audit_found import Tell

ROTATION = "rotation"
_AT_ONCE = 500


def entries(
    view: View,
    after: int,
    before: int | None,
    limit: int,
    newest_first: bool,
    kinds: Collection[str],
) -> list[Entry]:
    found: list[Entry] = []
    last = 2**62 if before is None else before - 1
    for source in view.sources(after + 1, last, newest_first=newest_first, kinds=kinds):
        found += audit_read.entries(source, after, before, limit - len(found), newest_first, kinds)
        if len(found) >= limit:
            break
    return found


def entry(view: View, seq: int) -> Entry:
    """Raises NotFound."""
    return audit_read.entry(view.holding(seq), seq)


def chosen(view: View, numbers: Sequence[int]) -> list[Entry]:
    """Entries with these numbers, in their order; numbers that are not there are left out."""
    wanted = sorted({number for number in numbers if number > 0})
    found: list[Entry] = []
    while wanted:
        try:
            source = view.holding(wanted[0])
        except NotFound:
            wanted.pop(0)
            continue
        end = _end(view, wanted[0])
        here = [number for number in wanted if number <= end]
        found += audit_read.chosen(source, here)
        wanted = wanted[len(here) :]
    return found


def _end(view: View, seq: int) -> int:
    """The last number in the file that holds an entry."""
    if seq >= view.begins:
        return 2**63
    return next((one.last for one in view.segments if one.first <= seq <= one.last), view.begins - 1)


def outcomes_of(view: View, intent: int) -> list[Entry]:
    return _gathered(view, intent, lambda source: audit_read.outcomes_of(source, intent), ("outcome",))


def undoing(view: View, seq: int) -> list[Entry]:
    kinds = ("intent", "request")
    return _gathered(view, seq, lambda source: audit_read.undoing(source, seq), kinds)


def _gathered(
    view: View, first: int, read: Callable[[sqlite3.Connection], list[Entry]], kinds: Sequence[str]
) -> list[Entry]:
    return [entry for source in view.sources(first, kinds=kinds) for entry in read(source)]


# ── what needs an answer ──────────────────────────────────────────────────────────────────────


def without_outcome(view: View) -> list[Entry]:
    return chosen(view, waiting(view.live)[0])


def unsettled(view: View) -> list[Entry]:
    """Intents whose last outcome says that their effect is not known."""
    return chosen(view, waiting(view.live)[1])


def waiting(live: sqlite3.Connection, last: int = 2**62) -> tuple[list[int], list[int]]:
    """Numbers of intents without an outcome, and of those whose effect is not known.

    Args:
        last: as it was when this was the last entry.
    """
    carried, doubtful = _carried(live)
    ended = _ended(live, [*carried, *doubtful], last)
    return (
        [seq for seq in carried if seq not in ended] + audit_read.without_outcome(live, last),
        sorted({seq for seq in doubtful if seq not in ended} | set(audit_read.unsettled(live, last))),
    )


def _carried(live: sqlite3.Connection) -> tuple[list[int], list[int]]:
    """What the newest rotation left open."""
    row = live.execute(
        f"SELECT entry FROM entries WHERE kind = ? AND {FEWER} ORDER BY seq DESC LIMIT 1",  # noqa: S608
        (ROTATION,),
    ).fetchone()
    body: dict[str, Any] = json.loads(row[0])["body"] if row else {}
    return list(body.get("open", ())), list(body.get("unsettled", ()))


def _ended(live: sqlite3.Connection, numbers: Sequence[int], last: int) -> set[int]:
    found: set[int] = set()
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        rows = live.execute(
            f"SELECT about FROM entries WHERE about IN ({', '.join('?' * len(some))}) AND seq <= ?",  # noqa: S608
            (*some, last),
        )
        found |= {seq for (seq,) in rows}
    return found


# ── whose values ──────────────────────────────────────────────────────────────────────────────


def ids_of(view: View, login: str, tell: Tell) -> set[str]:
    reached = _counted(view, tell)
    return _union(audit_erase.ids_of(source, login, reached) for source in view.sources())


def logins_of(view: View, id: str, tell: Tell) -> set[str]:
    reached = _counted(view, tell)
    return _union(audit_erase.logins_of(source, id, reached) for source in view.sources())


def values_of(view: View, id: str, names: Collection[str], tell: Tell) -> list[Value]:
    reached = _counted(view, tell)
    return [value for source in view.sources() for value in audit_erase.values_of(source, id, names, reached)]


def _counted(view: View, tell: Tell) -> audit_erase.Reached:
    last = head_of(view.live).seq
    return lambda seq: tell(seq, last)


def _union(found: Iterable[set[str]]) -> set[str]:
    return set().union(*found)
