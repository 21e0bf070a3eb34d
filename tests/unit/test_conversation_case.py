"""A conversation kept in a case: what another conversation, another program or a later day goes on with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.call import Call, Provenance
from helpdesk.conversation.case import Case, Draft, Kind, Resolution, Status
from helpdesk.conversation.cases import Cases
from helpdesk.conversation.keeping import closing
from helpdesk.errors import NotFound, Refused, UsageError
from helpdesk.events import Observation, Outcome, Result
from helpdesk.identity import Actor
from helpdesk.ports import DirectorySession, SignedIn
from tests.unit.conversation_world import ANA, NOW, PEOPLE, Folk, ScriptedModel, Terminal, World, propose

BO = next(person for person in PEOPLE if person.login == "bo")


@pytest.fixture
def cases(tmp_path: Path) -> Cases:
    return Cases(tmp_path / "cases.db", lambda: NOW)


def world(cases: Cases, case: Case | None = None, **more: Any) -> World:
    return World(options={"cases": cases, "case": case, **more.pop("options", {})}, **more)


def resumed(cases: Cases, **more: Any) -> World:
    """Another conversation, in another window, that goes on with Ana's latest case."""
    case = cases.latest(ANA.id)
    assert case is not None
    return world(cases, case, **more)


def kept(cases: Cases) -> Case:
    case = cases.latest(ANA.id)
    assert case is not None
    return case


# ── what goes on, with nothing typed again ────────────────────────────────────────────────────


def test_a_correction_is_understood_in_another_window(cases: Cases) -> None:
    world(cases).say("get me into finance-share for the quarter close")
    second = resumed(cases)
    second.say("no, I meant design-share")
    assert second.call.action == "access.request"
    assert second.call.arguments == {"group": "design-share", "reason": "the quarter close"}
    assert len(cases.mine(ANA.id, all=True)) == 1
    assert [line.body["words"] for line in kept(cases).turns] == [
        "get me into finance-share for the quarter close",
        "no, I meant design-share",
    ]


def test_a_pronoun_points_at_whom_the_case_was_about(cases: Cases) -> None:
    world(cases).say("unlock erik")
    second = resumed(cases)
    second.say("which groups is he in", alone=True)
    assert (second.call.action, second.call.arguments) == ("access.list", {"person": "erik"})


def test_a_correction_in_another_window_says_that_what_was_done_stands(cases: Cases) -> None:
    world(cases).say("unlock bo")
    second = resumed(cases)
    _, terminal = second.say("no, I meant erik")
    assert second.call.arguments == {"person": "erik"}
    assert "What was done before stands." in terminal.said


def test_a_half_filled_request_is_asked_on(cases: Cases) -> None:
    with pytest.raises(UsageError):
        world(cases).say("give bo access", alone=True)
    memory = kept(cases).memory
    assert memory.half
    assert (memory.action, dict(memory.arguments)) == ("access.grant", {"person": "bo"})
    second = resumed(cases)
    assert second.conversation.half_filled == memory
    terminal = Terminal(["vpn-users"])
    result = asyncio.run(second.conversation.go_on(terminal, signed_in=who()))  # type: ignore[arg-type]
    assert result is not None
    assert [question.name for question in terminal.questions] == ["group"]
    assert second.call.arguments == {"person": "bo", "group": "vpn-users"}
    assert second.call.provenance == {"person": Provenance.TYPED, "group": Provenance.CHOSEN}
    assert not kept(cases).memory.half


def test_the_words_that_come_next_fill_what_was_being_asked(cases: Cases) -> None:
    with pytest.raises(UsageError):
        world(cases).say("give bo access", alone=True)
    second = resumed(cases)
    second.say("vpn-users", alone=True)
    assert second.call.action == "access.grant"
    assert second.call.arguments == {"person": "bo", "group": "vpn-users"}
    assert kept(cases).goal == "give bo access"


def test_a_request_of_its_own_fills_nothing(cases: Cases) -> None:
    with pytest.raises(UsageError):
        world(cases).say("give bo access", alone=True)
    second = resumed(cases)
    second.say("unlock erik", alone=True)
    assert (second.call.action, second.call.arguments) == ("password.unlock", {"person": "erik"})


