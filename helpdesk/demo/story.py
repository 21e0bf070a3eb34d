"""The story's machinery: who plays, how one scene is played, and how it is held to its word.

A scene is judged three times: by its outcome, by its receipt, and by what a witness finds in the directory.
The story runs on any directory: it is given a way to open a Desk, the people's names, and a witness.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from helpdesk.app import Desk
from helpdesk.demo.record import Line, Record
from helpdesk.demo.witness import Witness
from helpdesk.errors import HelpdeskError
from helpdesk.events import ErrorInfo, Outcome, Result, outcome_of
from helpdesk.ports import Interaction, SignedIn
from helpdesk.secrets import Secret


@dataclass(frozen=True, slots=True)
class Player:
    """Someone in the story, by their names in the directory at hand."""

    login: str
    name: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays which part.

    Attributes:
        locked: mistypes a password. desk: of the service desk. admin: has a privileged account.
        requester, owner: one wants into ``group``, the other decides about it and is a member.
        forgetful: forgot a password. absent: lost a laptop.
        question: something the policies answer. answer: the file, below ``policies``, that does.
    """

    locked: Player
    desk: Player
    admin: Player
    requester: Player
    owner: Player
    forgetful: Player
    absent: Player
    group: str
    phone: str
    new_password: Secret
    policies: Path
    question: str = "how long may I keep customer data?"
    answer: str = "data-retention.md"

    @property
    def players(self) -> tuple[Player, ...]:
        return (
            self.locked,
            self.desk,
            self.admin,
            self.requester,
            self.owner,
            self.forgetful,
            self.absent,
        )


class Part(Interaction, Protocol):
    """Someone at a terminal, in one scene.

    Attributes:
        record: what was said. told: secrets that the host showed to this person.
    """

    record: Record
    told: list[Secret]


Answers: TypeAlias = Mapping[str, "str | Secret"]
"""By the name of the question."""
Casting: TypeAlias = Callable[[Desk, Player, Answers], Part]


class Stage:
    """What the scenes share: a Desk for everyone, as if each sat at a terminal of their own.

    Attributes:
        request: the id of the request that waits. handed_over: a temporary password, told in person.
    """

    def __init__(self, open_desk: Callable[[], Desk], cast: Cast, witness: Witness, casting: Casting) -> None:
        self.cast = cast
        self.witness = witness
        self.request = ""
        self.handed_over: Secret | None = None
        self._open_desk = open_desk
        self._casting = casting
        self._desks: dict[str, Desk] = {}
        self._passwords = {player.login: player.password for player in cast.players}
        self._signed_out = {player.login for player in cast.players}

    def desk(self, player: Player) -> Desk:
        if player.login not in self._desks:
            self._desks[player.login] = self._open_desk()
        return self._desks[player.login]

    def part(self, player: Player) -> Part:
        answers: dict[str, str | Secret] = {
            "login": player.login,
            "password": self._passwords[player.login],
            "new_password": self.cast.new_password,
        }
        return self._casting(self.desk(player), player, answers)

    async def signed_in(self, player: Player, part: Part) -> SignedIn:
        """The player at their own desk: signed in the first time, and after each change of the password."""
        password = self._passwords[player.login] if player.login in self._signed_out else None
        signed_in = await self.desk(player).signed_in(part, login=player.login, password=password)
        self._signed_out.discard(player.login)
        return signed_in

    def knows(self, player: Player, password: Secret) -> None:
        """The player has another password from now on, and signs in with it."""
        self._passwords[player.login] = password
        self._signed_out.add(player.login)

    def close(self) -> None:
        """Close every desk, also when one of them cannot sign its log."""
        with ExitStack() as closing:
            while self._desks:
                closing.callback(self._desks.popitem()[1].close)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that must hold after a scene; ``what`` says where it was looked up."""

    what: str
    expected: str
    observed: str

    @property
    def holds(self) -> bool:
        return self.expected == self.observed


@dataclass(frozen=True, slots=True)
class Scene:
    """One exchange.

    Attributes:
        says: the command as the person types it.
        act: has it carried out. facts: what must hold afterwards, receipts and witness apart from the outcome.
        logged: it leaves an entry in the log.
        before: what happens in the company before, beside the program; returns a note for the visitor.
    """

    title: str
    who: Callable[[Cast], Player]
    says: Callable[[Stage], str]
    act: Callable[[Stage, Player, Part], Awaitable[Result]]
    facts: Callable[[Stage, Result], Sequence[Fact]]
    expected: Outcome = Outcome.DONE
    logged: bool = True
    before: Callable[[Stage], Awaitable[str]] | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """A scene as it went; ``problems`` is empty when it ended exactly as expected."""

    number: int
    title: str
    who: Player
    says: str
    lines: tuple[Line, ...]
    expected: Outcome
    result: Result
    facts: tuple[Fact, ...]
    problems: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        return not self.problems


async def play(scenes: Sequence[Scene], stage: Stage) -> AsyncGenerator[Played, None]:
    """Play one scene after the other; the first that goes wrong is the last."""
    try:
        for number, scene in enumerate(scenes, 1):
            played = await _play(number, scene, stage)
            yield played
            if not played.ok:
                return
    finally:
        stage.close()


async def _play(number: int, scene: Scene, stage: Stage) -> Played:
    who = scene.who(stage.cast)
    part = stage.part(who)
    facts: tuple[Fact, ...] = ()
    says = ""
    try:
        if scene.before is not None:
            part.record.note(await scene.before(stage))
        says = scene.says(stage)
        result = await scene.act(stage, who, part)
        if result.outcome is scene.expected:
            facts = tuple(scene.facts(stage, result))
    except HelpdeskError as error:
        info = ErrorInfo(error.code, error.message, error.hint)
        result = Result(outcome_of(error), "", error.message, error=info)
    problems = tuple(_problems(scene, result, facts))
    lines = tuple(part.record.lines)
    return Played(number, scene.title, who, says, lines, scene.expected, result, facts, problems)


def _problems(scene: Scene, result: Result, facts: Sequence[Fact]) -> list[str]:
    if result.outcome is not scene.expected:
        return [f"the outcome is {result.outcome}, not {scene.expected}"]
    problems = [f"{fact.what} is {fact.observed}, not {fact.expected}" for fact in facts if not fact.holds]
    if result.outcome is Outcome.DONE and not result.receipt:
        problems.append("it is called done without a receipt")
    problems += [
        f"the receipt says {seen.what} is {seen.observed}, not {seen.expected}"
        for seen in result.receipt
        if not seen.as_expected
    ]
    if scene.logged and result.entry is None:
        problems.append("it is not in the log")
    return problems


def fact_document(fact: Fact) -> dict[str, Any]:
    return {"what": fact.what, "expected": fact.expected, "observed": fact.observed}
