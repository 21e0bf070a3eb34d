"""Log: the newest on top, found by words, opened to intent, receipt and proof, checked, and undone from there."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from textual.widgets import Input, Static

from helpdesk.events import Outcome
from helpdesk.gate.audit import AuditLog
from helpdesk.surfaces.tui.feed import Feed
from helpdesk.surfaces.tui.log_table import LogTable
from helpdesk.surfaces.tui.log_verify import Verify
from helpdesk.surfaces.tui.panes.log import LogPane
from tests.surfaces.company import Company
from tests.surfaces.tui.log_world import HOSTILE, acted, refused
from tests.surfaces.tui.world import Screen, opened, run


async def log_pane(screen: Screen) -> LogPane:
    """The pane, once its list is there."""
    screen.app.go("log")
    await screen.until(lambda: screen.app.query(LogPane), "the pane")
    pane = screen.app.query_one(LogPane)
    await screen.until(lambda: pane.table.listing is not None and pane.table.has_focus, "the list")
    return pane


def numbers(pane: LogPane) -> list[int | None]:
    listing = pane.table.listing
    assert listing is not None
    return [listing.number(row) for row in range(listing.rows)]


def story(pane: LogPane) -> str:
    return str(pane.query_one("#log-story", Static).content)


def state(pane: LogPane) -> str:
    return str(pane.query_one("#log-state", Static).content)


async def filtered(screen: Screen, pane: LogPane, words: str) -> None:
    await screen.press("slash")
    await screen.type(words)
    await screen.until(lambda: pane._words == words and not pane._reading, "the filtered list")


def test_the_newest_is_on_top_and_others_appear_by_themselves(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            log = screen.app.desk.audit
            for _ in range(3):
                acted(log)
            pane = await log_pane(screen)
            assert numbers(pane) == [6, 5, 4, 3, 2, 1]
            elsewhere = AuditLog(
                company.state / "log", screen.app.desk.clock, lambda: screen.app.desk.host_key
            )
            with closing(elsewhere):
                number = refused(elsewhere, actor="dev")
            await screen.until(lambda: numbers(pane)[0] == number, "what another process logged")
            await screen.until(lambda: "dev" in screen.text(), "its row")
            assert pane.table.cursor == 0

    run(work())


def test_what_is_looked_at_stays_where_it_is_when_others_come(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (80, 12)) as screen:
            log = screen.app.desk.audit
            for _ in range(30):
                acted(log)
            pane = await log_pane(screen)
            await screen.press("end")
            await screen.until(lambda: pane.table.chosen == 1, "the oldest")
            top = pane.table.scroll_offset.y
            refused(log)
            await screen.until(lambda: "1 new above" in state(pane), "a note about it")
            assert pane.table.chosen == 1
            assert pane.table.scroll_offset.y == top + 1
            await screen.press("home")
            await screen.until(
                lambda: pane.table.chosen == 61 and "new above" not in state(pane), "the newest"
            )

    run(work())


def test_what_covers_the_list_moves_nothing_in_it(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (80, 24)) as screen:
            for _ in range(3):
                acted(screen.app.desk.audit)
            pane = await log_pane(screen)
            await screen.press("down", "down", "w")
            await screen.sign_in("ana")
            await screen.until(lambda: screen.app.reader.display, "the explanation")
            await screen.until(lambda: numbers(pane)[0] > 6, "its own entry")  # type: ignore[operator]
            await screen.press("escape")
            await screen.until(lambda: pane.table.size.height > 2 and pane.table.has_focus, "the list")
            assert pane.table.chosen == 4
            assert pane.table.scroll_offset.y == 0

    run(work())


def test_keys_go_through_the_list(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (80, 24)) as screen:
            for _ in range(60):
                acted(screen.app.desk.audit)
            pane = await log_pane(screen)
            await screen.press("down", "j")
            assert pane.table.chosen == 118
            await screen.press("pagedown")
            assert pane.table.chosen == 118 - (pane.table.size.height - 2)
            await screen.press("pageup", "up", "k")
            assert pane.table.chosen == 120
            await screen.press("g")
            await screen.type("33")
            await screen.until(lambda: pane.table.chosen == 33 and pane.table.has_focus, "entry 33")
            await screen.until(lambda: "   33 " in screen.text(), "its row")
            await screen.press("g")
            await screen.type("none")
            assert pane.table.chosen == 33
            await screen.press("escape")
            assert not pane.query_one("#log-line", Input).display

    run(work())


def test_a_filter_takes_the_words_of_log_search(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            log = screen.app.desk.audit
            done = acted(log, actor="bo", target="ana")
            other = acted(log, actor="cleo", target="dev", outcome="failed", observed="locked")
            no = refused(log, actor="ana")
            pane = await log_pane(screen)
            for words, wanted in (
                ("--actor bo --outcome done", [done]),
                ("actor:cleo kind:outcome", [other]),
                ("--outcome refused --after 7d", [no]),
                ("--target=dev --outcome failed", [other]),
                ("unlocked --actor bo", [done]),
                (f"--after {done} --before {no}", [other, other - 1]),
                ("nobody-wrote-this", []),
            ):
                await filtered(screen, pane, words)
                assert numbers(pane) == wanted, words
            assert "Nothing in the log fits" in state(pane)
            await screen.press("escape")
            await screen.until(lambda: numbers(pane) == [5, 4, 3, 2, 1], "the whole list")

    run(work())


@pytest.mark.parametrize("words", ["--who bo", "--after yesterday", "--actor", 'text:"open'])
def test_a_filter_that_is_none_is_told_and_changes_nothing(company: Company, words: str) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            acted(screen.app.desk.audit)
            pane = await log_pane(screen)
            await screen.press("slash")
            await screen.type(words)
            await screen.until(lambda: screen.app._notifications, "a sentence about it")
            assert numbers(pane) == [2, 1]
            line = pane.query_one("#log-line", Input)
            assert line.display
            assert line.value == words

    run(work())


def test_a_filtered_list_grows_by_what_fits_only(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            log = screen.app.desk.audit
            first = refused(log, actor="ana")
            pane = await log_pane(screen)
            await filtered(screen, pane, "--outcome refused")
            acted(log)
            second = refused(log, actor="dev")
            await screen.until(lambda: numbers(pane) == [second, first], "the new refusal")

    run(work())


def test_the_line_completes_flags_and_known_values(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            pane = await log_pane(screen)
            suggester = pane.query_one("#log-line", Input).suggester
            assert suggester is not None
            assert await suggester.get_suggestion("--out") == "--outcome"
            assert await suggester.get_suggestion("--outcome refu") == "--outcome refused"
            assert await suggester.get_suggestion("bo action:password.u") == "bo action:password.unlock"
            assert await suggester.get_suggestion("zebra") is None

    run(work())


@pytest.mark.req("T1", "T3")
@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12)])
def test_an_entry_opens_to_everything_and_hostile_text_stays_text(
    company: Company, size: tuple[int, int]
) -> None:
    async def work() -> None:
        async with opened(company, size) as screen:
            number = acted(
                screen.app.desk.audit,
                actor=HOSTILE,
                target=HOSTILE,
                arguments={"person": "ana", "reason": HOSTILE},
                message=HOSTILE,
            )
            pane = await log_pane(screen)
            await screen.until(lambda: pane.table.listing.entry(0) is not None, "the row")  # type: ignore[union-attr]
            await screen.press("enter")
            await screen.until(lambda: "It is one of the" in story(pane), "the proof")
            told = story(pane)
            assert f"Entry {number}  outcome" in told
            assert "intent    entry 1" in told
            assert "typed by the person" in told
            assert "taken from a text: a model, a ticket or a document" in told
            assert "rule      desk-may-unlock" in told
            assert "read back from the directory" in told
            assert told.count("✓") == 3  # the outcome, the receipt, the proof; none of the hostile ones
            assert "[bold red](tick) done[/]" in told
            for text in (told, screen.text()):
                assert not {"\x1b", "\x07", "\u202e"} & set(text)
            assert screen.app.is_running
            await screen.press("escape")
            await screen.until(lambda: pane.table.has_focus and not pane.has_class("-open"), "the list")

    run(work())


def test_beside_the_list_the_open_entry_follows_the_cursor(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (120, 30)) as screen:
            acted(screen.app.desk.audit)
            refused(screen.app.desk.audit)
            pane = await log_pane(screen)
            await screen.press("enter")
            await screen.until(lambda: "Entry 3 " in story(pane), "the entry")
            assert pane.table.has_focus
            await screen.press("down")
            await screen.until(lambda: "Entry 2 " in story(pane), "the next one")
            refused(screen.app.desk.audit)
            await screen.until(lambda: numbers(pane)[0] == 4, "the new one")
            assert pane.table.chosen == 2

    run(work())


def test_erased_names_are_said_to_be_erased(company: Company) -> None:
    company.run_as("ana", "whoami")
    company.lock("ana")
    company.run_as("bo", "do", "password.unlock", "ana", "--yes")

    async def work() -> None:
        async with opened(company) as screen:
            pane = await log_pane(screen)
            log = screen.app.desk.audit
            [ended] = [entry for entry in log.entries(limit=100) if entry.kind == "outcome"]
            await screen.until(lambda: "bo" in screen.text(), "the names")
            values = [(ended.seq, name) for name in ended.personal]
            log.erase(values, {"count": len(values)}, {"actor": "bo"})
            await screen.until(lambda: numbers(pane)[0] != ended.seq, "the erasure's own entry")
            await screen.press("g")
            await screen.type(str(ended.seq))
            await screen.until(lambda: pane.table.chosen == ended.seq)
            await screen.press("enter")
            await screen.until(lambda: f"Entry {ended.seq} " in story(pane), "the entry")
            assert "who       (erased)" in story(pane)
            assert "as promised; what it was is erased" in story(pane)

    run(work())


def test_the_log_is_checked_with_a_verdict(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            acted(screen.app.desk.audit)
            await log_pane(screen)
            await screen.press("v")
            check = screen.app.query_one(Verify)
            await screen.until(lambda: check.found is not None, "a verdict")
            assert "The log is whole: 2 entries, 2 of them signed." in str(check.content)
            await screen.press("escape")
            assert not check.display

    run(work())


@pytest.mark.req("A1")
def test_an_altered_entry_is_named(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            for _ in range(3):
                acted(screen.app.desk.audit)
            await log_pane(screen)
            with closing(sqlite3.connect(company.state / "log/log.db")) as database:
                for (name,) in database.execute(
                    "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
                ).fetchall():
                    database.execute(f"DROP TRIGGER {name}")
                database.execute(
                    "UPDATE entries SET entry = replace(entry, 'desk-may', 'all-may') WHERE seq = 3"
                )
                database.commit()
            await screen.press("v")
            check = screen.app.query_one(Verify)
            await screen.until(lambda: check.found is not None, "a verdict")
            assert check.found is not None
            assert check.found.first_bad == 3
            assert "The log was altered, entry 3 is the first bad one" in str(check.content)

    run(work())


def test_a_check_that_is_stopped_says_nothing_about_the_log(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            log = screen.app.desk.audit
            log.append_many([("read", {"action": "people.whoami"}, {}) for _ in range(1500)])
            await log_pane(screen)
            check = screen.app.query_one(Verify)
            check.begin(screen.app.desk)
            check.stop()
            await screen.until(lambda: not check.runs, "its end")
            assert "The check was stopped" in str(check.content)
            assert check.found is None

    run(work())


def test_an_action_is_undone_from_its_entry(company: Company) -> None:
    done = company.run_as("cleo", "--json", "do", "access.grant", "dev", "finance-share", "--yes").document
    assert company.members("finance-share") == {"cleo", "dev"}

    async def work() -> None:
        async with opened(company) as screen:
            pane = await log_pane(screen)
            await screen.press("g")
            await screen.type(str(done["entry"]))
            await screen.until(lambda: pane.table.chosen == done["entry"])
            await screen.press("enter")
            await screen.until(lambda: "It is one of the" in story(pane), "the entry")
            await screen.press("u")
            await screen.sign_in("cleo")
            await screen.confirm()
            await screen.idle()
            cards = [block for block in pane.query_one("#log-feed", Feed).blocks if hasattr(block, "result")]
            assert [card.result.outcome for card in cards] == [Outcome.DONE]
            listing = pane.table.listing
            assert listing is not None
            await screen.until(lambda: listing.last > done["entry"], "the undoing in the list")

    run(work())
    assert company.members("finance-share") == {"cleo"}


def test_nobody_signs_in_to_read_the_log_and_a_damaged_one_is_told(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            acted(screen.app.desk.audit)
            screen.app.desk.audit.close()
            (company.state / "log/log.db").write_bytes(b"no database" * 500)
            screen.app.go("log")
            await screen.until(lambda: screen.app.query(LogPane), "the pane")
            pane = screen.app.query_one(LogPane)
            await screen.until(lambda: "! " in state(pane), "what is wrong")
            assert screen.app.desk.present is None
            assert screen.app.query_one(LogTable).listing is None

    run(work())
