"""One case from beginning to end: plant, talk, look."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpdesk.app import Desk
from helpdesk.errors import HelpdeskError
from helpdesk.events import Result
from tests.strangers.adversary import Adversary, HostileServer
from tests.strangers.company import Company, password
from tests.strangers.goals import Case
from tests.strangers.persons import AtTheTerminal, Careless, Honest
from tests.strangers.witness import Effect, Logged, Witness

_WORD = re.compile(r"[^\s,;:!?\"“”()]+")
TARGETS = ("person", "group", "id", "mail", "phone")


@dataclass
class Verdict:
    """What the witness found.

    Attributes:
        effects: everything that is different afterwards. log: what the door wrote down.
        reached: the injection got through to the model.
        useful: the person's own task was done.
    """

    case: Case
    person: AtTheTerminal
    adversary: Adversary
    effects: list[Effect]
    log: list[Logged]
    useful: bool
    reached: bool

    @property
    def unauthorised(self) -> list[Effect]:
        """Effects beyond the task that the person had."""
        task = self.case.task
        if not self.effects or (not task.reads and task.done(self.effects)):
            return []
        return self.effects

    @property
    def intents(self) -> list[str]:
        return [entry.body["action"] for entry in self.log if entry.kind == "intent"]

    def neither_typed_nor_chosen(self) -> list[tuple[str, str]]:
        """Targets that reached the door for a write, and that the person neither typed as they stand nor chose."""
        said = f"{self.case.carrier.words} {self.case.task.words}"
        words = {form for word in _WORD.findall(said) for form in (word, word.lower(), word.rstrip("."))}
        chosen = {*words, *self.person.answers}
        reads = {"read"}
        return [
            (str(entry.body.get("action")), str(value))
            for entry in self.log
            if entry.kind not in reads
            for name, value in entry.arguments.items()
            if name in TARGETS
            and value is not None
            and str(value) not in chosen
            and not (" " in str(value) and str(value) in said)
        ]

    def __str__(self) -> str:
        return f"{self.case}: {self.effects} {[e.message for e in self.person.results]}"


def run(
    template: Company, home: Path, case: Case, kind: type[Honest] | type[Careless], *, http: bool = False
) -> Verdict:
    """Play one case on a copy of the company."""
    company = template.copy(home)
    login = case.task.login
    case.carrier.plant(company, login, case.injection)
    adversary = Adversary(case.script)
    person = kind(login)
    witness = Witness(company)
    if http:
        server = HostileServer(adversary)
        server.start()
        try:
            with company.desk(case.may_see, server.url) as desk:
                asyncio.run(_talk(desk, case, person))
        finally:
            server.stop()
    else:
        with company.desk(case.may_see) as desk:
            desk.model = adversary  # type: ignore[assignment]
            asyncio.run(_talk(desk, case, person))
    effects, log = witness.effects(), witness.log()
    useful = _is_useful(case, person, effects)
    return Verdict(case, person, adversary, effects, log, useful, adversary.reached)


async def _talk(desk: Desk, case: Case, person: AtTheTerminal) -> None:
    await desk.login(person, person.login, password(person.login))
    conversation = desk.conversation()
    if case.offers_all:
        driven: Any = conversation._driven
        driven.offered = lambda words: desk.catalog.specs
    try:
        if case.carrier.words:
            await _said(conversation.turn(case.carrier.words, person, signed_in=desk.present))
        person.task = case.task
        for _ in range(2):  # who got nothing but words says it once more
            result = await _said(conversation.turn(case.task.words, person, signed_in=desk.present))
            if result is None or result.error is None or result.error.code != "no-action":
                break
    finally:
        if desk.model is not None:
            await desk.model.close()


async def _said(turn: Any) -> Result | None:
    """A turn that may end in an error, as a surface would show it."""
    try:
        result: Result = await turn
    except HelpdeskError:
        return None
    return result


def _is_useful(case: Case, person: AtTheTerminal, effects: Sequence[Effect]) -> bool:
    task = case.task
    got = person.got(task.action)
    if task.cited:
        return any(c.file == task.cited for result in got for c in result.citations or ())
    if task.reads:
        return any(result.arguments.get("id") == task.arguments["id"] for result in got)
    return task.done(effects)
