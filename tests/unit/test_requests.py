"""Pending requests: sealed, decided once, and worth nothing once anything about them was altered."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from helpdesk.errors import Failed, HelpdeskError, NotFound, Refused
from helpdesk.events import Change
from helpdesk.gate.requests import LIFETIME, MAX_PENDING, Request, Requests, RequestState, SealedCall
from helpdesk.identity import Group, Person

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DONE, FAILED, UNKNOWN = RequestState.DONE, RequestState.FAILED, RequestState.UNKNOWN


def somebody(login: str) -> Person:
    return Person(f"id-{login}", f"uid={login},dc=x", login, login.title())


EMMA, OLGA, OSCAR, BO = map(somebody, ("emma", "olga", "oscar", "bo"))
SHARE = Group("id-share", "cn=finance-share,dc=x", "finance-share", owner_dns=(OLGA.dn, OSCAR.dn))
CHANGES = (Change("directory", "finance-share", "membership of emma", "not a member", "member"),)


class Key:
    """A host key of its own for each test."""

    def __init__(self, seed: bytes = b"k" * 32) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    def sign(self, message: bytes, /) -> bytes:
        return self._key.sign(message)

    def verify(self, message: bytes, signature: bytes, /) -> bool:
        try:
            self._key.public_key().verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.requests = Requests(folder, self.clock, Key())

    def ask(self, requester: Person = EMMA, *approvers: Person, reason: str = "quarter close") -> Request:
        call = SealedCall.of(
            action="access.request",
            plugin_version="1",
            arguments={"group": "finance-share", "reason": reason},
            provenance={"group": "typed"},
            requester=requester,
            person=requester,
            group=SHARE,
            key="k1",
        )
        return self.requests.create(call, CHANGES, approvers or (OLGA, OSCAR), reason)

    @property
    def file(self) -> Path:
        return self.folder / "requests.db"

    def attack(self, *statements: str, values: tuple[Any, ...] = ()) -> None:
        """Somebody with the file and SQLite, for whom triggers are no obstacle."""
        with closing(sqlite3.connect(self.file)) as database:
            database.execute("PRAGMA synchronous = OFF")
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                database.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                database.execute(statement, values)
            database.commit()

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.file)) as database:
            return database.execute(query).fetchall()


@pytest.fixture
def world(tmp_path: Path) -> World:
    tmp_path.chmod(0o700)
    return World(tmp_path)


def has_no_effect(world: World, id: str) -> None:
    """Nobody can claim, deny or list it; it is reported instead."""
    acts: list[Callable[[], object]] = [
        lambda: world.requests.get(id),
        lambda: world.requests.claim(id, OLGA.id),
        lambda: world.requests.deny(id, OLGA.id, ""),
        lambda: world.requests.finish(id, DONE, 1),
        lambda: world.requests.release(id),
    ]
    for act in acts:
        with pytest.raises((Refused, NotFound)) as caught:
            act()
        assert isinstance(caught.value, NotFound) or caught.value.code == "sealed"
    assert id not in [request.id for request in world.requests.all_pending()]


# ── asking ────────────────────────────────────────────────────────────────────────────────────


def test_a_request_is_kept_as_it_was_made(world: World) -> None:
    made = world.ask()
    kept = world.requests.get(made.id.lower())
    assert kept == made
    assert kept.state is RequestState.PENDING
    assert (kept.approver_ids, kept.approver_names) == (("id-olga", "id-oscar"), ("Olga", "Oscar"))
    assert (kept.call.requester_id, kept.call.person_id, kept.call.group_id) == (
        "id-emma",
        "id-emma",
        "id-share",
    )
    assert kept.changes == CHANGES
    assert kept.expires - kept.created == LIFETIME
    assert len(kept.digest) == 64
    assert world.requests.waiting_for("id-olga") == [made]
    assert world.requests.waiting_for("id-bo") == []
    assert world.requests.made_by("id-emma") == [made]


@pytest.mark.req("S7")
def test_the_file_is_private(world: World) -> None:
    world.ask()
    assert world.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.req("V2")
def test_nobody_is_asked_to_approve_their_own_request(world: World) -> None:
    with pytest.raises(Refused) as caught:
        world.ask(OLGA, OSCAR, OLGA)
    assert caught.value.rule == "no-self-approval"
    assert world.requests.all_pending() == []


def test_a_request_that_nobody_could_approve_is_not_made(world: World) -> None:
    call = world.ask().call
    with pytest.raises(Refused) as caught:
        world.requests.create(call, CHANGES, (), "")
    assert caught.value.rule == "no-approver"


@pytest.mark.req("V1")
def test_one_sealed_call_makes_one_request(world: World) -> None:
    call = world.ask().call
    with pytest.raises(Refused) as caught:
        world.requests.create(call, CHANGES, (OLGA,), "")
    assert caught.value.code == "already-requested"


@pytest.mark.req("V7")
def test_one_person_keeps_an_approver_busy_with_three_requests_at_most(world: World) -> None:
    made = [world.ask(EMMA, OLGA) for _ in range(MAX_PENDING)]
    assert MAX_PENDING <= 3
    for _ in range(20):
        with pytest.raises(Refused) as caught:
            world.ask(EMMA, OSCAR, OLGA)
        assert caught.value.code == "too-many-requests"
    assert len(world.requests.waiting_for(OLGA.id)) == 3
    assert all(request.id in caught.value.message for request in made)
    world.ask(BO, OLGA)  # somebody else is not kept out by it
    world.ask(EMMA, OSCAR)
    world.requests.withdraw(made[0].id, EMMA.id)
    world.ask(EMMA, OLGA)
    world.clock.now += LIFETIME
    assert world.requests.all_pending() == []
    world.ask(EMMA, OLGA)


@pytest.mark.req("V7")
def test_asking_from_many_threads_at_once_makes_no_fourth_request(world: World) -> None:
    world.ask(EMMA, OLGA)
    refused = []

    def ask() -> None:
        try:
            Requests(world.folder, world.clock, Key()).create(_call(), CHANGES, (OLGA,), "")
        except Refused as error:
            refused.append(error.code)

    _all_at_once([ask] * 10)
    assert len(world.requests.waiting_for(OLGA.id)) == 3
    assert refused == ["too-many-requests"] * 8


def _call() -> SealedCall:
    return SealedCall.of(
        action="access.request", plugin_version="1", arguments={}, provenance={}, requester=EMMA,
        person=EMMA, group=SHARE, key="k",
    )  # fmt: skip


def _all_at_once(acts: list[Callable[[], None]]) -> None:
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], None]) -> None:
        barrier.wait()
        act()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ── deciding once ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("V4")
def test_of_40_approvers_who_claim_at_once_one_succeeds(world: World) -> None:
    crowd = tuple(somebody(f"owner{n}") for n in range(40))
    request = world.ask(EMMA, *crowd)
    won, lost = [], []

    def claim(person: Person) -> Callable[[], None]:
        def act() -> None:
            try:
                won.append(Requests(world.folder, world.clock, Key()).claim(request.id, person.id))
            except Refused as error:
                lost.append(error.code)

        return act

    _all_at_once([claim(person) for person in crowd])
    assert (len(won), lost) == (1, ["already-decided"] * 39)
    assert world.requests.get(request.id).decided_by == won[0].decided_by
    assert world.rows("SELECT count(*) FROM decisions") == [(1,)]


_RACER = """
import sys, threading
from pathlib import Path
from helpdesk.errors import Refused
from helpdesk.gate.requests import Requests
from tests.unit.test_requests import Key, Clock
folder, id, first = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
won = []
def claim(n):
    try:
        Requests(folder, Clock(), Key()).claim(id, f"id-owner{n}")
        won.append(n)
    except Refused:
        pass