def test_what_was_cancelled_is_not_asked_again(cases: Cases) -> None:
    result, _ = world(cases).say("give bo access", "cancel")
    assert result.outcome is Outcome.CANCELLED
    assert resumed(cases).conversation.half_filled is None


def test_the_answers_of_a_question_are_in_the_case_and_the_next_question_knows_them(cases: Cases) -> None:
    class Killed(Exception):
        pass

    class Dying(Terminal):
        async def ask(self, question: Any) -> str:
            if question.name == "group":
                raise Killed
            return await super().ask(question)

    first = world(cases)
    terminal = Dying(["bo"])
    with pytest.raises(Killed):  # the process is gone between two questions
        asyncio.run(first.conversation.turn("give someone access", terminal, signed_in=who()))  # type: ignore[arg-type]
    memory = kept(cases).memory
    assert (memory.action, dict(memory.arguments), memory.half) == ("access.grant", {"person": "bo"}, True)


def test_what_the_person_typed_before_still_counts_as_typed(cases: Cases) -> None:
    world(cases).say("which groups is erik in")
    model = ScriptedModel([[propose("password.unlock", '{"person": "erik"}')], ["Done."]])
    second = resumed(cases, model=model, offer_all=True)
    second.say("he says he cannot get in, can you lift the lock of that person", alone=True)
    assert second.call.provenance["person"] is Provenance.TYPED


def test_what_a_model_said_before_is_still_the_models(cases: Cases) -> None:
    first = world(cases, model=ScriptedModel([["I could unlock dana for you."]]), offer_all=True)
    first.say("what would you suggest I do next about my colleague", alone=True)
    assert [line.kind for line in kept(cases).lines if line.kind is Kind.MODEL] == [Kind.MODEL]
    second = resumed(cases)
    assert [line.speaker for line in second.conversation.transcript.lines][:2] == ["person", "model"]
    assert "dana" not in second.conversation.transcript.said()


# ── the case and the log ──────────────────────────────────────────────────────────────────────


def test_every_call_carries_the_case_to_the_log_and_its_result_is_in_the_case(cases: Cases) -> None:
    first = world(cases)
    first.say("unlock bo")
    case = kept(cases)
    assert first.call.case == case.id == first.conversation.case_id
    (step,) = case.steps
    assert (step.action, step.outcome, step.proven) == ("password.unlock", "done", True)
    assert not case.at_the_door


def test_what_a_crash_kept_from_the_case_is_asked_of_the_log(cases: Cases) -> None:
    class Crash(BaseException):
        pass

    class Dying:
        async def __call__(self, *args: Any, **more: Any) -> Result:
            raise Crash

    first = world(cases)
    first.conversation._ways.run = Dying()
    with pytest.raises(Crash):
        first.say("unlock bo")
    case = kept(cases)
    assert case.at_the_door
    asked: list[str] = []

    async def recover(case: Case) -> list[Draft]:
        asked.append(case.id)
        from helpdesk.conversation.keeping import line_of

        seen = (Observation("directory", "bo", "account lock", "not locked", "not locked"),)
        done = Result(Outcome.DONE, "password.unlock", "bo can sign in again.", receipt=seen, entry=5)
        return [line_of(done, reads=False)]

    second = resumed(cases, options={"recover": recover})
    _, terminal = second.say("who am I")
    assert asked == [case.id]
    assert "password.unlock: bo can sign in again." in terminal.said
    assert [step.entry for step in kept(cases).receipts] == [5]
    second.say("who am I")
    assert asked == [case.id]  # once


# ── whose it is (R8) ──────────────────────────────────────────────────────────────────────────


def who(person: Any = ANA, **more: Any) -> SignedIn:
    return SignedIn(Actor(person, **more), cast(DirectorySession, Folk()))


@pytest.mark.req("R8")
def test_a_case_does_not_go_on_for_somebody_else_who_signs_in(cases: Cases) -> None:
    world(cases).say("unlock bo")
    before = kept(cases)
    second = resumed(cases)
    with pytest.raises(Refused, match="somebody else's"):
        asyncio.run(second.conversation.turn("and erik", Terminal([]), signed_in=who(BO)))  # type: ignore[arg-type]
    assert second.door.calls == []
    assert kept(cases) == before
    with pytest.raises(NotFound):
        cases.get(before.id, BO.id)


