"""A case: what a person is working on, wherever they began it. It is what its lines say, one after the other.

Nothing in it says who is signed in, or how strongly: its owner is an id to compare a sign-in with (R8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeAlias

from helpdesk.actions.call import Provenance
from helpdesk.events import Observation, Outcome
from helpdesk.text import shorten

LONGEST_GOAL = 200
"""Characters of a goal; the whole of it stands in the transcript."""


class Kind(StrEnum):
    """What a line of a case is.

    ``PERSON``: a sentence of theirs. ``ANSWER``: what they said to a question. ``MODEL``: a model's prose.
    ``SAID``: what the host answered in words. ``RESULT``: how a call at the door ended. ``MEMORY``: what the
    conversation needs to be gone on with. ``STATUS``: it was closed or handed off. ``REWIND``: back to an earlier turn.
    """

    PERSON = "person"
    ANSWER = "answer"
    MODEL = "model"
    SAID = "said"
    RESULT = "result"
    MEMORY = "memory"
    STATUS = "status"
    REWIND = "rewind"


class Status(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    HANDED_OFF = "handed-off"


class Resolution(StrEnum):
    """What a closed case came to. ``RESOLVED`` by receipts and nothing else; abandoned is not resolved."""

    RESOLVED = "resolved"
    ANSWERED = "answered"
    ABANDONED = "abandoned"


Draft: TypeAlias = tuple[Kind, Mapping[str, Any]]
"""A line that is to be written: its kind and its plain JSON values."""


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One line. ``seq`` counts from 1 within the case; ``hidden``: the case was rewound to before it."""

    seq: int
    at: datetime
    kind: Kind
    body: Mapping[str, Any]
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """How one call at the door ended, as its result said it.

    Attributes:
        entry: of the log. request: the approval it waits for. reads: it could change nothing.
        hidden: the case was rewound to before it; what it did stays done.
    """

    at: datetime
    action: str
    outcome: str
    message: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    receipt: tuple[Observation, ...] = ()
    entry: int | None = None
    request: str = ""
    reads: bool = False
    undoable: bool = False
    hidden: bool = False

    @property
    def proven(self) -> bool:
        """Done, and all that was read back is as promised."""
        whole = bool(self.receipt) and all(seen.as_expected for seen in self.receipt)
        return self.outcome == Outcome.DONE and whole

    @property
    def took_effect(self) -> bool:
        """Something outside is different, waits, or may be different, because of it."""
        return not self.reads and self.outcome in _EFFECTS


_TEXTS = {Kind.PERSON: "words", Kind.ANSWER: "words", Kind.MODEL: "text", Kind.SAID: "message"}
_EFFECTS = frozenset({Outcome.DONE, Outcome.PARTIAL, Outcome.ACCEPTED, Outcome.PENDING, Outcome.UNKNOWN})
_ASKED = _EFFECTS | {Outcome.REFUSED, Outcome.FAILED, Outcome.UNREACHABLE}


class Stage(StrEnum):
    """How far a call got. ``HALF``: something of it is being asked. ``PROPOSED``: it is at the door."""

    KNOWN = ""
    HALF = "half"
    PROPOSED = "proposed"


@dataclass(frozen=True, slots=True)
class Memory:
    """What the conversation needs for a follow-up: the call proposed last.

    Attributes:
        stage: a :class:`Stage`. question: what was being asked, while it is half filled.
    """

    action: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    stage: str = Stage.KNOWN
    question: str = ""

    @property
    def half(self) -> bool:
        return bool(self.action) and self.stage == Stage.HALF


@dataclass(frozen=True, slots=True)
class Fact:
    """Something read from a system of record, with the entry of the log that says so."""

    at: datetime
    observation: Observation
    entry: int | None


