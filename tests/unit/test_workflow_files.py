"""Every mistake that a person makes in a workflow file has its sentence, with the line and what was meant."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpdesk.actions.catalog import build
from helpdesk.workflows import loading
from helpdesk.workflows.expressions import FUNCTIONS, BadExpression, CannotEvaluate, check, evaluate, fill
from helpdesk.workflows.loading import load, loads, problems_of
from helpdesk.workflows.model import workflow_from
from helpdesk.workflows.yaml_nodes import BadWorkflow
from tests.json_schema import load as json_schema
from tests.json_schema import problems

GOOD = """\
workflow: people.leave
version: "1"
summary: Somebody leaves
inputs:
  person: {type: login, ask: who leaves}
  note: {type: text, required: no}
  kind: {type: choice, choices: [laptop, desktop], default: laptop}
steps:
  - id: groups
    call: access.list
    with:
      person: ${person}
  - id: close
    call: account.disable
    with:
      person: ${person}
  - id: revoke
    for-each: groups.data
    as: membership
    call: access.revoke
    with:
      person: ${person}
      group: ${membership.group}
  - id: tell
    when: close.done and note != None
    call: ticket.open
    with:
      subject: "Equipment of ${person}: ${kind}"
outputs:
  ticket: ${seen(tell.receipt, 'number')}
