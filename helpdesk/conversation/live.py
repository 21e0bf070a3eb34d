"""What words name, checked against the live directory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from helpdesk.conversation.clues import Clues
from helpdesk.conversation.dates import find_date
from helpdesk.conversation.slots import look_up, plain_value
from helpdesk.conversation.vocabulary import Vocabulary, loosely_named
from helpdesk.conversation.words import fold, occurs, stands
from helpdesk.identity import Group, Person
from helpdesk.spec import ActionSpec

_WANTS_IN = re.compile(
    r"\b(?:need|want|require|like|get|give|grant|add|put|join|let|request|access|into|remove|take|leave|out)\b"
)


async def live_clues(words: str, vocabulary: Vocabulary) -> Clues:
    """The clues of a sentence, with the names in it checked against the live directory."""
    groups = [group.name for group in await vocabulary.groups()]
    clues = Clues.of(words, groups=groups)
    sure, perhaps = await look_up(clues, vocabulary)
    known = [label for person in (*sure, *perhaps) for label in (person.login, *person.name.split())]
    if known:
        clues = Clues.of(words, people=known, groups=groups)
    else:
        clues = replace(clues, names_nobody=bool(clues.names))
    return clues if clues.groups else _with_near_group(clues, await vocabulary.groups())


def _with_near_group(clues: Clues, groups: Sequence[Group]) -> Clues:
    """The clues with the group that is named almost; its very name is settled when the argument is filled."""
    wants = bool(_WANTS_IN.search(fold(clues.told))) and not clues.asks
    name, said = loosely_named(clues.told, groups, parts=wants)
    if not name:
        return clues
    plain = re.sub(
        rf"\b{re.escape(said).replace(chr(92) + ' ', '[ _.-]+')}\b", "group", clues.plain, flags=re.IGNORECASE
    )
    return replace(clues, groups=(name,), plain=plain)


async def people_in(words: str, vocabulary: Vocabulary) -> tuple[list[Person], list[Person]]:
    """The people that ``words`` name beyond doubt, and those that they may mean."""
    clues = Clues.of(words, groups=[group.name for group in await vocabulary.groups()])
    return await look_up(clues, vocabulary)


async def groups_in(words: str, vocabulary: Vocabulary) -> list[Group]:
    """The groups whose very names stand in ``words``."""
    alike = [group for group in await vocabulary.groups() if occurs(group.name, words)]
    return [group for group in alike if stands(group.name, words)] or alike


async def named_in(
    words: str, spec: ActionSpec, vocabulary: Vocabulary, today: date, *, bare: bool = False
) -> dict[str, Any]:
    """The arguments, free texts excepted, that ``words`` name beyond doubt.

    Args:
        bare: the words are a value by themselves ("30 days", "friday"), without "for" or "until" in front.
    """
    found: dict[str, Any] = {}
    logins = [p for p in spec.parameters if p.kind == "login"]
    if logins:
        sure, _ = await people_in(words, vocabulary)
        if len(sure) <= len(logins):
            found |= {p.name: person.login for p, person in zip(logins, sure, strict=False)}
    groups = [p for p in spec.parameters if p.kind == "group"]
    if groups:
        exact = await groups_in(words, vocabulary)
        if len(exact) <= len(groups):
            found |= {p.name: group.name for p, group in zip(groups, exact, strict=False)}
    clues = Clues.of(words)
    for parameter in spec.parameters:
        if parameter.kind in ("date", "integer", "choice", "boolean"):
            value = plain_value(parameter, spec, words, clues, today, "")
            if value is None and parameter.kind == "date" and bare:
                value = day(words, today)
            if value is not None:
                found[parameter.name] = value
    return found


def day(words: str, today: date) -> str | None:
    """The day that ``words`` alone stand for: "friday", "30 days", "2026-12-31"."""
    bare = re.sub(r"^(?:the|on|by|it is|it's|only) ", "", fold(words).strip(" .!"))
    found = find_date(bare, today) or find_date(f"until {bare}", today) or find_date(f"for {bare}", today)
    return found.isoformat() if found else None
