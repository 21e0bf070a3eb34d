"""What the embedded directory does beyond the contract it shares with the servers: its file and its ways."""

from __future__ import annotations

import os
import sqlite3
import stat
import statistics
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from helpdesk.connectors.embedded import Cost, EmbeddedDirectory, NewGroup, NewPerson, Rules
from helpdesk.connectors.embedded.hashing import cost_of, hashed, matches
from helpdesk.errors import (
    AccountLocked,
    BadCredentials,
    HelpdeskError,
    InvalidArgument,
    MustChangePassword,
    NotFound,
    Refused,
    Unreachable,
)
from helpdesk.secrets import Secret, temporary_password
from tests.unit.embedded_world import (
    ANA,
    BO,
    CHEAP,
    DEE,
    WRONG,
    Clock,
    clock,
    directory,
    fail,
    path,
)

__all__ = ["clock", "directory", "path"]


# ── the file ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("S7")
@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_the_file_is_private(directory: EmbeddedDirectory, path: Path) -> None:
    directory.look_up().groups()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


@pytest.mark.req("S5")
def test_no_password_stands_in_the_file(directory: EmbeddedDirectory, path: Path) -> None:
    temporary, own = temporary_password(), Secret("my-own-canary-9Z")
    dee = directory.sign_in("dee", DEE)
    dee.set_password(dee.person("bo"), temporary, must_change=True)
    directory.sign_in("bo", temporary).change_own_password(own)
    for typed in (ANA, own, temporary):
        with pytest.raises(HelpdeskError):  # a password in the field for the name
            directory.sign_in(typed.expose(), Secret("a canary, wrong-4F"))
    everything = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"Ana Arden" in everything  # the search finds what is there
    for secret in (ANA, BO, DEE, temporary, own, Secret("a canary, wrong-4F")):
        for encoding in ("utf-8", "utf-16-le"):
            assert secret.expose().encode(encoding) not in everything


def test_it_is_still_there_after_a_restart(directory: EmbeddedDirectory, path: Path, clock: Clock) -> None:
    fail(directory, "bo", 3)
    me = directory.sign_in("ana", ANA).me
    directory.close()
    again = EmbeddedDirectory(path, clock, cost=CHEAP)
    assert again.sign_in("ana", ANA).me == me
    with pytest.raises(AccountLocked):  # the count is durable
        again.sign_in("bo", BO)
    again.close()


def test_an_empty_directory_lets_nobody_in(path: Path, clock: Clock) -> None:
    empty = EmbeddedDirectory(path, clock, cost=CHEAP)
    with pytest.raises(BadCredentials):
        empty.sign_in("ana", ANA)
    assert empty.look_up().groups() == []
    assert empty.admin.is_empty()
    empty.close()


def test_a_file_of_a_later_version_is_left_alone(
    directory: EmbeddedDirectory, path: Path, clock: Clock
) -> None:
    directory.close()
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(Unreachable, match="another version"):
        EmbeddedDirectory(path, clock).sign_in("ana", ANA)


def test_a_busy_file_is_out_of_reach_and_unchanged(
    directory: EmbeddedDirectory, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dee = directory.sign_in("dee", DEE)
    bo = dee.person("bo")
    directory._tables._opened().execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unreachable, match="locked") as told:
        dee.set_enabled(bo, False)
    assert not told.value.maybe_applied
    other.execute("ROLLBACK")
    other.close()
    assert dee.status(bo).enabled is True


@pytest.mark.req("R1")
def test_a_full_disk_changes_nothing(directory: EmbeddedDirectory) -> None:
    ana = directory.sign_in("ana", ANA)
    database = directory._tables._opened()
    database.execute(f"PRAGMA max_page_count = {database.execute('PRAGMA page_count').fetchone()[0]}")
    people = [NewPerson(f"p{n}", "x" * 120, WRONG, title="t" * 2000) for n in range(40)]
    with pytest.raises(Unreachable, match="full"):
        list(map(directory.admin.add_person, people))
    database.execute("PRAGMA max_page_count = 100000")
    assert ana.person("bo").name == "Bo Berg"
    assert directory.sign_in("bo", BO).me.name == "Bo Berg"


# ── hashes ────────────────────────────────────────────────────────────────────────────────────


def test_a_hash_is_salted_and_carries_its_cost() -> None:
    one, other = hashed(ANA, CHEAP), hashed(ANA, CHEAP)
    assert one != other
    assert cost_of(one) == CHEAP
    assert matches(ANA, one)
    assert matches(ANA, other)
    assert not matches(BO, one)


def test_the_usual_cost_is_a_strong_one() -> None:
    cost = Cost()
    assert 128 * cost.n * cost.r >= 32 * 2**20  # bytes of memory
    assert cost.n * cost.r * cost.p >= 2**15 * 8 * 3  # as much work as OWASP asks for
    assert matches(ANA, hashed(ANA, cost))