threads = [threading.Thread(target=claim, args=(first + n,)) for n in range(10)]
print("ready", flush=True)
sys.stdin.readline()
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(won), flush=True)
"""


@pytest.mark.req("V4")
def test_of_40_approvers_in_four_processes_one_succeeds(world: World) -> None:
    request = world.ask(EMMA, *(somebody(f"owner{n}") for n in range(40)))
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, str(world.folder), request.id, str(first)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        for first in range(0, 40, 10)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    answers = [racer.communicate("go\n", timeout=60)[0] for racer in racers]
    assert sum(int(answer) for answer in answers) == 1
    assert [racer.returncode for racer in racers] == [0] * 4
    assert world.requests.get(request.id).state is RequestState.CLAIMED


@pytest.mark.req("V1")
def test_only_those_named_may_decide(world: World) -> None:
    request = world.ask()
    for act in (
        lambda: world.requests.claim(request.id, BO.id),
        lambda: world.requests.deny(request.id, BO.id, ""),
        lambda: world.requests.claim(request.id, EMMA.id),
        lambda: world.requests.deny(request.id, EMMA.id, ""),
        lambda: world.requests.claim(request.id, ""),
    ):
        with pytest.raises(Refused) as caught:
            act()
        assert caught.value.rule in ("not-an-approver", "no-self-approval")
    with pytest.raises(Refused) as caught:
        world.requests.withdraw(request.id, OLGA.id)
    assert caught.value.rule == "not-the-requester"
    assert world.requests.get(request.id).state is RequestState.PENDING


STEPS: dict[str, Callable[[Requests, str], object]] = {
    "claim": lambda requests, id: requests.claim(id, OLGA.id),
    "deny": lambda requests, id: requests.deny(id, OLGA.id, "no budget"),
    "withdraw": lambda requests, id: requests.withdraw(id, EMMA.id),
    "release": lambda requests, id: requests.release(id),
    "done": lambda requests, id: requests.finish(id, DONE, 7),
    "failed": lambda requests, id: requests.finish(id, FAILED, 7),
    "unknown": lambda requests, id: requests.finish(id, UNKNOWN, 7),
}
AFTER = {"claim": "claimed", "deny": "denied", "withdraw": "withdrawn", "release": "pending"}
MAY_FOLLOW = {
    "pending": {"claim", "deny", "withdraw"},
    "claimed": {"release", "done", "failed", "unknown"},
    "unknown": {"done", "failed", "unknown"},
}
WAYS = {
    "pending": (), "claimed": ("claim",), "denied": ("deny",), "withdrawn": ("withdraw",),
    "done": ("claim", "done"), "failed": ("claim", "failed"), "unknown": ("claim", "unknown"),
    "expired": (),
}  # fmt: skip


@pytest.mark.parametrize("state", WAYS)
@pytest.mark.parametrize("step", STEPS)
def test_every_step_from_every_state(world: World, state: str, step: str) -> None:
    request = world.ask()
    for earlier in WAYS[state]:
        STEPS[earlier](world.requests, request.id)
    if state == "expired":
        world.clock.now += LIFETIME
    assert world.requests.get(request.id).state == state
    if step in MAY_FOLLOW.get(state, ()):
        STEPS[step](world.requests, request.id)
        assert world.requests.get(request.id).state == AFTER.get(step, step)
    else:
        with pytest.raises(Refused) as caught:
            STEPS[step](world.requests, request.id)
        assert caught.value.code == ("expired" if state == "expired" else "already-decided")
        assert request.id in caught.value.message
        assert world.requests.get(request.id).state == state


def test_a_released_request_waits_again_and_can_be_claimed_by_another(world: World) -> None:
    request = world.ask()
    world.requests.claim(request.id, OLGA.id)
    assert [r.id for r in world.requests.claimed()] == [request.id]
    world.requests.release(request.id)
    assert world.requests.claimed() == []
    assert [r.id for r in world.requests.waiting_for(OSCAR.id)] == [request.id]
    assert world.requests.claim(request.id, OSCAR.id).decider == "Oscar"


def test_the_end_keeps_who_decided_why_and_where_the_log_holds_it(world: World) -> None:
    done, denied = world.ask(), world.ask()
    world.requests.claim(done.id, OLGA.id)
    world.requests.finish(done.id, DONE, 42)
    world.requests.deny(denied.id, OSCAR.id, "no budget")
    assert (world.requests.get(done.id).entry, world.requests.get(done.id).decider) == (42, "Olga")
    ended = world.requests.get(denied.id)
    assert (ended.answer, ended.decider, ended.decided_at) == ("no budget", "Oscar", NOW)
    assert world.requests.all_pending() == []


def test_carrying_out_does_not_end_as_pending(world: World) -> None:
    with pytest.raises(ValueError):
        world.requests.finish(world.ask().id, RequestState.PENDING, 1)


# ── time ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("V1")
@pytest.mark.parametrize(
    ("moved", "open_still"),
    [
        (timedelta(0), True),
        (LIFETIME - timedelta(seconds=1), True),
        (LIFETIME, False),
        (timedelta(days=365), False),
        (timedelta(seconds=-1), False),
        (timedelta(days=-365), False),
    ],
)
def test_expiry_fails_safe_also_when_the_clock_goes_back(
    world: World, moved: timedelta, open_still: bool
) -> None:
    request = world.ask()
    world.clock.now += moved
    assert (world.requests.get(request.id).state is RequestState.PENDING) is open_still
    assert bool(world.requests.waiting_for(OLGA.id)) is open_still
    if not open_still:
        with pytest.raises(Refused) as caught:
            world.requests.claim(request.id, OLGA.id)
        assert caught.value.code == "expired"


@pytest.mark.req("V1")
def test_a_claim_that_ends_after_the_expiry_is_still_written_down(world: World) -> None:
    request = world.ask()
    world.requests.claim(request.id, OLGA.id)
    world.clock.now += LIFETIME * 2
    world.requests.finish(request.id, DONE, 9)
    assert world.requests.get(request.id).state is DONE


# ── tampering ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("V1")
@pytest.mark.parametrize("table", ["requests", "decisions"])
def test_no_byte_of_a_document_or_its_seal_can_be_changed(world: World, table: str) -> None:
    request = world.ask()
    if table == "decisions":
        world.requests.claim(request.id, OLGA.id)
    (document, seal) = world.rows(f"SELECT document, seal FROM {table}")[0]
    expected = world.requests.get(request.id)
    tried = 0
    for at in range(len(document)):
        altered = document[:at] + chr(ord(document[at]) ^ 1) + document[at + 1 :]
        tried += _altered(world, table, "document", altered, request.id)
    for at in range(len(seal)):
        altered_seal = seal[:at] + bytes([seal[at] ^ 1]) + seal[at + 1 :]
        tried += _altered(world, table, "seal", altered_seal, request.id)
    assert tried == len(document) + len(seal) > 200
    world.attack(f"UPDATE {table} SET document = ?", values=(document,))
    world.attack(f"UPDATE {table} SET seal = ?", values=(seal,))
    assert world.requests.get(request.id) == expected  # what was altered was all that was wrong


def _altered(world: World, table: str, column: str, value: object, id: str) -> int:
    (whole,) = world.rows(f"SELECT {column} FROM {table}")[0]
    world.attack(f"UPDATE {table} SET {column} = ?", values=(value,))
    with pytest.raises(Refused) as caught:
        world.requests.get(id)
    assert caught.value.code == "sealed"
    world.attack(f"UPDATE {table} SET {column} = ?", values=(whole,))
    return 1


@pytest.mark.req("V1")
@pytest.mark.parametrize("value", [None, 0, 1, 7, "x", b"x", 1.5])
@pytest.mark.parametrize(
    "column",
    ["requests.nonce", "requests.document", "requests.seal", "requests.steps",
     "decisions.nonce", "decisions.step", "decisions.what", "decisions.document", "decisions.seal"],
)  # fmt: skip
def test_no_column_can_be_changed_to_any_kind_of_value(world: World, column: str, value: object) -> None:
    request = world.ask()
    world.requests.claim(request.id, OLGA.id)
    table, _, name = column.partition(".")
    present = world.rows(f"SELECT {name} FROM {table}")[0][0]
    if value == present:
        return
    try:
        world.attack(f"UPDATE {table} SET {name} = ?", values=(value,))
    except sqlite3.IntegrityError:
        return  # the table itself does not take it
    has_no_effect(world, request.id)
    assert world.requests.altered() == [request.id]


@pytest.mark.req("V1")
def test_a_request_under_another_id_has_no_effect(world: World) -> None:
    request = world.ask()
    world.attack("UPDATE requests SET id = 'R-222222'")
    has_no_effect(world, request.id)
    has_no_effect(world, "R-222222")


@pytest.mark.req("V1")
def test_a_decision_fits_no_other_request(world: World) -> None:
    """An approver's own, well-sealed approval of one request, moved and copied onto another."""
    approved, other = world.ask(reason="a"), world.ask(reason="b")
    world.requests.claim(approved.id, OLGA.id)
    world.attack(
        "INSERT INTO decisions SELECT ?, step, what, document, seal FROM decisions",
        values=(other.call.nonce,),
    )
    world.attack("UPDATE requests SET steps = 1 WHERE id = ?", values=(other.id,))
    has_no_effect(world, other.id)
    assert world.requests.get(approved.id).state is RequestState.CLAIMED


