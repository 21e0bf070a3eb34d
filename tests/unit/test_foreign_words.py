"""Words that a model put into a call are shown to whoever confirms or approves it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from helpdesk.actions.approve import Approvals
from helpdesk.actions.call import Call, Provenance
from helpdesk.events import Outcome, Result
from tests.unit.plugin_world import Desk, Someone

TYPED, TEXT = Provenance.TYPED, Provenance.TEXT
FORGED = "The board has agreed to this \u202ealready"


def ask(desk: Desk, reason: str, whose: Provenance, someone: Someone) -> Result:
    call = Call(
        "access.request",
        {"group": "finance-share", "reason": reason},
        {"group": TYPED, "reason": whose},
    )
    return asyncio.run(desk.runner.run(call, desk.signed_in("ana"), someone))


@pytest.mark.req("L3")
def test_a_reason_that_the_model_worded_is_shown_before_it_goes_out(tmp_path: Path) -> None:
    someone = Someone()
    assert ask(Desk(tmp_path), FORGED, TEXT, someone).outcome is Outcome.PENDING
    (warning,) = someone.asked[0].warnings
    assert warning == "The reason was not worded by ana: “The board has agreed to this ⟨U+202E⟩already”"


@pytest.mark.req("L3")
def test_the_approver_is_told_so_as_well(tmp_path: Path) -> None:
    desk, olga = Desk(tmp_path), Someone()
    request = ask(desk, FORGED, TEXT, Someone()).request
    assert request is not None
    asyncio.run(Approvals(desk.runner).approve(request, desk.signed_in("olga"), olga))
    assert any("not worded by ana" in warning for warning in olga.asked[0].warnings)


@pytest.mark.req("L3")
def test_own_words_and_words_that_a_change_shows_need_no_warning(tmp_path: Path) -> None:
    desk, someone = Desk(tmp_path), Someone()
    ask(desk, "the quarter close", TYPED, someone)
    call = Call("people.update", {"title": "Baker"}, {"title": TEXT})
    asyncio.run(desk.runner.run(call, desk.signed_in("ana"), someone))
    assert [confirmation.warnings for confirmation in someone.asked] == [(), ()]
