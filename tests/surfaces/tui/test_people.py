"""Who sits there: what they see of themselves, what others asked them, and that nothing of theirs stays behind."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from textual.widgets import OptionList, Static

from helpdesk.events import Outcome
from helpdesk.surfaces.tui.blocks import Words
from helpdesk.surfaces.tui.case_list import CaseList
from helpdesk.surfaces.tui.dock import AskedToConfirm, AskedWords
from helpdesk.surfaces.tui.panes.actions import ActionsPane
from helpdesk.surfaces.tui.panes.ask import AskPane
from helpdesk.surfaces.tui.panes.me import MePane
from helpdesk.surfaces.tui.panes.requests import RequestsPane
from helpdesk.surfaces.tui.reader import Reader
from tests.surfaces.company import PASSWORDS, Company
from tests.surfaces.tui.world import Screen, opened, run


def notes(screen: Screen) -> list[str]:
    return [note.message for note in screen.app._notifications]


def said(screen: Screen) -> str:
    return "\n".join(block.text for block in screen.app.feed.blocks if isinstance(block, Words))


async def as_somebody(screen: Screen, login: str) -> None:
    await screen.press("ctrl+l")
    await screen.sign_in(login)
    await screen.until(
        lambda: screen.app.desk.present and screen.app.desk.present.actor.login == login, f"{login}'s sign-in"
    )
    await screen.idle()


def requested(company: Company, reason: str) -> str:
    """A request of Ana's, made in another process; its id."""
    asked = company.run_as(
        "ana", "do", "access.request", "finance-share", "--reason", reason, "--yes", "--json"
    )
    assert asked.code == 11 or asked.document.get("request"), asked.err
    return str(asked.document["request"])


def test_requests_come_live_are_counted_shown_denied_approved_and_taken_back(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (120, 40)) as screen:
            await as_somebody(screen, "cleo")
            await screen.press("f4")
            await screen.until(lambda: "Nothing waits for your decision." in screen.text())
            first = requested(company, "the quarter close")
            await screen.until(lambda: "Requests (1)" in screen.text(), "the number at the tab")
            for what in (
                first,
                "asked by ana",
                "just now",
                "because the quarter close",
                "membership of ana",
                "not a member",
                "waits for Cleo Park",
                "expires",
            ):
                await screen.until(lambda what=what: what in screen.text(), what)
            await screen.press("d")
            await screen.answer("ask Finance first")
            await screen.idle()
            await screen.until(lambda: "denied" in screen.text(), "the denial")
            assert screen.app.desk.requests.get(first).answer == "ask Finance first"
            await screen.until(lambda: "Requests (1)" not in screen.text(), "no number any more")

            second = requested(company, "they said yes")
            await screen.until(lambda: "Requests (1)" in screen.text(), "the next one")
            assert any("ana asks you" in note for note in notes(screen)), notes(screen)
            pane = screen.app.query_one(RequestsPane)
            await screen.until(lambda: second in {r.id for r in pane._requests})
            options = pane.query_one("#requests-options", OptionList)
            options.highlighted = options.get_option_index(second)
            await screen.press("a")
            asked = await screen.asked(AskedToConfirm)
            assert "membership of ana" in str(asked.query_one("#details", Static).render())
            await screen.press("y")
            assert not asked.answer.done()
            await screen.until(lambda: not asked.has_class("deaf"))
            await screen.press("escape")
            await screen.idle()
            assert "ana" not in company.members("finance-share"), "Esc is no"
            await screen.press("a")
            await screen.confirm()
            await screen.idle()
            assert "ana" in company.members("finance-share")

            third = company.run_as("dev", "do", "access.request", "finance-share", "--yes", "--json")
            id = third.document["request"]
            await screen.until(lambda: "Requests (1)" in screen.text(), "the third one")
            await as_somebody(screen, "dev")
            await screen.press("f4")
            await screen.until(lambda: id in screen.text() and "take it back" in screen.text(), "my own")
            assert second not in screen.text()
            await screen.press("x")
            await screen.until(lambda: screen.app.desk.requests.get(id).state.value == "withdrawn")
            await screen.until(lambda: "withdrawn" in screen.text())

    run(work())


