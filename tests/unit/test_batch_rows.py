"""Batch files: what is a row, what is none, and that one bad row hides no other."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from helpdesk.actions.batch_rows import MAX_BYTES, MAX_ROWS, read_batch
from helpdesk.errors import UsageError
from tests.unit.door_world import catalog

pytestmark = pytest.mark.req("R7")


def read(text: str | bytes, action: str = "", **shared: Any) -> Any:
    data = text.encode() if isinstance(text, str) else text
    return read_batch(data, catalog().specs, action, shared)


def test_csv_rows_know_the_line_where_they_begin() -> None:
    text = '\ufeffperson,group\r\n\r\nana,"a ""quoted""\r\ngroup"\r\n , \r\nbo,ops\r\n'
    found = read(text, "access.grant")
    assert [(r.number, r.line, dict(r.arguments)) for r in found.rows] == [
        (1, 3, {"person": "ana", "group": 'a "quoted"\r\ngroup'}),
        (2, 6, {"person": "bo", "group": "ops"}),
    ]
    assert found.bad == ()
    assert found.digest == hashlib.sha256(text.encode()).hexdigest()


def test_every_row_may_name_its_own_action_and_use_its_own_columns() -> None:
    found = read("action,person,group\naccount.disable,ana,\naccess.revoke,ana,ops\n")
    assert [(r.action, dict(r.arguments)) for r in found.rows] == [
        ("account.disable", {"person": "ana"}),
        ("access.revoke", {"person": "ana", "group": "ops"}),
    ]


def test_json_lines_are_the_same_rows() -> None:
    found = read(
        '{"action": "account.disable", "person": "ana"}\n\n{"person": "bo", "action": "account.enable"}'
    )
    assert [(r.number, r.line, r.action) for r in found.rows] == [
        (1, 1, "account.disable"),
        (2, 3, "account.enable"),
    ]


@pytest.mark.parametrize(
    ("text", "action", "says"),
    [
        ("person\nana,bo\n", "account.disable", "2 cells"),
        ("person,group\nana\n", "access.grant", "1 cells"),
        ("persona\nana\n", "account.disable", "no argument 'persona'"),
        ("person\nana\n", "", "names no action"),
        ("action,person\naccount.dance,ana\n", "", "no action 'account.dance'"),
        ("action,person\naccount.enable,ana\n", "account.disable", "the command line says account.disable"),
        ("new_password\nsecret\n", "password.change", "a secret never stands in a batch file"),
        ("group,person\nops,\n", "access.grant", "needs person"),
        ('person\n"ana\n', "account.disable", "no CSV"),
        ('{"person": "ana"\n', "account.disable", "no JSON object"),
        ('{"person": ["ana"]}\n', "account.disable", "must be a text"),
        ('{"person": 1.5}\n', "account.disable", "must be a text"),
        ('{"person": NaN}\n', "account.disable", "no number"),
        ('{"person": "ana", "person": "bo"}\n', "account.disable", "a field twice"),
        ('{"a": ' + "[" * 100_000 + "\n", "account.disable", "no JSON object"),
        ('{"person": "a\\u0000b"}\n', "account.disable", "no system can store"),
    ],
)
def test_a_bad_row_says_why_and_hides_no_other(text: str, action: str, says: str) -> None:
    (bad,) = read(text, action).bad
    assert says in bad.error.message
    if not says.startswith("no CSV"):
        good = '{"person": "bo", "action": "account.disable"}' if text[0] == "{" else ""
        again = read(text.rstrip("\n") + "\n" + good, action)
        assert len(again.bad) == 1
        assert len(again.rows) == bool(good)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no rows"),
        (b"person\n", "no rows"),
        (b"person\n\xff\n", "not UTF-8"),
        (b"person;group\nana;ops\n", "not separated by commas"),
        (b"person,person\nana,bo\n", "repeated name"),
        (b"person,\nana,bo\n", "empty or a repeated"),
        (b"x" * (MAX_BYTES + 1), "larger than"),
        (b"person\n" + b"ana\n" * (MAX_ROWS + 1), "more than"),
    ],
)
def test_a_file_that_cannot_be_used_at_all(data: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read(data, "account.disable")


def test_shared_arguments_are_in_every_row_and_never_twice() -> None:
    found = read("person\nana\nbo\n", "access.grant", group="ops")
    assert [r.arguments["group"] for r in found.rows] == ["ops", "ops"]
    (bad,) = read("person,group\nana,ops\n", "access.grant", group="ops").bad
    assert "on the command line" in bad.error.message
