"""The wire: verified or nothing, StartTLS or nothing, an answer in time or a clear error."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ldap3
import pytest

from helpdesk.connectors.ldap.settings import Timeouts
from helpdesk.errors import ConfigError, Exit, Unreachable
from helpdesk.secrets import Secret
from tests.integration.ldap_world import QUICK, directory
from tests.servers.capture import Capture
from tests.servers.certificates import Authority, Issued
from tests.servers.fake_ldap import (
    BIND,
    EXTENDED,
    MODIFY,
    SEARCH,
    Directory,
    FakeLdap,
    Reply,
    Request,
    StartTls,
    bound,
    found,
)
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.servers

PASSWORD = Secret("Canary-Password-4711")
ANA = found(
    "uid=ana,dc=fake,dc=test",
    {"uid": ["ana"], "cn": ["Ana"], "entryUUID": ["5f0c2a5e-6f3b-4b43-9d51-0a5bb6f1a001"]},
)
TEMPLATE = "uid={login},dc=fake,dc=test"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


def _good(authority: Authority, folder: Path) -> tuple[Issued, Path]:
    return authority.issue("127.0.0.1", "localhost"), authority.file


def _wrong_host(authority: Authority, folder: Path) -> tuple[Issued, Path]:
    return authority.issue("ldap.elsewhere.test", "127.0.0.2"), authority.file


def _expired(authority: Authority, folder: Path) -> tuple[Issued, Path]:
    return authority.issue("127.0.0.1", expired=True), authority.file


def _expired_authority(authority: Authority, folder: Path) -> tuple[Issued, Path]:
    old = Authority(folder / "old", expired=True)
    return old.issue("127.0.0.1"), old.file


def _self_signed(authority: Authority, folder: Path) -> tuple[Issued, Path]:
    return authority.issue("127.0.0.1", self_signed=True), authority.file


def _stranger(authority: Authority, folder: Path) -> tuple[Issued, Path]:
    return Authority(folder / "stranger").issue("127.0.0.1"), authority.file


Certificate = Callable[[Authority, Path], tuple[Issued, Path]]
_LIES: dict[str, Certificate] = {
    "wrong host": _wrong_host,
    "expired": _expired,
    "expired authority": _expired_authority,
    "self-signed": _self_signed,
    "unknown authority": _stranger,
}


# ── D1 ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("D1")
@pytest.mark.parametrize("start_tls", [None, "ok"], ids=["LDAPS", "StartTLS"])
@pytest.mark.parametrize("lie", _LIES)
def test_no_password_crosses_an_unverified_connection(
    authority: Authority, tmp_path: Path, lie: str, start_tls: StartTls | None
) -> None:
    certificate, ca_file = _LIES[lie](authority, tmp_path)
    with FakeLdap(Directory([ANA]), certificate=certificate, start_tls=start_tls) as server:
        for more in ({}, {"login_dn": TEMPLATE}):
            with pytest.raises(Unreachable, match="could not prove who it is") as told:
                directory(server.url, str(ca_file), **more).sign_in("ana", PASSWORD)
            assert f"127.0.0.1:{server.port}" in told.value.message
            assert "ca_file" in told.value.hint
            assert told.value.exit == Exit.UNREACHABLE
            assert not told.value.maybe_applied
        assert server.connections == 2
        assert b"Canary" not in server.everything()
        assert server.secret == b""


@pytest.mark.req("D1")
@pytest.mark.parametrize("start_tls", [None, "ok"], ids=["LDAPS", "StartTLS"])
def test_the_same_server_sees_the_password_when_its_certificate_is_good(
    authority: Authority, tmp_path: Path, start_tls: StartTls | None
) -> None:
    """The positive control: what the test above looks for would be seen if it were there."""
    certificate, ca_file = _good(authority, tmp_path)
    with FakeLdap(Directory([ANA]), certificate=certificate, start_tls=start_tls) as server:
        assert directory(server.url, str(ca_file)).sign_in("ana", PASSWORD).me.login == "ana"
        assert PASSWORD.expose().encode() in server.secret
        assert b"Canary" not in server.plain


@pytest.mark.req("D1")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_same_server_gets_the_password_of_a_client_that_does_not_verify(
    authority: Authority, tmp_path: Path
) -> None:
    """Another control: the certificates are bad enough to matter to a careless client."""
    certificate, _ = _wrong_host(authority, tmp_path)
    with FakeLdap(Directory([ANA]), certificate=certificate) as server:
        careless = ldap3.Server("127.0.0.1", server.port, use_ssl=True, get_info=ldap3.NONE)
        connection = ldap3.Connection(careless, "uid=ana,dc=fake,dc=test", PASSWORD.expose())
        assert connection.bind()
        connection.unbind()
        assert PASSWORD.expose().encode() in server.secret


@pytest.mark.req("D1")
def test_a_captured_wire_to_a_real_server_holds_no_password(slapd_people: Slapd) -> None:
    slapd_people.add_person("wired", PASSWORD.expose())
    with Capture(slapd_people.tls_port) as capture:
        url = f"ldaps://localhost:{capture.port}"
        assert directory(url, slapd_people.ca_file).sign_in("wired", PASSWORD).me.login == "wired"
        assert capture.sent
        assert b"Canary" not in capture.sent
    with Capture(slapd_people.port) as capture:  # the control: the same capture, in front of the open port
        server = ldap3.Server("127.0.0.1", capture.port, get_info=ldap3.NONE)
        connection = ldap3.Connection(server, "uid=wired,ou=people,dc=corp,dc=test", PASSWORD.expose())
        connection.bind()
        connection.unbind()
        assert b"Canary" in capture.sent


@pytest.mark.req("D1")
@pytest.mark.filterwarnings("ignore:.*TLSv1.*deprecated:DeprecationWarning")
def test_old_tls_is_refused(authority: Authority, tmp_path: Path) -> None:
    certificate, ca_file = _good(authority, tmp_path)
    with FakeLdap(Directory([ANA]), certificate=certificate) as server:
        assert server._context is not None
        server._context.minimum_version = ssl.TLSVersion.TLSv1
        server._context.maximum_version = ssl.TLSVersion.TLSv1_1
        server._context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises(Unreachable, match="did not agree on TLS"):
            directory(server.url, str(ca_file)).sign_in("ana", PASSWORD)
        assert server.secret == b""


@pytest.mark.req("D1")
def test_the_environment_names_no_authorities(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, ca_file = _good(authority, tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    monkeypatch.setenv("SSL_CERT_DIR", str(ca_file.parent))
    with FakeLdap(Directory([ANA]), certificate=certificate) as server:
        with pytest.raises(Unreachable, match="could not prove who it is"):
            directory(server.url, None, trust="bundled").sign_in("ana", PASSWORD)  # type: ignore[arg-type]
        assert server.secret == b""


@pytest.mark.req("D1")
@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("ldap://ldap.corp.test", {"start_tls": False}),
        ("http://ldap.corp.test", {}),
        ("ldapi:///run/slapd", {}),
        ("ldaps://", {}),
        ("ldaps://user:pw@ldap.corp.test", {}),
        ("ldaps://ldap.corp.test", {"start_tls": True}),
        ("ldaps://ldap.corp.test:port", {}),
    ],
)
def test_there_is_no_way_to_ask_for_less(url: str, more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as told:
        directory(url, "ca.pem", **more)
    assert "[directory]" in told.value.message


# ── D2 ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("D2")
@pytest.mark.parametrize("what", ["refuse", "inject", "drop", "silent", "nonsense", "another"])
def test_a_failed_start_tls_is_the_end(authority: Authority, tmp_path: Path, what: StartTls) -> None:
    certificate, ca_file = _good(authority, tmp_path)
    with FakeLdap(Directory([ANA]), certificate=certificate, start_tls=what) as server:
        one = directory(server.url, str(ca_file), login_dn=TEMPLATE)
        with pytest.raises(Unreachable) as told:
            one.sign_in("ana", PASSWORD)
        assert "Nothing was sent to it" in told.value.message
        assert told.value.exit != 0
        assert server.connections == 1
        assert server.secret == b""
        assert b"Canary" not in server.everything()
        assert b"uid=ana" not in server.everything()


# ── D8 ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("D8")
@pytest.mark.parametrize("start_tls", [None, "silent"], ids=["LDAPS", "StartTLS"])
def test_a_silent_server_is_given_up_in_time(authority: Authority, start_tls: StartTls | None) -> None:
    """Once with the time-outs that everybody has."""
    patience = Timeouts() if start_tls is None else QUICK
    with FakeLdap(start_tls=start_tls) as server:
        begun = time.monotonic()
        with pytest.raises(Unreachable, match=r"no answer in time|timed out") as told:
            directory(server.url, str(authority.file), timeouts=patience).sign_in("ana", PASSWORD)
        assert time.monotonic() - begun <= 10
        assert f"127.0.0.1:{server.port}" in told.value.message
        assert "[directory] url" in told.value.hint


@pytest.mark.req("D8")
def test_a_server_that_goes_silent_after_the_bind(authority: Authority, tmp_path: Path) -> None:
    certificate, ca_file = _good(authority, tmp_path)
    helpful = Directory([ANA])
    silent = False
    with FakeLdap(lambda request: None if silent else helpful(request), certificate=certificate) as server:
        session = directory(server.url, str(ca_file)).sign_in("ana", PASSWORD)
        silent = True
        begun = time.monotonic()
        with pytest.raises(Unreachable, match="gave no answer") as told:
            session.person("ana")
        assert not told.value.maybe_applied
        assert time.monotonic() - begun <= QUICK.total + 1
        assert f"127.0.0.1:{server.port}" in told.value.message


@pytest.mark.req("D8")
def test_drop_by_drop_is_no_answer_either(authority: Authority) -> None:
    """Each byte comes within the time-out, and the answer never ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            client, _ = listener.accept()
            with client:
                try:
                    for byte in b"\x30\x84\x00\x00\x10\x00" + b"\x00" * 1000:
                        client.sendall(bytes([byte]))
                        time.sleep(0.2)
                except OSError:
                    return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        begun = time.monotonic()
        url = f"ldap://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(Unreachable):
            directory(url, str(authority.file)).sign_in("ana", PASSWORD)
        assert time.monotonic() - begun <= QUICK.total + 1
        thread.join(5)


