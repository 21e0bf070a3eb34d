"""Nobody's account is locked through us: wrong passwords are counted before they are sent."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from helpdesk.app import Desk
from helpdesk.config import LimitSettings
from helpdesk.connectors.embedded import Rules
from helpdesk.errors import (
    AccountDisabled,
    BadCredentials,
    Failed,
    HelpdeskError,
    NotSignedIn,
    TooManyAttempts,
    Unreachable,
)
from helpdesk.events import Outcome
from helpdesk.gate.attempts import UNKNOWN, Attempts
from helpdesk.gate.counters import Counters
from helpdesk.gate.session import Saved
from helpdesk.gate.signin import NOT_TRIED, DirectorySignIn
from helpdesk.identity import AccountStatus
from helpdesk.platform import paths
from helpdesk.secrets import Secret
from helpdesk.text import local_time
from tests.fakes.terminal import Person
from tests.unit.signin_world import BO, DEE, WRONG, World


class Counted(World):
    """The small company, whose sign-ins are counted."""

    def __init__(self, folder: Path, **limits: Any) -> None:
        super().__init__(folder)
        self.file = folder / "limits.db"
        self.limit(**limits)

    def limit(self, **limits: Any) -> None:
        counters = Counters(self.file, self.clock)
        self.attempts = Attempts(counters, LimitSettings(**limits), self.directory, self.clock)
        self.sign_in = DirectorySignIn(self.directory, self.roles, self.audit, self.clock, self.attempts)
        self.explain = replace(self.explain, sign_in=self.sign_in)

    def code(self, login: str = "bo", password: Secret = WRONG) -> str:
        """How a sign-in ends: its error's code, or "in"."""
        try:
            self.enter(login, password).directory.close()
        except HelpdeskError as error:
            return error.code
        return "in"

    def seen(self, login: str = "bo") -> AccountStatus:
        """The account as the service desk sees it, past the gate."""
        session = self.directory.sign_in("dee", DEE)
        return session.status(session.person(login))

    def is_locked(self) -> bool:
        return bool(self.seen().locked)


WRONGLY, HELD = "wrong-credentials", "too-many-attempts"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Counted]:
    made = Counted(tmp_path)
    yield made
    made.close()


@pytest.mark.req("R9")
def test_fifty_wrong_passwords_lock_nobody_and_the_owner_signs_in_afterwards(world: Counted) -> None:
    codes = [world.code() for _ in range(50)]
    assert codes == [WRONGLY] * 2 + [HELD] * 48  # the directory locks at three
    assert (world.is_locked(), world.seen().failures) == (False, 2)
    assert world.code("bo", BO) == HELD
    assert world.directory.sign_in("bo", BO).me.login == "bo"  # everywhere else, at once
    world.later(minutes=15)
    assert world.code("bo", BO) == "in"


@pytest.mark.req("R9")
@pytest.mark.parametrize("forgets_after", [600, 3600, 0])
def test_patience_locks_nobody_either(tmp_path: Path, forgets_after: int) -> None:
    """A day of a wrong password whenever one is let through, in a directory that forgets soon, late or never.

    One that never forgets can be outwaited by the day; that is said in docs/security.md.
    """
    world = Counted(tmp_path)
    world.directory.admin.set_rules(Rules(max_failures=4, failure_window=forgets_after))
    assert world.code("dee", DEE) == "in"
    let_through = 0
    for _ in range(24 * 6):
        let_through += world.code() == WRONGLY
        world.later(minutes=10)
    assert let_through > 2 if forgets_after else let_through == 3
    assert not world.is_locked()
    assert (world.seen().failures or 0) < 4
    world.close()


@pytest.mark.req("R9")
def test_the_directorys_own_rule_decides_how_many_once_somebody_could_read_it(world: Counted) -> None:
    world.directory.admin.set_rules(Rules(max_failures=6, failure_window=1800))
    assert world.attempts.allowance().failures == UNKNOWN
    assert not world.attempts.allowance().known
    assert world.code("dee", DEE) == "in"
    allowance = world.attempts.allowance()
    assert (allowance.failures, allowance.known, allowance.window) == (5, True, timedelta(minutes=30))
    assert [world.code() for _ in range(6)] == [WRONGLY] * 5 + [HELD]
    assert not world.is_locked()


@pytest.mark.req("R9")
def test_a_configured_number_is_obeyed_but_never_beyond_the_directorys_rule(world: Counted) -> None:
    world.limit(wrong_passwords=9)
    assert world.attempts.allowance().failures == 9  # nothing is known yet
    assert world.code("dee", DEE) == "in"
    assert world.attempts.allowance().failures == 2
    world.limit(wrong_passwords=1)
    assert world.attempts.allowance().failures == 1


