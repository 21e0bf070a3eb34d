"""The names that exist: people and groups of the live directory, as the signed-in person may see them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher, get_close_matches
from functools import partial
from itertools import pairwise
from typing import Protocol, TypeVar

from helpdesk.conversation.words import fold, is_everyday, occurs, stands, tokens
from helpdesk.errors import NotFound, Refused
from helpdesk.events import Choice
from helpdesk.identity import Group, Person
from helpdesk.ports import SignedIn

_T = TypeVar("_T")
DEADLINE = 15.0
"""Seconds for one look-up."""
LEAST_TYPED = 3
"""Characters of a name that others can be close to."""
NEAR_ASKED = 50
"""People that one look-up for close names may bring."""


class Vocabulary(Protocol):
    """Live names."""

    @property
    def me(self) -> Person: ...

    async def find_person(self, words: str) -> Sequence[Person]:
        """People whose login or name holds every word; a few at most."""

    async def near_people(self, words: str) -> Sequence[Person]:
        """People whose login or name is almost this, likeliest first: to be offered, never acted upon."""

    async def groups(self) -> Sequence[Group]: ...


class NoNames:
    """For a sign-in that may look nothing up, because a new password must be chosen first."""

    def __init__(self, signed_in: SignedIn) -> None:
        self._me = signed_in.actor.person

    @property
    def me(self) -> Person:
        return self._me

    async def find_person(self, words: str) -> Sequence[Person]:  # noqa: ARG002
        return ()

    async def near_people(self, words: str) -> Sequence[Person]:  # noqa: ARG002
        return ()

    async def groups(self) -> Sequence[Group]:
        return ()


class DirectoryVocabulary:
    """Looks names up with the directory rights of the signed-in person; each look-up once."""

    def __init__(self, signed_in: SignedIn) -> None:
        self._signed_in = signed_in
        self._people: dict[str, Sequence[Person]] = {}
        self._near: dict[str, Sequence[Person]] = {}
        self._groups: Sequence[Group] | None = None

    @property
    def me(self) -> Person:
        return self._signed_in.actor.person

    async def find_person(self, words: str) -> Sequence[Person]:
        if words not in self._people:
            self._people[words] = await _looked_up(lambda: self._signed_in.directory.find_people(words, 10))
        return self._people[words]

    async def near_people(self, words: str) -> Sequence[Person]:
        name = fold(words).strip()
        if len(name) < LEAST_TYPED:
            return ()
        if name not in self._near:
            found: dict[str, Person] = {}
            for piece in _pieces(name):
                people = await _looked_up(partial(self._signed_in.directory.find_people, piece, NEAR_ASKED))
                found |= {person.id: person for person in people}
            self._near[name] = near_people(name, list(found.values()))
        return self._near[name]

    async def groups(self) -> Sequence[Group]:
        if self._groups is None:
            self._groups = await _looked_up(lambda: self._signed_in.directory.groups())
        return self._groups


async def directory_vocabulary(signed_in: SignedIn) -> Vocabulary:
    """The vocabulary an application binds by default."""
    if signed_in.actor.must_change:
        return NoNames(signed_in)
    return DirectoryVocabulary(signed_in)


async def _looked_up(call: Callable[[], list[_T]]) -> Sequence[_T]:
    """The answer of a blocking look-up; nothing where the directory shows this person nothing."""
    import asyncio

    from helpdesk.errors import Unreachable

    try:
        return await asyncio.wait_for(asyncio.to_thread(call), DEADLINE)
    except (NotFound, Refused):
        return ()
    except TimeoutError:
        raise Unreachable(
            f"The directory gave no answer within {DEADLINE:.0f} seconds.",
            hint="Check [directory] url and the server, then try again.",
        ) from None


# ── matching ──────────────────────────────────────────────────────────────────────────────────


def is_named(person: Person, text: str) -> bool:
    """Whether ``text`` names this person beyond doubt: the login, the mail address or the whole name."""
    return any(label and occurs(label, text) for label in (person.login, person.mail, person.name))


def by_login(person: Person, text: str, others: Sequence[Person]) -> bool:
    """Whether the login stands in ``text`` in its own right, and not as a part of somebody else's name."""
    rest = fold(text)
    for other in others:
        if other.id != person.id and fold(person.login) in tokens(other.name):
            rest = rest.replace(fold(other.name), " ")
    return stands(person.login, text) and occurs(person.login, rest)


