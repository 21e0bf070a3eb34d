"""The one event stream: what the core tells every surface, and the result it ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from helpdesk.errors import Cancelled, Exit, HelpdeskError
from helpdesk.text import Untrusted

SCHEMA = "helpdesk.result/1"


class Outcome(StrEnum):
    DONE = "done"
    PREVIEWED = "previewed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    USAGE = "usage"
    REFUSED = "refused"
    PENDING = "pending"
    ACCEPTED = "accepted"
    NOT_SIGNED_IN = "not-signed-in"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    PARTIAL = "partial"
    INTERRUPTED = "interrupted"

    @property
    def exit(self) -> Exit:
        return _EXITS[self]


_EXITS = {
    Outcome.DONE: Exit.OK,
    Outcome.PREVIEWED: Exit.OK,
    Outcome.FAILED: Exit.FAILED,
    Outcome.CANCELLED: Exit.FAILED,
    Outcome.USAGE: Exit.USAGE,
    Outcome.REFUSED: Exit.REFUSED,
    Outcome.PENDING: Exit.WAITING,
    Outcome.ACCEPTED: Exit.WAITING,
    Outcome.NOT_SIGNED_IN: Exit.NOT_SIGNED_IN,
    Outcome.UNKNOWN: Exit.UNKNOWN,
    Outcome.UNREACHABLE: Exit.UNREACHABLE,
    Outcome.PARTIAL: Exit.PARTIAL,
    Outcome.INTERRUPTED: Exit.INTERRUPTED,
}


def outcome_of(error: HelpdeskError) -> Outcome:
    """The outcome that an error means when it ended a call before any effect."""
    if isinstance(error, Cancelled):
        return Outcome.CANCELLED
    return next(
        (outcome for outcome in Outcome if outcome.exit == error.exit and outcome not in _NOT_ERRORS),
        Outcome.FAILED,
    )


_NOT_ERRORS = {Outcome.CANCELLED, Outcome.DONE, Outcome.PREVIEWED, Outcome.PENDING, Outcome.ACCEPTED}


@dataclass(frozen=True)
class Change:
    """One thing that will be different: shown in the preview, compared when it is read back.

    Attributes:
        system: the system of record ("directory", "tickets").
        target: the object in it, as a person names it ("ana", "finance-share").
        what: the property ("account lock", "member ana").
        before, after: its value now and then; texts that never hold a secret.
    """

    system: str
    target: str
    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Observation:
    """One thing read back from the system of record; a list of these is a receipt."""

    system: str
    target: str
    what: str
    expected: str
    observed: str

    @property
    def as_expected(self) -> bool:
        return self.expected == self.observed


@dataclass(frozen=True)
class Citation:
    """A passage of a policy document. ``line`` counts from 1."""

    source: str
    file: str
    heading: str
    line: int
    text: Untrusted


@dataclass(frozen=True)
class ErrorInfo:
    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Result:
    """How a call ended: the one document that ``--json`` prints.

    Attributes:
        entry: sequence number of the log entry that holds the outcome.
        request: id of the pending request, with ``pending``.
        changes: what would change, with ``previewed`` and ``pending``.
        data: what a read found, ready for JSON.
        rule: the rule that decided, where one did.
        undoable: it can be taken back: ``helpdesk undo ENTRY``.
    """

    outcome: Outcome
    action: str
    message: str
    arguments: dict[str, Any] = field(default_factory=dict)
    receipt: tuple[Observation, ...] = ()
    entry: int | None = None
    request: str | None = None
    error: ErrorInfo | None = None
    changes: tuple[Change, ...] = ()
    citations: tuple[Citation, ...] | None = None
    data: Any = None
    rule: str = ""
    undoable: bool = False


# ── questions the core asks the person ────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True)
class Question:
    """One question. ``flag`` names the command-line flag that answers it off a terminal.

    Attributes:
        kind: of the argument that is asked for ("login", "group"), so that a surface can offer live names.
    """

    name: str
    text: str
    flag: str
    choices: tuple[Choice, ...] = ()
    secret: bool = False
    repeat: bool = False
    default: str | None = None
    kind: str = ""


@dataclass(frozen=True)
class Heard:
    """Words that are not certain, as a microphone gives them: a sentence, or the answer to a question.

    Attributes:
        words: the likeliest reading. alternatives: the others, likeliest first.
        confidence: of the first one, from 0 to 1.
    """

    words: str
    alternatives: tuple[str, ...] = ()
    confidence: float = 1.0


Words: TypeAlias = str | Heard


@dataclass(frozen=True)
class Confirmation:
    """What the person is asked to agree to, rendered from the canonical call only (L3).

    Attributes:
        digest: SHA-256 over the canonical call and the state it was previewed on (L4).
        irreversible: a severe action; the surface asks for the target's name to be typed.
    """

    digest: str
    action: str
    summary: str
    actor: str
    target: str
    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    irreversible: bool = False


@dataclass(frozen=True)
class Confirmed:
    """The answer: it names the digest it agrees to, and who gave it ("person", "--yes")."""

    digest: str
    by: str


# ── events ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Said:
    """Text for the person from the host itself."""

    text: str


@dataclass(frozen=True)
class ModelSaid:
    """A piece of model prose. Surfaces label it; it is never evidence that something was done (L10)."""

    text: Untrusted


@dataclass(frozen=True)
class ModelFinished:
    """The model's prose ended. ``unproven`` when it claims completion and no receipt exists (L10)."""

    unproven: bool = False


@dataclass(frozen=True)
class Proposed:
    """The conversation found an action for the words; nothing has been decided yet."""

    action: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Previewed:
    action: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Progress:
    """``phase``: validate, authorise, preview, confirm, intent, execute, verify, outcome."""

    phase: str
    text: str


@dataclass(frozen=True)
class Warned:
    text: str
    hint: str = ""


@dataclass(frozen=True)
class Answered:
    """One part of what was said has its end, and the turn goes on: a question in between, one of two requests."""

    result: Result


@dataclass(frozen=True)
class Finished:
    result: Result


Event: TypeAlias = (
    Said | ModelSaid | ModelFinished | Proposed | Previewed | Progress | Warned | Answered | Finished
)
