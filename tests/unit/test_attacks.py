"""Every attack of the corpus against everything that makes text for a screen."""

from __future__ import annotations

import io
import json

import pytest

from helpdesk.events import (
    Change,
    Choice,
    Citation,
    Confirmation,
    ErrorInfo,
    Event,
    ModelFinished,
    ModelSaid,
    Observation,
    Outcome,
    Progress,
    Proposed,
    Question,
    Result,
    Said,
    Warned,
)
from helpdesk.surfaces.columns import table
from helpdesk.surfaces.json_output import as_json, result_document
from helpdesk.surfaces.look import Look
from helpdesk.surfaces.output import Foreign
from helpdesk.surfaces.render import result_lines
from helpdesk.surfaces.telling import Teller, confirmation_lines, question_lines
from helpdesk.text import Untrusted, look_alikes, outside, shorten, visible
from tests.surfaces.attacks import CORPUS, FORGED_LINES, MARK, folded_by
from tests.surfaces.screen import OWN_MOVES, Screen, acting, cells, forged, raw

WIDTH = 60
SCREEN = Look(color=True, moves=True, width=WIDTH)
ATTACKS = pytest.mark.parametrize("attack", [pytest.param(text, id=name) for name, text in CORPUS.items()])


def safe(text: str, look: Look = SCREEN) -> bool:
    """Nothing acts, nothing is forged; what is wrong is shown by the failing test."""
    assert acting(text, OWN_MOVES) == []
    assert forged(Screen(look.width).feed(text).rows) == []
    return True


@pytest.mark.req("T1")
def test_the_checker_itself_finds_every_attack_that_is_left_raw() -> None:
    harmless = {
        "html",
        "markdown",
        "format",
        "roff",
        "json",
        "wide",
        "ambiguous",
        "right to left",
        "very long",
        "tabs",
    }
    harmless |= {"rich", "hangul in letters"}
    for name, attack in CORPUS.items():
        found = acting(attack) or forged(Screen(WIDTH).feed(attack).rows)
        assert bool(found) is (name not in harmless), name
    assert raw(b"caf\xe9") == ["invalid UTF-8 at 3"]


@pytest.mark.req("T1")
@ATTACKS
def test_the_sanitiser_leaves_nothing_that_acts(attack: str) -> None:
    assert acting(visible(attack)) == acting(outside(attack, one_line=False)) == []
    for line in (visible(attack, one_line=True), outside(attack), shorten(attack, 80)):
        assert acting(line) == []
        assert not set(line) & {"\n", "\t"}


def told(event: Event, look: Look) -> str:
    out = io.StringIO()
    teller = Teller(out, look, verbose=True)
    teller.tell(event)
    teller.tell(ModelFinished())
    teller.settle()
    return out.getvalue()


@pytest.mark.req("T1", "T2", "T3", "L3", "L10")
@ATTACKS
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_event_acts_on_the_terminal_or_forges_a_line(attack: str, encoding: str) -> None:
    look = Look(color=True, moves=True, width=WIDTH, encoding=encoding)
    events: list[Event] = [
        Said(f"It says: {attack}"),
        Warned(attack, attack),
        Progress("execute", attack),
        Proposed(attack, {attack: attack}),
    ]
    for event in events:
        assert safe(told(event, look), look)
    prose = told(ModelSaid(Untrusted(attack)), look)
    assert acting(prose, OWN_MOVES) == []
    rows = [row for row in Screen(WIDTH).feed(prose).rows if row]
    label = "model │ " if encoding == "utf-8" else "model | "
    assert all(row.startswith(label) for row in rows), "a line of the model's without its label"
    assert not any("✓" in row or "[ok]" in row or "┌" in row for row in rows)


@pytest.mark.req("T1", "T2", "T3")
@ATTACKS
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_result_acts_on_the_terminal_or_forges_a_line(attack: str, encoding: str) -> None:
    look = Look(color=True, moves=True, width=WIDTH, encoding=encoding)
    seen = Observation(attack, attack, attack, attack, attack)
    other = Observation(attack, attack, attack, attack, "different")
    cited = (Citation(attack, attack, attack, 1, Untrusted(attack)),) * 2
    change = Change(attack, attack, attack, attack, attack)
    results = [
        Result(Outcome.DONE, "people.find", attack, data=attack, receipt=(seen,)),
        Result(Outcome.DONE, "policy.search", attack, citations=cited),
        Result(Outcome.DONE, "policy.show", f"{attack}\n{attack}", citations=cited),
        Result(Outcome.PREVIEWED, attack, f"Would: {attack}", changes=(change,)),
        Result(Outcome.REFUSED, attack, attack, rule=attack, error=ErrorInfo(attack, attack, attack)),
        Result(Outcome.USAGE, "", attack, error=ErrorInfo("no-action", attack, attack)),
        Result(Outcome.UNKNOWN, attack, f"It is: {attack}", receipt=(other,), entry=3, undoable=True),
    ]
    for result in results:
        lines = [part for line in result_lines(result, look) for part in look.lines(look.fit(line))]
        text = "\n".join(lines)
        assert acting(text) == []
        rows = Screen(WIDTH).feed(text).rows
        names_it = result.error is not None or result.outcome is Outcome.UNKNOWN  # an error says whose it is
        assert names_it or forged(rows) == []
        assert all(cells(row) <= WIDTH for row in rows)
        document = as_json(result_document(result))
        assert document.isascii()
        assert acting(document) == []
        assert json.loads(document)["outcome"] == result.outcome.value