def is_exactly(person: Person, text: str) -> bool:
    """Whether ``text`` is this person's login, mail address or whole name and nothing else."""
    return fold(text.strip()) in {fold(person.login), fold(person.mail), fold(person.name)} - {""}


def person_choices(people: Sequence[Person]) -> tuple[Choice, ...]:
    return tuple(
        Choice(person.login, f"{person.name} ({person.login}){_alphabets(person.login + person.name)}")
        for person in people[:9]
    )


def group_choices(groups: Sequence[Group], most: int = 9) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            group.name,
            f"{group.name}{_alphabets(group.name)}"
            + (f" – {group.description}" if group.description else ""),
        )
        for group in groups[:most]
    )


def _alphabets(name: str) -> str:
    """A remark on a name with letters of several alphabets: it may look exactly like another one."""
    found = {unicodedata.name(letter, "?").partition(" ")[0] for letter in name if letter.isalpha()}
    return f" [letters of several alphabets: {', '.join(sorted(found)).lower()}]" if len(found) > 1 else ""


def near_people(name: str, people: Sequence[Person]) -> list[Person]:
    """Those of ``people`` whose login or a name of theirs is almost ``name``, likeliest first: at most five."""

    def likeness(person: Person) -> float:
        labels = {fold(person.login), fold(person.name), *tokens(person.name)} - {""}
        return max((SequenceMatcher(None, name, label).ratio() for label in labels), default=0.0)

    rated = sorted(((likeness(person), person) for person in people), key=lambda p: (-p[0], p[1].login))
    return [person for rate, person in rated if rate >= ALIKE][:5]


ALIKE = 0.7
"""How much of two names must be the same for one to be a slip for the other."""


def _pieces(name: str) -> list[str]:
    """Parts of a mistyped name that its right spelling is likely to have: few, and none of them too common."""
    words = tokens(name)
    found = [word[i : i + 3] for word in words for i in range(max(len(word) - 2, 1))]
    return list(dict.fromkeys([*found, *(word[:2] for word in words), *(word[-2:] for word in words)]))[:8]


def near_groups(words: str, groups: Sequence[Group]) -> list[Group]:
    """Groups whose names resemble something in ``words``, likeliest first: at most five."""
    by_shape: dict[str, Group] = {_shape(group.name): group for group in groups}
    said = [_shape(token) for token in tokens(words) if len(token) > 2 and not is_everyday(token)]
    said += [first + second for first, second in pairwise(said)]
    found: list[Group] = []
    for word in said:
        found += [by_shape[close] for close in get_close_matches(word, by_shape, n=3, cutoff=0.78)]
        found += [group for group in groups if word in _parts(group)]
    return list({group.id: group for group in found}.values())[:5]


def loosely_named(words: str, groups: Sequence[Group], *, parts: bool) -> tuple[str, str]:
    """A group that ``words`` name almost ("finance share"), and how; ("", "") when none or several are.

    Args:
        parts: a single part of the name ("vpn") is enough, if it is not an everyday word.
    """
    said = tokens(words)
    ways: dict[str, str] = {}
    for group in groups:
        whole = [part for part in re.split(r"[-_. ]+", fold(group.name)) if part]
        spaced = [said[i : i + len(whole)] for i in range(len(said))]
        if len(whole) > 1 and whole in spaced:
            return group.name, " ".join(whole)
        if parts:
            ways |= {part: group.name for part in whole if part in said and not is_everyday(part)}
    return (next(iter(ways.values())), next(iter(ways))) if len(set(ways.values())) == 1 else ("", "")


def _parts(group: Group) -> set[str]:
    return {_shape(part) for part in re.split(r"[-_. ]+", group.name)}


def _shape(name: str) -> str:
    return "".join(character for character in fold(name) if character.isalnum())