@pytest.mark.req("R8")
def test_a_sign_in_in_the_middle_of_a_turn_is_looked_at_too(cases: Cases) -> None:
    world(cases).say("unlock bo")
    second = resumed(cases)

    async def sign_in(interaction: Any) -> SignedIn:
        return who(BO)

    second.conversation._ways.sign_in = sign_in
    with pytest.raises(Refused, match="somebody else's"):
        second.say("unlock erik", known=False)
    assert second.door.calls == []


@pytest.mark.req("R8")
def test_no_sign_in_travels_with_a_case_it_is_asked_for_again(cases: Cases) -> None:
    world(cases).say("unlock bo")
    second = resumed(cases)
    second.say("unlock erik", known=False)
    assert second.signed_in_count == 1


@pytest.mark.req("S1")
def test_while_a_new_password_is_due_nothing_is_kept(cases: Cases, tmp_path: Path) -> None:
    first = world(cases)
    terminal = Terminal(["n3w-Secret-horse", "n3w-Secret-horse"])
    signed_in = who(must_change=True)
    asyncio.run(first.conversation.turn("n3w-Secret-horse", terminal, signed_in=signed_in))  # type: ignore[arg-type]
    first.say("unlock bo")
    for file in tmp_path.iterdir():
        assert b"n3w-Secret-horse" not in file.read_bytes()
    assert [line.body["words"] for line in kept(cases).turns] == ["unlock bo"]


@pytest.mark.req("S1")
def test_secret_arguments_and_passwords_in_sentences_are_in_no_line(cases: Cases, tmp_path: Path) -> None:
    first = world(cases)
    first.say("change my password", "s3cret-Canary-9", "s3cret-Canary-9")
    first.say("my password is s3cret-Canary-9, who am I?")
    assert kept(cases).steps[0].action == "password.change"
    for file in tmp_path.iterdir():
        assert b"s3cret-Canary-9" not in file.read_bytes()


# ── two windows ───────────────────────────────────────────────────────────────────────────────


def test_what_another_window_added_is_there_before_the_next_turn(cases: Cases) -> None:
    first = world(cases)
    first.say("get me into finance-share for the quarter close")
    resumed(cases).say("unlock bo")
    _, terminal = first.say("no, I meant erik")
    assert "went on in another window" in terminal.said
    assert (first.door.calls[-1].action, first.door.calls[-1].arguments) == (
        "password.unlock",
        {"person": "erik"},
    )
    assert len(kept(cases).turns) == 3


def test_a_case_that_cannot_be_written_is_said_once_and_the_work_goes_on(
    cases: Cases, tmp_path: Path
) -> None:
    first = world(cases)
    first.say("unlock bo")
    (tmp_path / "cases.db").write_bytes(b"no database at all, and long enough to be seen as none" * 100)
    for file in tmp_path.glob("cases.db-*"):
        file.unlink()
    _, terminal = first.say("unlock erik")
    assert terminal.warned.count("not kept any more") == 1
    assert [call.arguments for call in first.door.calls] == [{"person": "bo"}, {"person": "erik"}]
    _, terminal = first.say("unlock bo")
    assert "not kept" not in terminal.warned


# ── rewind, and handing over ──────────────────────────────────────────────────────────────────


def test_after_a_rewind_later_words_are_forgotten_and_what_was_done_stays_in_view(cases: Cases) -> None:
    first = world(cases, options={"present": who})
    first.say("get me into finance-share for the quarter close")
    first.say("unlock bo")
    case = asyncio.run(first.conversation.rewind(1, Terminal([])))  # type: ignore[arg-type]
    assert [step.action for step in case.done_after] == ["password.unlock"]
    assert "unlock bo" not in first.conversation.transcript.said()
    first.say("no, I meant design-share")
    assert first.door.calls[-1].arguments["group"] == "design-share"
    assert [line.body["words"] for line in kept(cases).turns] == [
        "get me into finance-share for the quarter close",
        "no, I meant design-share",
    ]


