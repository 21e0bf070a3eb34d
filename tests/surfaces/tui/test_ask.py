"""Ask: a sentence becomes a card that goes through its life in place."""

from __future__ import annotations

import pytest
from textual import events
from textual.widgets import Input

from helpdesk.events import Outcome
from helpdesk.surfaces.tui.blocks import Words
from helpdesk.surfaces.tui.dock import AskedToConfirm, AskedWords
from helpdesk.surfaces.tui.panes.requests import RequestsPane
from tests.surfaces.company import PASSWORDS, Company
from tests.surfaces.tui.world import Screen, opened, run


async def asks_for_finance(screen: Screen) -> None:
    await screen.type("get me into finance-share for the audit")
    await screen.sign_in("ana")


def test_a_request_is_previewed_confirmed_and_shown_with_its_id(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            await asks_for_finance(screen)
            await screen.asked(AskedToConfirm)
            [card] = screen.cards()
            assert [change.after for change in card.changes] == ["member"]
            assert card.result is None
            await screen.confirm()
            await screen.idle()
            assert card.result is not None
            assert card.result.outcome is Outcome.PENDING
            assert card.result.request in screen.text()
            assert screen.app.desk.requests.get(card.result.request).call.requester_login == "ana"

    run(work())


@pytest.mark.req("T3")
def test_a_confirmation_is_deaf_at_first_and_to_pastes_and_shows_only_the_call(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            await asks_for_finance(screen)
            asked = await screen.asked(AskedToConfirm)
            assert asked.has_class("deaf")
            await screen.press("y", "n", "escape", "enter")
            assert not asked.answer.done()
            await screen.until(lambda: not asked.has_class("deaf"))
            asked.post_message(events.Paste("y\n"))
            asked.post_message(events.Paste("y"))
            await screen.pilot.pause(0.1)
            assert not asked.answer.done()
            await screen.press("n")
            await screen.idle()
            [card] = screen.cards()
            assert card.result is None or card.result.outcome is Outcome.CANCELLED
            assert not screen.app.desk.requests.all_pending()

    run(work())


@pytest.mark.req("S1")
def test_a_password_is_never_on_the_screen_nor_in_the_feed(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            await screen.type("who am I")
            await screen.answer("ana")
            await screen.asked(AskedWords)
            await screen.type(PASSWORDS["ana"], enter=False)
            assert PASSWORDS["ana"] not in screen.text()
            assert "•" in screen.text()
            await screen.press("enter")
            await screen.idle()
            assert "Ana Ito" in screen.text()
            said = [block.text for block in screen.app.feed.blocks if isinstance(block, Words)]
            assert all(PASSWORDS["ana"] not in text for text in said)

    run(work())


def test_a_citation_opens_the_policy_at_its_lines_beside_the_answer(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (120, 30)) as screen:
            await screen.type("how long is customer data kept?")
            await screen.sign_in("ana")
            await screen.idle()
            [card] = screen.cards()
            assert card.citations[0].file == "data.md"
            await screen.press("ctrl+o")
            await screen.until(lambda: screen.app.reader.display, "the reader")
            await screen.idle()
            marked = [line for line in screen.app.reader.query_one("#reader-text").blocks if line.marked]  # type: ignore[attr-defined]
            assert "two years after the last order" in marked[0].text
            assert "two years after the last order" in screen.text()
            assert "customer data kept" in screen.text(), "the answer stays in sight"
            await screen.press("escape")
            await screen.until(lambda: not screen.app.reader.display)
            await screen.until(lambda: screen.app.focused is not None and screen.app.focused.id == "words")

    run(work())


def test_what_was_done_is_undone_by_one_key_and_its_why_is_another(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            await screen.type("change my phone number to +49 30 1234567")
            await screen.sign_in("ana")
            await screen.confirm()
            await screen.idle()
            card = screen.cards()[-1]
            assert card.result is not None
            assert card.result.outcome is Outcome.DONE
            assert all(observation.as_expected for observation in card.result.receipt)
            await screen.press("ctrl+y")
            await screen.until(lambda: screen.app.reader.display, "the reader")
            assert "typed by the person" in screen.text()
            await screen.press("escape")
            await screen.until(lambda: not screen.app.reader.display)
            await screen.press("ctrl+z")
            await screen.confirm()
            await screen.idle()
            undone = screen.cards()[-1].result
            assert undone is not None
            assert undone.outcome is Outcome.DONE
            assert undone.entry != card.result.entry

    run(work())


def test_ctrl_c_stops_the_turn_and_not_the_program_and_then_leaves(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            await screen.type("get me into finance-share for the audit")
            await screen.asked()
            await screen.press("ctrl+c")
            await screen.until(lambda: not screen.app.busy, "the end of the turn")
            await screen.until(lambda: not screen.dock.asking, "an empty dock")
            assert screen.app.is_running
            await screen.press("ctrl+c")
            await screen.until(lambda: not screen.app.is_running, "the end of the program")

    run(work())


def test_earlier_sentences_come_back_with_the_arrow_keys(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            await screen.type("cancel")
            await screen.idle()
            await screen.press("up")
            line = screen.app.focused
            assert isinstance(line, Input)
            assert line.value == "cancel"
            await screen.press("down")
            assert line.value == ""

    run(work())


def test_an_approval_in_another_process_arrives_in_the_open_app(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (120, 30)) as screen:
            await asks_for_finance(screen)
            await screen.confirm()
            await screen.idle()
            id = screen.app.desk.requests.all_pending()[0].id
            await screen.press("f4")
            await screen.until(lambda: "pending" in screen.text(), "the request")
            done = company.run_as("cleo", "approvals", "approve", id, "--yes")
            assert done.code == 0, done.err
            pane = screen.app.query_one(RequestsPane)
            await screen.until(
                lambda: pane._requests and pane._requests[0].state.value == "done", "the approval in the app"
            )
            await screen.until(lambda: "decided by Cleo Park" in screen.text())
            assert "Approve" not in screen.text().splitlines()[-1], "nothing is to be decided"
            await screen.press("f2")
            card = screen.cards()[-1]
            await screen.until(lambda: card.later, "the news on the card")
            assert f"{id} (finance-share: membership of ana) was approved by Cleo Park" in card.later
            await screen.until(lambda: "waits for" not in screen.text(), "a card that waits no more")
            await screen.type("was my request approved?")
            await screen.idle()
            answer = screen.cards()[-1].result
            assert answer is not None
            assert "was approved by Cleo Park and carried out" in answer.message

    run(work())


def told(screen: Screen) -> str:
    return "\n".join(note.message for note in screen.app._notifications)


def test_words_for_undo_and_why_are_the_commands_and_a_key_that_does_nothing_says_why(
    company: Company,
) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            await screen.press("ctrl+z")
            await screen.until(lambda: "Nothing was done here yet" in told(screen), "why it does nothing")
            await screen.type("who am I")
            await screen.sign_in("ana")
            await screen.idle()
            await screen.press("ctrl+z")
            await screen.until(lambda: "only read something" in told(screen), "why it does nothing")
            await screen.type("change my phone number to +49 30 1234567")
            await screen.confirm()
            await screen.idle()
            entry = screen.cards()[-1].result.entry  # type: ignore[union-attr]
            await screen.type("why?")
            await screen.until(lambda: f"Entry {entry}: people.update" in screen.text(), "the explanation")
            assert "after they had seen what it would change" in screen.text()
            await screen.type(f"undo {entry}")
            await screen.confirm()
            await screen.idle()
            undone = screen.cards()[-1].result
            assert undone is not None
            assert (undone.action, undone.outcome) == ("people.update", Outcome.DONE)

    run(work())


def test_a_sentence_that_is_typed_over_the_cards_comes_into_the_line_whole(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            await screen.type("who am I")
            await screen.sign_in("ana")
            await screen.idle()
            line = screen.app.query_one("#words", Input)
            for sentence in ("why can I not sign in", "quick question", "2 screens", "hello"):
                screen.app.screen.set_focus(screen.app.feed)
                await screen.pilot.pause()
                for letter in sentence:
                    screen.app.post_message(events.Key("space" if letter == " " else letter, letter))
                await screen.until(lambda: line.value == sentence, f"{sentence!r} in the line")  # noqa: B023
                assert line.has_focus
                line.clear()
            assert screen.app.is_running, "q did not leave"
            screen.app.screen.set_focus(screen.app.feed)
            await screen.press("w")
            await screen.until(lambda: screen.app.reader.display, "what one letter alone does")
            assert line.value == ""

    run(work())


def test_a_page_up_shows_what_stands_above_without_a_gap_and_without_a_glide(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (80, 24)) as screen:
            feed = screen.app.feed
            for number in range(200):  # never measured: only the end was ever in sight
                feed.add(Words(f"line {number}, first\nline {number}, second\nline {number}, third"))
            await screen.until(lambda: "line 199, third" in screen.text(), "the end")
            screen.app.screen.set_focus(feed)
            seen = int(screen.text().split("line ")[1].split(",")[0])
            for _ in range(3):
                await screen.press("pageup")
                await screen.until(lambda: feed.scroll_y == feed.scroll_target_y)
                shown = [part.split(",")[0] for part in screen.text().split("line ")[1:]]
                numbers = [int(number) for number in shown]
                assert numbers == sorted(numbers)
                assert seen - 1 <= numbers[-1] <= seen + 1, "the page goes on where the last one began"
                seen = numbers[0]
                assert not screen.app.animator.is_being_animated(feed, "scroll_y")

    run(work())


def test_a_small_screen_gives_the_idle_lines_row_to_what_is_asked(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (40, 12)) as screen:
            line = screen.app.query_one("#words", Input)
            await screen.type("who am I")
            await screen.asked()
            assert not line.display
            await screen.sign_in("ana")
            await screen.idle()
            await screen.until(lambda: line.display and line.has_focus, "the line")

    run(work())


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
def test_the_end_of_the_conversation_stays_in_sight_when_a_question_comes_and_goes(
    company: Company, size: tuple[int, int]
) -> None:
    async def work() -> None:
        async with opened(company, size) as screen:
            for number in range(12):
                screen.app.feed.add(Words(f"what was said before, {number}"))
            await screen.type("who am I")
            await screen.sign_in("ana")
            await screen.idle()
            await screen.until(
                lambda: "log show" in screen.text() or "Ctrl+Y why" in screen.text(), "the answer"
            )
            await screen.type("get me into finance-share for the audit")
            await screen.confirm()
            await screen.idle()
            await screen.until(lambda: "R-" in screen.text(), "the request's end")
            feed = screen.app.feed
            assert feed.scroll_y == feed.max_scroll_y
            screen.app.screen.set_focus(feed)
            await screen.press("home")
            await screen.until(lambda: feed.scroll_y == 0, "the beginning")
            feed.add(Words("said while somebody reads above"))
            await screen.pilot.pause(0.2)
            assert feed.scroll_y == 0, "whoever reads above is left there"

    run(work())
