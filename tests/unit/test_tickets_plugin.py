"""Tickets through the door: the case goes along, the effect is read back, and nobody sees another's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpdesk.errors import Unreachable
from helpdesk.events import Outcome, Result
from helpdesk.ports import Ticket, Tickets
from tests.fakes.systems import TICKET_WRITES
from tests.unit.plugin_world import Desk, Someone

WRITES: list[tuple[str, dict[str, str]]] = [
    ("ticket.open", {"subject": "New"}),
    ("ticket.comment", {"text": "x"}),
    ("ticket.close", {}),
    ("ticket.reopen", {}),
]
CASE = "Person: my docking station is dead\nHelpdesk: password.status: Your account is not locked. [done]"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


class Queue:
    """The embedded queue, with one method that misbehaves; everything else is passed on."""

    def __init__(self, queue: Tickets, **instead: Callable[..., Any]) -> None:
        self._queue = queue
        self._instead = instead

    def __getattr__(self, name: str) -> Any:
        return self._instead.get(name) or getattr(self._queue, name)


def opened(desk: Desk, login: str = "ana", subject: str = "The lift is stuck", **more: Any) -> str:
    """Open a ticket; its number."""
    result = desk.do(login, "ticket.open", {"subject": subject}, **more)
    assert result.outcome is Outcome.DONE, result.message
    return next(o.observed for o in result.receipt if o.what == "number")


def ticket(desk: Desk, id: str) -> Ticket:
    return desk.tickets.get(id)


def ready(desk: Desk, id: str, action: str) -> None:
    """Nothing but a closed ticket can be opened again."""
    if action == "ticket.reopen":
        desk.tickets.close_ticket(id, "Gus", "closed before")


# ── open ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("L3")
def test_open_shows_what_it_will_say_does_it_and_reads_it_back(desk: Desk) -> None:
    someone = Someone()
    result = desk.do(
        "ana", "ticket.open", {"subject": "The lift\nis stuck", "body": "Floor 3."}, someone=someone
    )
    assert result.outcome is Outcome.DONE
    assert someone.previewed == [
        ("new ticket", "subject", "no ticket", "The lift is stuck"),
        ("new ticket", "requester", "no ticket", "ana"),
        ("new ticket", "text", "no ticket", "Floor 3."),
    ]
    assert all(o.as_expected for o in result.receipt)
    id = result.receipt[-1].target
    assert id in result.message
    made = ticket(desk, id)
    assert (made.subject, made.status, made.requester) == (
        "The lift is stuck",
        "open",
        desk.signed_in("ana").actor.person.id,
    )
    assert made.body == "From Ana Example (ana), ana@corp.test\n\nFloor 3."


def test_a_handoff_carries_the_conversation_and_what_was_tried(desk: Desk) -> None:
    someone = Someone()
    id = opened(desk, case=CASE, someone=someone)
    body = ticket(desk, id).body
    assert "my docking station is dead" in body
    assert "password.status: Your account is not locked. [done]" in body
    assert "the conversation so far" in someone.previewed[2][3]
    assert "conversation so far goes with it" in someone.asked[0].warnings[0]


def test_a_conversation_too_long_for_a_ticket_keeps_its_end(desk: Desk) -> None:
    id = opened(desk, case="x" * 200_000 + "\nPerson: the last words")
    assert ticket(desk, id).body.endswith("Person: the last words")
    assert len(ticket(desk, id).body) < 100_000


def test_a_subject_that_is_too_long_is_said_before_anything_happens(desk: Desk) -> None:
    result = desk.do("ana", "ticket.open", {"subject": "x" * 300})
    assert result.outcome is Outcome.USAGE
    assert result.error is not None
    assert "--body" in result.error.hint
    assert desk.tickets.of(desk.signed_in("ana").actor.person.id) == []


@pytest.mark.req("R3")
def test_the_same_call_twice_opens_one_ticket(desk: Desk) -> None:
    results = [desk.do("ana", "ticket.open", {"subject": "Once"}, key="key-1") for _ in range(2)]
    assert [r.outcome for r in results] == [Outcome.DONE, Outcome.DONE]
    assert "already" in results[1].message
    assert len(desk.tickets.of(desk.signed_in("ana").actor.person.id)) == 1


def test_dry_run_opens_nothing(desk: Desk) -> None:
    result = desk.do("ana", "ticket.open", {"subject": "Maybe"}, dry_run=True)
    assert result.outcome is Outcome.PREVIEWED
    assert desk.tickets.of(desk.signed_in("ana").actor.person.id) == []


# ── comment and close ─────────────────────────────────────────────────────────────────────────


def test_a_comment_is_added_and_read_back(desk: Desk) -> None:
    id = opened(desk)
    result = desk.do("ana", "ticket.comment", {"id": id.lower(), "text": "It is urgent."})
    assert result.outcome is Outcome.DONE
    assert [(c.author, c.text) for c in ticket(desk, id).comments] == [
        ("Ana Example (ana), ana@corp.test", "It is urgent.")
    ]
    assert result.receipt[0].observed == "It is urgent."


def test_the_same_words_said_twice_are_two_comments(desk: Desk) -> None:
    id = opened(desk)
    for expected in (1, 2):
        assert desk.do("ana", "ticket.comment", {"id": id, "text": "Any news?"}).outcome is Outcome.DONE
        assert len(ticket(desk, id).comments) == expected


def test_someone_elses_comment_in_between_does_not_matter(desk: Desk) -> None:
    id = opened(desk)
    someone = Someone(on_confirm=lambda: desk.tickets.comment(id, "Gus", "Looking at it.", "other"))
    result = desk.do("ana", "ticket.comment", {"id": id, "text": "Floor 3."}, someone=someone)
    assert result.outcome is Outcome.DONE
    assert [c.text for c in ticket(desk, id).comments] == ["Looking at it.", "Floor 3."]


def test_close_and_close_again(desk: Desk) -> None:
    id = opened(desk)
    someone = Someone()
    assert desk.do("ana", "ticket.close", {"id": id}, someone=someone).outcome is Outcome.DONE
    assert someone.previewed == [(id, "status", "open", "closed")]
    assert ticket(desk, id).status == "closed"
    again = desk.do("ana", "ticket.close", {"id": id})
    assert again.outcome is Outcome.DONE
    assert "already" in again.message
    assert again.receipt[0].observed == "closed"


def test_reopen_and_reopen_again(desk: Desk) -> None:
    id = opened(desk)
    already = desk.do("ana", "ticket.reopen", {"id": id})
    assert already.outcome is Outcome.DONE
    assert "open already" in already.message
    desk.do("ana", "ticket.close", {"id": id})
    someone = Someone()
    assert desk.do("ana", "ticket.reopen", {"id": id}, someone=someone).outcome is Outcome.DONE
    assert someone.previewed == [(id, "status", "closed", "open")]
    assert ticket(desk, id).status == "open"
    assert [comment.text for comment in ticket(desk, id).comments] == ["Closed.", "Opened again."]


@pytest.mark.req("L4")
def test_a_ticket_closed_while_the_person_decides_is_not_closed_twice(desk: Desk) -> None:
    id = opened(desk)
    someone = Someone(on_confirm=lambda: desk.tickets.close_ticket(id, "Gus", "other"))
    result = desk.do("ana", "ticket.close", {"id": id}, someone=someone)
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "stale"


# ── status ────────────────────────────────────────────────────────────────────────────────────


def test_status_lists_ones_own_open_ones_first(desk: Desk) -> None:
    first, second = opened(desk, subject="First"), opened(desk, subject="Second")
    opened(desk, "bo", "Of bo")
    desk.do("ana", "ticket.close", {"id": first})
    result = desk.do("ana", "ticket.status")
    assert [one["id"] for one in result.data] == [second, first]
    assert "Of bo" not in result.message
    assert desk.do("olga", "ticket.status").message == "You have no tickets."


def test_status_of_one_says_the_last_comment_harmlessly(desk: Desk) -> None:
    id = opened(desk)
    desk.tickets.comment(id, "Gus", "Fixed \x1b[31mnow\x1b]0;x\x07", "k2")
    result = desk.do("ana", "ticket.status", {"id": id})
    assert "\x1b" not in result.message
    assert "Fixed" in result.message
    assert result.receipt[0].observed == "open"


# ── whose ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("L1")
@pytest.mark.parametrize(
    ("action", "more"),
    [("ticket.status", {}), ("ticket.comment", {"text": "x"}), ("ticket.close", {}), ("ticket.reopen", {})],
)
def test_a_ticket_of_someone_else_and_no_ticket_are_answered_alike(
    desk: Desk, action: str, more: dict[str, str]
) -> None:
    id = opened(desk)
    theirs, none = (desk.do("bo", action, {"id": one, **more}) for one in (id, "T-9999"))
    for result in (theirs, none):
        assert result.outcome is Outcome.REFUSED
        assert result.rule == "your-own-tickets"

    def said(result: Result, id: str) -> tuple[Any, ...]:
        assert result.error is not None
        return (
            result.message.replace(id, "?"),
            result.error.code,
            result.error.hint,
            result.data,
            result.receipt,
        )

    assert said(theirs, id) == said(none, "T-9999")
    assert ticket(desk, id).status == "open"
    assert ticket(desk, id).comments == ()


def test_the_service_desk_may_answer_close_and_reopen(desk: Desk) -> None:
    id = opened(desk)
    assert desk.do("gus", "ticket.status", {"id": id}).outcome is Outcome.DONE
    assert desk.do("gus", "ticket.comment", {"id": id, "text": "On my way."}).outcome is Outcome.DONE
    assert desk.do("gus", "ticket.close", {"id": id}).outcome is Outcome.DONE
    assert desk.do("gus", "ticket.reopen", {"id": id}).outcome is Outcome.DONE
    none = desk.do("gus", "ticket.status", {"id": "T-9999"})
    assert none.error is not None
    assert none.error.code == "not-found"


@pytest.mark.req("D7")
def test_a_new_person_with_an_old_login_does_not_get_the_old_tickets(desk: Desk) -> None:
    id = opened(desk)
    old = desk.signed_in("ana").actor.person
    del desk.directory.accounts[old.id]
    desk.directory.add_person("ana", "Ana Another")
    assert desk.do("ana", "ticket.status").message == "You have no tickets."
    assert desk.do("ana", "ticket.status", {"id": id}).outcome is Outcome.REFUSED


# ── a queue that lies, dies, or answers late ──────────────────────────────────────────────────


def _nothing(desk: Desk) -> dict[str, Callable[..., Any]]:
    """Methods that report success and write nothing."""
    made = ticket(desk, opened(desk))

    def said(*_: Any) -> Ticket:
        return made

    return {"open": said, "comment": said, "close_ticket": said, "reopen_ticket": said}


@pytest.mark.req("L10")
@pytest.mark.parametrize(
    ("action", "more"),
    WRITES,
)
def test_a_queue_that_writes_nothing_never_yields_done(desk: Desk, action: str, more: dict[str, str]) -> None:
    id = opened(desk)
    ready(desk, id, action)
    desk.use_tickets(Queue(desk.tickets, **_nothing(desk)))
    arguments = more if action == "ticket.open" else {"id": id, **more}
    result = desk.do("ana", action, arguments)
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "no-effect"


@pytest.mark.req("L10")
def test_a_queue_that_keeps_another_text_is_noticed(desk: Desk) -> None:
    real = desk.tickets
    desk.use_tickets(Queue(real, open=lambda s, b, r, k: real.open(s, "something else", r, k)))
    assert desk.do("ana", "ticket.open", {"subject": "New", "body": "mine"}).outcome is Outcome.UNKNOWN


@pytest.mark.req("R3")
@pytest.mark.parametrize(
    ("action", "more"),
    WRITES,
)
def test_a_lost_answer_is_settled_by_reading(desk: Desk, action: str, more: dict[str, str]) -> None:
    id, real = opened(desk), desk.tickets
    ready(desk, id, action)

    def lost(method: str) -> Callable[..., Any]:
        def applied(*arguments: Any) -> Any:
            getattr(real, method)(*arguments)
            raise Unreachable("The queue gave no answer.", maybe_applied=True)

        return applied

    desk.use_tickets(Queue(real, **{name: lost(name) for name in TICKET_WRITES}))
    arguments = more if action == "ticket.open" else {"id": id, **more}
    assert desk.do("ana", action, arguments).outcome is Outcome.DONE


def test_a_queue_out_of_reach_is_said(desk: Desk) -> None:
    def dead(*_: Any) -> Any:
        raise Unreachable("The queue gave no answer.")

    desk.use_tickets(Queue(desk.tickets, by_key=dead, get=dead, of=dead))
    assert desk.do("ana", "ticket.open", {"subject": "New"}).outcome is Outcome.UNREACHABLE
    assert desk.do("ana", "ticket.status").outcome is Outcome.UNREACHABLE


@pytest.mark.req("R2")
@pytest.mark.parametrize("applied", [True, False], ids=["after the effect", "before the effect"])
@pytest.mark.parametrize("action", [action for action, _ in WRITES])
def test_what_a_crash_left_is_read_back(desk: Desk, action: str, applied: bool) -> None:
    id, real = opened(desk), desk.tickets
    ready(desk, id, action)
    if not applied:
        desk.use_tickets(Queue(real, **_nothing(desk)))
    arguments = {
        "ticket.open": {"subject": "New", "body": "text"},
        "ticket.comment": {"id": id, "text": "x"},
        "ticket.close": {"id": id},
        "ticket.reopen": {"id": id},
    }[action]
    desk.without_outcome("ana", action, arguments, case=CASE)
    desk.use_tickets(real)
    before = [ticket(desk, id), *desk.tickets.of(desk.signed_in("ana").actor.person.id)]
    [result] = desk.reconcile("ana")
    assert result.outcome is (Outcome.DONE if applied else Outcome.FAILED), result.message
    assert before == [ticket(desk, id), *desk.tickets.of(desk.signed_in("ana").actor.person.id)]
    assert desk.audit.open_intents() == []
