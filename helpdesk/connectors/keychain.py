"""The operating system's keyring, and no other (S6).

The keyring package would take whatever the environment, a file or an installed package names: plaintext files
and stores that keep nothing among them. So it is not asked to choose: one of the stores below is taken by name,
or none. A choice made around us is not followed and not passed over either; it makes the keyring unavailable.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from helpdesk.errors import Failed
from helpdesk.secrets import Secret

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "helpdesk"
SECONDS = 10.0

_SECRET_SERVICE = ("keyring.backends.SecretService", "Keyring")
_LIBSECRET = ("keyring.backends.libsecret", "Keyring")
_KWALLET = ("keyring.backends.kwallet", "DBusKeyring")
_STORES = {
    "darwin": (("keyring.backends.macOS", "Keyring"),),
    "win32": (("keyring.backends.Windows", "WinVaultKeyring"),),
}
_STORES_ELSEWHERE = (_SECRET_SERVICE, _LIBSECRET, _KWALLET)
_CHOOSERS = ("PYTHON_KEYRING_BACKEND", "KEYCHAIN_PATH")
_PROPERTY = "KEYRING_PROPERTY_"

_T = TypeVar("_T")


class OsKeychain:
    """Implements :class:`helpdesk.ports.Keychain`. A locked keyring counts as absent: nothing pops up.

    Args:
        system: ``sys.platform``. environ: the environment.
        seconds: how long the keyring may take for one answer.
    """

    def __init__(
        self,
        system: str = sys.platform,
        environ: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._system = system
        self._environ = os.environ if environ is None else environ
        self._seconds = seconds
        self._backend: KeyringBackend | None = None

    def available(self) -> str | None:
        try:
            self._store()
        except Failed as error:
            return error.message.removeprefix(_NO_KEYRING).removesuffix(".")
        return None

    def get(self, name: str) -> Secret | None:
        """Raises Failed when there is no usable keyring, or it fails."""
        store = self._store()
        found = self._asked("read", lambda: store.get_password(SERVICE, name))
        return None if found is None else Secret(found)

    def set(self, name: str, secret: Secret) -> None:
        """Store, and read it back. Raises Failed when there is no usable keyring, or it did not keep it."""
        store = self._store()
        self._asked("store", lambda: store.set_password(SERVICE, name, secret.expose()))
        if self.get(name) != secret:
            raise Failed("The keyring did not keep what was stored in it.", code="keyring")

    def delete(self, name: str) -> None:
        """Delete; nothing there is no error. Raises Failed when it is still there afterwards."""
        store = self._store()
        if self.get(name) is None:
            return
        self._asked("delete", lambda: store.delete_password(SERVICE, name))
        if self.get(name) is not None:
            raise Failed("The keyring did not delete what it was asked to.", code="keyring")

    # ── the one store ─────────────────────────────────────────────────────────────────────────

    def _store(self) -> KeyringBackend:
        """The store, unlocked now.

        Raises:
            Failed: there is none; the message gives the reason.
        """
        if self._backend is None:
            self._refuse_choices()
            self._backend = self._asked("find", self._found)
        if self._backend is None:
            raise _no_keyring("there is no keyring of the operating system")
        backend = self._backend
        reason = self._asked("open", lambda: _closed(backend))
        if reason:
            raise _no_keyring(reason)
        return backend

    def _refuse_choices(self) -> None:
        for name in self._environ:
            if name in _CHOOSERS or name.startswith(_PROPERTY):
                raise _no_keyring(f"the environment chooses another one ({name})")
        from keyring.util.platform_ import config_root

        chooser = config_root() / "keyringrc.cfg"
        if chooser.exists():
            raise _no_keyring(f"a file chooses another one ({chooser})")

    def _found(self) -> KeyringBackend | None:
        """The best store that works here; nothing else that is installed gets a chance to run."""
        stores: list[type[KeyringBackend]] = []
        for module, name in _STORES.get(self._system, _STORES_ELSEWHERE):
            try:
                store = getattr(importlib.import_module(module), name)
            except (ImportError, AttributeError):
                continue  # not made for this system
            if store.viable:
                stores.append(store)
        best = max(stores, key=lambda store: store.priority, default=None)
        return None if best is None else best()

    def _asked(self, what: str, call: Callable[[], _T]) -> _T:
        """The keyring's answer, in time or not at all.

        It runs in a thread of its own: a keyring that waits for a dialog nobody sees must not hold us up.
        """
        answers: list[_T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                answers.append(call())
            except BaseException as error:  # noqa: BLE001  its message may quote a secret: only its kind is told
                errors.append(error)

        thread = threading.Thread(target=run, name="keyring", daemon=True)
        thread.start()
        thread.join(self._seconds)
        if answers:
            return answers[0]
        if errors:
            raise Failed(
                f"{_NO_KEYRING}it failed to {what} ({type(errors[0]).__name__}).", code="keyring"
            ) from None
        raise Failed(f"{_NO_KEYRING}it gave no answer within {self._seconds:g} seconds.", code="keyring")


def _closed(store: KeyringBackend) -> str:
    """Why a store would have to ask before it opens; "" when it is open."""
    module = type(store).__module__
    if module in (_SECRET_SERVICE[0], _LIBSECRET[0]):
        return _secret_service_closed()
    if module == _KWALLET[0]:
        return _wallet_closed(store)
    return ""  # the login keychain and the credential manager are open while their owner is signed in


def _secret_service_closed() -> str:
    import secretstorage

    connection = secretstorage.dbus_init()
    try:
        default = secretstorage.Collection(connection)
        return "the keyring is locked" if default.is_locked() else ""
    except secretstorage.ItemNotFoundException:
        return "the keyring has not been set up yet"
    finally:
        connection.close()


def _wallet_closed(store: KeyringBackend) -> str:
    import dbus  # type: ignore[import-not-found]

    named = store.bus_name, store.object_path  # type: ignore[attr-defined]
    wallet = dbus.Interface(dbus.SessionBus().get_object(*named), "org.kde.KWallet")
    return "" if wallet.isOpen(wallet.networkWallet()) else "the wallet is closed"


_NO_KEYRING = "The keyring cannot be used: "


def _no_keyring(reason: str) -> Failed:
    return Failed(f"{_NO_KEYRING}{reason}.", hint="Unlock or set up the system's keyring.", code="no-keyring")
