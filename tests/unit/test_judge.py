"""From what was read back to an outcome: "done" from a whole receipt only."""

from __future__ import annotations

from itertools import product

import pytest

from helpdesk.actions.judge import as_promised, judge
from helpdesk.events import Change, Observation, Outcome
from helpdesk.plugin import Preview

pytestmark = pytest.mark.req("L10")

OLD, NEW = "old", "new"


def promised(*whats: str) -> Preview:
    return Preview("Do it.", tuple(Change("desk", "x", what, OLD, NEW) for what in whats))


def seen(what: str, observed: str, expected: str = NEW) -> Observation:
    return Observation("desk", "x", what, expected, observed)


@pytest.mark.parametrize(("first", "second"), list(product((OLD, NEW, "other", None), repeat=2)))
def test_two_changes_in_every_combination(first: str | None, second: str | None) -> None:
    values = {"a": first, "b": second}
    observations = [seen(what, value) for what, value in values.items() if value is not None]
    found = set(values.values())
    if found == {NEW}:
        expected = Outcome.DONE
    elif found == {OLD}:
        expected = Outcome.FAILED
    elif found == {OLD, NEW}:
        expected = Outcome.PARTIAL
    else:
        expected = Outcome.UNKNOWN
    assert judge(promised("a", "b"), observations) is expected


def test_nothing_promised_is_never_done() -> None:
    assert judge(promised(), [seen("a", NEW)]) is Outcome.UNKNOWN
    assert judge(promised(), []) is Outcome.UNKNOWN


def test_an_observation_that_promises_less_is_not_the_promise() -> None:
    assert judge(promised("a"), [seen("a", OLD, expected=OLD)]) is Outcome.UNKNOWN


@pytest.mark.parametrize("other", [("other-system", "x", "a"), ("desk", "y", "a"), ("desk", "x", "A")])
def test_another_thing_in_its_place_is_not_the_promised_one(other: tuple[str, str, str]) -> None:
    assert judge(promised("a"), [Observation(*other, NEW, NEW)]) is Outcome.UNKNOWN


def test_what_was_not_promised_is_no_evidence_and_no_excuse() -> None:
    fine, wrong = seen("more", "fine", "fine"), seen("more", "wrong", "fine")
    assert judge(promised("a"), [seen("a", NEW), fine]) is Outcome.DONE
    assert judge(promised("a"), [seen("a", OLD), fine]) is Outcome.FAILED
    assert judge(promised("a"), [seen("a", NEW), wrong]) is Outcome.UNKNOWN
    assert judge(promised("a"), [fine]) is Outcome.UNKNOWN


def test_one_thing_read_back_as_two_is_unknown() -> None:
    assert judge(promised("a"), [seen("a", OLD), seen("a", NEW)]) is Outcome.UNKNOWN
    assert judge(promised("a"), [seen("a", NEW), seen("a", OLD)]) is Outcome.UNKNOWN
    assert judge(promised("a"), [seen("a", NEW), seen("a", NEW)]) is Outcome.DONE


def test_the_receipt_names_what_was_promised_and_not_read_back() -> None:
    receipt = as_promised(promised("a", "b"), [seen("a", NEW)])
    assert [(one.what, one.observed) for one in receipt] == [("a", NEW), ("b", "not read back")]
