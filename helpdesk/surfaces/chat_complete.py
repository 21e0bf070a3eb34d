"""What completes behind a slash command: actions and their flags, and names that were seen before. No network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from helpdesk.actions.words import flag_lines, kind_of
from helpdesk.spec import ActionSpec
from helpdesk.text import visible

MOST = 30
Completed = tuple[str, int, str]
"""A word, where it begins counted back from the cursor, and what it is."""


class Slash:
    """Completes slash commands.

    Args:
        commands: each with what it does. specs: the actions there are.
        listed: the words of a cached list: "people", "groups", "cases".
        after: the words that may follow a command, such as ``/case``.
    """

    def __init__(
        self,
        commands: Mapping[str, str],
        specs: Sequence[ActionSpec],
        listed: Callable[[str], Iterable[str]],
        after: Mapping[str, Sequence[str]],
    ) -> None:
        self._commands = commands
        self._specs = {spec.name: spec for spec in specs}
        self._listed = listed
        self._after = after

    def __call__(self, text: str) -> list[Completed]:
        """Completions of what stands before the cursor, which begins with a slash."""
        words = text.split(" ")
        word = words[-1]
        found = self._found(words)
        fitting = [(name, what) for name, what in found if name.startswith(word) and name != word]
        return [
            (visible(name, one_line=True), -len(word), visible(what, one_line=True))
            for name, what in fitting[:MOST]
        ]

    def _found(self, words: Sequence[str]) -> Iterator[tuple[str, str]]:
        name, given = words[0], [word for word in words[1:-1] if word]
        if len(words) == 1:
            yield from self._commands.items()
        elif name in ("/do", "/why") and not given:
            yield from ((spec.name, spec.summary) for spec in self._specs.values())
        elif name in ("/do", "/why"):
            yield from self._arguments(self._specs.get(given[0]), given[1:], words[-1])
        elif not given:
            yield from ((word, "") for word in self._after.get(name, ()))
            if name == "/resume":
                yield from self._names("cases")
        elif name == "/case" and given[0] in ("show", "close"):
            yield from self._names("cases")

    def _arguments(
        self, spec: ActionSpec | None, given: Sequence[str], word: str
    ) -> Iterator[tuple[str, str]]:
        if spec is None:
            return
        kinds = dict(line.split(" ", 1) for line in flag_lines(spec) if not line.startswith("."))
        before = given[-1] if given else ""
        if kinds.get(before, "switch") not in ("switch", "files"):
            yield from self._of_kind(kinds[before])
            return
        if word.startswith("-"):
            helps = {parameter.flag: parameter.help for parameter in spec.parameters}
            yield from ((flag, helps.get(flag, "")) for flag in kinds if not flag.endswith("-file"))
            return
        needed = [kind_of(p) for p in spec.parameters if p.required and p.kind != "secret"]
        values = _values(given, kinds)
        if values < len(needed):
            yield from self._of_kind(needed[values])

    def _of_kind(self, kind: str) -> Iterator[tuple[str, str]]:
        if kind.startswith("choice:"):
            yield from ((choice, "") for choice in kind.removeprefix("choice:").split("|"))
        elif kind in ("people", "groups"):
            yield from self._names(kind)

    def _names(self, kind: str) -> Iterator[tuple[str, str]]:
        what = {"people": "person", "groups": "group", "cases": "case"}[kind]
        yield from ((name, what) for name in reversed(list(self._listed(kind))))


def _values(given: Sequence[str], kinds: Mapping[str, str]) -> int:
    """How many of the words that were typed are values and no flags, nor a flag's."""
    count, flag = 0, ""
    for word in given:
        if flag:
            flag = ""
        elif word.startswith("-"):
            flag = "" if "=" in word or kinds.get(word, "switch") == "switch" else word
        else:
            count += 1
    return count