"""


@cache
def specs() -> dict[str, Any]:
    return {spec.name: spec for spec in build()[0].specs}


def mistakes(tmp_path: Path, text: str | bytes) -> list[str]:
    file = tmp_path / "leave.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    _, found = problems_of(file, specs())
    return [str(one).removeprefix(str(file)) for one in found]


def test_the_good_one_is_good(tmp_path: Path) -> None:
    assert mistakes(tmp_path, GOOD) == []


def test_what_a_run_carries_with_it_is_the_same_workflow() -> None:
    workflow = loads(GOOD, "leave.yaml")
    again = workflow_from(workflow.document())
    assert again.document() == workflow.document()
    assert again.digest == workflow.digest


CHANGES: list[tuple[str, str, str]] = [
    # what is written, what is written instead, what is said of it
    ("workflow: people.leave", "workflow: Leave", ":1: 'Leave' is no name for a workflow."),
    ("workflow: people.leave\n", "", ":1: A workflow needs workflow:, which is missing."),
    ('version: "1"\n', "", ":1: A workflow needs version:, which is missing."),
    ("summary: Somebody leaves", "summary:", ":3: summary: has nothing behind it."),
    ("summary: Somebody leaves", "sumary: Somebody leaves", ":3: A workflow has no key 'sumary'. Did you mean summary?"),
    ("summary: Somebody leaves", "summary: [a, b]", ":3: The summary must be a value, not a list."),
    ("summary: Somebody leaves", "summary: Bye: now", ":3: a text with a colon in it needs quotation marks."),
    ("summary: Somebody leaves", "summary: 'Somebody leaves", "is not closed."),
    ("summary: Somebody leaves", "summary: x\nsummary: y", ":4: summary: stands there twice, first in line 3."),
    ("summary: Somebody leaves", "summary: x\non-failure: undoo", ":4: on-failure cannot be 'undoo'. Did you mean undo?"),
    ("summary: Somebody leaves", "summary: x\nallow: everyone", ":4: allow cannot be 'everyone'. Did you mean anyone?"),
    ("summary: Somebody leaves", "summary: x\nneeds-approval: boss", ":4: needs-approval cannot be 'boss'."),
    ("summary: Somebody leaves", "summary: *x", ":3: anchors and aliases"),
    ("summary: Somebody leaves", "summary: &x y", ":3: anchors and aliases"),
    ("summary: Somebody leaves", "summary: !!python/name:os.system x", "cannot be used."),
    ("summary: Somebody leaves", "summary: a\n---\nworkflow: b.c", ":5: a second document begins here"),
    ("  person: {type", "\tperson: {type", ":5: a tab stands at the beginning of the line. Indent with spaces."),
    ("type: login", "type: person", ":5: The type of person cannot be 'person'."),
    ("type: login", "type: logn", ":5: The type of person cannot be 'logn'. Did you mean login?"),
    ("type: login, ", "", ":5: The input person needs type:, which is missing."),
    ("type: login, ", "type: login, questoin: x, ", ":5: The input person has no key 'questoin'."),
    ("required: no}", "required: perhaps}", ":6: required must be yes or no, not 'perhaps'."),
    ("required: no}", "required: yes, default: x}", ":6: The input note is required and has a default"),
    ("default: laptop", "default: phone", ":7: The default of kind does not fit: --kind must be one of laptop, desktop"),
    ("choices: [laptop, desktop], default: laptop", "ask: what", ":7: The input kind needs its choices."),
    ("type: text, required", "type: text, choices: [a], required", ":6: The input note has choices, but its type is text."),
    ("  note:", "  Note:", ":6: 'Note' is no name for an input."),
    ("  note:", "  json:", ":6: No input can be called json: the program uses that name itself."),
    ("  note: {type: text, required: no}", "  note: {type: date, default: soon}", ":6: The default of note does not fit"),
    ("inputs:\n", "inputs: [person]\nother:\n", ":4: inputs must be a set of keys, not a list."),
    ("call: account.disable", "call: account.disabel", "There is no action 'account.disabel'. Did you mean account.disable"),
    ("call: account.disable", "call: disable", "'disable' is no action's name."),
    ("call: account.disable", "call: password.reset", "has a secret to show or to ask for"),
    ("    call: account.disable\n", "", ":13: This step does nothing. It has exactly one of: call, wait-for, parallel, steps."),
    ("    call: account.disable\n", "    call: account.disable\n    steps: []\n", "does more than one thing (call, steps)"),
    ("    call: account.disable\n", "    cal: account.disable\n", "A step has no key 'cal'. Did you mean call?"),
    ("  - id: close\n", "  - id: groups\n", ":13: The id groups is used twice, first in line 9."),
    ("  - id: close\n", "  - id: person\n", ":13: The id person is the name of an input already."),
    ("  - id: close\n", "  - id: Close it\n", ":13: 'Close it' is no id for a step."),
    ("  - id: close\n", "  - close\n  - id: close\n", ":13: A step must be a set of keys, not 'close'."),
    ("    with:\n      person: ${person}\n  - id: revoke", "  - id: revoke", "account.disable needs person."),
    ("      person: ${person}\n  - id: revoke", "      peson: ${person}\n  - id: revoke", "account.disable takes no argument 'peson'. Did you mean person?"),
    ("      person: ${person}\n  - id: revoke", "      person: {person}\n  - id: revoke", 'Write "${person}", with the quotation marks.'),
    ("      person: ${person}\n  - id: revoke", "      person: ${persn}\n  - id: revoke", ":16: person: nothing is called 'persn' here; did you mean person?"),
    ("      person: ${person}\n  - id: revoke", "      person: ${tell.message}\n  - id: revoke", ":16: person: nothing is called 'tell' here"),
    ("      person: ${person}\n  - id: revoke", "      person: ${groups.dta}\n  - id: revoke", ":16: person: groups has no 'dta'; did you mean groups.data?"),
    ("      person: ${person}\n  - id: revoke", "      person: ${person.login}\n  - id: revoke", ":16: person: person is a plain value, so it has no login."),
    ("      person: ${person}\n  - id: revoke", '      person: "${person"\n  - id: revoke', ":16: person: a ${ is not closed"),
    ("      person: ${person}\n  - id: revoke", '      person: "{{ person }}"\n  - id: revoke', ":16: person: {{ }} means nothing here. An expression is ${…}."),
    ("      person: ${person}\n  - id: revoke", "      person:\n  - id: revoke", ":16: person: has nothing behind it."),
    ("for-each: groups.data", "for-each: group.data", ":18: for-each: nothing is called 'group' here; did you mean groups?"),
    ("    as: membership\n", "    as: person\n", "person is the name of something else already."),
    ("    for-each: groups.data\n", "", "as: names the item of a for-each:, and there is none here."),
    ("when: close.done and note != None", "when: close.done = note", "to compare, write == and not ="),
    ("when: close.done and note != None", "when: close.done && note", "write and, or"),
    ("when: close.done and note != None", "when: close.done == true", "write True, False or None, and not true"),
    ("when: close.done and note != None", "when: note.upper() == 'X'", ".upper() cannot be called"),
    ("when: close.done and note != None", "when: uper(note) == 'X'", "there is no function uper(); did you mean upper()?"),
    ("when: close.done and note != None", "when: \"[x for x in groups.data]\"", "a comprehension cannot be used"),
    ("when: close.done and note != None", "when: 9 ** 9 ** 9", "** cannot be used in an expression"),
    ("when: close.done and note != None", "when: person.__class__", "cannot be used in an expression"),
    ("when: close.done and note != None", "when: length > 3", "length is a function: write length(…)"),
    ("    call: ticket.open\n", "    call: ticket.open\n    undo: auto\n", "ticket.open has no undo of its own: a ticket stays in the queue"),
    ("    call: ticket.open\n", "    call: ticket.open\n    undo: back\n", "undo cannot be 'back'."),
    ("    call: ticket.open\n", "    call: ticket.open\n    undo: {call: ticket.status, with: {id: x}}\n", "ticket.status only reads, so it takes nothing back."),
    ("    call: ticket.open\n", "    call: ticket.open\n    undo: {}\n", "undo needs one of call: and none:."),
    ("    call: access.list\n", "    call: access.list\n    undo: auto\n", "access.list only reads, so there is nothing to undo."),
    ("    call: ticket.open\n", "    call: ticket.open\n    retry: 1\n", "retry must be between 2 and 10, not '1'."),
    ("    call: ticket.open\n", "    call: ticket.open\n    retry: {times: 3, wiat: 5s}\n", "retry has no key 'wiat'. Did you mean wait?"),
    ("    call: ticket.open\n", "    call: ticket.open\n    retry: {times: 3, wait: soon}\n", "wait must be a length of time such as 30s, 5m, 2h or 3d, not 'soon'."),
    ("    call: ticket.open\n", "    call: ticket.open\n    timeout: 5\n", "timeout must be a length of time"),
    ("    call: ticket.open\n", "    call: ticket.open\n    after: closed\n", "No step before this one is called 'closed'. Did you mean close?"),
    ("    call: ticket.open\n", "    wait-for: {person: \"${person}\"}\n", "wait-for with a person needs ask:"),
    ("    call: ticket.open\n", "    wait-for: {moment: tomorrow}\n", "'tomorrow' is no moment."),
    ("    call: ticket.open\n", "    wait-for: {span: 1h, moment: 2026-12-31}\n", "wait-for needs one of person:, moment: and span:."),
    ("    call: ticket.open\n", "    wait-for: {span: 1h}\n", "with: belongs to a step with call:, and this is wait-for:."),
    ("outputs:\n  ticket: ${seen(tell.receipt, 'number')}", "outputs:\n  ticket: ${tel.message}", ":30: The output ticket: nothing is called 'tel' here; did you mean tell?"),
    ("steps:\n", "steps: []\nrest:\n", ":8: steps: holds no step."),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), CHANGES, ids=[said[:60] for _, _, said in CHANGES])
def test_a_mistake_has_its_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert GOOD.count(old) >= 1
    found = mistakes(tmp_path, GOOD.replace(old, new, 1))
    assert any(said in one for one in found), found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", ":1: the file is empty."),
        (b"# nothing\n", ":1: the file is empty."),
        (b"- a\n- b\n", ":1: A workflow file must be a set of keys, not a list."),
        (b"hello", ":1: A workflow file must be a set of keys, not 'hello'."),
        (b"workflow: \xff\xfe", ":1: the file is not UTF-8 text."),
        (b"a: " + b"x" * 300_000, ":1: the file is larger than 256 KiB."),
        (b"a: " + b"[" * 400 + b"]" * 400, "nested too deeply"),
        (b"a: [1, 2\nb: 3\n", ":2: "),
        (b"? [a]\n: b\n", "a key must be a word"),
        (b"a: @b", "needs quotation marks"),
    ],
)
def test_a_file_that_is_no_workflow_at_all_has_its_sentence(tmp_path: Path, text: bytes, said: str) -> None:
    found = mistakes(tmp_path, text)
    assert any(said in one for one in found), found


def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = (
        GOOD.replace("summary:", "sumary:")
        .replace("type: login", "type: logn")
        .replace("${person}", "${peson}", 1)
    )
    found = mistakes(tmp_path, text)
    lines = [int(one.split(":")[1]) for one in found]
    assert len(found) >= 4
    assert lines == sorted(lines)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadWorkflow, match="cannot be read"):
        load(tmp_path / "no.yaml")


def test_what_a_slip_shows_of_the_file_is_cleaned(tmp_path: Path) -> None:
    found = mistakes(tmp_path, GOOD.replace("summary: Somebody leaves", 'allow: "\\e[31mred"'))
    assert found
    assert "\x1b" not in "".join(found)


# ── expressions ───────────────────────────────────────────────────────────────────────────────

NAMES: dict[str, Any] = {
    "person": "ana", "count": 3, "yes": True, "nothing": None, "day": "2026-12-30",
    "groups": {"data": [{"group": "a", "n": 1}, {"group": "b", "n": 2}], "done": True},
    "receipt": [{"what": "number", "observed": "T-1"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("person", "ana"),
        ("person == 'ana' and count > 2", True),
        ("not yes or nothing == None", True),
        ("groups.data[1].group", "b"),
        ("groups.data[7].group", None),
        ("join(field(groups.data, 'group'), '; ')", "a; b"),
        ("length(groups.data) + 1", 3),
        ("'x' in ['x', 'y']", True),
        ("upper(person) + '-' + count", "ANA-3"),
        ("add_days(day, 3)", "2027-01-02"),
        ("otherwise(nothing, 'none')", "none"),
        ("'long' if count > 2 else 'short'", "long"),
        ("seen(receipt, 'number')", "T-1"),
        ("first(groups.data).n - 1", 0),
    ],
)
def test_expressions(text: str, value: Any) -> None:
    assert evaluate(text, NAMES) == value


@pytest.mark.req("P3")
@pytest.mark.parametrize(
    "text",
    [
        "().__class__.__bases__[0].__subclasses__()",
        "__import__('os').system('true')",
        "person.__class__",
        "(lambda: 1)()",
        "[x for x in person]",
        "{1: 2}",
        "'a' * 10000000",
        "9 ** 9",
        "f'{person}'",
        "open('/etc/passwd')",
        "(x := 3)",
        "person if count else",
        "1.5",
        "a" * 600,
        "+".join(["1"] * 150),
        "((((((((((" * 30 + "1" + "))))))))))" * 30,
    ],
)
def test_what_is_no_data_is_refused_before_it_runs(text: str) -> None:
    with pytest.raises(BadExpression):
        check(text, dict.fromkeys(NAMES))


def test_values_stay_bounded() -> None:
    with pytest.raises(CannotEvaluate):
        evaluate("long + long", {"long": "x" * 9_000})
    with pytest.raises(CannotEvaluate):
        evaluate("add_days(day, 99999999999)", NAMES)
    with pytest.raises(CannotEvaluate):
        evaluate("count < person", NAMES)


def test_filling_keeps_the_type_of_what_stands_alone() -> None:
    assert fill("${count}", NAMES) == 3
    assert fill("${yes}", NAMES) is True
    assert fill("n = ${count}, ${nothing}${yes}", NAMES) == "n = 3, yes"
    assert fill("plain", NAMES) == "plain"


# ── the schema for editors ────────────────────────────────────────────────────────────────────

SHIPPED = sorted(
    (Path(__file__).parents[2] / "plugins/helpdesk_processes/workflows").glob("*.yaml"),
    key=lambda file: file.name,
)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_shipped_files_fit_the_schema_and_the_program(file: Path) -> None:
    assert problems(yaml.safe_load(file.read_text()), "workflow-file-1") == []
    workflow, wrong = problems_of(file, specs())
    assert wrong == ()
    assert workflow is not None
    assert workflow.name == file.stem


def test_the_schema_knows_every_key_that_the_program_knows() -> None:
    schema = json_schema("workflow-file-1")
    assert set(schema["properties"]) == set(loading._TOP)
    assert set(schema["$defs"]["step"]["properties"]) == set(loading._STEP)
    assert problems(yaml.safe_load(GOOD), "workflow-file-1") == []
    assert problems(yaml.safe_load(GOOD.replace("call:", "cal:", 1)), "workflow-file-1") != []
    assert problems(yaml.safe_load(GOOD.replace("type: login", "type: person", 1)), "workflow-file-1") != []


def test_the_file_in_the_manual_is_a_good_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/workflows.md").read_text()
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert mistakes(tmp_path, text) == []


def test_the_manual_names_every_key_and_every_function() -> None:
    page = (Path(__file__).parents[2] / "docs/workflows.md").read_text()
    for key in (*loading._TOP, *loading._STEP, *loading.KINDS):
        assert f"`{key}" in page, key
    for name in FUNCTIONS:
        assert f"`{name}(" in page, name
