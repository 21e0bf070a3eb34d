"""Keeps a conversation in its case as it goes: every sentence, every answer and every result, at once.

What is said before anybody signed in waits in memory: a case belongs to somebody from its first line, and of what
was said before it was known who is there, only the sentence that they signed in for is surely theirs. While somebody has a new password to choose nothing is kept, since any line could be that password (S1).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from helpdesk.actions.call import Call
from helpdesk.conversation import phrases
from helpdesk.conversation.case import Case, Draft, Kind, Memory, Resolution, Stage, Status, result_line
from helpdesk.conversation.cases import Cases
from helpdesk.conversation.listener import likeliest
from helpdesk.errors import HelpdeskError, NotSignedIn, Refused, UsageError
from helpdesk.events import Confirmation, Confirmed, Event, Outcome, Question, Result, Warned, Words
from helpdesk.ports import Hearing, Interaction, SignedIn
from helpdesk.secrets import Secret
from helpdesk.spec import ActionSpec

MOST_WAITING = 200
"""Lines that wait for a sign-in; of more, the newest."""
MAX_LISTED = 50
"""Observations of one result that go into the case; all of them are in the log."""


class Keeper:
    """One conversation's way into its case.

    Args:
        cases: ``None``: nothing is kept. case: the one to go on with; ``None`` begins one when it is needed.
        specs: the actions there are.
    """

    def __init__(self, cases: Cases | None, case: Case | None, specs: Sequence[ActionSpec]) -> None:
        self._cases = cases
        self._reads = {spec.name for spec in specs if spec.reads}
        self._id = case.id if case else ""
        self._owner = case.owner if case else ""
        self._version = case.version if case else 0
        self._there = False
        self._waiting: list[Draft] = []
        self._lock = threading.Lock()
        self._problem: HelpdeskError | None = None

    @property
    def id(self) -> str:
        """The case's id; "" while there is none."""
        return self._id

    # ── whose it is ───────────────────────────────────────────────────────────────────────────

    def who(self, signed_in: SignedIn | None, *, between: bool = False) -> bool:
        """Who is there now; whether that is known for the first time. Nothing of it is kept but whose the case is.

        Args:
            between: no sentence is being answered: what waits may be anybody's, and is dropped.

        Raises:
            Refused: the case is somebody else's; their words stay theirs.
        """
        self._there = False
        if signed_in is None:
            return False
        actor = signed_in.actor
        if self._owner and actor.person.id != self._owner:
            self._waiting.clear()
            raise Refused(
                f"This conversation is somebody else's, and you are signed in as {actor.login} now.",
                hint="Begin a new one: /case new in a chat, or helpdesk chat.",
                rule="your-own-cases",
            )
        if actor.must_change:
            self._waiting.clear()
            return False
        first, self._owner, self._there = not self._owner, actor.person.id, True
        if first:
            said = [at for at, (kind, _) in enumerate(self._waiting) if kind is Kind.PERSON]
            del self._waiting[: len(self._waiting) if between else (said[-1] if said else 0)]
        return first

    # ── writing ───────────────────────────────────────────────────────────────────────────────

    async def add(self, *drafts: Draft) -> None:
        """Write lines, durable when this returns; they wait while nobody is signed in."""
        if self._cases is None:
            return
        self._waiting = [*self._waiting, *drafts][-MOST_WAITING:]
        if self._there and self._waiting:
            await asyncio.to_thread(self._write)

    def _write(self) -> None:
        with self._lock:
            drafts, self._waiting = self._waiting, []
            if self._cases is None or not drafts:
                return
            try:
                if not self._id:
                    case = self._cases.begin(self._owner, drafts)
                    self._id, self._version = case.id, case.version
                else:
                    self._cases.append(self._id, self._owner, drafts)
                    self._version += len(drafts)
            except HelpdeskError as error:
                self._problem, self._cases = error, None

    def complain(self, interaction: Interaction) -> None:
        """Say once that the case could not be written; what was asked for goes on without it."""
        error, self._problem = self._problem, None
        if error is not None:
            interaction.emit(Warned(f"This conversation is not kept any more: {error.message}", error.hint))

    async def begun_elsewhere(self) -> Case | None:
        """The case, when another program added to it since this one last wrote or read it."""
        if self._cases is None or not self._id or not self._there:
            return None
        return await asyncio.to_thread(self._newer)

    def _newer(self) -> Case | None:
        if self._cases is None:
            return None
        try:
            if self._cases.version(self._id, self._owner) == self._version:
                return None
            case = self._cases.get(self._id, self._owner)
        except HelpdeskError as error:
            self._problem, self._cases = error, None
            return None
        self._version = case.version
        return case

    async def saved(self) -> Case | None:
        """The case as it is stored now; ``None`` while there is none."""
        if self._cases is None or not self._id:
            return None
        case = await asyncio.to_thread(self._cases.get, self._id, self._owner)
        self._version = case.version
        return case

    async def rewound(self, number: int) -> Case:
        """The case, back at the end of a turn.

        Raises:
            UsageError: there is no such turn, or no case. NotSignedIn: it is not known who asks.
            Stale: another program added to the case meanwhile.
        """
        if not self._there:
            raise NotSignedIn("You are not signed in.", hint="/login, or helpdesk login")
        case = await self.saved()
        if case is None or self._cases is None:
            raise UsageError("Nothing was said yet, so there is nothing to go back to.")
        case = await asyncio.to_thread(rewind, self._cases, case, number)
        self._version = case.version
        return case

    # ── what lines are made of ────────────────────────────────────────────────────────────────

    async def proposed(self, call: Call) -> None:
        """A call goes to the door: without a result after it, the log is asked how it ended."""
        provenance = {name: str(value) for name, value in call.provenance.items()}
        await self.remember(Memory(call.action, dict(call.arguments), provenance, Stage.PROPOSED))

    async def remember(self, memory: Memory) -> None:
        await self.add((Kind.MEMORY, asdict(memory)))

    async def ended(self, result: Result) -> None:
        """A call has come back from the door."""
        drafts = [line_of(result, reads=result.action in self._reads)]
        ticket = _ticket(result)
        if ticket:
            drafts.append(
                (Kind.STATUS, {"status": Status.HANDED_OFF.value, "ticket": ticket, "entry": result.entry})
            )
        await self.add(*drafts)