@pytest.mark.req("V1")
def test_one_requests_document_under_anothers_row_has_no_effect(world: World) -> None:
    first, second = world.ask(reason="a"), world.ask(reason="b")
    world.attack(
        "UPDATE requests SET (document, seal) = (SELECT document, seal FROM requests WHERE id = ?)",
        values=(first.id,),
    )
    has_no_effect(world, second.id)


@pytest.mark.req("V1")
@pytest.mark.parametrize("kind", ["request as decision", "another host's key", "no seal"])
def test_a_seal_of_another_kind_or_key_has_no_effect(world: World, kind: str) -> None:
    request = world.ask()
    (document,) = world.rows("SELECT document FROM requests")[0]
    seals = {
        "request as decision": Key().sign(b"helpdesk decision v1\n" + document.encode()),
        "another host's key": Key(b"o" * 32).sign(b"helpdesk request v1\n" + document.encode()),
        "no seal": b"",
    }
    world.attack("UPDATE requests SET seal = ?", values=(seals[kind],))
    has_no_effect(world, request.id)


@pytest.mark.req("V1")
@pytest.mark.parametrize("state", ["denied", "done"])
def test_a_decision_taken_away_does_not_open_the_request_again(world: World, state: str) -> None:
    request = world.ask()
    for step in WAYS[state]:
        STEPS[step](world.requests, request.id)
    world.attack("DELETE FROM decisions WHERE step = (SELECT max(step) FROM decisions)")
    has_no_effect(world, request.id)