@pytest.mark.req("R8")
def test_nothing_of_who_was_there_before_stays_for_the_next(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (120, 40)) as screen:
            await as_somebody(screen, "ana")
            await screen.type("who am I")
            await screen.idle()
            await screen.type("get me into finance-share for the audit")
            asked = await screen.asked(AskedToConfirm)
            await screen.until(lambda: not asked.has_class("deaf"))
            await screen.press("n")
            await screen.idle()
            case = screen.app.case
            assert case
            assert case in screen.text()
            await screen.press("f5")
            await screen.until(lambda: "Ana Ito (ana)" in screen.text(), "her account")
            await screen.press("f3")
            pane = screen.app.query_one(ActionsPane)
            pane.open("access.request")
            await screen.until(lambda: screen.app.query("#field-group"))
            await screen.press("f2")
            await screen.type("half a sentence of Ana", enter=False)
            await as_somebody(screen, "bo")
            for key in ("f2", "f3", "f5", "f2"):
                await screen.press(key)
                await screen.idle()
                await screen.until(lambda: "Bo Larsen" in screen.text())
                assert "Ana" not in screen.text(), screen.text()
                assert "finance-share" not in screen.text().replace("into finance-share”", ""), screen.text()
            assert not screen.app.case
            assert "you" not in {block.who for block in screen.app.feed.blocks if isinstance(block, Words)}
            await screen.press("up")
            assert "Ana" not in screen.text(), "nor in the earlier sentences"
            await screen.type("who am I")
            await screen.idle()
            assert screen.app.case
            assert screen.app.case != case

            later = screen.app.desk.clock() + timedelta(hours=1)  # nobody touched it for that long
            screen.app.desk.clock = lambda: later
            await screen.type("who am I")
            await screen.answer("dev")
            await screen.answer(PASSWORDS["dev"])
            await screen.idle()
            assert "What was begun before was not done" in said(screen)
            assert "Bo Larsen" not in screen.text()
            assert not screen.cards()
            await screen.type("who am I")
            await screen.idle()
            later2 = later + timedelta(hours=1)
            screen.app.desk.clock = lambda: later2
            await screen.type("who am I")
            await screen.sign_in("dev")
            await screen.idle()
            result = screen.cards()[-1].result
            assert result is not None
            assert result.outcome is Outcome.DONE, "the same person goes on"
            assert "Dev Rao" in result.message
            await screen.press("ctrl+p")
            await screen.until(lambda: len(screen.app.screen_stack) > 1)
            await screen.press("escape")
            screen.app.action_sign_out()
            await screen.idle()
            assert "Dev" not in screen.text()
            assert "You are signed out." in said(screen)

    run(work())


def test_me_says_what_the_directory_has_now_also_that_i_am_locked(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (100, 40)) as screen:
            await screen.press("f5")
            await screen.sign_in("cleo")
            for what in (
                "Cleo Park (cleo)",
                "✓ not locked",
                "locked after",
                "3 wrong passwords",
                "finance-share",
            ):
                await screen.until(lambda what=what: what in screen.text(), what)
            company.lock("cleo")
            await screen.press("r")
            await screen.until(lambda: "✗ locked until" in screen.text(), "the lock")
            assert "I'm locked out" in screen.text()
            assert screen.app.query_one(MePane).who is not None

    run(work())


@pytest.mark.req("S1")
def test_who_must_change_begins_with_the_new_password_and_then_signs_in_with_it(company: Company) -> None:
    new = "eve-came-back-again-6"

    async def work() -> None:
        async with opened(company) as screen:
            await screen.press("ctrl+l")
            await screen.answer("eve")
            await screen.answer(PASSWORDS["eve"])
            for _ in range(2):
                asked = await screen.asked(AskedWords)
                await screen.until(lambda asked=asked: asked.query("Input"))
                assert "password" in asked._question.text.lower()
                await screen.answer(new)
            await screen.confirm()
            await screen.idle()
            result = screen.cards()[-1].result
            assert result is not None
            assert (result.action, result.outcome) == ("password.change", Outcome.DONE)
            assert new not in screen.text()

    run(work())
    assert company.accepts("eve", new) == "yes"


def test_a_case_of_the_command_line_goes_on_in_the_app_and_back(company: Company) -> None:
    before = company.run_as("ana", "ask", "who am I", "--json")
    assert before.code == 0, before.err
    listed = company.run_as("ana", "case", "list", "--json").document
    id = json.dumps(listed).split('"c-')[1].split('"')[0]
    id = f"c-{id}"

    async def work() -> None:
        async with opened(company, (100, 30)) as screen:
            await as_somebody(screen, "ana")
            await screen.press("ctrl+k")
            await screen.until(lambda: isinstance(screen.app.screen, CaseList), "the list of cases")
            await screen.until(lambda: id in screen.text(), "the case")
            assert "who am I" in screen.text()
            await screen.press("escape")
            await screen.until(lambda: not isinstance(screen.app.screen, CaseList))
            await screen.press("ctrl+k")
            await screen.until(lambda: isinstance(screen.app.screen, CaseList), "the list of cases")
            await screen.press("down", "up", "enter")
            await screen.until(lambda: screen.app.case == id, "the case in Ask")
            await screen.idle()
            await screen.type("/case")
            await screen.idle()
            assert id in screen.text()
            await screen.type("/help")
            await screen.idle()
            assert "/handoff" in screen.text()
            await screen.type("which groups are there")
            await screen.idle()
            assert screen.app.case == id
            assert screen.app.query_one(AskPane).case == id
            assert not screen.app.query_one(Reader).display

    run(work())
    shown = company.run_as("ana", "case", "show", id)
    assert "which groups are there" in shown.out
    again = company.run_as("ana", "ask", "--continue", "who am I", "--json")
    assert again.code == 0, again.err
    assert company.run_as("ana", "case", "show", id).out.count("you       who am I") == 2
