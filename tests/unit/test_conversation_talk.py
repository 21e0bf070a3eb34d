"""Sentences that order nothing: "don't …", "what if …", small talk, and what has a command of its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.catalog import build
from helpdesk.conversation import answers, talk
from helpdesk.conversation.loop import Conversation
from helpdesk.conversation.routing import Router
from helpdesk.errors import Cancelled, MustChangePassword, UsageError
from helpdesk.events import Citation, Confirmation, Confirmed, Outcome, Result, Said
from helpdesk.identity import Actor
from helpdesk.ports import DirectorySession, SignedIn
from helpdesk.text import Untrusted
from tests.unit.conversation_specs import SPECS
from tests.unit.conversation_world import ANA, NOW, ScriptedModel, Terminal, World, propose, signed_in

ROUTER = Router(build()[0].specs)


@pytest.mark.parametrize(
    "words",
    [
        "don't disable malik's account",
        "please do not reset malik's password",
        "Please don't open a ticket.",
        "never unlock malik",
        "no, don't change my password!",
        "you must not unlock dana before I'm back",
        "nobody should unlock malik",
        "please don't reset malik's password, he is on leave",
        "don't unlock malik and don't reset him",
        "I did not want to disable bo",
        "I'd rather not change my password",
        "I never asked for access to hr-files",
        "leave carla's account alone",
        "no ticket please, I fixed it",
    ],
)
def test_what_is_forbidden_is_not_proposed(words: str) -> None:
    assert talk.left_to_do(words) == ""
    world = World()
    result, _ = world.say(words, alone=True)
    assert world.door.calls == []
    assert (result.outcome, result.error and result.error.code) == (Outcome.USAGE, answers.NO_ACTION)
    assert "nothing is done" in result.message


@pytest.mark.parametrize(
    "words",
    [
        "don't know my password",
        "don't forget to unlock bo",
        "I can't log in",
        "I don't have access to finance-share",
        "new starter erik never got his password to work, reset it",
        "bo no longer needs hr-files, remove her",
        "you should unlock bo",
        "why don't you unlock bo",
        "my mouse does not work",
    ],
)
def test_a_no_that_forbids_nothing_leaves_the_sentence_as_it_is(words: str) -> None:
    assert talk.left_to_do(words) is None


def test_what_is_ordered_beside_a_no_is_still_done() -> None:
    world = World()
    world.say("don't reset erik's password, unlock bo", alone=True)
    assert (world.call.action, world.call.arguments) == ("password.unlock", {"person": "bo"})


@pytest.mark.parametrize(
    "words",
    [
        "I don't need finance-share any more",
        "I don't want to be in finance-share",
        "please take me off finance-share",
        "I would like out of finance-share",
    ],
)
def test_no_longer_wanting_a_group_means_to_leave_it(words: str) -> None:
    world = World()
    world.say(words, alone=True)
    assert (world.call.action, world.call.arguments) == (
        "access.revoke",
        {"person": "ana", "group": "finance-share"},
    )


def test_not_wanting_somebody_else_in_a_group_takes_nobody_out() -> None:
    world = World()
    world.say("I don't want bo in finance-share", alone=True)
    assert world.door.calls == []


@pytest.mark.parametrize(
    ("words", "action"),
    [
        ("what happens if I disable bo", "account.disable"),
        ("should I reset carla's password?", "password.reset"),
        ("what does unlock actually do", "password.unlock"),
    ],
)
def test_a_question_about_an_action_explains_it_and_proposes_nothing(words: str, action: str) -> None:
    world = World()
    result, _ = world.say(words, alone=True)
    assert world.door.calls == []
    assert result.message.startswith(f"{action}: ")
    assert "Nothing is done by asking" in result.message


@pytest.mark.parametrize(
    ("words", "person"),
    [
        ("is bo locked?", "bo"),
        ("why is bo disabled", "bo"),
        ("when was dana's password reset", "dana"),
        ("can erik still sign in?", "erik"),
        ("how come dana can't log in?", "dana"),
    ],
)
def test_a_question_about_a_state_reads_it(words: str, person: str) -> None:
    world = World()
    world.say(words, alone=True) if person != "erik" else world.say(words, "erik")
    assert (world.call.action, world.call.arguments) == ("password.status", {"person": person})


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("approve R-7KQ2MX", "helpdesk approvals approve ID"),
        ("I want to approve Oskar's request", "helpdesk approvals list"),
        ("deny the request R-7KQ2MX", "helpdesk approvals"),
        ("what is waiting for my approval", "helpdesk approvals list"),
        ("what did I do last week", "helpdesk log list"),
        ("show me the log", "helpdesk log list"),
        ("undo that", "helpdesk undo ENTRY"),
        ("log me out", "helpdesk logout"),
        ("log in as somebody else", "helpdesk login"),
    ],
)
def test_what_has_a_command_of_its_own_is_told_and_never_carried_out(words: str, command: str) -> None:
    for world in (World(), World(present=False)):
        result, _ = world.say(words, alone=True, known=False)
        assert world.door.calls == []
        assert result.error is not None
        assert command in result.error.hint


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("hi", "greeting"),
        ("Hello there!", "greeting"),
        ("good morning", "greeting"),
        ("thanks!", "thanks"),
        ("ok, thank you very much", "thanks"),
        ("bye", "bye"),
        ("help", "abilities"),
        ("what can you do?", "abilities"),
        ("?", "abilities"),
        ("can you help me?", "abilities"),
        ("I have a question", "abilities"),
    ],
)
def test_small_talk_is_answered_without_an_error(words: str, kind: str) -> None:
    assert talk.kind(words) == kind
    result, terminal = World(present=False).say(words, alone=True, known=False)
    assert result.error is not None
    assert result.error.code == answers.NO_ACTION
    if kind == "greeting":
        assert "“" in result.message, "it says what can be asked"
    if kind == "abilities":
        assert "password: " in terminal.said


@pytest.mark.parametrize(
    "words",
    [
        "hi, unlock bo",
        "help me with my printer",
        "thanks, now unlock bo",
        "log of the backup server",
        "approve my pay rise",
    ],
)
def test_small_talk_around_a_request_does_not_swallow_it(words: str) -> None:
    assert talk.kind(words) == ""


@pytest.mark.parametrize(
    "words",
    ["ich brauche ein neues Passwort", "no puedo entrar en mi cuenta", "mon compte est bloqué", "密码忘了"],
)
def test_other_languages_are_told_that_english_is_understood_and_how_to_reach_people(words: str) -> None:
    world = World(present=False)
    result, _ = world.say(words, alone=True, known=False)
    assert "English" in result.message
    assert result.error is not None
    assert "helpdesk do ticket.open" in result.error.hint
    assert not talk.is_foreign("unlock bo")


@pytest.mark.parametrize(
    ("words", "action"),
    [
        ("I need a new monitor", "ticket.open"),
        ("I need a new laptop", "ticket.open"),
        ("my phone is broken", "ticket.open"),
        ("my laptop was stolen", "ticket.open"),
        ("a suspicious email with a link", "ticket.open"),
        ("I got locked out of the building", "ticket.open"),
        ("a new colleague starts Monday, create an account", "ticket.open"),
        ("my colleague Lena left the company", "ticket.open"),
        ("what is my phone number", "people.whoami"),
        ("what's my login", "people.whoami"),
        ("how do I reset my password", "password.status"),
        ("I need a temporary password", "password.status"),
        ("who can unlock my account", "password.status"),
        ("update my email to ana@example.org", "people.update"),
        ("who owns finance-share", "access.show"),
        ("which groups exist", "access.show"),
        ("what groups are there", "access.show"),
        ("does lena have access to finance-share", "access.list"),
        ("I want to talk to a human", "ticket.open"),
        ("unlock me", "password.status"),
        ("delete my account", ""),
        ("wifi password?", ""),
        ("my keyboard is new", ""),
        ("who works at the service desk", ""),
        ("how do I set up the VPN", ""),
    ],
)
def test_routes_that_a_newcomer_saw_go_wrong(words: str, action: str) -> None:
    route = ROUTER.route(words)
    assert (route.spec.name if route.spec else "", route.which) == (action, ())


def test_nobody_resets_their_own_password_and_that_is_said_first() -> None:
    world = World()
    _, terminal = world.say("please reset my password", alone=True)
    assert "helpdesk do password.change" in terminal.said
    assert "Nobody resets" in terminal.said
    assert world.call.action == "password.status"


def test_an_incident_is_looked_up_in_the_policies_and_offered_as_a_ticket() -> None:
    world = World()
    found = Citation("policies", "incidents.md", "Reporting", 7, Untrusted("Report theft within one hour."))
    world.door.citations["policy.search"] = (found,)
    _, terminal = world.say("my laptop was stolen", "yes")
    assert "Report theft within one hour" in terminal.said
    assert [call.action for call in world.door.calls] == ["policy.search", "ticket.open"]
    assert world.door.calls[1].arguments["subject"] == "my laptop was stolen"
    alone = World()
    alone.door.citations["policy.search"] = (found,)
    result, terminal = alone.say("my laptop was stolen", alone=True)
    assert result.citations == (found,)
    assert any("ticket.open" in event.text for event in terminal.of(Said))


# ── answers that are not to the question ──────────────────────────────────────────────────────


def test_a_sentence_at_the_offer_of_a_ticket_is_the_next_turn() -> None:
    world = World()
    result, _ = world.say("order me a pizza", "what groups am I in")
    assert (world.call.action, result.outcome) == ("access.list", Outcome.DONE)


def test_a_command_at_a_question_is_left_for_the_surface() -> None:
    world = World()
    world.say("order me a pizza", "/help")
    assert (world.conversation.left, world.door.calls) == ("/help", [])
    world.say("grant access", "/whoami")
    assert (world.conversation.left, world.door.calls) == ("/whoami", [])


@pytest.mark.parametrize("words", ["yes", "no", "ok", "please"])
def test_words_that_say_nothing_are_asked_back_about(words: str) -> None:
    result, _ = World().say(words, alone=True)
    assert result.message.startswith("Say what you need")


def test_a_greeting_names_no_colleague_and_nothing_for_the_service_desk_alone() -> None:
    said = answers.examples(build()[0].specs)
    assert said.count("“") == answers.EXAMPLES
    assert " bo" not in said
    assert all(ROUTER.route(text).spec for text in said.replace("”", "“").split("“")[1::2])


def test_saying_no_to_a_ticket_is_no_error_and_abilities_are_told_once() -> None:
    world = World()
    result, first = world.say("order me a pizza", "n")
    assert result.error is not None
    assert (result.error.code, world.door.calls) == (answers.NO_ACTION, [])
    assert "password: " in first.questions[0].text
    _, second = world.say("call me a taxi", "no thanks")
    assert "password: " not in second.questions[0].text


def test_the_word_cancel_is_nobodys_new_password() -> None:
    world = World()
    result, _ = world.say("change my password", "cancel")
    assert (result.outcome, world.door.calls) == (Outcome.CANCELLED, [])


def test_a_correction_at_the_confirmation_is_the_next_call() -> None:
    class Corrected(World):
        async def _confirming(
            self, call: Call, signed_in: SignedIn, interaction: Any, *, dry_run: bool, case: str
        ) -> Result:
            result = await self.door(call, signed_in, interaction, dry_run=dry_run, case=case)
            if call.arguments["group"] == "finance-share":
                with pytest.raises(Cancelled):
                    await interaction.confirm(None)
                return replace(result, outcome=Outcome.CANCELLED)
            return result

    class Says(Terminal):
        async def confirm(self, confirmation: Confirmation) -> Confirmed:
            raise Cancelled("Cancelled.", words="no, I meant design-share")

    world = Corrected()
    world.conversation = Conversation(
        specs=SPECS,
        run=world._confirming,
        sign_in=world._sign_in,
        explain_lock=world._explain,
        clock=lambda: NOW,
    )
    turn = world.conversation.turn(
        "get me into finance-share for the brochure", Says(), signed_in=signed_in()
    )
    result = asyncio.run(turn)
    assert [call.arguments["group"] for call in world.door.calls] == ["finance-share", "design-share"]
    assert world.door.calls[1].arguments["reason"] == "the brochure"
    assert result.outcome is Outcome.DONE


# ── groups that are named almost, or not at all ───────────────────────────────────────────────


def test_a_few_groups_are_listed_where_one_is_asked_for() -> None:
    world = World()
    _, terminal = world.say("I need access to a group", "hr-files")
    assert {"finance-share", "vpn-users", "none"} <= {c.value for c in terminal.questions[0].choices}
    assert world.call.arguments == {"group": "hr-files"}


@pytest.mark.parametrize(
    ("words", "group"), [("I need VPN", "vpn-users"), ("get me into the finance share", "finance-share")]
)
def test_a_group_that_is_named_almost_is_offered(words: str, group: str) -> None:
    world = World()
    _, terminal = world.say(words, group)
    assert group in {c.value for c in terminal.questions[0].choices}
    assert (world.call.action, world.call.arguments["group"]) == ("access.request", group)
    assert world.call.provenance["group"] is Provenance.CHOSEN


def test_a_group_and_nothing_else_is_asked_about() -> None:
    world = World()
    _, terminal = world.say("finance-share", "access.request")
    assert "access.request" in {c.value for c in terminal.questions[0].choices}


def test_the_hint_off_a_terminal_is_a_command_that_exists() -> None:
    for words, hint in (
        ("I need access to a group", "helpdesk do access.request --group NAME"),
        ("change my password", "helpdesk do password.change --new-file FILE"),
        ("take bo out", "helpdesk do access.revoke … --group NAME"),
        ("change my contact details please", "helpdesk do people.update with --phone"),
    ):
        with pytest.raises(UsageError) as caught:
            World().say(words, alone=True)
        assert hint in caught.value.hint or caught.value.hint == "--password-stdin"


# ── a temporary password ──────────────────────────────────────────────────────────────────────


class Closed:
    """A directory session that may look nothing up."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was looked up with a temporary password")