def ticketed(world: World, number: str = "T-31") -> Callable[..., Any]:
    async def run(call: Call, signed_in: Any, interaction: Any, *, dry_run: bool, case: str) -> Result:
        world.door.calls.append(call)
        world.door.cases.append(case)
        seen = (Observation("tickets", number, "number", number, number),)
        return Result(Outcome.DONE, call.action, "It is open.", dict(call.arguments), receipt=seen, entry=12)

    return run


def test_a_handoff_opens_a_ticket_with_the_case_and_the_case_tells_its_number(cases: Cases) -> None:
    first = world(cases)
    first.say("unlock bo")
    first.say("my password is s3cret-Canary-9 and it does not work, what now?", "no")
    first.conversation._ways.run = ticketed(first)
    result = asyncio.run(first.conversation.hand_off(Terminal([]), signed_in=who()))  # type: ignore[arg-type]
    assert result.outcome is Outcome.DONE
    call, text = first.door.calls[-1], first.door.cases[-1]
    assert (call.action, call.arguments["subject"]) == ("ticket.open", "unlock bo")
    case = next(one for one in cases.mine(ANA.id, all=True))
    assert text.startswith(f"Case {case.id}: unlock bo")
    assert "Person: unlock bo" in text
    assert "- password.unlock: password.unlock ended. [done]" in text
    assert "s3cret-Canary-9" not in text
    assert (case.status, case.ticket) == (Status.HANDED_OFF, "T-31")


def test_without_a_receipt_of_the_number_nothing_is_handed_off(cases: Cases) -> None:
    first = world(cases)
    first.say("unlock bo")
    first.door.outcomes["ticket.open"] = Outcome.CANCELLED
    asyncio.run(first.conversation.hand_off(Terminal([]), signed_in=who()))  # type: ignore[arg-type]
    assert kept(cases).status is Status.OPEN
    first.door.outcomes["ticket.open"] = Outcome.DONE  # its receipt tells no number
    asyncio.run(first.conversation.hand_off(Terminal([]), signed_in=who()))  # type: ignore[arg-type]
    assert (kept(cases).status, kept(cases).ticket) == (Status.OPEN, "")


def test_a_closed_case_that_goes_on_is_open_again_with_all_it_knew(cases: Cases) -> None:
    world(cases).say("get me into finance-share for the quarter close")
    case = kept(cases)
    cases.append(case.id, ANA.id, [closing(Resolution.ABANDONED)])
    second = world(cases, cases.get(case.id, ANA.id))
    second.say("no, I meant design-share")
    assert second.call.arguments["group"] == "design-share"
    assert kept(cases).status is Status.OPEN


def test_a_named_action_is_a_turn_like_a_sentence(cases: Cases) -> None:
    first = world(cases)
    call = Call("password.unlock", {"person": "bo"}, {"person": Provenance.TYPED})
    asyncio.run(first.conversation.do(call, Terminal([]), signed_in=who()))  # type: ignore[arg-type]
    assert replace(first.call, case="", key=call.key) == call
    assert [line.body["words"] for line in kept(cases).turns] == ["/do password.unlock person=bo"]
    resumed_one = resumed(cases)
    resumed_one.say("no, I meant erik")
    assert resumed_one.call.arguments == {"person": "erik"}


def test_without_a_store_nothing_is_kept_and_all_else_is_as_before() -> None:
    first = World()
    first.say("unlock bo")
    assert first.call.case == first.conversation.case_id == ""
    assert asyncio.run(first.conversation.case()) is None


def test_what_was_said_before_it_was_known_who_is_there_is_in_nobodys_case(cases: Cases) -> None:
    first = world(cases)
    first.say("I'm locked out", known=False)
    first.say("hello", known=False)
    first.say("unlock erik", known=False)
    turns = [str(turn.body["words"]) for turn in kept(cases).turns]
    assert turns == ["unlock erik"], "the sentence that they signed in for"
    second = world(cases)
    second.say("I'm locked out", known=False)
    second.say("unlock bo")
    assert "locked out" not in second.conversation.transcript.said()
