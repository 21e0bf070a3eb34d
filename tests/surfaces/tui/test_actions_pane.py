"""Actions: found by a few letters, filled in on a form of the action's own schema, and remembered."""

from __future__ import annotations

import pytest
from textual.widgets import Checkbox, Input, Label, OptionList, Select, Static

from helpdesk.events import Outcome
from helpdesk.spec import ActionSpec, Parameter
from helpdesk.surfaces.tui.card import Card
from helpdesk.surfaces.tui.dock import AskedToConfirm, Revealed
from helpdesk.surfaces.tui.feed import Feed
from helpdesk.surfaces.tui.form import Form
from helpdesk.surfaces.tui.panes.actions import ActionsPane
from tests.surfaces.company import PASSWORDS, Company
from tests.surfaces.tui.world import Screen, opened, run

EVERY_KIND = ActionSpec(
    name="made.up",
    plugin="made",
    plugin_version="1",
    summary="One of each kind.",
    description="",
    risk="low",
    reads=False,
    about="desk",
    parameters=(
        Parameter("size", "choice", True, "the size", None, ("small", "large")),
        Parameter("loud", "boolean", False, "", False),
        Parameter("until", "date", True, "the last day"),
        Parameter("days", "integer", False, "", 3),
        Parameter("key", "secret", True, "the key"),
    ),
)


async def actions(screen: Screen, login: str) -> ActionsPane:
    """The pane, for somebody who signs in to see it."""
    await screen.press("f3")
    await screen.sign_in(login)
    pane = screen.app.query_one(ActionsPane)
    await screen.until(lambda: any(not may for _, may in pane._known) or len(pane._known) > 5, "the list")
    await screen.idle()
    return pane


def titles(pane: ActionsPane) -> dict[str, list[str]]:
    """The groups of the list, and what stands in each."""
    found: dict[str, list[str]] = {}
    options = pane.query_one("#actions-options", OptionList)
    for index in range(options.option_count):
        option = options.get_option_at_index(index)
        if option.id is None:
            found[title := str(option.prompt)] = []
        else:
            found[title].append(option.id)
    return found


async def opens(screen: Screen, pane: ActionsPane, name: str) -> Form:
    pane.open(name)
    await screen.until(
        lambda: [form for form in pane.query(Form) if form.spec.name == name and form.query(Input)],
        f"the form of {name}",
    )
    return pane.query_one(Form)


def wrong(form: Form, name: str) -> str:
    label = form.query_one(f"#wrong-{name}", Label)
    return str(label.render()) if label.display else ""


def test_the_list_is_grouped_searched_and_says_what_is_closed_and_who_can_open_it(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (120, 40)) as screen:
            pane = await actions(screen, "ana")
            found = titles(pane)
            closed = next(names for title, names in found.items() if title.startswith("Not open to you"))
            assert "account.disable" in closed
            assert "account.disable" not in [n for t, names in found.items() if t == "Account" for n in names]
            assert "access.request" in found["Access"]
            assert "Used lately" not in found
            await screen.type("contact data", enter=False)
            await screen.until(lambda: pane._listed and len(pane._listed) == 1, "what the search finds")
            assert pane._listed[0].name == "people.update"
            await screen.type("no such thing at all", enter=False)
            await screen.until(lambda: "Nothing matches." in screen.text())
            form = await opens(screen, pane, "account.disable")
            form.query_one("#field-person", Input).value = "dev"
            await screen.press("ctrl+e")
            await screen.until(lambda: screen.app.reader.display, "who could do it")
            assert "service desk" in screen.text() or "Bo Larsen" in screen.text(), screen.text()
            await screen.press("escape")
            await screen.until(lambda: not screen.app.reader.display)

    run(work())


def test_what_was_used_lately_comes_first_also_after_a_restart_and_for_nobody_else(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (120, 40)) as screen:
            pane = await actions(screen, "ana")
            form = await opens(screen, pane, "people.find")
            await screen.press("ctrl+r")
            await screen.until(lambda: "still empty" in wrong(form, "words"), "which field is empty")
            assert screen.app.focused is form.query_one("#field-words")
            assert not screen.app.busy
            await screen.type("Dev")
            feed = pane.query_one("#actions-feed", Feed)
            await screen.until(
                lambda: [b for b in feed.blocks if isinstance(b, Card) and b.result is not None], "its card"
            )
            assert not wrong(form, "words")
            await screen.idle()
            assert "Dev Rao" in screen.text()
        async with opened(company, (120, 40)) as screen:
            pane = await actions(screen, "ana")
            assert next(iter(titles(pane).items())) == ("Used lately", ["people.find"])
        async with opened(company, (120, 40)) as screen:
            assert "Used lately" not in titles(await actions(screen, "dev"))

    run(work())


