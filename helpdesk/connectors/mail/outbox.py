"""A mail server of our own in one file, for a demo or a trial: what was sent can be read, and goes nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from helpdesk.connectors.mail.ledger import Ledger
from helpdesk.mail import Handing, Kept, Letter, State, checked, message_id
from helpdesk.ports import Clock

DOMAIN = "helpdesk.invalid"


class Outbox:
    """Implements :class:`helpdesk.mail.Mail`."""

    reads_back = True

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._ledger = Ledger(path, clock, bodies=True)

    @property
    def where(self) -> str:
        return f"the outbox {self._path}"

    def begin(self, letter: Letter, key: str) -> Handing | None:
        letter = checked(letter)
        kept = self._ledger.kept(key)
        if kept is not None and kept.to == letter.to:
            return None
        return _Handing(self._ledger, letter, key)

    def send(self, letter: Letter, key: str) -> None:
        handing = self.begin(letter, key)
        if handing is not None:
            handing.finish()

    def state(self, key: str) -> State:
        found = self._ledger.state(key)
        return State.NOT_SENT if found is State.UNTOLD else found

    def kept(self, key: str) -> Kept | None:
        return self._ledger.kept(key)

    def letters(self) -> list[Kept]:
        """Everything in it, oldest first."""
        return self._ledger.everything()

    def unsure(self) -> list[Kept]:
        return []

    def check(self) -> str:
        return f"Letters are kept in {self._path} and go nowhere; {len(self.letters())} are there."

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class _Handing:
    ledger: Ledger
    letter: Letter
    key: str

    def finish(self) -> None:
        self.ledger.note(self.letter, self.key, message_id(self.key, DOMAIN), State.ARRIVED)

    def abandon(self) -> None:
        """Nothing was written."""
