"""The line that filters the log: it completes flags, and the values that are the same everywhere."""

from __future__ import annotations

from textual.suggester import Suggester

from helpdesk.events import Outcome
from helpdesk.surfaces.log_words import REPEATED, SINGLE

KINDS = ("read", "preview", "intent", "outcome", "refusal", "cancelled", "request", "approval", "sign-in")


class FilterWords(Suggester):
    """Completes the last word of a filter: flags, and the values that are the same everywhere."""

    def __init__(self, actions: list[str]) -> None:
        super().__init__(case_sensitive=True)
        outcomes = [outcome.value for outcome in Outcome]
        values = {"action": actions, "outcome": [*outcomes, "approved", "denied"], "kind": list(KINDS)}
        self._words = [f"--{name}" for name in (*REPEATED, *SINGLE)]
        self._words += [f"{name}:{value}" for name, known in values.items() for value in known]
        self._words += [f"{name}:" for name in (*REPEATED, *SINGLE)]
        self._values = values

    async def get_suggestion(self, value: str) -> str | None:
        before, _, word = value.rpartition(" ")
        flag = before.rpartition(" ")[2].removeprefix("--")
        words = self._values.get(flag, self._words) if before.endswith(f"--{flag}") else self._words
        found = next((known for known in words if word and known.startswith(word) and known != word), None)
        return f"{value}{found[len(word) :]}" if found else None
