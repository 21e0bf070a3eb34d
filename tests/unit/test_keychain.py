"""The system's own keyring or none: nothing that the environment, a file or a package puts in its place (S6)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring.backend
import pytest

from helpdesk.connectors.keychain import SERVICE, OsKeychain
from helpdesk.errors import Failed
from helpdesk.ports import Keychain
from helpdesk.secrets import Secret
from tests.servers.packages import keyring_or_skip

PASSWORD = Secret("canary-5d1f-Quartz")


class Service:
    """A Secret Service that holds what it is given, and does what a test needs beside."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False
        self.set_up = True
        self.loses = False
        self.keeps = False
        self.raises: Exception | None = None
        self.waits: threading.Event | None = None

    def touched(self) -> None:
        if self.waits:
            self.waits.wait(30)
        if self.raises:
            raise self.raises


def _module(name: str, **members: object) -> types.ModuleType:
    module = types.ModuleType(name)
    vars(module).update(members)
    return module


def _store(service: Service, module: str, name: str, priority: float) -> type:
    class Store:
        viable = True

        def get_password(self, where: str, who: str) -> str | None:
            service.touched()
            return service.held.get((where, who))

        def set_password(self, where: str, who: str, password: str) -> None:
            service.touched()
            if not service.loses:
                service.held[where, who] = password

        def delete_password(self, where: str, who: str) -> None:
            service.touched()
            if not service.keeps:
                del service.held[where, who]

    Store.priority = priority  # type: ignore[attr-defined]
    Store.__module__, Store.__name__ = module, name
    return Store


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service()

    class ItemNotFound(Exception):
        pass

    class Collection:
        def __init__(self, connection: object) -> None:
            if not made.set_up:
                raise ItemNotFound

        def is_locked(self) -> bool:
            return made.locked

    connection = types.SimpleNamespace(close=lambda: None)
    storage = _module(
        "secretstorage",
        dbus_init=lambda: connection,
        Collection=Collection,
        ItemNotFoundException=ItemNotFound,
    )
    monkeypatch.setitem(sys.modules, "secretstorage", storage)
    name = "keyring.backends.SecretService"
    monkeypatch.setitem(sys.modules, name, _module(name, Keyring=_store(made, name, "Keyring", 5)))
    for missing in ("keyring.backends.libsecret", "keyring.backends.kwallet"):
        monkeypatch.setitem(sys.modules, missing, None)
    return made


@pytest.fixture
def keychain(service: Service) -> OsKeychain:
    return OsKeychain("linux", {}, seconds=5)


# ── a keyring that works ──────────────────────────────────────────────────────────────────────


def test_it_keeps_gives_and_forgets(keychain: OsKeychain, service: Service) -> None:
    port: Keychain = keychain
    assert port.available() is None
    assert port.get("session") is None
    port.set("session", PASSWORD)
    assert port.get("session") == PASSWORD
    assert service.held == {(SERVICE, "session"): PASSWORD.expose()}
    port.delete("session")
    port.delete("session")
    assert port.get("session") is None


@pytest.mark.parametrize(
    ("system", "module", "name"),
    [
        ("darwin", "keyring.backends.macOS", "Keyring"),
        ("win32", "keyring.backends.Windows", "WinVaultKeyring"),
    ],
)
def test_each_system_has_its_own(
    monkeypatch: pytest.MonkeyPatch, system: str, module: str, name: str
) -> None:
    service = Service()
    monkeypatch.setitem(sys.modules, module, _module(module, **{name: _store(service, module, name, 5)}))
    chain = OsKeychain(system, {})
    assert chain.available() is None
    chain.set("session", PASSWORD)
    assert service.held


