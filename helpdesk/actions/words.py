"""Plain lists for the shell's completion: actions, their flags, and people and groups that were seen.

The shell reads them with its own builtins: completing starts no program, imports no plugin and waits for no
network. A list is written when the program has it anyway. Its first line is ``# SECONDS``, when it was
written; the shells leave lists of people and groups out once they are older than :data:`KEPT_DAYS`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpdesk.errors import HelpdeskError
from helpdesk.text import visible

if TYPE_CHECKING:
    from helpdesk.events import Result
    from helpdesk.spec import ActionSpec, Parameter

FOLDER = "words"
KEPT_DAYS = 30
LATELY = 5
PEOPLE, GROUPS, CASES = 500, 2000, 100
"""How many names a list holds at most; the ones seen last stay."""
_LONGEST = 128
_REFRESH_SECONDS = 24 * 3600
_KINDS = {"login": "people", "group": "groups", "secret": "files"}


def kind_of(parameter: Parameter) -> str:
    """What completes an argument's value: "people", "groups", "files", "choice:a|b", "switch" or "text"."""
    if parameter.choices:
        return "choice:" + "|".join(parameter.choices)
    if parameter.kind == "boolean":
        return "switch"
    return _KINDS.get(parameter.kind, "text")


def flag_lines(spec: ActionSpec) -> list[str]:
    """One action's values, as ``. KIND`` in their order, and its flags, as ``--flag KIND``."""
    lines = [f". {kind_of(p)}" for p in spec.parameters if p.required and p.kind != "secret"]
    for p in spec.parameters:
        lines.append(f"{p.flag}{'-file' if p.kind == 'secret' else ''} {kind_of(p)}")
        if p.kind == "boolean":
            lines.append(f"--no-{p.flag[2:]} switch")
    return lines


class Words:
    """The lists of one profile, below its cache folder. A list that cannot be written costs nothing else."""

    def __init__(self, cache: Path) -> None:
        self.folder = cache / FOLDER

    def actions(self, specs: Iterable[ActionSpec]) -> None:
        """Write which actions there are, and the flags of those that a site's own plugins bring.

        The flags of the shipped ones stand in the completion scripts. Lists of actions that are gone go too.
        """
        from helpdesk.config.schema import SHIPPED_PLUGINS

        specs = tuple(specs)
        wanted = {f"flags.{s.name}": flag_lines(s) for s in specs if s.plugin not in SHIPPED_PLUGINS}
        for name, lines in wanted.items():
            self._write(name, lines)
        self._write("actions", [spec.name for spec in specs])
        try:
            for old in self.folder.glob("flags.*"):
                if old.name not in wanted:
                    old.unlink(missing_ok=True)
        except OSError:
            return  # an old list stays until the next time

    def groups(self, names: Iterable[str]) -> None:
        """Keep the names of groups that somebody who signed in was shown."""
        self._seen("groups", names, GROUPS)

    def people(self, logins: Iterable[str]) -> None:
        """Keep the logins of people that somebody who signed in was shown."""
        self._seen("people", logins, PEOPLE)

    def cases(self, ids: Iterable[str]) -> None:
        """Keep the ids of cases that somebody who signed in was shown, the one seen last at the end."""
        self._seen("cases", ids, CASES)

    def used(self, person_id: str, action: str) -> None:
        """Keep that this person used an action just now."""
        kept = [action, *(name for name in self.lately(person_id) if name != action)]
        self._write(_lately(person_id), kept[:LATELY])

    def lately(self, person_id: str) -> list[str]:
        """The actions that this person used last, the latest one first."""
        return self.read(_lately(person_id))[1]

    def forget_people(self) -> str:
        """Drop the list of people, because somebody's name must go; why it is still there, or ""."""
        try:
            (self.folder / "people").unlink(missing_ok=True)
        except OSError as error:
            return f"{self.folder / 'people'} cannot be taken away: {error.strerror}."
        return ""

    def saw(self, result: Result, spec: ActionSpec | None) -> None:
        """Keep the people and groups of a result: what its arguments named, and what a read found."""
        found: dict[str, list[str]] = {"people": [], "groups": []}
        for p in spec.parameters if spec else ():
            value = result.arguments.get(p.name)
            if isinstance(value, str) and p.kind in ("login", "group"):
                found[_KINDS[p.kind]].append(value)
        _in_data(result.data, found)
        self.people(found["people"])
        self.groups(found["groups"])

    def read(self, name: str) -> tuple[int, list[str]]:
        """When a list was written, in seconds since 1970, and its words; ``(0, [])`` when there is none."""
        from helpdesk.platform import read_private

        try:
            first, *words = read_private(self.folder / name).decode().splitlines()
            return int(first.removeprefix("# ")), words
        except (OSError, ValueError, HelpdeskError):
            return 0, []

    def _seen(self, name: str, words: Iterable[str], most: int) -> None:
        new = [word for word in dict.fromkeys(words) if usable(word) and word[0] not in "-#"]
        if not new:
            return
        written, old = self.read(name)
        fresh = time.time() - written < _REFRESH_SECONDS
        if fresh and set(new) <= set(old):
            return
        if time.time() - written > KEPT_DAYS * 24 * 3600:
            old = []
        kept = [word for word in old if word not in set(new)] + new
        self._write(name, kept[-most:])

    def _write(self, name: str, lines: Iterable[str]) -> None:
        from helpdesk.platform import write_private

        text = "".join(f"{line}\n" for line in (f"# {int(time.time())}", *lines) if usable(line))
        try:
            write_private(self.folder / name, text.encode())
        except HelpdeskError:
            return  # completion knows fewer words, nothing else


def _lately(person_id: str) -> str:
    """The list of what somebody used: its name tells nobody whose it is."""
    return f"used.{hashlib.sha256(person_id.encode()).hexdigest()[:16]}"


def usable(word: str) -> bool:
    """Whether a word is safe on a screen and in a list of lines; nothing is ever cut or altered to fit."""
    return 0 < len(word) <= _LONGEST and visible(word, one_line=True) == word and word == word.strip()


def _in_data(data: Any, found: Mapping[str, list[str]]) -> None:
    """Logins and group names in what a read found: ``login``, ``group`` and ``groups`` of its records."""
    for record in data if isinstance(data, list) else [data]:
        if not isinstance(record, Mapping):
            continue
        found["people"].extend(v for v in [record.get("login")] if isinstance(v, str))
        groups = record.get("groups")
        names = [record.get("group"), *(groups if isinstance(groups, list) else ())]
        found["groups"].extend(v for v in names if isinstance(v, str))
