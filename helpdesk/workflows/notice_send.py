"""Notices on their way: durably with a worker, or at once without one.

With a worker a notice is a run. A letter goes in two steps: everything up to the last word, and the last word. Between
attempts it waits, for days if the server is away. A process that dies before the last word leaves nothing sent; one
that dies right after it leaves a letter that nobody knows about, which is told and not sent again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any, Protocol

from helpdesk.engine import Document, Durably
from helpdesk.errors import Failed, HelpdeskError, OutcomeUnknown, Refused, Unreachable
from helpdesk.identity import Person
from helpdesk.lanes import waited
from helpdesk.mail import Handing, Letter, Mail, State
from helpdesk.workflows.notice_text import Text
from helpdesk.workflows.notices import Notice, notice_from

PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0)
"""Seconds between attempts; the last one again and again."""
LONGEST = timedelta(days=3)
"""After so long a notice is given up, and said to be."""
SENT, GIVEN_UP, UNSURE, NOTHING = "sent", "given-up", "unsure", "nothing-to-say"


class Hook(Protocol):
    """Where notices are posted to as well (:class:`helpdesk.connectors.webhook.Webhook`)."""

    def post(self, document: dict[str, Any], delivery: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Ways:
    """How people are told.

    Attributes:
        mail, hook: ``None`` where there is none.
        compose: what a notice says now; ``None``: nothing any more. find: the person with an id.
        log: notes how a notice ended: the notice, "sent" and so on, and a sentence.
    """

    mail: Mail | None
    hook: Hook | None
    compose: Callable[[Notice], Text | None]
    find: Callable[[str], Person]
    log: Callable[[Notice, str, str], None]

    def letters(self, notice: Notice, text: Text) -> list[Letter]:
        """Raises Failed: they have no address. NotFound, Unreachable, Refused: nobody can tell."""
        if self.mail is None:
            return []
        to = notice.addresses or tuple(filter(None, [self.find(notice.to).mail]))
        if not to:
            raise Failed(
                f"{notice.name or notice.to} has no mail address in the directory.", code="no-address"
            )
        return [Letter(address, notice.name, text.subject, text.body, by_itself=True) for address in to]


# ── with a worker ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sending:
    """The handler of runs of the kind "notice"."""

    ways: Ways
    pauses: Sequence[float] = PAUSES
    _open: dict[str, Handing] = field(default_factory=dict)

    async def __call__(self, durably: Durably, document: Document) -> Document:
        """Send one notice; how it ended."""
        try:
            notice = notice_from(document)
        except (ValueError, KeyError, TypeError) as error:
            raise Refused("This notice is not written as ours are.", code="sealed") from error
        since = await durably.now()
        for attempt in count(1):
            composed = await durably.step(f"compose:{attempt}", lambda: self._composed(notice))
            trouble = str(composed.get("trouble", ""))
            if not trouble:
                break
            await durably.note({"trouble": trouble, "tries": attempt})
            if composed.get("for-good") or await durably.now() - since > LONGEST:
                return await self._ended(durably, notice, GIVEN_UP, trouble)
            await self._pause(durably, attempt)
        if "document" not in composed:
            return await self._ended(durably, notice, NOTHING, "")
        ends = [
            await self._mailed(durably, number, Letter(**letter))
            for number, letter in enumerate(composed["letters"], 1)
        ]
        if self.ways.hook is not None:
            ends.append(await self._posted(durably, notice, composed["document"]))
        worst = next((end for end in ends if end[0] == GIVEN_UP), None) or next(
            (end for end in ends if end[0] == UNSURE), (SENT, "")
        )
        return await self._ended(durably, notice, *worst)

    async def _composed(self, notice: Notice) -> Document:
        try:
            text = await waited(self.ways.compose, notice)
            if text is None:
                return {}
            letters = await waited(self.ways.letters, notice, text)
        except Unreachable as error:
            return {"trouble": error.message}
        except HelpdeskError as error:
            return {"trouble": error.message, "for-good": True}
        plain = [
            {"to": one.to, "name": one.name, "subject": one.subject, "body": one.body, "by_itself": True}
            for one in letters
        ]
        return {"letters": plain, "document": text.document}

    async def _mailed(self, durably: Durably, number: int, letter: Letter) -> tuple[str, str]:
        key = f"{durably.id}/{number}"
        since = await durably.now()
        for attempt in count(1):
            name = f"letter-{number}:{attempt}"
            reached = await durably.step(f"{name}:reach", lambda: self._reach(durably, letter, key))
            state, why = str(reached["state"]), str(reached.get("why", ""))
            if state == "ready":
                token = str(reached["token"])
                said = await durably.step(f"{name}:say", partial(self._say, durably, key, token))
                state, why = str(said["state"]), str(said.get("why", ""))
            if state != "later":
                return {"taken": SENT, "no": GIVEN_UP, "unsure": UNSURE}[state], why
            await durably.note({"trouble": why, "tries": attempt, "to": letter.to})
            if await durably.now() - since > LONGEST:
                return GIVEN_UP, why
            await self._pause(durably, attempt)
        raise AssertionError("it counts for ever")

    async def _reach(self, durably: Durably, letter: Letter, key: str) -> Document:
        """Everything up to the last word; the connection stays in this process."""
        assert self.ways.mail is not None
        try:
            handing = await waited(self.ways.mail.begin, letter, key)
        except HelpdeskError as error:
            return _how(error)
        if handing is None:
            return {"state": "taken"}
        stale = self._open.pop(key, None)
        if stale is not None:
            stale.abandon()
        self._open[key] = handing
        return {"state": "ready", "token": durably.token}

    async def _say(self, durably: Durably, key: str, token: str) -> Document:
        """The last word, from the process that has the connection; another one asks what became of it."""
        handing = self._open.pop(key, None)
        if handing is None or token != durably.token:
            return await self._of_another(key)
        try:
            durably.still_mine()
        except HelpdeskError:
            handing.abandon()
            raise
        try:
            await waited(handing.finish)
        except HelpdeskError as error:
            handing.abandon()
            return _how(error)
        return {"state": "taken"}

    async def _of_another(self, key: str) -> Document:
        assert self.ways.mail is not None
        known = await waited(self.ways.mail.state, key)
        if known in (State.ACCEPTED, State.ARRIVED):
            return {"state": "taken"}
        if known is State.NOT_SENT:  # noted by this machine before the last word
            return {"state": "later", "why": "The program that was sending it died."}
        return {"state": "unsure", "why": "The program that was sending it died at the last word."}

    async def _posted(self, durably: Durably, notice: Notice, document: Document) -> tuple[str, str]:
        """A server that gets it twice knows by its delivery id that it is one."""
        since = await durably.now()
        for attempt in count(1):
            posted = await durably.step(f"hook:{attempt}", lambda: self._post(document, notice.id))
            state, why = str(posted["state"]), str(posted.get("why", ""))
            if state == "taken":
                return SENT, ""
            if state == "no" or await durably.now() - since > LONGEST:
                return GIVEN_UP, why
            await self._pause(durably, attempt)
        raise AssertionError("it counts for ever")

    async def _post(self, document: Document, delivery: str) -> Document:
        assert self.ways.hook is not None
        try:
            await waited(self.ways.hook.post, document, delivery)
        except Unreachable as error:
            return {"state": "later", "why": error.message}
        except HelpdeskError as error:
            return {"state": "no", "why": error.message}
        return {"state": "taken"}

    async def _pause(self, durably: Durably, attempt: int) -> None:
        seconds = self.pauses[min(attempt, len(self.pauses)) - 1]
        await durably.sleep_until(await durably.now() + timedelta(seconds=seconds))

    async def _ended(self, durably: Durably, notice: Notice, end: str, why: str) -> Document:
        async def log() -> Document:
            if end != NOTHING:
                await waited(self.ways.log, notice, end, why)
            return {}

        await durably.step("log", log)
        return {"end": end, "why": why}


def _how(error: HelpdeskError) -> Document:
    if isinstance(error, OutcomeUnknown) or (isinstance(error, Unreachable) and error.maybe_applied):
        return {"state": "unsure", "why": error.message}
    if isinstance(error, Unreachable):
        return {"state": "later", "why": error.message}
    return {"state": "no", "why": error.message}


# ── without one ───────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class AtOnce:
    """Implements :class:`helpdesk.workflows.notices.Post` without a worker: sent now, beside the command, or not.

    One letter after the other. The command ends once they are gone or given up; it does not fail because of them. What
    has to wait for its hour is not sent.

    Args:
        failed: told what could not be sent, where not even that could be logged.
    """

    ways: Callable[[], Ways]
    failed: Callable[[Notice, str], None]
    _waiting: deque[Notice] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def __call__(self, notice: Notice) -> None:
        if notice.at is not None:
            return  # nobody is there then; whoever opens their list sees it
        try:
            ways = self.ways()
        except HelpdeskError as error:
            self.failed(notice, error.message)
            return
        if ways.hook is None and ways.mail is not None and ways.mail.reads_back:
            self._send(notice)  # a file of our own, which takes no time
            return
        with self._lock:
            self._waiting.append(notice)
            if self._thread is None:
                self._thread = threading.Thread(target=self._empty, name="notices", daemon=True)
                self._thread.start()

    def wait(self, within: float) -> None:
        """Until everything is gone or given up, or so many seconds have passed; what is left then is given up."""
        thread = self._thread
        if thread is not None:
            thread.join(within)
        while (notice := self._next()) is not None:
            self._failed(notice, Failed("The command ended before it could be sent."))

    def _empty(self) -> None:
        while (notice := self._next(last=True)) is not None:
            self._send(notice)

    def _next(self, *, last: bool = False) -> Notice | None:
        """The next one. ``last``: where there is none, the thread that asks ends."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            if last:
                self._thread = None
            return None

    def _send(self, notice: Notice) -> None:
        try:
            ways = self.ways()
            text = ways.compose(notice)
            if text is None:
                return
            for number, letter in enumerate(ways.letters(notice, text), 1):
                assert ways.mail is not None
                ways.mail.send(letter, f"{notice.id}/{number}")
            if ways.hook is not None:
                ways.hook.post(text.document, notice.id)
            ways.log(notice, SENT, "")
        except HelpdeskError as error:
            self._failed(notice, error)
        except Exception as error:  # noqa: BLE001 - what was to be told about stands, whatever broke here
            self._failed(notice, Failed(f"{type(error).__name__}: it broke."))

    def _failed(self, notice: Notice, error: HelpdeskError) -> None:
        end = UNSURE if _how(error)["state"] == "unsure" else GIVEN_UP
        try:
            self.ways().log(notice, end, error.message)
        except HelpdeskError as log:
            self.failed(notice, f"{error.message} And: {log.message}")
