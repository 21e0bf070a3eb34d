"""The kept sign-in: the password in the keyring only, until it is idle, old, signed out or refused."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from helpdesk.errors import Failed
from helpdesk.gate.session import Saved, SessionStore
from helpdesk.identity import Person
from helpdesk.secrets import Secret

NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
IDLE, ABSOLUTE = timedelta(minutes=30), timedelta(hours=8)
PASSWORD = Secret("canary-8c1e-Basalt")
BO = Person(id="id-of-bo", dn="uid=bo,ou=people", login="bo", name="Bo Berg")
ANA = Person(id="id-of-ana", dn="uid=ana,ou=people", login="ana", name="Ana Arden")


class Keyring:
    """A keychain in memory that can be locked or refuse."""

    def __init__(self) -> None:
        self.held: dict[str, Secret] = {}
        self.reason: str | None = None
        self.full = False
        self.used = 0

    def available(self) -> str | None:
        self.used += 1
        return self.reason

    def _open(self) -> None:
        self.used += 1
        if self.reason:
            raise Failed(f"The keyring cannot be used: {self.reason}.")

    def get(self, name: str) -> Secret | None:
        self._open()
        return self.held.get(name)

    def set(self, name: str, secret: Secret) -> None:
        self._open()
        if self.full:
            raise Failed("The keyring is full.")
        self.held[name] = secret

    def delete(self, name: str) -> None:
        self._open()
        self.held.pop(name, None)


class Desk:
    """One user's session, opened anew by every command as the program does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keyring = Keyring()
        self.now = NOON

    def store(self, *, enabled: bool = True) -> SessionStore:
        return SessionStore(
            self.folder, self.keyring, lambda: self.now, idle=IDLE, absolute=ABSOLUTE, enabled=enabled
        )

    @property
    def file(self) -> Path:
        return self.folder / "session.json"

    def assert_forgotten(self) -> None:
        assert self.keyring.held == {}
        assert not self.file.exists()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "state" / "session")


def test_a_sign_in_is_kept_between_commands(desk: Desk) -> None:
    assert desk.store().save(BO, PASSWORD) == ""
    desk.now += timedelta(minutes=5)
    assert desk.store().load() == Saved("bo", PASSWORD, "id-of-bo", NOON)


def test_nothing_is_kept_before_anybody_signs_in(desk: Desk) -> None:
    assert desk.store().load() is None
    desk.store().touch()
    desk.store().forget()
    assert desk.keyring.used == 0  # the keyring is not even asked
    assert not desk.file.exists()