@dataclass(frozen=True)
class Case:
    """What is being worked on.

    Attributes:
        id: short and easy to type ("c-7KQ2"). owner: permanent id of whose it is.
        lines: all of them in their order, hidden ones included.
    """

    id: str
    owner: str
    opened: datetime
    lines: tuple[CaseLine, ...] = ()

    @property
    def version(self) -> int:
        """The number of its last line; 0 while there is none."""
        return self.lines[-1].seq if self.lines else 0

    @property
    def changed(self) -> datetime:
        return self.lines[-1].at if self.lines else self.opened

    @cached_property
    def visible(self) -> tuple[CaseLine, ...]:
        return tuple(line for line in self.lines if not line.hidden)

    @cached_property
    def turns(self) -> tuple[CaseLine, ...]:
        """The person's sentences; the first one is turn 1."""
        return tuple(line for line in self.visible if line.kind is Kind.PERSON)

    @property
    def goal(self) -> str:
        """What the person wants, in their words: the sentence that the first action came of, or the first one."""
        words = ""
        for line in self.visible:
            if line.kind is Kind.PERSON:
                words = str(line.body["words"])
            elif words and (line.kind is Kind.RESULT or (line.kind is Kind.MEMORY and line.body["action"])):
                return shorten(words, LONGEST_GOAL)
        first = str(self.turns[0].body["words"]) if self.turns else ""
        return shorten(first, LONGEST_GOAL)

    @cached_property
    def memory(self) -> Memory:
        for line in reversed(self.visible):
            if line.kind is Kind.MEMORY:
                return Memory(**line.body)
        return Memory()

    @property
    def at_the_door(self) -> bool:
        """A call was proposed, and how it ended did not get into the case: the log knows."""
        for line in reversed(self.lines):
            if line.kind is Kind.RESULT:
                return False
            if line.kind is Kind.MEMORY:
                return bool(line.body.get("stage") == Stage.PROPOSED)
        return False

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every call at the door, those before a rewind too."""
        return tuple(_step(line) for line in self.lines if line.kind is Kind.RESULT)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What was read from the systems, newest value of each thing."""
        found: dict[tuple[str, str, str], Fact] = {}
        for step in self.steps:
            for seen in step.receipt:
                found.pop((seen.system, seen.target, seen.what), None)
                found[seen.system, seen.target, seen.what] = Fact(step.at, seen, step.entry)
        return tuple(found.values())

    @property
    def receipts(self) -> tuple[Step, ...]:
        """The changes that were read back as promised."""
        return tuple(step for step in self.steps if step.proven and not step.reads)

    @property
    def requests(self) -> tuple[str, ...]:
        """The ids of the approvals that were asked for."""
        return tuple(dict.fromkeys(step.request for step in self.steps if step.request))

    @property
    def status(self) -> Status:
        """A sentence of its owner opens it again."""
        for line in reversed(self.visible):
            if line.kind is Kind.STATUS:
                return Status(line.body["status"])
            if line.kind is Kind.PERSON:
                break
        return Status.OPEN

    @property
    def resolution(self) -> Resolution | None:
        """What it came to, while it is closed."""
        if self.status is not Status.CLOSED:
            return None
        last = next(line for line in reversed(self.visible) if line.kind is Kind.STATUS)
        return Resolution(last.body["resolution"])

    @property
    def ticket(self) -> str:
        """The number of the ticket that it was handed over with last; "" for none."""
        for line in reversed(self.lines):
            if line.kind is Kind.STATUS and line.body.get("ticket"):
                return str(line.body["ticket"])
        return ""

    @property
    def done_after(self) -> tuple[Step, ...]:
        """What was really executed in the turns that a rewind has hidden."""
        return tuple(step for step in self.steps if step.hidden and step.took_effect)

    def cut(self, turn: int) -> int:
        """The number of the last line that stays when the case goes back to the end of a turn; 0: to its beginning."""
        if turn >= len(self.turns):
            return self.version
        return self.turns[turn].seq - 1

    def would_be(self, *, settled: bool) -> Resolution:
        """What closing it now makes of it.

        A change was asked for: only a receipt for the last one resolves it. Only questions: their answers do.

        Args:
            settled: no request of it waits any more, and each that was decided was done.
        """
        asked = [
            step for step in self.steps if not step.reads and step.outcome in _ASKED | {Outcome.CANCELLED}
        ]
        if asked:
            last = asked[-1]
            waits = any(step.outcome in (Outcome.UNKNOWN, Outcome.ACCEPTED) for step in asked)
            good = last.proven or (bool(last.request) and settled)
            return Resolution.RESOLVED if good and settled and not waits else Resolution.ABANDONED
        read = [step for step in self.steps if step.reads]
        return Resolution.ANSWERED if read and read[-1].proven else Resolution.ABANDONED


def folded(case: Case) -> Case:
    """The case with its rewinds applied: the lines between a cut and its rewind are hidden, and stay."""
    lines: list[CaseLine] = []
    for line in case.lines:
        if line.kind is Kind.REWIND:
            cut = int(line.body["after"])
            lines = [replace(one, hidden=True) if one.seq > cut else one for one in lines]
        lines.append(line)
    return replace(case, lines=tuple(lines))


def check_lines(case: Case) -> None:
    """Whether every line is what its kind says: its file may have been altered beside the program.

    Raises:
        ValueError, TypeError, KeyError: one is not.
    """
    for line in case.lines:
        body = line.body
        if line.kind in _TEXTS and not isinstance(body[_TEXTS[line.kind]], str):
            raise TypeError("its words are no text")
        if line.kind is Kind.STATUS:
            status = Status(body["status"])
            if status is Status.CLOSED:
                Resolution(body["resolution"])
        if line.kind is Kind.MEMORY:
            memory = Memory(**body)
            Stage(memory.stage)
            if not isinstance(memory.action, str):
                raise TypeError("its action is no text")
            dict(memory.arguments)
            for source in memory.provenance.values():
                Provenance(source)
        if line.kind is Kind.RESULT:
            step = _step(line)
            Outcome(step.outcome)
            dict(step.arguments)
        if line.kind is Kind.SAID:
            Outcome(body["outcome"])


def result_line(
    *,
    action: str,
    outcome: str,
    message: str,
    arguments: Mapping[str, Any],
    receipt: Sequence[Observation],
    entry: int | None,
    request: str,
    reads: bool,
    undoable: bool = False,
) -> Draft:
    """The line of a call that ended at the door."""
    return Kind.RESULT, {
        "action": action,
        "outcome": outcome,
        "message": message,
        "arguments": dict(arguments),
        "receipt": [[o.system, o.target, o.what, o.expected, o.observed] for o in receipt],
        "entry": entry,
        "request": request,
        "reads": reads,
        "undoable": undoable,
    }


def _step(line: CaseLine) -> Step:
    body = line.body
    return Step(
        at=line.at,
        action=body["action"],
        outcome=body["outcome"],
        message=body["message"],
        arguments=body["arguments"],
        receipt=tuple(Observation(*seen) for seen in body["receipt"]),
        entry=body["entry"],
        request=body["request"],
        reads=body["reads"],
        undoable=bool(body.get("undoable")),
        hidden=line.hidden,
    )
