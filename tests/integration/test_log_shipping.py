"""The log on its way out: real syslog receivers and web servers on loopback, well behaved and not."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from helpdesk.connectors import syslog
from helpdesk.connectors.checkpoint_sinks import checkpoint_sink, entry_sink
from helpdesk.connectors.trust import verifying_context
from helpdesk.errors import Failed, HelpdeskError, Unreachable
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.shipping import Shipping
from helpdesk.gate.shipping_told import window
from tests.servers.certificates import Authority
from tests.servers.log_receivers import Notes, SyslogReceiver, free_port, until
from tests.unit.audit_world import checked, open_log, story

Context = Callable[[], ssl.SSLContext]


class Still:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 9, 14, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
def context(authority: Authority) -> Context:
    return lambda: verifying_context(ca_file=str(authority.file), section="log")


@pytest.fixture
def clock() -> Still:
    return Still()


@pytest.fixture
def log(tmp_path: Path, clock: Still) -> AuditLog:
    log = open_log(tmp_path, clock)
    story(log)
    log.checkpoint()
    return log


def _note(log: AuditLog) -> bytes:
    return log.checkpoint().encode()


def _kept(message: str) -> str:
    """The signed note in a syslog message."""
    found = re.search(r' note="([A-Za-z0-9+/=]+)"', message)
    assert found
    return b64decode(found[1]).decode()


@pytest.mark.req("A2")
@pytest.mark.req("A3")
def test_a_checkpoint_kept_by_a_syslog_server_over_tls_shows_that_entries_are_gone(
    tmp_path: Path, log: AuditLog, authority: Authority, context: Context, clock: Still
) -> None:
    with SyslogReceiver(issued=authority.issue("localhost")) as receiver:
        sink = checkpoint_sink(f"syslog+tls://localhost:{receiver.port}", context)
        shipping = Shipping(tmp_path / "log", clock, [sink])
        shipping.flush(20)
        (told,) = shipping.deliveries()
        assert (told.known, told.entries, told.problem) == (7, 7, "")
    kept = _kept(receiver.messages[0])
    assert re.match(r"<109>1 2026-03-09T14:10:00\S+ \S+ helpdesk \d+ checkpoint \[", receiver.messages[0])
    log.close()
    assert checked(tmp_path, kept).ok
    for file in (tmp_path / "log").iterdir():  # its owner begins the log anew, with the same key
        if file.is_file():
            file.unlink()
    story(open_log(tmp_path, clock))
    assert checked(tmp_path).ok
    assert not checked(tmp_path, kept).ok


@pytest.mark.req("A3")
def test_entries_are_caught_up_in_order_after_every_kind_of_failure(
    tmp_path: Path, log: AuditLog, context: Context, clock: Still
) -> None:
    port = free_port()
    address = f"syslog://127.0.0.1:{port}"

    def command() -> Shipping:
        """The end of another command, minutes later."""
        clock.now += timedelta(minutes=11)
        shipping = Shipping(tmp_path / "log", clock, [], entry_sink(address, context))
        shipping.flush(20)
        return shipping

    (told,) = command().deliveries()  # nobody listens
    assert (told.known, told.entries) == (0, 7)
    assert "Connection refused" in told.problem
    assert window([told]).startswith("Entries 1 to 7 are not yet known outside this machine")
    with SyslogReceiver(port) as receiver:
        receiver.behave = "cut"
        (told,) = command().deliveries()
        assert (told.known, receiver.numbers) == (0, [])
        assert told.problem
        receiver.behave = "well"
        assert command().deliveries()[0].known == 7
        log.append("outcome", {"outcome": "done"}, {})
    assert command().deliveries()[0].known == 7  # it went away again
    log.append("outcome", {"outcome": "done"}, {})
    with SyslogReceiver(port) as again:
        assert command().deliveries()[0].known == 9
        command()
    assert receiver.numbers == [1, 2, 3, 4, 5, 6, 7]
    assert again.numbers == [8, 9]
    body = json.loads(again.messages[0].partition("] ")[2])["entry"]
    assert (body["seq"], body["kind"]) == (8, "outcome")


@pytest.mark.req("A3")
@pytest.mark.parametrize("behave", ["silent", "cut"])
def test_what_a_receiver_did_not_read_to_the_end_does_not_count(
    log: AuditLog, context: Context, behave: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syslog, "WHOLE_SECONDS", 0.3)
    with SyslogReceiver() as receiver:
        receiver.behave = behave
        sink = checkpoint_sink(f"syslog://127.0.0.1:{receiver.port}", context)
        with pytest.raises(Unreachable, match="did not take everything"):
            sink.send(_note(log))
        assert receiver.messages == []


@pytest.mark.req("A3")
def test_a_tls_connection_that_is_cut_off_at_its_end_does_not_count(
    log: AuditLog, authority: Authority, context: Context
) -> None:
    with SyslogReceiver(issued=authority.issue("localhost")) as receiver:
        receiver.behave = "abrupt"
        sink = checkpoint_sink(f"syslog+tls://localhost:{receiver.port}", context)
        with pytest.raises(Unreachable):
            sink.send(_note(log))


@pytest.mark.req("D1")
@pytest.mark.parametrize("kind", ["expired", "another name", "self-signed"])
@pytest.mark.parametrize("scheme", ["syslog+tls", "https"])
def test_a_wrong_certificate_gets_nothing(
    log: AuditLog, authority: Authority, context: Context, kind: str, scheme: str
) -> None:
    issued = authority.issue(
        "elsewhere.example" if kind == "another name" else "localhost",
        expired=kind == "expired",
        self_signed=kind == "self-signed",
    )
    with SyslogReceiver(issued=issued) if scheme == "syslog+tls" else Notes(issued=issued) as server:
        sink = checkpoint_sink(f"{scheme}://localhost:{server.port}", context)
        with pytest.raises(Failed, match=r"certificate .* is not trusted") as found:
            sink.send(_note(log))
        assert found.value.code == "untrusted-certificate"
        assert (server.messages if isinstance(server, SyslogReceiver) else server.notes) == []


def test_udp_sends_one_message_and_claims_no_receipt(
    tmp_path: Path, log: AuditLog, context: Context, clock: Still
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        sink = checkpoint_sink(f"syslog+udp://127.0.0.1:{receiver.getsockname()[1]}", context)
        shipping = Shipping(tmp_path / "log", clock, [sink])
        shipping.flush(20)
        assert _kept(receiver.recv(65536).decode()) == log.checkpoint()
    (told,) = shipping.deliveries()
    assert "sent, without a receipt, up to entry 7 of 7" in told.words()
    assert window([told]).startswith("Entries 1 to 7 are not yet known")


@pytest.mark.req("A3")
def test_a_web_server_gets_the_note_and_only_a_good_answer_counts(
    tmp_path: Path, log: AuditLog, authority: Authority, context: Context, clock: Still
) -> None:
    with Notes(issued=authority.issue("localhost")) as server:
        address = f"https://localhost:{server.port}/notes?from=here"
        shipping = Shipping(tmp_path / "log", clock, [checkpoint_sink(address, context)])
        for answer, problem in ((503, "it answered 503"), (302, "it answered 302"), (0, "did not take")):
            server.answer = answer
            shipping.flush(20)
            (told,) = shipping.deliveries()
            assert (told.known, server.notes) == (0, [])
            assert problem in told.problem
            clock.now += timedelta(minutes=11)
        server.answer = 204
        shipping.flush(20)
        assert server.notes == [log.checkpoint()]
        assert set(server.paths) == {"/notes?from=here"}  # no redirect was followed
        assert shipping.deliveries()[0].current


@pytest.mark.req("S9")
def test_the_environments_proxy_sees_nothing(
    log: AuditLog, authority: Authority, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Notes(issued=authority.issue("localhost")) as server, SyslogReceiver() as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        checkpoint_sink(f"https://localhost:{server.port}/", context).send(_note(log))
        assert len(server.notes) == 1
        assert proxy.connections == 0


@pytest.mark.req("A3")
def test_a_server_that_never_answers_delays_a_command_a_second_and_then_not_again(
    tmp_path: Path, log: AuditLog, context: Context, clock: Still
) -> None:
    with Notes() as server:
        server.answer = -1
        sink = checkpoint_sink(f"http://127.0.0.1:{server.port}/", context)
        began = time.monotonic()
        first = Shipping(tmp_path / "log", clock, [sink])
        first.flush()
        assert time.monotonic() - began < 3
        assert first.deliveries()[0].problem
        until(lambda: len(server.paths) == 1)
    first.flush(20)  # until it gave up
    with Notes(server.port) as back:
        began = time.monotonic()
        second = Shipping(tmp_path / "log", clock, [sink])
        second.flush(20)
        assert time.monotonic() - began < 1
        assert back.paths == []  # it failed less than a minute ago
        clock.now += timedelta(minutes=11)
        second.flush(20)
        assert back.notes == [log.checkpoint()]


def test_a_name_that_nobody_knows_is_one_sentence(log: AuditLog, context: Context) -> None:
    for scheme in ("syslog", "syslog+tls", "syslog+udp", "https"):
        with pytest.raises(HelpdeskError, match=r"^The .*nowhere.invalid.* did not take .*\.$"):
            checkpoint_sink(f"{scheme}://nowhere.invalid", context).send(_note(log))