@pytest.mark.req("R9")
def test_the_strictest_rule_that_was_read_lately_holds(world: Counted) -> None:
    assert world.code("dee", DEE) == "in"  # locks at three
    world.directory.admin.set_rules(Rules(max_failures=10))
    assert world.code("eli", DEE) == "in"
    assert world.attempts.allowance().failures == 2
    world.later(days=31)
    assert world.code("eli", DEE) == "in"
    assert world.attempts.allowance().failures == 9


@pytest.mark.req("R9", "I6")
def test_a_name_nobody_has_is_refused_just_alike(world: Counted) -> None:
    def told(login: str) -> list[tuple[str, str]]:
        found = []
        for _ in range(4):
            with pytest.raises(NotSignedIn) as caught:
                world.enter(login, WRONG)
            found.append((caught.value.code, caught.value.message))
        return found

    assert told("bo") == told("nobody at all")


@pytest.mark.req("R9", "D7")
def test_every_spelling_of_a_name_is_that_name(world: Counted) -> None:
    assert world.code(" BO ") == WRONGLY
    assert world.code("ｂｏ") == WRONGLY
    assert world.code("b\u00ado") == HELD


def test_the_message_says_until_when_and_that_it_locks_nobody(world: Counted) -> None:
    world.code()
    world.later(seconds=30)
    world.code()
    with pytest.raises(TooManyAttempts) as caught:
        world.enter("bo", WRONG)
    error = caught.value
    assert error.exit == 5
    assert error.until == world.now + timedelta(minutes=15)
    told = local_time(world.now + timedelta(minutes=15, seconds=30), world.now)
    assert error.message.endswith(f"so it was not tried: again after {told}.")
    assert "locks nobody" in error.hint


@pytest.mark.req("R9")
def test_a_held_sign_in_does_not_reach_the_directory_and_is_logged(
    world: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        world.code()

    def asked(*_: object) -> object:
        raise AssertionError("the directory was asked")

    monkeypatch.setattr(world.directory, "sign_in", asked)
    monkeypatch.setattr(world.directory, "look_up", asked)
    assert world.code() == HELD
    entry = world.entries()[-1]
    assert entry.body == {"outcome": "refused", "code": HELD}
    assert entry.personal["actor"] == NOT_TRIED
    asking = world.asked("bo", BO)
    assert (asking.outcome, asking.error and asking.error.code) == (Outcome.NOT_SIGNED_IN, HELD)


def test_a_right_password_forgets_the_wrong_ones(world: Counted) -> None:
    for _ in range(4):
        assert world.code() == WRONGLY
        assert world.code("bo", BO) == "in"


@pytest.mark.req("R9")
def test_a_password_that_was_set_anew_forgets_the_wrong_ones_of_its_account_alone(world: Counted) -> None:
    for login in ("bo", "dee"):
        while world.code(login) != "too-many-attempts":
            continue
    world.attempts.forgive(world.directory.look_up().person("bo"))
    assert world.code("bo", BO) == "in"
    assert world.code("dee", DEE) == "too-many-attempts"


def test_one_persons_slips_hold_up_nobody_else(world: Counted) -> None:
    for _ in range(5):
        world.code()
    assert world.code("dee", DEE) == "in"


@pytest.mark.req("R9")
def test_all_names_together_have_a_limit_of_their_own(tmp_path: Path) -> None:
    world = Counted(tmp_path, wrong_passwords_machine=5)
    assert [world.code(f"name-{number}") for number in range(6)] == [WRONGLY] * 5 + [HELD]
    with pytest.raises(TooManyAttempts, match="on this machine"):
        world.enter("dee", DEE)
    world.later(minutes=15)
    assert world.code("dee", DEE) == "in"
    world.close()


@pytest.mark.req("R9")
def test_many_at_once_get_no_more_through_than_one_after_the_other(
    world: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = world.directory.sign_in

    def watched(login: str, password: Secret) -> object:
        asked.append(login)
        return real(login, password)

    monkeypatch.setattr(world.directory, "sign_in", watched)
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: world.code(), range(24)))
    assert len(asked) == 2
    assert codes.count(WRONGLY) == 2
    assert not world.is_locked()


@pytest.mark.req("R9", "R2")
def test_a_program_killed_while_it_waits_gets_no_further_attempt(world: Counted) -> None:
    for _ in range(2):
        with suppress(KeyboardInterrupt), world.attempts.counted("bo", WRONG):
            raise KeyboardInterrupt  # nothing more is written
    assert world.code() == HELD


