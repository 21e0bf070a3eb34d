"""Cases as they are kept: what their lines add up to, whose they are, and two programs that write one at once."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from helpdesk.conversation.case import Draft, Kind, Memory, Resolution, Stage, Status, result_line
from helpdesk.conversation.case_document import document, markdown
from helpdesk.conversation.cases import Cases, normal
from helpdesk.conversation.keeping import closing as closed
from helpdesk.conversation.keeping import rewind
from helpdesk.errors import Failed, NotFound, Stale, UsageError
from helpdesk.events import Observation
from tests.json_schema import problems

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
SEEN = Observation("directory", "bo", "account lock", "not locked", "not locked")


@pytest.fixture
def cases(tmp_path: Path) -> Cases:
    return Cases(tmp_path / "cases.db", lambda: NOW)


def said(words: str) -> Draft:
    return Kind.PERSON, {"words": words}


def remembered(action: str, stage: Stage = Stage.PROPOSED, **arguments: Any) -> Draft:
    return Kind.MEMORY, asdict(Memory(action, arguments, dict.fromkeys(arguments, "typed"), stage))


def ended(action: str, outcome: str = "done", **more: Any) -> Draft:
    given: dict[str, Any] = {
        "message": f"{action} ended.",
        "arguments": {},
        "receipt": (SEEN,) if outcome == "done" else (),
        "entry": 7,
        "request": "",
        "reads": False,
    }
    return result_line(action=action, outcome=outcome, **{**given, **more})


# ── what the lines add up to ──────────────────────────────────────────────────────────────────


def test_goal_slots_facts_receipts_and_requests_follow_from_the_lines(cases: Cases) -> None:
    case = cases.begin(
        "id-ana",
        [
            said("hello"),
            (Kind.SAID, {"outcome": "usage", "message": "Hello."}),
            said("unlock bo please"),
            remembered("password.unlock", person="bo"),
            ended("password.unlock", arguments={"person": "bo"}),
            said("and get me into finance-share"),
            remembered("access.request", group="finance-share"),
            ended("access.request", "pending", request="R-7K3F2Q", entry=9),
        ],
    )
    assert case.goal == "unlock bo please"
    assert [line.body["words"] for line in case.turns] == [
        "hello", "unlock bo please", "and get me into finance-share",
    ]  # fmt: skip
    assert [(step.action, step.entry) for step in case.receipts] == [("password.unlock", 7)]
    assert case.receipts[0].receipt == (SEEN,)
    assert [(fact.observation, fact.entry) for fact in case.facts] == [(SEEN, 7)]
    assert case.requests == ("R-7K3F2Q",)
    assert (case.memory.action, case.memory.arguments) == ("access.request", {"group": "finance-share"})
    assert (case.status, case.resolution, case.version) == (Status.OPEN, None, 8)


def test_a_case_that_ended_at_the_door_knows_that_its_end_is_missing(cases: Cases) -> None:
    case = cases.begin("id-ana", [said("unlock bo"), remembered("password.unlock", person="bo")])
    assert case.at_the_door
    cases.append(case.id, "id-ana", [ended("password.unlock")])
    assert not cases.get(case.id, "id-ana").at_the_door
    cases.append(case.id, "id-ana", [remembered("access.request", Stage.HALF)])
    assert not cases.get(case.id, "id-ana").at_the_door


def test_a_rewind_hides_what_was_said_and_keeps_what_was_done_in_view(cases: Cases) -> None:
    case = cases.begin(
        "id-ana",
        [
            said("who am I"), remembered("people.whoami"), ended("people.whoami", reads=True),
            said("unlock bo"), remembered("password.unlock", person="bo"), ended("password.unlock"),
            said("which groups are there"), ended("access.show", reads=True, entry=11),
        ],
    )  # fmt: skip
    back = rewind(cases, case, 1)
    assert [line.body["words"] for line in back.turns] == ["who am I"]
    assert back.memory.action == "people.whoami"
    assert [step.action for step in back.done_after] == ["password.unlock"]
    assert [step.action for step in back.receipts] == ["password.unlock"]  # it stays done
    cases.append(case.id, "id-ana", [said("unlock erik")])
    on = cases.get(case.id, "id-ana")
    assert [line.body["words"] for line in on.turns] == ["who am I", "unlock erik"]
    again = rewind(cases, on, 0)
    assert again.turns == ()
    assert again.memory == Memory()
    assert [step.action for step in again.done_after] == ["password.unlock"]
    told = document(again)
    assert problems(told, "case-1") == []
    assert [line["text"] for line in told["transcript"] if not line["hidden"]] == [
        "Back to the end of turn 0."
    ]
    assert "gone back before" in markdown(again)


@pytest.mark.parametrize("turn", [-1, 2, 99])
def test_there_is_no_going_back_to_a_turn_that_is_none(cases: Cases, turn: int) -> None:
    case = cases.begin("id-ana", [said("one"), said("two")])
    with pytest.raises(UsageError, match="no turn"):
        rewind(cases, case, turn)


# ── closing: by receipts and nothing else ─────────────────────────────────────────────────────

BROKEN = Observation("directory", "bo", "account lock", "not locked", "locked")


@pytest.mark.req("L10")
@pytest.mark.parametrize(
    ("lines", "settled", "expected"),
    [
        ([ended("password.unlock")], True, Resolution.RESOLVED),
        ([ended("password.unlock", "refused"), ended("password.unlock")], True, Resolution.RESOLVED),
        ([ended("password.unlock"), ended("access.grant", "cancelled")], True, Resolution.ABANDONED),
        ([ended("password.unlock", receipt=())], True, Resolution.ABANDONED),
        ([ended("password.unlock", receipt=(SEEN, BROKEN))], True, Resolution.ABANDONED),
        ([ended("password.unlock", "unknown"), ended("access.grant")], True, Resolution.ABANDONED),
        ([ended("access.request", "pending", request="R-1")], False, Resolution.ABANDONED),
        ([ended("access.request", "pending", request="R-1")], True, Resolution.RESOLVED),
        ([ended("password.unlock", "previewed")], True, Resolution.ABANDONED),
        ([ended("policy.search", reads=True)], True, Resolution.ANSWERED),
        ([ended("policy.search", "refused", reads=True)], True, Resolution.ABANDONED),
        ([(Kind.MODEL, {"text": "All done, your access is granted!"})], True, Resolution.ABANDONED),
        ([], True, Resolution.ABANDONED),
    ],
)
def test_only_a_receipt_for_the_last_that_was_wanted_resolves_a_case(
    cases: Cases, lines: Sequence[Draft], settled: bool, expected: Resolution
) -> None:
    case = cases.begin("id-ana", [said("please"), *lines])
    assert case.would_be(settled=settled) is expected


def test_a_sentence_opens_a_closed_case_again(cases: Cases) -> None:
    case = cases.begin("id-ana", [said("unlock bo"), ended("password.unlock")])
    cases.append(case.id, "id-ana", [closed(Resolution.RESOLVED)])
    shut = cases.get(case.id, "id-ana")
    assert (shut.status, shut.resolution) == (Status.CLOSED, Resolution.RESOLVED)
    assert cases.mine("id-ana") == []
    assert [one.id for one in cases.mine("id-ana", all=True)] == [case.id]
    assert cases.latest("id-ana") is None
    cases.append(case.id, "id-ana", [said("and now?")])
    assert cases.get(case.id, "id-ana").status is Status.OPEN
    assert [one.id for one in cases.mine("id-ana")] == [case.id]


# ── whose it is ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("D7")
def test_nobody_but_its_owner_opens_a_case_or_learns_that_it_is_there(cases: Cases) -> None:
    case = cases.begin("id-ana", [said("unlock bo")])
    for stranger in ("id-bo", "ID-ANA", "", "ana"):
        with pytest.raises(NotFound) as there:
            cases.get(case.id, stranger)
        with pytest.raises(NotFound) as nowhere:
            cases.get("c-ZZZZ", stranger)
        assert there.value.message == nowhere.value.message.replace("c-ZZZZ", case.id)
        with pytest.raises(NotFound):
            cases.append(case.id, stranger, [said("mine now")])
        with pytest.raises(NotFound):
            cases.version(case.id, stranger)
        assert cases.mine(stranger, all=True) == []
    assert cases.get(case.id, "id-ana").version == 1


def test_an_id_is_short_and_may_be_typed_in_any_way(cases: Cases) -> None:
    case = cases.begin("id-ana")
    assert len(case.id) == 6
    assert case.id.startswith("c-")
    for typed in (case.id, case.id.upper(), case.id.lower(), case.id[2:], f" {case.id} "):
        assert cases.get(typed, "id-ana").id == case.id
    assert normal("C-7kq2") == "c-7KQ2"


@pytest.mark.req("R8")
def test_nothing_of_a_sign_in_travels_with_a_case(cases: Cases) -> None:
    case = cases.begin("id-ana", [said("unlock bo"), ended("password.unlock")])
    told = str(document(case)) + markdown(case)
    assert "id-ana" not in told
    assert set(document(case)).isdisjoint({"owner", "actor", "signed_in", "password", "roles"})


def test_forgetting_a_person_takes_their_cases_away_and_no_others(cases: Cases, tmp_path: Path) -> None:
    cases.begin("id-ana", [said("the-word-to-forget")])
    kept = cases.begin("id-bo", [said("stays")])
    assert cases.forget("id-ana") == 1
    assert cases.mine("id-ana", all=True) == []
    assert cases.get(kept.id, "id-bo").goal == "stays"
    for file in tmp_path.iterdir():
        assert b"the-word-to-forget" not in file.read_bytes()


# ── the file ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("S1")
@pytest.mark.req("S5")
def test_no_line_keeps_what_looks_like_a_password_however_deep_it_stands(
    cases: Cases, tmp_path: Path
) -> None:
    canary = "correct-horse-77"
    cases.begin(
        "id-ana",
        [
            said(f"my password is {canary}"),
            (Kind.ANSWER, {"question": "Why?", "words": f"password: {canary}"}),
            (Kind.MODEL, {"text": f"Your password is {canary}."}),
            remembered("access.request", reason=f"my pin = {canary}"),
            ended(
                "access.request",
                "pending",
                arguments={"reason": f"secret: {canary}"},
                message=f"token: {canary}",
            ),
        ],
    )
    for file in tmp_path.iterdir():
        assert canary.encode() not in file.read_bytes()


@pytest.mark.req("S7")
def test_the_file_is_private(cases: Cases, tmp_path: Path) -> None:
    cases.begin("id-ana", [said("unlock bo")])
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_lines_are_never_changed(cases: Cases, tmp_path: Path) -> None:
    cases.begin("id-ana", [said("unlock bo")])
    with closing(sqlite3.connect(tmp_path / "cases.db")) as database:
        changing = pytest.raises(sqlite3.IntegrityError, match="never changed")
        with changing:
            database.execute("UPDATE lines SET body = '{}'")


def test_a_file_of_a_newer_program_is_left_alone(cases: Cases, tmp_path: Path) -> None:
    cases.begin("id-ana", [said("unlock bo")])
    with closing(sqlite3.connect(tmp_path / "cases.db")) as database:
        database.execute("PRAGMA user_version = 2")
    with pytest.raises(Failed, match="newer helpdesk") as error:
        cases.mine("id-ana")
    assert error.value.code == "cases-unavailable"


def test_reading_makes_no_file(cases: Cases, tmp_path: Path) -> None:
    assert cases.mine("id-ana", all=True) == []
    assert cases.latest("id-ana") is None
    with pytest.raises(NotFound):
        cases.get("c-7KQ2", "id-ana")
    assert list(tmp_path.iterdir()) == []


def test_the_case_that_changed_last_comes_first(tmp_path: Path) -> None:
    minutes = count()
    cases = Cases(tmp_path / "cases.db", lambda: NOW + timedelta(minutes=next(minutes)))
    first, second = cases.begin("id-ana", [said("one")]), cases.begin("id-ana", [said("two")])
    assert cases.latest("id-ana") == second
    cases.append(first.id, "id-ana", [said("again")])
    assert [case.id for case in cases.mine("id-ana")] == [first.id, second.id]


# ── two programs at once ──────────────────────────────────────────────────────────────────────

_WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from helpdesk.conversation.case import Kind
from helpdesk.conversation.cases import Cases

path, id, name = sys.argv[1:]
cases = Cases(Path(path), lambda: datetime.now(UTC))
for number in range(25):
    cases.append(id, "id-ana", [(Kind.PERSON, {"words": f"{name} {number}"}), (Kind.MODEL, {"text": f"to {name} {number}"})])
"""