def line_of(result: Result, *, reads: bool) -> Draft:
    """The line of a result."""
    return result_line(
        action=result.action,
        outcome=result.outcome.value,
        message=result.message,
        arguments=result.arguments,
        receipt=result.receipt[:MAX_LISTED],
        entry=result.entry,
        request=result.request or "",
        reads=reads,
        undoable=result.undoable,
    )


def rewind(cases: Cases, case: Case, number: int) -> Case:
    """The case, back at the end of a turn; blocking. Raises UsageError, Stale."""
    if not 0 <= number < len(case.turns):
        raise UsageError(
            f"There is no turn {number} to go back to: the case has {len(case.turns)}.",
            hint=f"helpdesk case show {case.id} numbers them.",
        )
    body = {"turn": number, "after": case.cut(number)}
    cases.append(case.id, case.owner, [(Kind.REWIND, body)], expected=case.version)
    return cases.get(case.id, case.owner)


def closing(resolution: Resolution) -> Draft:
    return Kind.STATUS, {"status": Status.CLOSED.value, "resolution": resolution.value}


def _ticket(result: Result) -> str:
    """The number of the ticket that the matter was handed over with, as it was read back; "" for none."""
    if result.action != phrases.HANDOFF or result.outcome is not Outcome.DONE:
        return ""
    return next((seen.observed for seen in result.receipt if seen.what == "number"), "")


class Noting:
    """Passes everything on to the person, and notes what they were asked and what they said; never a secret.

    Args:
        half: the call that is being filled, before a question about it; ``None`` for another question.
    """

    def __init__(self, person: Hearing, keeper: Keeper, half: Callable[[Question], Memory | None]) -> None:
        self._person = person
        self._keeper = keeper
        self._half = half

    def emit(self, event: Event) -> None:
        self._person.emit(event)

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        return await self._person.confirm(confirmation)

    async def ask(self, question: Question) -> Words:
        half = self._half(question)
        if half is not None:
            await self._keeper.remember(half)
        answer = await self._person.ask(question)
        if half is not None and not question.secret:
            body: Mapping[str, Any] = {"question": question.text, "words": likeliest(answer)}
            await self._keeper.add((Kind.ANSWER, body))
        return answer

    async def ask_secret(self, question: Question) -> Secret:
        return await self._person.ask_secret(question)

    def ensure_can_reveal(self) -> None:
        self._person.ensure_can_reveal()

    async def reveal(self, secret: Secret, label: str) -> None:
        await self._person.reveal(secret, label)