def test_what_was_given_up_does_not_hold_up_its_owner_for_long(world: Counted) -> None:
    with suppress(KeyboardInterrupt), world.attempts.counted("bo", BO):
        raise KeyboardInterrupt
    world.later(minutes=3)
    assert world.code("bo", BO) == "in"
    assert [world.code(), world.code(), world.code()] == [WRONGLY, WRONGLY, HELD]


def test_what_the_directory_did_not_judge_is_not_counted(
    world: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    for refusal in (Unreachable("No answer."), AccountDisabled("Disabled.")):

        def refuse(*_: object, refusal: HelpdeskError = refusal) -> object:
            raise refusal

        monkeypatch.setattr(world.directory, "sign_in", refuse)
        for _ in range(4):
            assert world.code() == refusal.code


def test_an_empty_password_is_not_counted(world: Counted) -> None:
    for _ in range(4):
        assert world.code("bo", Secret(" ")) == WRONGLY
    assert world.code("bo", BO) == "in"


def test_the_proof_of_a_reset_counts_against_nobody(world: Counted) -> None:
    person = world.directory.look_up().person("bo")
    for _ in range(2):
        assert world.directory.accepts(person, WRONG) == "no"
    with world.attempts._counters.writing() as database:
        assert database.execute("SELECT count(*) FROM attempt").fetchone() == (0,)


@pytest.mark.req("R9", "R5")
def test_a_clock_put_back_forgets_nothing_and_holds_nobody_for_longer_than_a_window(world: Counted) -> None:
    world.later(days=365)
    for _ in range(2):
        world.code()
    world.later(days=-365)
    assert world.code() == HELD
    world.later(minutes=14)
    assert world.code() == HELD
    world.later(minutes=1)
    assert world.code("bo", BO) == "in"


@pytest.mark.req("S5", "S7")
def test_a_password_typed_as_a_name_is_not_kept(world: Counted) -> None:
    world.code(BO.expose())
    kept = b"".join(file.read_bytes() for file in world.file.parent.glob("limits.db*"))
    assert BO.expose().encode() not in kept
    assert b"attempt" in kept  # the search finds what is there
    assert world.file.stat().st_mode & 0o077 == 0


@pytest.mark.req("R9", "R1")
def test_what_cannot_be_counted_is_not_tried(world: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object) -> object:
        raise AssertionError("the directory was asked")

    world.file.write_bytes(b"this is no database, whatever its name says" * 100)
    world.file.chmod(0o600)
    monkeypatch.setattr(world.directory, "sign_in", asked)
    with pytest.raises(Failed, match="cannot be written") as caught:
        world.enter("bo", BO)
    assert caught.value.code == "limits-unavailable"


def test_a_sign_in_that_cannot_be_cleared_is_closed(world: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = []
    real = world.directory.sign_in

    def spoiled(login: str, password: Secret) -> object:
        sessions.append(real(login, password))
        with sqlite3.connect(world.file) as database:
            database.execute("DROP TABLE attempt")
        database.close()
        return sessions[-1]

    monkeypatch.setattr(world.directory, "sign_in", spoiled)
    with pytest.raises(Failed):
        world.enter("bo", BO)
    with pytest.raises(NotSignedIn):
        sessions[0].groups()  # type: ignore[attr-defined]


class _Kept:
    """A store that holds one sign-in."""

    def __init__(self, saved: Saved) -> None:
        self.saved: Saved | None = saved

    def load(self) -> Saved | None:
        return self.saved

    def forget(self) -> None:
        self.saved = None


def test_a_kept_sign_in_outlives_somebody_elses_wrong_passwords(tmp_path: Path) -> None:
    """It was not tried, so it is not known to be stale."""
    environ = {"HOME": str(tmp_path), "HELPDESK_DIRECTORY_KIND": "embedded"}
    desk = Desk.open(environ=environ)
    assert desk.paths == paths("", environ)
    world = World(tmp_path / "world")
    desk.__dict__["directory"] = world.directory
    for _ in range(2):
        with pytest.raises(BadCredentials):
            asyncio.run(desk.login(Person(), "bo", WRONG))  # type: ignore[arg-type]
    kept = _Kept(Saved("bo", BO, "id", world.now))
    desk.__dict__["sessions"] = kept
    with pytest.raises(TooManyAttempts):
        asyncio.run(desk.current(Person()))  # type: ignore[arg-type]
    assert kept.saved is not None
    desk.close()
    world.close()
