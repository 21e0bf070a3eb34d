"""One LDAP operation at a time on a verified wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from helpdesk.connectors.ldap.ber import SEQUENCE, Malformed, tlv
from helpdesk.connectors.ldap.controls import PASSWORD_POLICY_REQUEST, Control, page
from helpdesk.connectors.ldap.messages import (
    ADDED,
    BOUND,
    DONE,
    ENTRY,
    EXTENDED,
    MODIFIED,
    REFERENCE,
    Answer,
    Changes,
    Entry,
    Received,
    Scope,
    add_request,
    answer,
    bind_request,
    encoded,
    entry,
    extended_request,
    modify_request,
    received,
    search_request,
    unbind_request,
)
from helpdesk.connectors.ldap.wire import BrokenWire, Wire
from helpdesk.secrets import Secret

WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"
PASSWORD_MODIFY = "1.3.6.1.4.1.4203.1.11.1"  # noqa: S105  an object identifier
MAX_ENTRIES = 5000
_PAGE = 500
_NOTICE = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave. Referrals it held are dropped: they are never followed (D3)."""

    entries: tuple[Entry, ...]
    answer: Answer


@dataclass(slots=True)
class Client:
    """Operations on one connection; not for two threads at once.

    Every method raises :class:`~helpdesk.connectors.ldap.wire.BrokenWire` when the connection ended, was
    too slow or made no sense; the connection is of no use then.
    """

    wire: Wire
    _serial: int = field(default=1, init=False)

    def bind(self, dn: str, password: Secret) -> Answer:
        """A simple bind with the password policy's control; both must be non-empty (D4)."""
        if not dn or not password:
            raise ValueError("a bind needs a name and a password")
        return self._single(bind_request(dn, password.expose()), BOUND, [PASSWORD_POLICY_REQUEST])

    def who_am_i(self) -> tuple[str, Answer]:
        """RFC 4532: who the server thinks is bound, such as ``dn:uid=ana,…``."""
        got = self._single(extended_request(WHO_AM_I), EXTENDED)
        return got.value.decode("utf-8", "replace"), got

    def search(
        self,
        base: str,
        filter: str,
        attributes: Sequence[str],
        *,
        scope: Scope = "SUBTREE",
        limit: int = MAX_ENTRIES,
    ) -> Found:
        """Entries that match, at most ``limit``; large results come in pages."""
        entries: list[Entry] = []
        cookie = b""
        while True:
            paged = [page(min(_PAGE, limit - len(entries)), cookie)] if limit > _PAGE else []
            ceiling = 0 if paged else limit
            request = search_request(base, scope, filter, attributes, ceiling, 0)
            more, got = self._collect(request, paged, limit - len(entries))
            entries += more
            cookie = got.cookie
            if not cookie or not got.ok or len(entries) >= limit:
                return Found(tuple(entries[:limit]), got)

    def modify(self, dn: str, changes: Changes, controls: Sequence[Control] = ()) -> Answer:
        return self._single(modify_request(dn, changes), MODIFIED, controls)

    def add(self, dn: str, attributes: Mapping[str, Sequence[str | bytes]]) -> Answer:
        """A new entry, whole or not at all."""
        return self._single(add_request(dn, attributes), ADDED)

    def modify_password(self, dn: str, new: Secret, old: Secret | None = None) -> Answer:
        """RFC 3062: the server itself hashes the new password."""
        parts = tlv(0x80, dn.encode("utf-8", "surrogatepass"))
        if old is not None:
            parts += tlv(0x81, old.expose().encode("utf-8", "surrogatepass"))
        parts += tlv(0x82, new.expose().encode("utf-8", "surrogatepass"))
        request = extended_request(PASSWORD_MODIFY, tlv(SEQUENCE, parts))
        return self._single(request, EXTENDED, [PASSWORD_POLICY_REQUEST])

    def close(self) -> None:
        """Say good-bye where the wire still stands, and close."""
        try:
            if self.wire.is_quiet():
                self.wire.send(encoded(self._next(), unbind_request()))
        except BrokenWire:
            return  # it is gone already, which is all that was wanted
        finally:
            self.wire.close()

    # ── one exchange ──────────────────────────────────────────────────────────────────────────

    def _single(self, request: bytes, kind: int, controls: Sequence[Control] = ()) -> Answer:
        serial = self._send(request, controls)
        message = self._receive(serial)
        if message.kind != kind:
            raise BrokenWire("it answered something else")
        return _understood(message)

    def _collect(self, request: bytes, controls: Sequence[Control], limit: int) -> tuple[list[Entry], Answer]:
        serial = self._send(request, controls)
        entries: list[Entry] = []
        while True:
            message = self._receive(serial)
            if message.kind == DONE:
                return entries, _understood(message)
            if message.kind == ENTRY:
                if len(entries) >= limit:
                    raise BrokenWire("it sends more entries than were asked for")
                try:
                    entries.append(entry(message))
                except Malformed:
                    raise BrokenWire("its answer is no LDAP") from None
            elif message.kind != REFERENCE:
                raise BrokenWire("it answered something else")

    def _send(self, request: bytes, controls: Sequence[Control]) -> int:
        serial = self._next()
        self.wire.send(encoded(serial, request, controls))
        return serial

    def _receive(self, serial: int) -> Received:
        try:
            message = received(self.wire.receive())
        except Malformed:
            raise BrokenWire("its answer is no LDAP") from None
        if message.serial == _NOTICE:
            raise BrokenWire("it ended the connection")
        if message.serial != serial:
            raise BrokenWire("it answered something else")
        return message

    def _next(self) -> int:
        self._serial += 1
        return self._serial


def _understood(message: Received) -> Answer:
    try:
        return answer(message)
    except Malformed:
        raise BrokenWire("its answer is no LDAP") from None
