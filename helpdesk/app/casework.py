"""The cases of whoever is signed in: opened, listed, closed, taken back to a turn, and brought up to the log."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpdesk.conversation.case import Case, Draft, Resolution, Status, result_line
from helpdesk.conversation.keeping import closing, rewind
from helpdesk.errors import MustChangePassword, NotFound, UsageError
from helpdesk.events import Observation

if TYPE_CHECKING:
    from helpdesk.app.parts import Parts
    from helpdesk.gate.audit import Entry
    from helpdesk.ports import SignedIn

_ENDS = ("outcome", "refusal", "cancelled", "request", "read", "preview", "intent")
_PAGE = 500
_OPEN = frozenset({"pending", "approved", "claimed"})


@dataclass(frozen=True, slots=True)
class Asked:
    """An approval that a case asked for, as it stands now.

    Attributes:
        state: of the request ("pending", "done", …); "gone" where its file does not hold it.
        waits_for: names of those who may decide. entry: of the log, once it was carried out.
    """

    id: str
    state: str
    waits_for: tuple[str, ...] = ()
    entry: int | None = None

    @property
    def open(self) -> bool:
        return self.state in _OPEN


class Casework:
    """What a surface does with cases. Each method looks at whose the case is; a sign-in is all that opens one.

    Args:
        parts: the stores behind the desk.

    Every method raises MustChangePassword for whoever must choose a new password first.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def get(self, id: str, signed_in: SignedIn) -> Case:
        """A case of this person. Raises NotFound, for somebody else's as well."""
        owner = _owner(signed_in)
        case = await asyncio.to_thread(self._parts.cases.get, id, owner)
        self._parts.words.cases([case.id])
        return case

    async def mine(self, signed_in: SignedIn, *, all: bool = False) -> list[Case]:
        """The open cases of this person, or all of them, the one that changed last first."""
        found = await asyncio.to_thread(self._parts.cases.mine, _owner(signed_in), all=all)
        self._parts.words.cases(case.id for case in reversed(found))
        return found

    async def latest(self, signed_in: SignedIn) -> Case:
        """The open case that changed last. Raises NotFound when there is none."""
        case = await asyncio.to_thread(self._parts.cases.latest, _owner(signed_in))
        if case is None:
            raise NotFound(
                "You have no open case to go on with.", hint="helpdesk case list --all shows the others."
            )
        return case

    async def close(self, id: str, signed_in: SignedIn) -> tuple[Case, Resolution]:
        """Close a case; what it came to follows from its receipts, not from who closes it.

        Raises:
            NotFound: there is none. UsageError: it is closed. Stale: it went on elsewhere meanwhile.
        """
        case = await self.get(id, signed_in)
        if case.status is Status.CLOSED:
            raise UsageError(f"Case {case.id} is closed already.", hint="helpdesk case list --all")
        asked = await self.asked(case)
        settled = all(one.state == "done" for one in asked)
        resolution = case.would_be(settled=settled)
        cases, owner = self._parts.cases, case.owner
        draft = closing(resolution)
        await asyncio.to_thread(lambda: cases.append(case.id, owner, [draft], expected=case.version))
        return await self.get(case.id, signed_in), resolution

    async def rewind(self, id: str, turn: int, signed_in: SignedIn) -> Case:
        """Go back to the end of a turn. Raises NotFound, UsageError, Stale."""
        case = await self.get(id, signed_in)
        return await asyncio.to_thread(rewind, self._parts.cases, case, turn)

    async def erased(self, entry: int) -> int:
        """Delete the cases of the person whose names an entry of the log says were erased; how many there were."""
        owner = str((await asyncio.to_thread(self._parts.audit.entry, entry)).body.get("person_id") or "")
        return await asyncio.to_thread(self._parts.cases.forget, owner) if owner else 0

    async def asked(self, case: Case) -> list[Asked]:
        """The approvals that the case asked for, as they stand now."""
        return await asyncio.to_thread(self._asked, case)

    def _asked(self, case: Case) -> list[Asked]:
        found = []
        for id in case.requests:
            try:
                request = self._parts.requests.get(id)
            except NotFound:
                found.append(Asked(id, "gone"))
                continue
            found.append(Asked(request.id, request.state.value, request.approver_names, request.entry))
        return found

    async def recover(self, case: Case) -> list[Draft]:
        """Lines for what the log knows of a case and the case does not: a crash came in between."""
        return await asyncio.to_thread(self._recover, case)

    def _recover(self, case: Case) -> list[Draft]:
        known = {step.entry for step in case.steps}
        reads = {spec.name for spec in self._parts.catalog.specs if spec.reads}
        ends: dict[int, Entry] = {}
        begun: dict[int, Entry] = {}
        before: int | None = None
        audit = self._parts.audit
        while entries := audit.entries(before=before, limit=_PAGE, newest_first=True, kinds=_ENDS):
            mine = [entry for entry in entries if entry.body.get("case") == case.id]
            for entry in mine:
                (begun if entry.kind == "intent" else ends)[entry.seq] = entry
            before = entries[-1].seq
            if entries[-1].time < case.opened:
                break
        ended = {entry.body.get("intent") for entry in ends.values()}
        left = [entry for seq, entry in begun.items() if seq not in ended]
        lost = [entry for entry in (*ends.values(), *left) if entry.seq not in known]
        return [_line(entry, reads) for entry in sorted(lost, key=lambda entry: entry.seq)]


def _owner(signed_in: SignedIn) -> str:
    if signed_in.actor.must_change:
        raise MustChangePassword(
            "You must choose a new password before you open a case.", hint="helpdesk do password.change"
        )
    return signed_in.actor.person.id


def _line(entry: Entry, reads: set[str]) -> Draft:
    """A result as its entry of the log tells it; an intent without an outcome is unknown."""
    import json

    body, personal = entry.body, entry.personal
    action = str(body.get("action", ""))
    unknown = "It was begun, and how it ended is not known yet: helpdesk reconcile"
    try:
        arguments = dict(json.loads(str(personal.get("arguments") or "{}")))
        receipt = tuple(Observation(**seen) for seen in json.loads(str(personal.get("receipt") or "[]")))
    except (ValueError, TypeError):
        arguments, receipt = {}, ()
    return result_line(
        action=action,
        outcome="unknown" if entry.kind == "intent" else str(body.get("outcome", "unknown")),
        message=unknown if entry.kind == "intent" else str(personal.get("message", "")),
        arguments=arguments,
        receipt=receipt,
        entry=entry.seq,
        request=str(body.get("request") or ""),
        reads=action in reads,
    )