def test_a_weaker_hash_is_renewed_at_the_next_sign_in(
    directory: EmbeddedDirectory, path: Path, clock: Clock
) -> None:
    stronger = EmbeddedDirectory(path, clock, cost=replace(CHEAP, n=CHEAP.n * 2))
    stronger.sign_in("ana", ANA).groups()
    assert stronger.accepts(stronger.look_up().person("ana"), ANA) == "yes"
    stronger.close()
    raw = sqlite3.connect(path)
    costs = dict(raw.execute("SELECT login, password FROM person").fetchall())
    raw.close()
    assert cost_of(costs["ana"]).n == CHEAP.n * 2
    assert cost_of(costs["bo"]) == CHEAP


@pytest.mark.req("I6")
def test_an_unknown_name_takes_as_long_as_a_wrong_password(path: Path, clock: Clock) -> None:
    """Interleaved, so that whatever else the machine does meets both alike; the hash outweighs the rest."""
    directory = EmbeddedDirectory(path, clock, cost=Cost(n=2**12, r=8, p=1))
    directory.admin.seed([NewPerson("bo", "Bo Berg", BO)], [], rules=Rules(max_failures=0))
    spent: dict[str, list[float]] = {"bo": [], "nobody": []}
    for _ in range(30):
        for login, times in spent.items():
            begun = time.perf_counter()
            with pytest.raises(BadCredentials):
                directory.sign_in(login, WRONG)
            times.append(time.perf_counter() - begun)
    known, unknown = (statistics.median(times) for times in spent.values())
    assert 0.7 < known / unknown < 1.4
    directory.close()


@pytest.mark.req("I6")
def test_an_unknown_name_locks_like_any_other(directory: EmbeddedDirectory, clock: Clock) -> None:
    told = []
    for login in ("bo", "nobody"):
        fail(directory, login, 3)
        with pytest.raises(AccountLocked) as error:
            directory.sign_in(login, WRONG)
        told.append((error.value.message, error.value.hint, error.value.until))
    assert told[0] == told[1]


def test_names_nobody_tries_again_do_not_fill_the_disk(
    directory: EmbeddedDirectory, path: Path, clock: Clock
) -> None:
    for number in range(50):
        fail(directory, f"guess{number}", 1)
    clock.later(hours=1)
    fail(directory, "one more", 1)
    raw = sqlite3.connect(path)
    assert raw.execute("SELECT count(*) FROM attempt").fetchone() == (1,)
    raw.close()


# ── sessions ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("D9")
@pytest.mark.parametrize("what", ["disabled", "removed"])
def test_a_session_ends_with_its_account(directory: EmbeddedDirectory, what: str) -> None:
    ana, dee = directory.sign_in("ana", ANA), directory.sign_in("dee", DEE)
    inner, bo = ana.group("inner"), ana.person("bo")
    if what == "disabled":
        dee.set_enabled(dee.person("ana"), False)
    else:
        directory.admin.remove_person("ana")
    for attempt in (
        lambda: ana.person("bo"),
        lambda: ana.groups(),
        lambda: ana.remove_member(inner, bo),
        lambda: ana.update_contact(ana.me, {"title": "x"}),
        lambda: ana.change_own_password(temporary_password()),
    ):
        with pytest.raises(Refused) as told:
            attempt()
        assert told.value.code == "directory-rights"
    assert [group.name for group in dee.groups_of(bo)] == ["inner", "outer", "outermost"]


@pytest.mark.req("D9")
def test_rights_are_read_at_every_write(directory: EmbeddedDirectory) -> None:
    dee = directory.sign_in("dee", DEE)
    bo = dee.person("bo")
    dee.unlock(bo)
    directory.admin.add_group(NewGroup("new desk"))
    directory.admin.set_desk_group("new desk")
    for attempt in (
        lambda: dee.unlock(bo),
        lambda: dee.set_enabled(bo, False),
        lambda: dee.set_password(bo, temporary_password(), must_change=True),
    ):
        with pytest.raises(Refused):
            attempt()
    assert dee.status(bo).locked is None
    assert directory.accepts(bo, BO) == "yes"


def test_a_session_ends_when_its_password_is_changed_elsewhere(directory: EmbeddedDirectory) -> None:
    here, there = directory.sign_in("bo", BO), directory.sign_in("bo", BO)
    here.change_own_password(temporary_password())
    here.groups()
    with pytest.raises(BadCredentials, match="changed after you signed in"):
        there.groups()
    with pytest.raises(BadCredentials):  # a thief's session does not outlive a reset, nor undo it
        there.change_own_password(temporary_password())


def test_nobody_resets_themselves(directory: EmbeddedDirectory) -> None:
    dee = directory.sign_in("dee", DEE)
    with pytest.raises(Refused) as told:
        dee.set_password(dee.me, temporary_password(), must_change=True)
    assert "password.change" in told.value.hint
    assert directory.accepts(dee.me, DEE) == "yes"


def test_someone_added_with_a_temporary_password_must_change_it(directory: EmbeddedDirectory) -> None:
    first = temporary_password()
    directory.admin.add_person(NewPerson("new", "Nia New", first, must_change=True))
    session = directory.sign_in("new", first)
    with pytest.raises(MustChangePassword):
        session.groups()


