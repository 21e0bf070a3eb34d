"""Live names for what is typed: people and groups of the directory, as whoever is signed in may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpdesk.errors import HelpdeskError
from helpdesk.events import Choice
from helpdesk.text import visible

if TYPE_CHECKING:
    from helpdesk.app import Desk
    from helpdesk.conversation.vocabulary import DirectoryVocabulary

LEAST = 2
"""Characters of a name before the directory is asked."""


class LiveNames:
    """A convenience: a directory that is away has no names, and the action itself says what is wrong."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._vocabulary: DirectoryVocabulary | None = None

    def forget(self) -> None:
        """Somebody else is there."""
        self._vocabulary = None

    async def beginning(self, kind: str, words: str) -> list[str]:
        """Logins or groups ("login", "group") for what was typed; the line must show what it holds."""
        found = [choice.value for choice in await self.choices(kind, words)]
        return [name for name in found if visible(name, one_line=True) == name]

    async def choices(self, kind: str, words: str) -> list[Choice]:
        """The same as choices, with their names in full."""
        who = self._desk.present
        if kind not in ("login", "group") or len(words) < LEAST or who is None or who.actor.must_change:
            return []
        from helpdesk.conversation.vocabulary import DirectoryVocabulary, group_choices, person_choices

        if self._vocabulary is None or self._vocabulary.me is not who.actor.person:
            self._vocabulary = DirectoryVocabulary(who)
        try:
            if kind == "group":
                groups = await self._vocabulary.groups()
                return list(
                    group_choices([g for g in groups if g.name.casefold().startswith(words.casefold())])
                )
            return list(person_choices(await self._vocabulary.find_person(words)))
        except HelpdeskError:
            return []
