"""The demo as text: the welcome, each scene with its receipt, and how it ended."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from helpdesk.demo.company import EMPLOYEES, NAME, TEAMS, policies
from helpdesk.surfaces.columns import cells, table, wrap
from helpdesk.surfaces.look import Look, clean
from helpdesk.surfaces.render import receipt_line, result_lines

if TYPE_CHECKING:
    from helpdesk.demo.record import Line
    from helpdesk.demo.story import Played

INDENT = "   "
_TRY = (
    ("any of them", 'helpdesk ask "how long may I keep customer data?" --profile demo'),
    ("ines", 'helpdesk ask "I\'m locked out" --profile demo'),
    ("tomas", "helpdesk do password.reset lena --profile demo"),
    ("tomas", "helpdesk do password.reset greta --profile demo"),
    ("oskar", 'helpdesk ask "get me into finance-share" --profile demo'),
    ("priya", "helpdesk approvals list --profile demo"),
    ("any of them", "helpdesk log verify --profile demo"),
)


_BRIEF = {
    (True, True): "It was founded anew. Be anybody:",
    (True, False): "It was founded anew. Be anybody:",
    (False, True): "It was founded just now. Be anybody:",
    (False, False): "It is as you left it. Be anybody:",
}
"""By whether it was taken down before, and whether it is new."""


def opening(look: Look) -> list[str]:
    documents = sum(1 for _ in policies())
    text = (
        f"{NAME} makes lamps for lighthouses, and exists for this run only: {len(EMPLOYEES)} invented people, "
        f"{len(TEAMS)} groups, {documents} policy documents. Every scene is checked by its outcome, its receipt, "
        "and a look into the directory by somebody who has no part in it."
    )
    return wrap(text, look.width)


def welcome(look: Look, *, new: bool, taken_down: bool, brief: bool = False) -> list[str]:
    """Whom the visitor can be, and what to try.

    Args:
        brief: what comes next is asked below, so that all of it should stay on a screen of 24 lines.
    """
    state = (
        "It was founded anew: everything that was done in it before is gone."
        if taken_down
        else "It was founded just now."
        if new
        else "It was here already and is as you left it; helpdesk demo --reset founds it anew."
    )
    text = f"{NAME} makes lamps for lighthouses, and exists on this machine only. {state}"
    if brief:
        text = f"{NAME} makes lamps for lighthouses, on this machine only. {_BRIEF[taken_down, new]}"
        short = [(one.login, one.words, one.part) for one in EMPLOYEES]
        return [*wrap(text, look.width), *table(("login", "password", "who that is"), short, look), ""]
    rows = [(one.login, one.name, one.words, one.part) for one in EMPLOYEES]
    lines = [*wrap(text, look.width), ""]
    lines += table(("login", "name", "password", "who that is"), rows, look)
    lines += ["", *table(("as", "try"), _TRY, look)]
    where = _where()
    return [*lines, *wrap(where, look.width), ""] if where else [*lines, ""]


def _where() -> str:
    """How the commands are typed where a shell would not find the program; "" where it would."""
    if shutil.which("helpdesk"):
        return ""
    program = Path(sys.executable).parent / "helpdesk"
    if not program.exists():
        return "A shell does not find helpdesk here: install it first, for example with pipx install ."
    here = Path.cwd()
    shown = program.relative_to(here) if program.is_relative_to(here) else program
    return f"Your shell does not find helpdesk by itself: type {clean(shown)} instead, or put its folder on PATH."


def played_lines(played: Played, look: Look) -> list[str]:
    """One scene: what was said, the answer with its receipt, and what the directory says."""
    lines = ["", look.paint(f"{played.number}. {clean(played.title)}", "bold")]
    notes = [line for line in played.lines if line.speaker == "note"]
    spoken = [line for line in played.lines if line.speaker != "note"]
    before = notes[:1] if played.lines[:1] and played.lines[0].speaker == "note" else []
    for note in before:
        lines += _wrapped(look.paint(clean(note.text), "dim"), look)
    lines.append(f"{INDENT}{clean(played.who.name)} types: {look.paint(clean(played.says), 'bold')}")
    lines += [part for line in spoken for part in _spoken(line, played.who.login, look)]
    lines += [part for line in _answer(played, look) for part in _wrapped(line, look)]
    for note in notes[len(before) :]:
        lines += _wrapped(look.paint(clean(note.text), "dim"), look)
    lines += list(_checks(played, look))
    return lines


def _spoken(line: Line, login: str, look: Look) -> list[str]:
    mark = "│" if line.speaker == "host" else f"{clean(login)}>"
    return _wrapped(f"{mark} {clean(line.text)}", look)


def _answer(played: Played, look: Look) -> list[str]:
    """As ``helpdesk`` prints it, and always with its receipt."""
    result, inner = played.result, replace(look, width=look.width - len(INDENT))
    if result.citations:
        return result_lines(result, inner) + [receipt_line(seen, inner) for seen in result.receipt]
    return result_lines(replace(result, data=None, citations=None), inner)


def _checks(played: Played, look: Look) -> Iterator[str]:
    for fact in played.facts:
        if fact.holds and fact.what.startswith(("receipt:", "answer:")):
            continue  # it stands above
        mark = look.paint("✓", "green") if fact.holds else look.paint("✗", "red")
        yield from _wrapped(f"{mark} checked: {clean(fact.what)}: {clean(fact.observed)}", look)
    for problem in played.problems:
        yield from _wrapped(f"{look.paint('✗', 'red')} went wrong: {clean(problem)}", look)


def _wrapped(text: str, look: Look) -> list[str]:
    """Indented lines; what stands at the start of a line stays there for the lines that follow."""
    lines: list[str] = []
    for line in text.split("\n"):
        start = line[: len(line) - len(line.lstrip(" "))]
        hanging = INDENT + start + ("  " if start or line[:1] in "│✓✗…•" else "")
        if cells(INDENT + line) <= look.width:
            lines.append(INDENT + line)
            continue
        first, *more = wrap(line.strip(" "), max(look.width - cells(hanging), 20))
        lines += [INDENT + start + first, *(hanging + part for part in more)]
    return [line.rstrip() for line in lines]


def ending(played: Sequence[Played], scenes: int, look: Look) -> list[str]:
    """The last line: all is as it should be, or which scene is not."""
    bad = next((one for one in played if not one.ok), None)
    if bad is None and len(played) == scenes:
        done = f"All {scenes} scenes ended exactly as expected."
        return ["", look.paint("✓", "green") + f" {done}"]
    if bad is None:
        return [look.paint("✗", "red") + f" The story broke off after scene {len(played)} of {scenes}."]
    what = "; ".join(clean(problem) for problem in bad.problems)
    return [
        look.paint("✗", "red") + f" Scene {bad.number} of {scenes} ({clean(bad.title)}) went wrong: {what}."
    ]
