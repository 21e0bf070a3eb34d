"""What a conversation remembers between turns: the last call, who and what was spoken of, what was told last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from helpdesk.actions.call import Provenance
from helpdesk.conversation.slots import Slots
from helpdesk.events import Outcome, Result
from helpdesk.spec import ActionSpec

Object: TypeAlias = Literal["login", "group"]


@dataclass(slots=True)
class LastCall:
    """The call proposed last: what "no, I meant …" corrects and "the same for …" repeats."""

    spec: ActionSpec
    slots: Slots
    result: Result | None = None

    @property
    def stands(self) -> bool:
        """It was carried out, so that a correction does not take it back."""
        return self.result is not None and self.result.outcome is Outcome.DONE and not self.spec.reads


@dataclass(frozen=True, slots=True)
class Mention:
    """People or groups that were spoken of together.

    Attributes:
        sources: by name, in whose words or by which read it was named first (L2).
        turn: number of the person's sentence.
    """

    sources: Mapping[str, Provenance]
    turn: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.sources)


@dataclass(slots=True)
class Recollection:
    """Nothing in here comes from a model or from untrusted text (L2).

    Attributes:
        turn: number of the present sentence, from 1.
        told: what the host told in this turn. before: … and in the one before.
    """

    last: LastCall | None = None
    turn: int = 0
    told: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    _spoken: dict[Object, Mention] = field(default_factory=dict)

    def mention(self, kind: Object, names: Iterable[str], source: Provenance) -> None:
        """Note names that exist. Those of one turn stand together, so that "her" is asked where it fits two."""
        before = self._spoken.get(kind)
        kept = before.sources if before is not None and before.turn == self.turn else {}
        together = {**dict.fromkeys(names, source), **kept}
        if together:
            self._spoken[kind] = Mention({**kept, **together}, self.turn)

    def begin(self, number: int) -> None:
        """A new sentence of the person, their ``number``-th."""
        self.turn = number
        self.before, self.told = self.told or self.before, []

    def spoken(self, kind: Object) -> Mention | None:
        """Whom or what a pronoun can point at: everything of the latest turn that named any."""
        return self._spoken.get(kind)

    def note(self, spec: ActionSpec, slots: Slots) -> None:
        """The names in a call's arguments are what it is about."""
        for parameter in spec.parameters:
            value = slots.arguments.get(parameter.name)
            source = slots.provenance.get(parameter.name)
            if value and source in _TRUSTED and (parameter.kind == "login" or parameter.kind == "group"):
                self.mention(parameter.kind, (str(value),), source)

    def tell(self, text: str) -> None:
        self.told.append(text)

    def again(self) -> Sequence[str]:
        """What "say that again" repeats: the end of what was told last, before this sentence."""
        return self.before[-_AGAIN:]


_TRUSTED = frozenset({Provenance.TYPED, Provenance.CHOSEN, Provenance.READ})
_AGAIN = 6
"""Pieces that are repeated at most."""