@pytest.mark.req("T1", "T3", "L3")
@ATTACKS
def test_a_confirmation_keeps_its_frame(attack: str) -> None:
    change = Change(attack, attack, attack, attack, attack)
    confirmation = Confirmation("d", "access.grant", attack, attack, attack, (change,), (attack,), (attack,))
    lines = confirmation_lines(confirmation, SCREEN)
    text = "\n".join(part for line in lines for part in SCREEN.lines(line))
    assert acting(text) == []
    rows = Screen(WIDTH).feed(text).rows
    assert (rows[0], rows[-1]) == ("┌─ Please confirm: access.grant", "└─")
    assert all(row.startswith("│ ") for row in rows[1:-1]), "something stands outside of the frame"
    assert not any(set(row[1:]) & set("┌│└║✓") for row in rows[1:])


@pytest.mark.req("T1", "T3")
@ATTACKS
def test_questions_tables_and_what_others_print(attack: str) -> None:
    question = Question("q", f"Which one: {attack}", "--q", (Choice(attack, attack),) * 2)
    assert safe("\n".join(part for line in question_lines(question) for part in SCREEN.lines(line)))
    for look in (SCREEN, Look(width=200), Look(plain=True)):
        rows = table(("one", "two", "three"), [(attack[:12], attack[:12], attack), ("a", "b", "c")], look)
        assert acting("\n".join(rows)) == []
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    stream = Foreign(out, "printed │ ")
    stream.write(attack)
    stream.buffer.write(attack.encode("utf-8", "surrogatepass"))
    stream.end()
    out.seek(0)
    printed = out.read()
    assert acting(printed) == []
    assert all(line.startswith("printed │ ") for line in printed.splitlines())


@pytest.mark.req("T1")
@ATTACKS
def test_columns_stay_straight_with_any_name(attack: str) -> None:
    name = attack.split("\n")[0][:40]
    lines = table(("name", "state"), [(name, "END"), ("plain", "END")], Look(width=2_000))
    places = {cells(line.partition("END")[0]) for line in lines[1:]}
    if "\ufe0f" not in visible(name):  # terminals do not agree on how wide a picture is
        assert len(places) == 1


@pytest.mark.req("T3")
@pytest.mark.parametrize("width", [20, 40, 61, 80, 200])
def test_a_terminal_never_folds_so_that_a_strangers_word_stands_at_the_left_edge(width: int) -> None:
    look = Look(moves=True, width=width)
    for line in FORGED_LINES:
        for attack in (folded_by(max(width, len(line)), line), " " * width + line, "日" * width + line):
            for event in (Said(f"It says {attack}"), ModelSaid(Untrusted(attack)), Warned(attack)):
                rows = Screen(width).feed(told(event, look)).rows
                assert [
                    row for row in rows[1:] if row and row[0] != " " and not row.startswith("model │ ")
                ] == []


@pytest.mark.req("T3")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fіnance-share", "U+0456"),
        ("сосо", "U+0441"),
        ("ａna", "fullwidth"),
        ("𝐚na", "mathematical"),
        ("ɑna", "U+0251"),
        ("Αna", "greek"),
        ("דוד", "right to left"),
    ],
)
def test_a_confirmation_says_when_a_name_is_not_what_it_looks_like(name: str, told: str) -> None:
    change = Change("directory", name, "member ana", "no", "yes")
    for confirmation in (
        Confirmation("d", "access.grant", "Make Ana a member.", "bo", "ana", (change,)),
        Confirmation("d", "access.grant", f"Make Ana a member of {name}.", "bo", name, ()),
        Confirmation("d", "access.grant", "Make Ana a member.", name, "ana", ()),
        Confirmation("d", "access.grant", "Make Ana a member.", "bo", "ana", (), approvers=(name,)),
    ):
        text = " ".join(line.removeprefix("│").strip() for line in confirmation_lines(confirmation, Look()))
        assert "! “" in text
        assert told in text


@pytest.mark.req("T3")
@pytest.mark.parametrize(
    "name", ["Zoë Müller", "Иван Петров", "日本 Inc", "Νίκος", "finance-share", "Łukasz 2"]
)
def test_honest_names_are_not_doubted(name: str) -> None:
    assert look_alikes(name) == ()


@pytest.mark.req("T3")
def test_marks_of_ours_are_written_by_nobody_else() -> None:
    for line in FORGED_LINES:
        assert not set(outside(line)) & set("✓✔✅┌│└║─")
        assert "[ok]" not in outside(line)
    assert outside(f"✓ {MARK}") == f"(tick) {MARK}"
    assert outside("[x] fine, [okay] [OKR]") == "[x] fine, [okay] [OKR]"