@pytest.mark.parametrize(
    "words", ["change my password", "unlock bo", "get me into finance-share", "I'm locked out"]
)
def test_a_temporary_password_opens_only_a_new_one_and_looks_nothing_up(words: str) -> None:
    world, terminal = World(), Terminal(["a new passphrase"])
    who = SignedIn(Actor(ANA, must_change=True), cast(DirectorySession, Closed()))
    asyncio.run(world.conversation.turn(words, terminal, signed_in=who))
    assert world.call.action == "password.change"
    assert world.call.secrets["new"].expose() == "a new passphrase"
    assert ("temporary password" in terminal.said) == (words != "change my password")


def test_a_model_cannot_get_round_the_new_password_that_is_due() -> None:
    world = World(
        model=ScriptedModel([[propose("password.unlock", '{"person": "bo"}')], ["Done, it is unlocked."]])
    )
    world.door.outcomes["password.unlock"] = Outcome.NOT_SIGNED_IN
    who = SignedIn(Actor(ANA, must_change=True), cast(DirectorySession, Closed()))

    async def sign_in(interaction: Any) -> SignedIn:
        return who

    world._sign_in = sign_in  # type: ignore[method-assign]
    world.__post_init__()
    result = asyncio.run(world.conversation.turn("unlock bo", Terminal(["bo", "bo", "bo", "bo"])))
    assert result.outcome is not Outcome.DONE
    assert {call.action for call in world.door.calls} <= {"password.unlock"}, "which the door itself refuses"


def test_with_a_temporary_password_and_nobody_there_the_error_says_what_comes_first() -> None:
    world = World()
    who = SignedIn(Actor(ANA, must_change=True), cast(DirectorySession, Closed()))
    with pytest.raises(MustChangePassword):
        asyncio.run(world.conversation.turn("unlock bo", Terminal(), signed_in=who))
    assert world.door.calls == []