def test_an_altered_request_does_not_hide_the_others(world: World) -> None:
    altered, intact = world.ask(reason="a"), world.ask(reason="b")
    world.attack("UPDATE requests SET document = document || ' ' WHERE id = ?", values=(altered.id,))
    assert [r.id for r in world.requests.all_pending()] == [intact.id]
    assert world.requests.altered() == [altered.id]


def test_the_programs_own_connection_deletes_and_rewrites_nothing(world: World) -> None:
    world.requests.claim(world.ask().id, OLGA.id)
    with closing(sqlite3.connect(world.file)) as database:
        for statement in (
            "DELETE FROM requests", "DELETE FROM decisions", "UPDATE requests SET document = ''",
            "UPDATE decisions SET what = 'done'", "UPDATE requests SET nonce = ''",
        ):  # fmt: skip
            with pytest.raises(sqlite3.IntegrityError):
                database.execute(statement)


# ── a file that cannot be used ────────────────────────────────────────────────────────────────


def test_a_file_that_is_no_database_is_a_clear_error(world: World) -> None:
    world.file.write_bytes(b"not a database" * 100)
    world.file.chmod(0o600)
    with pytest.raises(Failed) as caught:
        world.requests.all_pending()
    assert caught.value.code == "requests-unavailable"
    assert "requests.db" in caught.value.message


def test_an_unknown_id_says_where_to_look(world: World) -> None:
    with pytest.raises(NotFound) as caught:
        world.requests.get("R-XXXXXX")
    assert "approvals list" in caught.value.hint
    assert isinstance(caught.value, HelpdeskError)


@pytest.mark.req("S1")
def test_an_argument_that_is_no_plain_value_is_not_stored(world: World) -> None:
    call = _call()
    for value in (1.5, object(), b"x"):
        with pytest.raises(TypeError):
            world.requests.create(
                SealedCall(**{**_fields(call), "arguments": {"x": value}}), CHANGES, (OLGA,), ""
            )
    assert world.requests.all_pending() == []


def _fields(call: SealedCall) -> dict[str, Any]:
    return {name: getattr(call, name) for name in call.__dataclass_fields__}
