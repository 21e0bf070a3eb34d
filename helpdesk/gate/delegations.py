"""Somebody stands in for somebody: from a day to a day, sealed, and taken back at any time.

Whoever stands in says yes with the right of the other, and only to what the other could have said yes to. They never
approve what they asked for themselves, and never what the person asked for in whose stead they are.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from helpdesk.canonical import canonical
from helpdesk.database import Database, Row, Session
from helpdesk.database.schema import Family, Step
from helpdesk.errors import NotFound, Refused
from helpdesk.gate.sealed import ALPHABET, Signer
from helpdesk.identity import Person
from helpdesk.ports import Clock

LONGEST = timedelta(days=92)
_SAID: Final = b"helpdesk delegation v1\n"
_TABLE = (
    """CREATE TABLE delegations (
      id TEXT NOT NULL,
      step INTEGER NOT NULL,
      giver TEXT NOT NULL,
      taker TEXT NOT NULL,
      document TEXT NOT NULL,
      seal BLOB NOT NULL,
      PRIMARY KEY (id, step)
    )""",
    "CREATE INDEX delegations_to ON delegations (taker)",
    "CREATE INDEX delegations_of ON delegations (giver)",
)
DELEGATIONS: Final = Family(
    name="delegations",
    tables=("delegations",),
    steps=(
        Step(
            sqlite=_TABLE,
            postgres=tuple(statement.replace(" BLOB ", " BYTEA ") for statement in _TABLE),
        ),
    ),
    changing={"delegations": ()},
)


@dataclass(frozen=True, slots=True)
class Delegation:
    """Attributes:
    id: "D-7K3F2Q". giver, taker: ids; giver_name, taker_name: as people call them.
    begins, ends: UTC, ISO 8601. revoked: when it was taken back, or "".
    """

    id: str
    giver: str
    giver_name: str
    taker: str
    taker_name: str
    begins: str
    ends: str
    revoked: str = ""

    def holds_at(self, now: datetime) -> bool:
        begun = datetime.fromisoformat(self.begins) <= now < datetime.fromisoformat(self.ends)
        return begun and not self.revoked


class Delegations:
    """Every delegation in the store; blocking.

    Args:
        signer: the host's key, and whose seals count.
    """

    def __init__(self, store: Database, clock: Clock, signer: Signer) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer

    def give(self, giver: Person, taker: Person, begins: datetime, ends: datetime) -> Delegation:
        """Let somebody stand in.

        Raises:
            Refused: for oneself, for no time or too long ("delegation").
        """
        now = self._now()
        if giver.id == taker.id:
            raise _no("Nobody stands in for themselves.")
        if ends <= begins or ends <= now:
            raise _no("It would end before it begins, or has ended.", "Give a later --until.")
        if ends - max(begins, now) > LONGEST:
            raise _no(f"Nobody stands in for more than {LONGEST.days} days.", "Give an earlier --until.")
        made = Delegation(
            id=_new_id(),
            giver=giver.id,
            giver_name=giver.name,
            taker=taker.id,
            taker_name=taker.name,
            begins=begins.astimezone(UTC).isoformat(),
            ends=ends.astimezone(UTC).isoformat(),
        )
        self._add(made, 1)
        return made

    def revoke(self, id: str, giver: str) -> Delegation:
        """Take it back. Raises NotFound; Refused for anybody else's."""
        found = self.get(id)
        if found.giver != giver:
            raise _no(f"{found.giver_name} gave {found.id}, and nobody else takes it back.")
        if found.revoked:
            return found
        revoked = Delegation(**{**asdict(found), "revoked": self._now().isoformat()})
        self._add(revoked, 2)
        return revoked

    def get(self, id: str) -> Delegation:
        found = self._found("id = ?", id.strip().upper())
        if not found:
            raise NotFound(
                f"There is no delegation {id!r}.", hint="helpdesk approvals delegations shows yours."
            )
        return found[0]

    def given_by(self, person: str) -> list[Delegation]:
        """Newest first; also those that ended."""
        return self._found("giver = ?", person)

    def given_to(self, person: str) -> list[Delegation]:
        return self._found("taker = ?", person)

    def stands_in_for(self, person: str) -> list[Delegation]:
        """What holds at this moment for somebody."""
        now = self._now()
        return [one for one in self.given_to(person) if one.holds_at(now)]

    def holds(self, giver: str, taker: str) -> bool:
        """Whether one stands in for the other now."""
        return any(one.giver == giver for one in self.stands_in_for(taker))

    def _found(self, where: str, value: str) -> list[Delegation]:
        sql = (
            f"SELECT id, step, giver, taker, document, seal FROM delegations WHERE {where} ORDER BY id, step"  # noqa: S608
        )
        with self._store.reading() as session:
            rows = session.all(sql, value)
        newest: dict[str, Delegation] = {}
        for row in rows:
            one = self._opened(row)
            if one is not None:
                newest[one.id] = one
        return sorted(newest.values(), key=lambda one: one.begins, reverse=True)

    def _opened(self, row: Row) -> Delegation | None:
        """``None`` for what no listed host sealed as it stands there: it lets nobody do anything."""
        id, step, giver, taker, text, seal = row
        try:
            if not self._signer.verify(_message(step, text), bytes(seal)):
                return None
            found = Delegation(**json.loads(text))
        except (TypeError, ValueError, AttributeError):
            return None
        return found if (found.id, found.giver, found.taker) == (id, giver, taker) else None

    def _add(self, one: Delegation, step: int) -> None:
        text = canonical(asdict(one)).decode()
        seal = self._signer.sign(_message(step, text))

        def write(session: Session) -> None:
            session.run(
                "INSERT INTO delegations (id, step, giver, taker, document, seal) VALUES (?, ?, ?, ?, ?, ?)",
                one.id, step, one.giver, one.taker, text, seal,
            )  # fmt: skip

        self._written(f"delegation {one.id}", write)

    def _written(self, about: str, write: Callable[[Session], None]) -> None:
        with self._store.writing(about) as session:
            write(session)

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC)


def _message(step: int, text: str) -> bytes:
    return _SAID + f"{step}\n".encode() + text.encode("utf-8", "surrogatepass")


def _new_id() -> str:
    return "D-" + "".join(secrets.choice(ALPHABET) for _ in range(6))


def _no(message: str, hint: str = "") -> Refused:
    return Refused(message, hint=hint, code="delegation")