@pytest.mark.req("D8")
def test_an_address_that_is_dead_costs_little(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``localhost`` is ``::1`` first, where nobody listens; then an address that swallows everything."""
    certificate, ca_file = _good(authority, tmp_path)
    with FakeLdap(Directory([ANA]), certificate=certificate) as server, _swallowing() as dead:

        def addresses(host: str, port: int, **more: Any) -> list[Any]:
            assert (host, port) == ("localhost", server.port)
            return [
                (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", dead),
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
            ]

        monkeypatch.setattr(socket, "getaddrinfo", addresses)
        begun = time.monotonic()
        url = f"ldaps://localhost:{server.port}"
        assert directory(url, str(ca_file)).look_up().person("ana").login == "ana"
        assert time.monotonic() - begun < QUICK.connect


class _swallowing:
    """An address that answers no connection: its queue is full."""

    def __enter__(self) -> tuple[str, int]:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self._fill: list[socket.socket] = []
        address: tuple[str, int] = self._listener.getsockname()
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(address)
            self._fill.append(one)
        return address

    def __exit__(self, *error: object) -> None:
        for one in (*self._fill, self._listener):
            one.close()


@pytest.mark.req("D8")
def test_a_host_where_no_address_answers(authority: Authority) -> None:
    with _swallowing() as (host, port):
        begun = time.monotonic()
        with pytest.raises(Unreachable, match="cannot be reached") as told:
            directory(f"ldaps://{host}:{port}", str(authority.file)).look_up().person("ana")
        assert time.monotonic() - begun < QUICK.total + 1
        assert f"{host}:{port}" in told.value.message


@pytest.mark.req("D8")
def test_a_resolver_that_never_answers(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(2))
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="not resolved in time"):
        directory("ldaps://ldap.corp.test", str(authority.file)).look_up().person("ana")
    assert time.monotonic() - begun < QUICK.total


@pytest.mark.req("D8")
def test_an_unknown_host_is_named(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(Unreachable, match=r"ldaps://ldap\.corp\.test:636 cannot be reached: name or service"):
        directory("ldaps://ldap.corp.test", str(authority.file)).facts()


# ── nonsense ──────────────────────────────────────────────────────────────────────────────────

_NONSENSE: dict[str, Sequence[Reply] | None] = {
    "another kind of answer": [bound()],
    "an unknown tag": [(0x7E, b"")],
    "an entry that is none": [(0x64, b"\x04\x05ab")],
    "a result that is none": [(0x65, b"\x0a\x01")],
    "an empty result": [(0x65, b"")],
    "an entry of one part": [(0x64, b"\x04\x01a")],
    "an attribute of one part": [(0x64, b"\x04\x01a\x30\x05\x30\x03\x04\x01b")],
}


@pytest.mark.req("L8")
@pytest.mark.parametrize("what", _NONSENSE)
def test_nonsense_is_said_to_be_none(authority: Authority, tmp_path: Path, what: str) -> None:
    certificate, ca_file = _good(authority, tmp_path)
    helpful = Directory([ANA])
    mad = False

    def handler(request: Request) -> Sequence[Reply] | None:
        answered = SEARCH if reads else None
        return _NONSENSE[what] if mad and request.kind not in {BIND, EXTENDED, answered} else helpful(request)

    reads = False
    with FakeLdap(handler, certificate=certificate) as server:
        session = directory(server.url, str(ca_file)).sign_in("ana", PASSWORD)
        mad = True
        with pytest.raises(Unreachable) as told:
            session.person("ana")
        assert not told.value.maybe_applied
        reads = True
        with pytest.raises(Unreachable) as told:
            session.update_contact(session.me, {"title": "x"})
        assert told.value.maybe_applied
        assert len([request for request in server.requests if request.kind == MODIFY]) == 1
        assert session.person("ana").login == "ana"


@pytest.mark.req("L7")
def test_an_endless_answer_is_not_read_to_its_end(authority: Authority, tmp_path: Path) -> None:
    """A search for one person that finds them again and again."""
    certificate, ca_file = _good(authority, tmp_path)
    with FakeLdap(Directory([ANA] * 200_000), certificate=certificate) as server:
        begun = time.monotonic()
        with pytest.raises(Unreachable, match="more entries than were asked for"):
            directory(server.url, str(ca_file)).look_up().person("ana")
        assert time.monotonic() - begun < QUICK.total