@pytest.mark.req("S6", "S7")
@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_the_password_is_in_no_file_and_the_file_is_private(desk: Desk, tmp_path: Path) -> None:
    desk.store().save(BO, PASSWORD)
    desk.store().touch()
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files == [desk.file]
    assert "bo" in desk.file.read_text()
    assert PASSWORD.expose() not in desk.file.read_text()
    assert stat.S_IMODE(desk.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(desk.folder.stat().st_mode) == 0o700
    assert PASSWORD.expose() not in repr(desk.store().load())


# ── it ends ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("R8")
def test_idle_too_long_ends_it(desk: Desk) -> None:
    desk.store().save(BO, PASSWORD)
    desk.now += IDLE - timedelta(seconds=1)
    assert desk.store().load() is not None
    desk.now += timedelta(seconds=1)
    assert desk.store().load() is None
    desk.assert_forgotten()


@pytest.mark.req("R8")
def test_use_keeps_it_alive_and_only_so_long(desk: Desk) -> None:
    desk.store().save(BO, PASSWORD)
    step = timedelta(minutes=20)
    while desk.now + step < NOON + ABSOLUTE:
        desk.now += step
        assert desk.store().load() == Saved("bo", PASSWORD, "id-of-bo", NOON)
        desk.store().touch()
    desk.now = NOON + ABSOLUTE
    assert desk.store().load() is None
    desk.assert_forgotten()


@pytest.mark.req("R8")
def test_looking_is_not_using(desk: Desk) -> None:
    desk.store().save(BO, PASSWORD)
    desk.now += IDLE - timedelta(seconds=1)
    desk.store().load()
    desk.now += timedelta(seconds=1)
    desk.store().touch()  # too late: what has ended is not brought back
    assert desk.store().load() is None


@pytest.mark.req("R5")
@pytest.mark.parametrize("back", [timedelta(seconds=1), timedelta(days=365)])
def test_a_clock_that_ran_back_ends_it(desk: Desk, back: timedelta) -> None:
    desk.store().save(BO, PASSWORD)
    desk.now -= back
    assert desk.store().load() is None
    desk.assert_forgotten()


@pytest.mark.req("R5")
def test_a_clock_that_ran_back_behind_the_last_use_ends_it(desk: Desk) -> None:
    desk.store().save(BO, PASSWORD)
    desk.now += timedelta(minutes=20)
    desk.store().touch()
    desk.now -= timedelta(minutes=10)
    assert desk.store().load() is None
    desk.assert_forgotten()


def test_signing_out_ends_it(desk: Desk) -> None:
    desk.store().save(BO, PASSWORD)
    desk.store().forget()
    desk.assert_forgotten()
    assert desk.store().load() is None


def test_a_new_sign_in_takes_the_place_of_the_old(desk: Desk) -> None:
    desk.store().save(BO, Secret("of bo"))
    desk.store().save(ANA, Secret("of ana"))
    assert desk.store().load() == Saved("ana", Secret("of ana"), "id-of-ana", NOON)
    assert len(desk.keyring.held) == 1


def test_no_name_ever_meets_the_password_of_another(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between the file and the keyring: the new name must not be tried with the old password."""
    desk.store().save(BO, Secret("of bo"))

    def power_cut(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(desk.keyring, "set", power_cut)
    with pytest.raises(SystemExit):
        desk.store().save(ANA, Secret("of ana"))
    assert desk.store().load() is None
    desk.assert_forgotten()


def test_two_profiles_keep_apart(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other" / "session")
    other.keyring = desk.keyring
    desk.store().save(BO, Secret("of bo"))
    other.store().save(ANA, Secret("of ana"))
    assert desk.store().load() == Saved("bo", Secret("of bo"), "id-of-bo", NOON)
    other.store().forget()
    assert desk.store().load() is not None


def test_a_password_that_left_the_keyring_ends_it(desk: Desk) -> None:
    desk.store().save(BO, PASSWORD)
    desk.keyring.held.clear()
    assert desk.store().load() is None
    desk.assert_forgotten()


# ── it is not kept ────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("S6")
def test_without_a_keyring_nothing_is_kept_and_that_is_said(desk: Desk, tmp_path: Path) -> None:
    desk.keyring.reason = "the keyring is locked"
    assert desk.store().save(BO, PASSWORD) == "the keyring is locked"
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
    assert desk.store().load() is None


@pytest.mark.req("S6")
def test_a_keyring_that_refuses_leaves_nothing_behind(desk: Desk) -> None:
    desk.keyring.full = True
    reason = desk.store().save(BO, PASSWORD)
    assert "full" in reason
    assert not reason.endswith(".")
    desk.assert_forgotten()


def test_none_by_configuration(desk: Desk) -> None:
    assert "configuration" in desk.store(enabled=False).save(BO, PASSWORD)
    assert desk.keyring.used == 0
    desk.assert_forgotten()


def test_what_was_kept_before_it_was_configured_away_is_forgotten(desk: Desk) -> None:
    desk.store().save(BO, PASSWORD)
    assert desk.store(enabled=False).load() is None
    desk.assert_forgotten()


# ── a keyring that is locked meanwhile ────────────────────────────────────────────────────────


def test_a_locked_keyring_is_no_sign_in_for_now(desk: Desk) -> None:
    desk.store().save(BO, PASSWORD)
    desk.keyring.reason = "the keyring is locked"
    assert desk.store().load() is None
    desk.keyring.reason = None
    assert desk.store().load() is not None


def test_signing_out_of_a_locked_keyring_is_told_and_made_good(desk: Desk) -> None:
    desk.store().save(BO, PASSWORD)
    desk.keyring.reason = "the keyring is locked"
    with pytest.raises(Failed, match="still in the keyring") as told:
        desk.store().forget()
    assert "helpdesk logout" in told.value.hint
    assert desk.store().load() is None
    assert "still holds" in desk.store().save(ANA, PASSWORD)  # nor is anybody kept over it
    desk.keyring.reason = None
    assert desk.keyring.held
    assert desk.store().load() is None  # unlocked again: it is over, and now deleted too
    desk.assert_forgotten()


@pytest.mark.req("R8")
def test_expiry_with_a_locked_keyring_stays_expiry(desk: Desk) -> None:
    desk.store().save(BO, PASSWORD)
    desk.keyring.reason = "the keyring is locked"
    desk.now += IDLE
    assert desk.store().load() is None
    desk.keyring.reason = None
    desk.now = NOON  # not even a clock that is set back opens it again
    assert desk.store().load() is None
    desk.assert_forgotten()


# ── a file that is not what we wrote ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"version": 2}',
        b'{"version": 1, "login": "bo"}',
        b'{"version": 1, "login": 7, "person_id": "x", "signed_in_at": "2026-03-09T12:00:00+00:00", '
        b'"last_used": "2026-03-09T12:00:00+00:00"}',
        b'{"version": 1, "login": "bo", "person_id": "x", "signed_in_at": "soon", "last_used": "now"}',
        b'{"version": 1, "login": "bo", "person_id": "x", "signed_in_at": "2026-03-09T12:00:00", '
        b'"last_used": "2026-03-09T12:00:00"}',
    ],
)
def test_a_file_that_makes_no_sense_is_the_end(desk: Desk, content: bytes) -> None:
    desk.store().save(BO, PASSWORD)
    desk.file.write_bytes(content)
    assert desk.store().load() is None
    desk.assert_forgotten()


@pytest.mark.req("R8")
def test_a_last_use_in_the_future_is_not_believed(desk: Desk) -> None:
    desk.store().save(BO, PASSWORD)
    document = json.loads(desk.file.read_text())
    document["last_used"] = (NOON + timedelta(days=9)).isoformat()
    desk.file.write_text(json.dumps(document))
    assert desk.store().load() is None


@pytest.mark.req("S7")
@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_a_file_that_others_could_read_or_a_link_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.store().save(BO, PASSWORD)
    desk.file.chmod(0o644)
    with pytest.raises(Failed, match="read by others"):
        desk.store().load()
    desk.file.unlink()
    (tmp_path / "planted").write_text("{}")
    desk.file.symlink_to(tmp_path / "planted")
    with pytest.raises(Failed):
        desk.store().load()
    desk.store().forget()
    assert desk.keyring.held == {}
    assert (tmp_path / "planted").read_text() == "{}"


@pytest.mark.req("R8")
def test_a_file_that_was_edited_to_look_fresh_ends_the_session(desk: Desk) -> None:
    desk.store().save(BO, PASSWORD)
    desk.now += timedelta(minutes=10)
    document = json.loads(desk.file.read_text())
    now = desk.now.isoformat()
    desk.file.write_text(json.dumps({**document, "signed_in_at": now, "last_used": now}))
    assert desk.store().load() is None
    desk.assert_forgotten()