@pytest.mark.req("S1")
def test_a_form_has_a_field_for_every_kind_and_says_at_the_field_what_is_wrong(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (120, 40)) as screen:
            pane = await actions(screen, "ana")
            await pane._show(EVERY_KIND)
            form = pane.query_one(Form)
            assert isinstance(form.query_one("#field-size"), Select)
            assert isinstance(form.query_one("#field-loud"), Checkbox)
            assert form.query_one("#field-days", Input).value == "3"
            until, days = form.query_one("#field-until", Input), form.query_one("#field-days", Input)
            key, again = form.query_one("#field-key", Input), form.query_one("#again-key", Input)
            until.value, days.value, key.value, again.value = "31.12.2026", "many", "swordfish-7", "other"
            form.query_one("#field-size", Select).value = "large"
            await screen.press("ctrl+r")
            await screen.until(lambda: wrong(form, "until"), "what is wrong")
            assert "Must be a date such as 2026-12-31" in wrong(form, "until")
            assert "Must be a whole number" in wrong(form, "days")
            assert "differ" in wrong(form, "key")
            assert not wrong(form, "size")
            assert screen.app.focused is until
            await screen.pilot.pause(0.05)
            assert "Must be a date such as" in screen.text()
            assert "swordfish-7" not in screen.text()
            until.value, days.value, again.value = "2026-12-31", "4", "swordfish-7"
            form.query_one("#field-loud", Checkbox).value = True
            assert form.check()
            plain, secrets = form.values()
            assert plain == {"size": "large", "loud": True, "until": "2026-12-31", "days": "4"}
            assert secrets["key"].expose() == "swordfish-7"
            form.wipe()
            assert not key.value
            assert not again.value

    run(work())


def test_people_and_groups_complete_from_the_directory_as_they_are_typed(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (120, 40)) as screen:
            pane = await actions(screen, "cleo")
            form = await opens(screen, pane, "access.grant")
            for name, begin, whole in (("person", "de", "dev"), ("group", "fin", "finance-share")):
                line = form.query_one(f"#field-{name}", Input)
                line.focus()
                await screen.press(*begin)
                await screen.until(
                    lambda line=line, whole=whole: line._suggestion == whole, f"{whole} offered"
                )
                await screen.press("right")
                assert line.value == whole

    run(work())


@pytest.mark.req("S1")
@pytest.mark.req("T3")
def test_one_s_password_is_changed_by_form_and_is_nowhere_on_the_screen(company: Company) -> None:
    new = "a-new-one-about-otters-9"

    async def work() -> None:
        async with opened(company, (120, 40)) as screen:
            pane = await actions(screen, "dev")
            form = await opens(screen, pane, "password.change")
            for field in ("#field-new_password", "#again-new_password"):
                form.query_one(field, Input).value = new
            await screen.press("ctrl+r")
            await screen.confirm()
            await screen.idle()
            assert form.values() == ({}, {})
            card = next(b for b in pane.query_one("#actions-feed", Feed).blocks if isinstance(b, Card))
            assert card.result is not None
            assert card.result.outcome is Outcome.DONE
            assert new not in screen.text()
            assert new not in screen.app.export_screenshot()

    run(work())
    assert company.accepts("dev", new) == "yes"


@pytest.mark.req("S1")
@pytest.mark.req("T3")
def test_a_generated_password_is_shown_once_and_an_irreversible_action_wants_the_name_typed(
    company: Company,
) -> None:
    async def work() -> None:
        async with opened(company, (120, 40)) as screen:
            pane = await actions(screen, "bo")
            form = await opens(screen, pane, "password.reset")
            form.query_one("#field-person", Input).value = "dev"
            await screen.press("ctrl+r")
            await screen.confirm()
            shown = await screen.asked(Revealed)
            assert isinstance(shown, Revealed)
            await screen.until(lambda: shown.query("#secret"), "its line")
            secret = str(shown.query_one("#secret", Static).render())
            await screen.until(lambda: secret in screen.text(), "the password")
            if shown._deaf:
                await screen.press("enter", "escape")
                assert not shown._deaf or not shown.answer.done()
            await screen.until(lambda: not shown._deaf, "the half second")
            await screen.press("enter")
            await screen.idle()
            assert len(secret) > 8
            assert secret not in screen.text()
            assert secret not in screen.app.export_screenshot()
            assert all(secret not in str(static.render()) for static in screen.app.query(Static))
            assert company.accepts("dev", secret) in ("yes", "must-change", "must change"), (
                "it is no password"
            )

            form = await opens(screen, pane, "account.disable")
            form.query_one("#field-person", Input).value = "dev"
            await screen.press("ctrl+r")
            asked = await screen.asked(AskedToConfirm)
            assert isinstance(asked, AskedToConfirm)
            await screen.until(lambda: not asked.has_class("deaf"))
            await screen.press("y")
            await screen.type("de")
            assert not asked.answer.done()
            await screen.type("dev")
            await screen.idle()
            card = [b for b in pane.query_one("#actions-feed", Feed).blocks if isinstance(b, Card)][-1]
            assert card.result is not None
            assert card.result.outcome is Outcome.DONE

    run(work())
    assert company.accepts("dev", PASSWORDS["dev"]) != "yes"
