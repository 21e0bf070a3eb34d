"""The embedded ticket queue: one key, one effect; nothing lost, nothing half done."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from helpdesk.connectors.tickets import LONGEST, EmbeddedTickets
from helpdesk.errors import InvalidArgument, NotFound, Refused, Unreachable
from helpdesk.ports import Ticket, Tickets

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "tickets.db"


@pytest.fixture
def queue(path: Path) -> EmbeddedTickets:
    return EmbeddedTickets(path, lambda: NOW)


def test_it_is_a_ticket_queue(queue: EmbeddedTickets) -> None:
    assert isinstance(queue, Tickets)


def test_ids_are_short_and_in_order(queue: EmbeddedTickets) -> None:
    made = [queue.open("No network", "since nine", "ana", f"k{n}") for n in range(3)]
    assert [ticket.id for ticket in made] == ["T-1001", "T-1002", "T-1003"]


def test_what_was_opened_is_there(queue: EmbeddedTickets, path: Path) -> None:
    made = queue.open("No network", "since nine\nfloor 3", "ana", "k1")
    assert made == Ticket("T-1001", "No network", "since nine\nfloor 3", "ana", "open", NOW)  # type: ignore[arg-type]
    again = EmbeddedTickets(path, lambda: NOW + timedelta(days=1))
    assert again.get("T-1001") == made
    assert again.get(" t-1001 ") == made
    assert again.get("1001") == made


def test_comments_stay_in_order_and_closing_is_noted(queue: EmbeddedTickets) -> None:
    id = queue.open("No network", "", "ana", "k1").id
    queue.comment(id, "dee", "Which floor?", "k2")
    queue.comment(id, "ana", "Three.", "k3")
    closed = queue.close_ticket(id, "dee", "k4")
    assert closed.status == "closed"
    assert [(said.author, said.text, said.at) for said in closed.comments] == [
        ("dee", "Which floor?", NOW),
        ("ana", "Three.", NOW),
        ("dee", "Closed.", NOW),
    ]
    assert queue.comment(id, "ana", "Thank you!", "k5").status == "closed"
    assert len(queue.close_ticket(id, "bo", "k6").comments) == 4  # closed already: nothing to note
    opened = queue.reopen_ticket(id, "ana", "k7")
    assert (opened.status, opened.comments[-1].text, opened.comments[-1].author) == (
        "open",
        "Opened again.",
        "ana",
    )
    assert queue.reopen_ticket(id, "bo", "k8") == opened  # open already
    assert queue.close_ticket(id, "dee", "k4") == opened  # the key of the first closing closes nothing again


@pytest.mark.req("R3")
def test_one_key_makes_one_effect(queue: EmbeddedTickets, path: Path) -> None:
    made = queue.open("No network", "", "ana", "k1")
    assert queue.open("No network", "", "ana", "k1") == made
    assert EmbeddedTickets(path, lambda: NOW).open("No network", "", "ana", "k1") == made
    once = queue.comment(made.id, "dee", "Which floor?", "k2")
    assert queue.comment(made.id, "dee", "Which floor?", "k2") == once
    ended = queue.close_ticket(made.id, "dee", "k3")
    assert queue.close_ticket(made.id, "dee", "k3") == ended
    assert queue.of("ana") == [ended]
    assert len(ended.comments) == 2


@pytest.mark.req("R3")
def test_a_key_belongs_to_one_change(queue: EmbeddedTickets) -> None:
    one, other = queue.open("One", "", "ana", "k1"), queue.open("Other", "", "ana", "k2")
    queue.comment(one.id, "dee", "Hm.", "k3")
    for attempt in (
        lambda: queue.comment(one.id, "dee", "Hm.", "k1"),
        lambda: queue.close_ticket(one.id, "dee", "k3"),
        lambda: queue.comment(other.id, "dee", "Hm.", "k3"),
        lambda: queue.open("Third", "", "ana", "k3"),
    ):
        with pytest.raises(Refused) as told:
            attempt()
        assert told.value.code == "key-reused"
    assert queue.get(other.id).comments == ()
    assert len(queue.of("ana")) == 2


@pytest.mark.req("R3")
def test_an_interrupted_call_is_found_by_its_key(queue: EmbeddedTickets) -> None:
    assert queue.by_key("k1") is None
    made = queue.open("No network", "", "ana", "k1")
    queue.comment(made.id, "dee", "Hm.", "k2")
    assert queue.by_key("k1") == queue.get(made.id)
    assert queue.by_key("k2") is None  # that key opened nothing


@pytest.mark.req("R3")
def test_many_at_once_with_one_key_make_one_ticket(queue: EmbeddedTickets, path: Path) -> None:
    made: list[str] = []

    def open_it() -> None:
        made.append(EmbeddedTickets(path, lambda: NOW).open("No network", "", "ana", "k1").id)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert made == ["T-1001"] * 8
    assert len(queue.of("ana")) == 1


@pytest.mark.req("R2", "R3")
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a POSIX matter")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_leaves_the_whole_effect_or_none(queue: EmbeddedTickets, path: Path, when: str) -> None:
    queue.open("Earlier", "", "ana", "k0")
    script = (
        "import os, signal, sys, datetime\n"
        "from pathlib import Path\n"
        "from helpdesk.connectors import tickets\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "queue = tickets.EmbeddedTickets(Path(sys.argv[1]), lambda: datetime.datetime.now(datetime.UTC))\n"
        "if sys.argv[2] == 'before':\n"
        "    tickets._ticket = die\n"  # inside of the transaction, after the writes
        "queue.open('Cut short', '', 'ana', 'k1')\n"
        "die()\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(path), when], timeout=30)
    assert ran.returncode == -signal.SIGKILL
    found = queue.by_key("k1")
    assert (found is not None) == (when == "after")
    assert queue.open("Cut short", "", "ana", "k1").id == "T-1002"
    assert [ticket.subject for ticket in queue.of("ana")] == ["Cut short", "Earlier"]


def test_ones_own_tickets_newest_first(queue: EmbeddedTickets) -> None:
    for number, who in enumerate(["ana", "bo", "ana"]):
        queue.open(f"No {number}", "", who, f"k{number}")
    assert [ticket.subject for ticket in queue.of("ana")] == ["No 2", "No 0"]
    assert queue.of("nobody") == []


@pytest.mark.parametrize("id", ["T-9", "T-", "", "x", "T-1001; DROP TABLE ticket", "T--1", "٣", "9" * 40])
def test_what_is_no_ticket_is_not_found(queue: EmbeddedTickets, id: str) -> None:
    queue.open("No network", "", "ana", "k1")
    for attempt in (
        lambda: queue.get(id),
        lambda: queue.comment(id, "ana", "x", "k2"),
        lambda: queue.close_ticket(id, "ana", "k3"),
        lambda: queue.reopen_ticket(id, "ana", "k3"),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert queue.by_key("k2") is None
    assert queue.get("T-1001").status == "open"


@pytest.mark.parametrize("subject", ["", "  \n", "x" * (LONGEST + 1)])
def test_a_subject_says_something(queue: EmbeddedTickets, subject: str) -> None:
    with pytest.raises(InvalidArgument):
        queue.open(subject, "", "ana", "k1")
    with pytest.raises(InvalidArgument):
        queue.comment("T-1001", "ana", subject, "k1")
    assert queue.of("ana") == []


def test_a_change_without_a_key_is_refused(queue: EmbeddedTickets) -> None:
    with pytest.raises(InvalidArgument, match="key"):
        queue.open("No network", "", "ana", "")


def test_any_text_survives(queue: EmbeddedTickets) -> None:
    text = "tab\t nul\0 esc\x1b[31m rtl\u202e emoji 🧯 'quotes\" -- ; half \ud800"
    made = queue.open(text, text, "ana", "k1")
    assert queue.get(made.id).body == text.replace("\ud800", "?")


@pytest.mark.req("S7")
@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_the_file_is_private(queue: EmbeddedTickets, path: Path) -> None:
    queue.open("No network", "", "ana", "k1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_cannot_be_used_is_out_of_reach(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else altogether " * 100)
    with pytest.raises(Unreachable, match=r"tickets\.db"):
        EmbeddedTickets(path, lambda: NOW).of("ana")


@pytest.mark.req("R1")
def test_a_write_that_fails_changed_nothing(
    queue: EmbeddedTickets, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = queue.open("No network", "", "ana", "k1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(
        "CREATE TRIGGER full BEFORE INSERT ON effect BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
    )
    with pytest.raises(Unreachable, match="full") as told:
        queue.comment(made.id, "dee", "Lost?", "k2")
    assert not told.value.maybe_applied
    other.execute("DROP TRIGGER full")
    other.close()
    assert queue.get(made.id) == made
    assert len(queue.comment(made.id, "dee", "Lost?", "k2").comments) == 1