@pytest.mark.req("R4")
def test_programs_that_write_one_case_at_once_lose_no_turn(cases: Cases, tmp_path: Path) -> None:
    case = cases.begin("id-ana")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path / "cases.db"), case.id, name],
            cwd=ROOT,
            env=os.environ,
        )
        for name in ("left", "right", "third")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    whole = cases.get(case.id, "id-ana")
    assert [line.seq for line in whole.lines] == list(range(1, 151))
    for name in ("left", "right", "third"):
        mine = [line.body["words"] for line in whole.turns if line.body["words"].startswith(name)]
        assert mine == [f"{name} {number}" for number in range(25)]
    pairs = zip(whole.lines[::2], whole.lines[1::2], strict=True)  # a turn's lines stand together
    assert all(second.body["text"] == f"to {first.body['words']}" for first, second in pairs)


def test_what_was_decided_on_an_older_version_is_not_written(cases: Cases) -> None:
    case = cases.begin("id-ana", [said("one"), said("two")])
    cases.append(case.id, "id-ana", [said("three")])
    with pytest.raises(Stale, match="another window"):
        rewind(cases, case, 1)
    with pytest.raises(Stale):
        cases.append(case.id, "id-ana", [closed(Resolution.ABANDONED)], expected=case.version)
    assert [line.body["words"] for line in cases.get(case.id, "id-ana").turns] == ["one", "two", "three"]


