"""What the core needs from mail: letters handed over once each, and what is known of them afterwards."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from helpdesk.errors import Failed, InvalidArgument
from helpdesk.text import shorten, visible

LONGEST_BODY: Final = 50_000
LONGEST_SUBJECT: Final = 200
LONGEST_NAME: Final = 80
_LONGEST_ADDRESS = 254
_NEVER = frozenset('<>()[]\\,;:"@')
_SPACES = re.compile(r"\s+")


class MailRefused(Failed):
    """The server said no for good; nothing was sent."""

    code = "mail-refused"


class State(StrEnum):
    """What is known of the letter of a key.

    ``ARRIVED``: it can be read back. ``ACCEPTED``: a server took it on. ``NOT_SENT``: it was never handed over
    whole, or refused. ``UNSURE``: it was, and no answer came. ``UNTOLD``: nobody here handed one over.
    """

    ARRIVED = "arrived"
    ACCEPTED = "accepted"
    NOT_SENT = "not sent"
    UNSURE = "unsure"
    UNTOLD = "untold"


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to one address; plain text.

    Attributes:
        by_itself: the program wrote it, so that nobody's absence note answers it.
    """

    to: str
    name: str
    subject: str
    body: str
    by_itself: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A letter as it was handed over. ``message_id`` is the same for the same key, always."""

    key: str
    message_id: str
    to: str
    subject: str
    body: str
    at: datetime
    state: State


class Handing(Protocol):
    """A letter that the server has whole, but for the last word."""

    def finish(self) -> None:
        """Say it.

        Raises:
            MailRefused: never. Unreachable: later, perhaps; or, with ``maybe_applied``, nobody knows.
        """

    def abandon(self) -> None:
        """Say nothing; nothing was sent."""


class Mail(Protocol):
    """A way for letters to leave. Blocking; may be used by several threads.

    A key never makes two letters: one that was handed over is not handed over again, whatever became of it.
    """

    @property
    def where(self) -> str:
        """Where letters go, for a person."""

    @property
    def reads_back(self) -> bool:
        """Letters that were handed over can be read."""

    def begin(self, letter: Letter, key: str) -> Handing | None:
        """Everything up to the last word; ``None`` where this key's letter was taken already.

        Raises:
            InvalidArgument: that is no letter. MailRefused: the server does not take it.
            Unreachable: no server, or it says to come again later. ConfigError, Failed: it cannot be trusted.
            OutcomeUnknown: it was handed over before, and nobody knows what became of it.
        """

    def send(self, letter: Letter, key: str) -> None:
        """Hand a letter over, now. Raises as :meth:`begin` and :meth:`Handing.finish` say."""

    def state(self, key: str) -> State: ...

    def kept(self, key: str) -> Kept | None:
        """What can be read of this key's letter."""

    def unsure(self) -> list[Kept]:
        """Letters of this machine that nobody knows about, oldest first."""

    def check(self) -> str:
        """Greet the server and sign in, and send nothing; one sentence. Raises as :meth:`begin` does."""

    def close(self) -> None: ...


def message_id(key: str, domain: str) -> str:
    """The Message-ID of a key's letter; nothing of the key can be read from it."""
    return f"<{hashlib.sha256(b'helpdesk mail ' + key.encode()).hexdigest()[:40]}@{domain}>"


def checked(letter: Letter) -> Letter:
    """The letter with nothing in it that acts on a server or a screen: no line can begin a header or a command.

    Raises:
        InvalidArgument: its address is none, or it is too long.
    """
    if len(letter.body) > LONGEST_BODY:
        raise InvalidArgument(
            f"A message holds at most {LONGEST_BODY:,} characters.", hint="Send a shorter one."
        )
    if not letter.body.strip() or not letter.subject.strip():
        raise InvalidArgument("A message needs a subject and a text.")
    subject = shorten(visible(_SPACES.sub(" ", letter.subject.strip()), one_line=True), LONGEST_SUBJECT)
    body = visible(letter.body.replace("\r\n", "\n").replace("\r", "\n"))
    return Letter(address(letter.to), _name(letter.name), subject, body, letter.by_itself)


def address(text: str) -> str:
    """One mail address, and nothing that a server could take for more. Raises InvalidArgument."""
    local, at, domain = text.strip().rpartition("@")
    odd = any(
        letter.isspace() or letter in _NEVER or unicodedata.category(letter)[0] == "C"
        for letter in local + domain
    )
    dots = any(".." in part or part[:1] == "." or part[-1:] == "." for part in (local, domain))
    if (
        not (at and local and domain)
        or odd
        or dots
        or len(text.encode("utf-8", "replace")) > _LONGEST_ADDRESS
    ):
        raise InvalidArgument(f"{shorten(visible(text, one_line=True), 80)!r} is no mail address.")
    return f"{local}@{domain}"


def _name(text: str) -> str:
    """A name to be shown before an address: none that is an address itself, or ends where its quotation ends."""
    plain = "".join(" " if letter in _NEVER else letter for letter in visible(text, one_line=True))
    return shorten(_SPACES.sub(" ", plain).strip(), LONGEST_NAME)