@pytest.mark.parametrize("value", ["two\nlines", "esc\x1b[31m", " edge", "x" * 300, "\u202eright to left"])
def test_contact_data_is_a_plain_line(directory: EmbeddedDirectory, value: str) -> None:
    bo = directory.sign_in("bo", BO)
    with pytest.raises(InvalidArgument):
        bo.update_contact(bo.me, {"phone": "1", "title": value})
    assert bo.person("bo").phone == ""


def test_a_session_reads_from_many_threads(directory: EmbeddedDirectory) -> None:
    ana = directory.sign_in("ana", ANA)
    wrong: list[str] = []

    def look(login: str) -> None:
        wrong.extend(login for _ in range(50) if ana.person(login).login != login)

    threads = [threading.Thread(target=look, args=(login,)) for login in ("ana", "bo", "dee") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []


# ── groups in groups, managers ────────────────────────────────────────────────────────────────


@pytest.mark.req("I4")
def test_a_group_in_a_group_counts(directory: EmbeddedDirectory) -> None:
    reader = directory.look_up()
    bo = reader.person("bo")
    assert [group.name for group in reader.groups_of(bo)] == ["inner", "outer", "outermost"]
    assert reader.group("outer").member_dns == (reader.group("inner").dn,)
    directory.admin.set_desk_group("outermost")
    session = directory.sign_in("bo", BO)
    session.set_enabled(session.person("ana"), False)


def test_groups_in_a_circle_come_to_an_end(directory: EmbeddedDirectory) -> None:
    directory.look_up()
    raw = directory._tables
    with raw.writing() as database:
        database.execute(
            "INSERT INTO team_in_team SELECT a.id, b.id FROM team a, team b "
            "WHERE a.name = 'inner' AND b.name = 'outermost'"
        )
    names = [group.name for group in directory.look_up().groups_of(directory.look_up().person("bo"))]
    assert names == ["inner", "outer", "outermost"]


def test_the_manager_is_named_by_dn(directory: EmbeddedDirectory) -> None:
    reader = directory.look_up()
    assert reader.person_by_dn(reader.person("bo").manager_dn).login == "ana"
    directory.admin.remove_person("ana")
    assert reader.person("bo").manager_dn == ""


@pytest.mark.req("D5")
@pytest.mark.parametrize(
    "login", ["o'neil", "a,b=c", "#1", "x+y", 'q"q', "back\\slash", "uni·ö", "per%cent_"]
)
def test_odd_names_are_people_like_others(directory: EmbeddedDirectory, login: str) -> None:
    made = directory.admin.add_person(NewPerson(login, "Odd One", Secret("odd as can be")))
    reader = directory.look_up()
    assert reader.person_by_dn(made.dn) == reader.person(login) == made
    assert directory.sign_in(login, Secret("odd as can be")).me == made
    group = directory.admin.add_group(NewGroup(f"group of {login}", members=[login]))
    assert reader.group(group.dn).member_dns == (made.dn,)
    assert made in reader.find_people(login)


# ── filling it ────────────────────────────────────────────────────────────────────────────────


def test_a_directory_is_seeded_once(directory: EmbeddedDirectory) -> None:
    assert not directory.admin.seed([NewPerson("eve", "Eve", WRONG)], [])
    with pytest.raises(NotFound):
        directory.look_up().person("eve")


def test_a_seed_with_a_mistake_changes_nothing(path: Path, clock: Clock) -> None:
    directory = EmbeddedDirectory(path, clock, cost=CHEAP)
    with pytest.raises(NotFound, match="'bo'"):
        directory.admin.seed([NewPerson("ana", "Ana", ANA)], [NewGroup("g", members=["bo"])])
    assert directory.admin.is_empty()
    assert directory.look_up().groups() == []
    directory.close()


@pytest.mark.parametrize(
    "person",
    [
        NewPerson("BO ", "x", WRONG),
        NewPerson("ＢＯ", "x", WRONG),
        NewPerson("", "x", WRONG),
        NewPerson("new", "", WRONG),
        NewPerson("new", "two\nlines", WRONG),
        NewPerson("new", "x", Secret(" ")),
        NewPerson("new", "x", WRONG, manager="nobody"),
    ],
    ids=["space", "same in fullwidth", "empty", "no name", "lines", "no password", "no manager"],
)
def test_who_cannot_be_added(directory: EmbeddedDirectory, person: NewPerson) -> None:
    with pytest.raises((InvalidArgument, NotFound)):
        directory.admin.add_person(person)
    assert {found.login for found in directory.look_up().find_people("e")} <= {"ana", "bo", "dee"}


def test_one_group_of_a_name(directory: EmbeddedDirectory) -> None:
    with pytest.raises(InvalidArgument):
        directory.admin.add_group(NewGroup("INNER"))
    with pytest.raises(InvalidArgument):
        directory.admin.remove_group("desk")


@pytest.mark.parametrize("field", ["min_length", "history", "max_failures", "lockout_seconds"])
@pytest.mark.parametrize("value", [-1, 1.5, True, "3"])
def test_rules_are_whole_numbers(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        replace(Rules(), **{field: value})