def test_texts_of_a_case_are_no_markup_in_an_export(cases: Cases) -> None:
    case = cases.begin("id-ana", [said("`x` [link](http://evil) \x1b[31mred\n# heading ``` end")])
    text = markdown(case)
    assert "\x1b" not in text
    assert "\n# heading" not in text
    assert "```` `x` [link](http://evil)" in text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("spell", {}),
        ("person", {}),
        ("person", {"words": ["a", "list"]}),
        ("model", [1]),
        ("status", {"status": "blessed"}),
        ("rewind", {"after": "x"}),
        ("result", {"action": "password.unlock"}),
        ("result", {**ended("password.unlock")[1], "outcome": "splendid"}),
        ("memory", {**remembered("password.unlock", person="bo")[1], "provenance": {"person": "root"}}),
        ("memory", {**remembered("password.unlock")[1], "arguments": "person"}),
        ("memory", {**remembered("password.unlock")[1], "stage": "confirmed"}),
        ("memory", {"action": "password.unlock", "confirmed_by": "person"}),
    ],
)
def test_a_line_that_no_conversation_wrote_ends_in_a_sentence(
    cases: Cases, tmp_path: Path, kind: str, body: Any
) -> None:
    good = cases.begin("id-ana", [said("unlock ben")])
    bad = cases.begin("id-ana", [said("unlock bo")])
    with closing(sqlite3.connect(tmp_path / "cases.db")) as database, database:
        line = (bad.id, 2, NOW.isoformat(), kind, json.dumps(body))
        database.execute("INSERT INTO lines VALUES (?, ?, ?, ?, ?)", line)
    with pytest.raises(Failed, match="damaged or altered") as caught:
        cases.get(bad.id, "id-ana")
    assert caught.value.code == "case-damaged"
    assert [case.id for case in cases.mine("id-ana")] == [good.id]