def test_the_best_of_several_is_taken(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    wallet = Service()
    name = "keyring.backends.kwallet"
    monkeypatch.setitem(sys.modules, name, _module(name, DBusKeyring=_store(wallet, name, "DBusKeyring", 4)))
    OsKeychain("linux", {}).set("session", PASSWORD)
    assert service.held
    assert not wallet.held


def test_a_closed_wallet_is_absent(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = [False]
    wallet = types.SimpleNamespace(networkWallet=lambda: "w", isOpen=lambda name: opened[0])
    bus = types.SimpleNamespace(get_object=lambda *_: None)
    dbus = _module("dbus", SessionBus=lambda: bus, Interface=lambda *_: wallet)
    monkeypatch.setitem(sys.modules, "dbus", dbus)
    name = "keyring.backends.kwallet"
    store = _store(Service(), name, "DBusKeyring", 9)
    vars_ = {"bus_name": "b", "object_path": "/p"}
    for key, value in vars_.items():
        setattr(store, key, value)
    monkeypatch.setitem(sys.modules, name, _module(name, DBusKeyring=store))
    chain = OsKeychain("linux", {})
    assert chain.available() == "the wallet is closed"
    opened[0] = True
    assert chain.available() is None


# ── no keyring ────────────────────────────────────────────────────────────────────────────────


def refused(chain: OsKeychain) -> str:
    """Why it cannot be used; nothing works, and nothing is written anywhere."""
    reason = chain.available()
    assert reason
    assert not reason.endswith(".")
    attempts: list[Callable[[], Any]] = [
        lambda: chain.get("session"),
        lambda: chain.set("session", PASSWORD),
        lambda: chain.delete("session"),
    ]
    for attempt in attempts:
        with pytest.raises(Failed) as told:
            attempt()
        assert reason in told.value.message
        assert PASSWORD.expose() not in repr(vars(told.value))
    return reason


@pytest.mark.req("S6")
def test_without_a_session_bus_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The real stores, on a machine where none answers."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    assert "no keyring" in refused(OsKeychain("linux", {}))


@pytest.mark.req("S6")
def test_a_locked_keyring_is_absent_until_it_is_unlocked(keychain: OsKeychain, service: Service) -> None:
    service.locked = True
    assert refused(keychain) == "the keyring is locked"
    assert not service.held
    service.locked = False
    keychain.set("session", PASSWORD)
    service.locked = True
    assert refused(keychain) == "the keyring is locked"


@pytest.mark.req("S6")
def test_a_keyring_nobody_has_set_up_is_absent(keychain: OsKeychain, service: Service) -> None:
    service.set_up = False
    assert "not been set up" in refused(keychain)


@pytest.mark.req("S6")
@pytest.mark.parametrize(
    "name", ["PYTHON_KEYRING_BACKEND", "KEYCHAIN_PATH", "KEYRING_PROPERTY_SCHEME", "KEYRING_PROPERTY_APPID"]
)
def test_a_choice_of_the_environment_is_not_followed(service: Service, name: str) -> None:
    assert name in refused(OsKeychain("linux", {name: "keyring.backends.SecretService.Keyring"}))
    assert not service.held


@pytest.mark.req("S6")
def test_what_the_environment_names_is_not_even_imported(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "planted_keyring.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "planted_keyring.Keyring")
    refused(OsKeychain("linux"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.req("S6")
def test_a_choice_of_a_file_is_not_followed(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "python_keyring").mkdir()
    (tmp_path / "python_keyring" / "keyringrc.cfg").write_text(
        f"[backend]\ndefault-keyring=keyring.backends.null.Keyring\nkeyring-path={tmp_path}\n"
    )
    assert "keyringrc.cfg" in refused(OsKeychain("linux", {}))
    assert str(tmp_path) not in sys.path


@pytest.fixture
def plaintext(tmp_path: Path) -> Iterator[Path]:
    """An installed backend that writes plaintext and calls itself the best, as keyrings.alt would be."""
    file = tmp_path / "passwords.txt"

    class PlaintextKeyring(keyring.backend.KeyringBackend):
        priority = 1000

        def get_password(self, service: str, username: str) -> str | None:
            return file.read_text() if file.exists() else None

        def set_password(self, service: str, username: str, password: str) -> None:
            file.write_text(password)

    yield file
    keyring.backend.KeyringBackend._classes.discard(PlaintextKeyring)  # type: ignore[attr-defined]


@pytest.mark.req("S6")
def test_an_installed_plaintext_keyring_is_not_taken(
    plaintext: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    assert "no keyring" in refused(OsKeychain("linux", {}))
    assert not plaintext.exists()


@pytest.mark.req("S6")
def test_nor_does_it_stand_in_a_chain_with_a_good_one(plaintext: Path, keychain: OsKeychain) -> None:
    keychain.set("session", PASSWORD)
    assert keychain.get("session") == PASSWORD
    assert not plaintext.exists()


# ── a keyring that misbehaves ─────────────────────────────────────────────────────────────────


@pytest.mark.req("S6")
def test_a_keyring_that_keeps_nothing_is_found_out(keychain: OsKeychain, service: Service) -> None:
    service.loses = True
    with pytest.raises(Failed, match="did not keep"):
        keychain.set("session", PASSWORD)


def test_a_keyring_that_does_not_delete_is_found_out(keychain: OsKeychain, service: Service) -> None:
    keychain.set("session", PASSWORD)
    service.keeps = True
    with pytest.raises(Failed, match="did not delete"):
        keychain.delete("session")


@pytest.mark.req("S1")
def test_an_error_of_the_keyring_does_not_quote_the_secret(keychain: OsKeychain, service: Service) -> None:
    service.raises = RuntimeError(f"could not store {PASSWORD.expose()}")
    with pytest.raises(Failed, match="RuntimeError") as told:
        keychain.set("session", PASSWORD)
    error: BaseException | None = told.value
    while error is not None:
        assert PASSWORD.expose() not in str(error)
        error = error.__cause__ or error.__context__


def test_a_keyring_that_never_answers_is_left_alone(service: Service) -> None:
    service.waits = threading.Event()
    chain = OsKeychain("linux", {}, seconds=0.05)
    try:
        with pytest.raises(Failed, match="no answer"):
            chain.get("session")
    finally:
        service.waits.set()


# ── what is really there ──────────────────────────────────────────────────────────────────────

_ROUND = """
import sys
from helpdesk.connectors.keychain import OsKeychain
from helpdesk.secrets import Secret
chain = OsKeychain(environ={})
assert chain.available() is None, chain.available()
chain.set("test of helpdesk", Secret("canary-real-7Y"))
assert OsKeychain(environ={}).get("test of helpdesk") == Secret("canary-real-7Y")
chain.delete("test of helpdesk")
assert chain.get("test of helpdesk") is None
import secretstorage
secretstorage.Collection(secretstorage.dbus_init()).lock()
assert chain.available() == "the keyring is locked", chain.available()
print("kept, given, deleted, locked")
"""


@pytest.mark.req("S6")
def test_a_real_keyring(tmp_path: Path) -> None:
    """gnome-keyring on a session bus of its own, unlocked with a password of the test's."""
    bus, daemon, found = keyring_or_skip()
    home = tmp_path / "home"
    (home / "run").mkdir(parents=True, mode=0o700)
    environ = os.environ | {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "PYTHONPATH": os.getcwd(),
        "LIBRARIES": found.get("LD_LIBRARY_PATH", ""),
        "DAEMON": str(daemon),
    }
    shell = 'printf secret | LD_LIBRARY_PATH="$LIBRARIES" "$DAEMON" --unlock --components=secrets >/dev/null && exec "$0" -c "$1"'
    ran = subprocess.run(
        [str(bus), "--", "sh", "-c", shell, sys.executable, _ROUND],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.stdout.strip() == "kept, given, deleted, locked", ran.stderr
    assert not [file for file in home.rglob("*") if file.is_file() and b"canary-real-7Y" in file.read_bytes()]
