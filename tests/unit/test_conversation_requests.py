"""Questions about one's own requests, yes or no about a group, a reason that may be left out, and what /undo is called."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from helpdesk.conversation import talk
from helpdesk.conversation.requests_told import about_requests, told
from helpdesk.events import Change, Outcome
from helpdesk.gate.sealed import Request, RequestState, SealedCall
from helpdesk.ports import SignedIn
from tests.unit.conversation_world import NOW, Terminal, World, signed_in

CALL = SealedCall(
    "access.request",
    "1",
    {"group": "finance-share"},
    "id-ana",
    "ana",
    None,
    None,
    "",
    "key",
    created=NOW.isoformat(),
    expires=(NOW + timedelta(days=14)).isoformat(),
)


def request(id: str = "R-7KQ2MX", **fields: Any) -> Request:
    waits = Request(
        id,
        CALL,
        (Change("directory", "finance-share", "membership of ana", "not a member", "member"),),
        "quarter close",
        ("id-bo",),
        ("Bo Lindqvist",),
        RequestState.PENDING,
        "digest",
    )
    return replace(waits, **fields)


@pytest.mark.parametrize(
    "words",
    [
        "was my request approved?",
        "what became of my request",
        "has it been approved yet?",
        "did Bo approve it?",
        "is R-7KQ2MX done?",
        "status of my access request",
        "where is my request",
    ],
)
def test_a_question_about_ones_request_is_answered_from_where_it_is_kept(words: str) -> None:
    world = World()
    asked: list[str] = []

    async def made_by(who: SignedIn) -> list[Request]:
        asked.append(who.actor.login)
        return [request(state=RequestState.DONE, decided_by="id-bo", entry=12)]

    world.conversation._doors = replace(world.conversation._doors, requests=made_by)
    world.conversation._guided._doors = world.conversation._doors
    result, _ = world.say(words)
    assert asked == ["ana"]
    assert world.door.calls == []
    assert result.outcome is Outcome.DONE
    assert "R-7KQ2MX (finance-share: membership of ana) was approved by Bo Lindqvist" in result.message
    assert [(seen.target, seen.observed) for seen in result.receipt] == [("R-7KQ2MX", "done")]


@pytest.mark.parametrize(
    "words", ["request access to finance-share", "I want to request vpn-users", "approve my pay rise"]
)
def test_asking_for_access_is_no_question_about_a_request(words: str) -> None:
    assert talk.kind(words) != "asked"


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (RequestState.PENDING, "waits for Bo Lindqvist."),
        (RequestState.DENIED, "was denied by Bo Lindqvist: not needed"),
        (RequestState.EXPIRED, "ended without a decision"),
        (RequestState.WITHDRAWN, "was taken back"),
        (RequestState.STALE, "nothing was done"),
        (RequestState.UNKNOWN, "not known yet"),
        (RequestState.FAILED, "could not be carried out"),
    ],
)
def test_every_state_has_a_sentence(state: RequestState, says: str) -> None:
    decided = "" if state in (RequestState.PENDING, RequestState.EXPIRED) else "id-bo"
    assert says in told(request(state=state, decided_by=decided, answer="not needed"))


def test_a_question_that_names_a_request_is_about_that_one_and_older_ones_are_counted() -> None:
    five = [request(f"R-AAAAA{number}") for number in range(5)]
    now = datetime.now(UTC)
    assert about_requests(five, "what about r-aaaaa3?", now).message.startswith("R-AAAAA3 ")
    assert "2 older ones" in about_requests(five, "was my request approved?", now).message
    assert "no request called R-ZZZZZZ" in about_requests(five, "is R-ZZZZZZ approved?", now).message
    assert "no request that needs" in about_requests([], "was my request approved?", now).message


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("undo", "/undo"),
        ("undo that", "/undo"),
        ("undo 21", "/undo 21"),
        ("please undo entry 21", "/undo 21"),
        ("why?", "/why"),
        ("why was that refused?", "/why"),
        ("why not", "/why"),
        ("why 7", "/why 7"),
        ("log me out", "/logout"),
        ("why is bo locked?", ""),
        ("why can I not sign in", ""),
        ("undo the lock on bo", ""),
        ("unlock bo", ""),
    ],
)
def test_a_sentence_that_is_a_command_leads_to_it(words: str, command: str) -> None:
    assert talk.command(words) == command


def test_whoever_asks_for_access_is_offered_to_say_why_and_may_leave_it_out() -> None:
    world = World()
    _, terminal = world.say("give bo access to finance-share")
    assert "reason" not in world.call.arguments
    world = World()
    terminal = Terminal([], reason="the quarter close")
    asyncio.run(world.conversation.turn("give bo access to finance-share", terminal, signed_in=signed_in()))
    assert world.call.arguments["reason"] == "the quarter close"
    assert [question.name for question in terminal.questions] == ["reason"]
