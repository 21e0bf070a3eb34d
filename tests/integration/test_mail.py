"""Letters over SMTP to a real server, and to one that does not keep to the rules."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from helpdesk.connectors.mail import Outbox, Smtp, SmtpSettings
from helpdesk.connectors.trust import verifying_context
from helpdesk.errors import ConfigError, Failed, InvalidArgument, OutcomeUnknown, Refused, Unreachable
from helpdesk.mail import LONGEST_BODY, Letter, Mail, MailRefused, State
from helpdesk.secrets import Secret
from tests.servers.certificates import Authority
from tests.servers.mail import PASSWORD, USER, MailServer, Scripted, free_port

pytestmark = pytest.mark.servers

LETTER = Letter("ana@corp.test", "Ana Example", "Your request", "It is done.\n")


def now() -> datetime:
    return datetime.now(UTC)


def no_context() -> ssl.SSLContext:
    raise AssertionError("no TLS was to be spoken")


def client(url: str, folder: Path, context: Callable[[], ssl.SSLContext] = no_context, **more: Any) -> Smtp:
    keys: dict[str, Any] = {"start_tls": context is not no_context, "connect": 2.0, "total": 3.0, **more}
    return Smtp(SmtpSettings(url, "helpdesk@corp.test", **keys), folder / "mail.db", now, context)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("mail-tls"))


# ── a letter ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("D1")
@pytest.mark.parametrize("from_first_byte", [True, False])
def test_a_letter_goes_over_tls_signed_in_and_arrives_whole(
    tmp_path: Path, authority: Authority, from_first_byte: bool
) -> None:
    certificate = authority.issue("127.0.0.1")
    with MailServer(certificate, from_first_byte=from_first_byte, sign_in=True) as server:
        mail = client(
            server.url,
            tmp_path,
            lambda: verifying_context(ca_file=str(authority.file)),
            user=USER,
            password=Secret(PASSWORD),
        )
        assert "TLS" in mail.check()
        mail.send(LETTER, "key-1")
    [message] = server.behaviour.messages
    assert (message["To"], message["Subject"]) == ("Ana Example <ana@corp.test>", "Your request")
    assert message["From"] == "IT Helpdesk <helpdesk@corp.test>"
    assert message.get_content().strip() == "It is done."
    assert server.behaviour.envelopes == [("helpdesk@corp.test", ["ana@corp.test"])]
    assert server.behaviour.sign_ins == [USER, USER]
    assert mail.state("key-1") is State.ACCEPTED


@pytest.mark.req("R3")
def test_the_same_key_is_one_letter_with_one_id(tmp_path: Path) -> None:
    with MailServer() as server:
        for _ in range(2):
            client(server.url, tmp_path).send(LETTER, "key-1")
        client(server.url, tmp_path).send(LETTER, "key-2")
        with pytest.raises(Refused):
            client(server.url, tmp_path).send(Letter("bo@corp.test", "", "x", "y"), "key-1")
    ids = [message["Message-ID"] for message in server.behaviour.messages]
    assert len(ids) == len(set(ids)) == 2
    assert all(id.endswith("@corp.test>") for id in ids)


@pytest.mark.parametrize(
    "body",
    [
        "a\n.\nb",
        ".",
        "..two",
        "x" * 5000,
        "From nobody\n",
        "Grüße, ana 你好\n" * 200,
        "a\r\n.\r\nMAIL FROM:<x@y>\r\n",
    ],
)
def test_a_text_arrives_as_it_was_written(tmp_path: Path, body: str) -> None:
    with MailServer() as server:
        client(server.url, tmp_path).send(Letter("ana@corp.test", "", "s", body), "k")
    [message] = server.behaviour.messages
    assert message.get_content().replace("\r\n", "\n").rstrip("\n") == body.replace("\r\n", "\n").rstrip("\n")


@pytest.mark.req("T1")
def test_nothing_in_a_letter_acts_on_a_server_or_a_screen(tmp_path: Path) -> None:
    evil = Letter(
        "ana@corp.test",
        'The CEO" <ceo@corp.test>\r\nBcc: all@corp.test',
        "Hello\r\nBcc: all@corp.test\r\n\r\nnew text \x1b]0;x\x07",
        "text \x1b[2J\u202e and\x00 more",
    )
    with MailServer() as server:
        client(server.url, tmp_path).send(evil, "k")
    [message] = server.behaviour.messages
    raw = server.behaviour.kept[0]
    assert message["Bcc"] is None
    assert [one.addr_spec for one in message["To"].addresses] == ["ana@corp.test"]
    assert "@" not in message["To"].addresses[0].display_name
    assert server.behaviour.envelopes[0][1] == ["ana@corp.test"]
    assert b"\x1b" not in raw
    assert "\u202e" not in message.get_content()
    assert "\x1b" not in message["Subject"]


@pytest.mark.parametrize(
    "to",
    [
        "",
        "ana",
        "@corp.test",
        "ana@",
        "ana@corp.test\r\nRCPT TO:<x@y.test>",
        "ana@corp.test> SIZE=1",
        "a b@corp.test",
        "ana@corp.test,bo@corp.test",
        "<ana@corp.test>",
        "ana@corp..test",
        "a" * 300 + "@corp.test",
        "ana\u200b@corp.test",
    ],
)
def test_what_is_no_address_reaches_no_server(tmp_path: Path, to: str) -> None:
    with Scripted([b"220 never\r\n"]) as server, pytest.raises(InvalidArgument):
        client(server.url, tmp_path).send(Letter(to, "", "s", "b"), "k")
    assert server.heard == []


def test_a_huge_or_empty_message_is_none(tmp_path: Path) -> None:
    mail = Outbox(tmp_path / "outbox.db", now)
    for letter in (
        Letter("ana@corp.test", "", "s", "x" * (LONGEST_BODY + 1)),
        Letter("ana@corp.test", "", "s", " \n"),
        Letter("ana@corp.test", "", " ", "b"),
    ):
        with pytest.raises(InvalidArgument):
            mail.send(letter, "k")
    assert mail.letters() == []


def test_names_and_addresses_in_any_letters(tmp_path: Path) -> None:
    with MailServer() as server:
        mail = client(server.url, tmp_path)
        mail.send(Letter("åse@corp.test", "Åse Ærø", "Grüße", "b"), "k1")
        mail.send(Letter("ana@bücher.test", "Ана", "你好", "b"), "k2")
    _, second = server.behaviour.messages
    assert b"<\xc3\xa5se@corp.test>" in server.behaviour.kept[0]
    assert server.behaviour.envelopes[1][1] == ["ana@xn--bcher-kva.test"]
    assert (second["Subject"], second["To"].addresses[0].display_name) == ("你好", "Ана")
    with MailServer(utf8=False) as plain, pytest.raises(MailRefused, match="plain letters"):
        client(plain.url, tmp_path).send(Letter("åse@corp.test", "", "s", "b"), "k3")
    assert plain.behaviour.kept == []


# ── a server that says no ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("where", ["rcpt", "data"])
def test_a_no_is_told_in_the_servers_words_and_is_not_asked_again(tmp_path: Path, where: str) -> None:
    no = "550 5.1.1 no such \x1b[31muser"
    with MailServer() as server:
        if where == "rcpt":
            server.behaviour.rcpt["ana@corp.test"] = [no] * 5
        else:
            server.behaviour.data = [no] * 5
        mail = client(server.url, tmp_path)
        with pytest.raises(MailRefused, match="no such") as told:
            mail.send(LETTER, "k")
    left = server.behaviour.rcpt.get("ana@corp.test", server.behaviour.data)
    assert len(left) == 4
    assert "\x1b" not in told.value.message
    assert mail.state("k") is State.NOT_SENT


def test_a_server_that_asks_for_patience_gets_it(tmp_path: Path) -> None:
    with MailServer() as server:
        server.behaviour.rcpt["ana@corp.test"] = ["451 4.7.1 greylisted"]
        server.behaviour.data = ["452 4.3.1 no room"]
        client(server.url, tmp_path).send(LETTER, "k")
    assert len(server.behaviour.kept) == 1


def test_a_server_that_asks_for_too_much_patience_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpdesk.connectors.mail.smtp.PAUSE", 0.01)
    with MailServer() as server:
        server.behaviour.data = ["451 4.3.0 later"] * 9
        mail = client(server.url, tmp_path)
        with pytest.raises(Unreachable, match="try later") as told:
            mail.send(LETTER, "k")
        assert not told.value.maybe_applied
        assert mail.state("k") is State.NOT_SENT
        server.behaviour.data.clear()
        mail.send(LETTER, "k")
    assert len(server.behaviour.kept) == 1


def test_a_message_that_is_too_large_for_the_server_is_not_begun(tmp_path: Path) -> None:
    with MailServer(size=2000) as server, pytest.raises(MailRefused, match="larger"):
        client(server.url, tmp_path).send(Letter("ana@corp.test", "", "s", "x" * 5000), "k")


def test_a_wrong_password_is_no_mystery_and_shows_in_no_message(tmp_path: Path, authority: Authority) -> None:
    with MailServer(authority.issue("127.0.0.1"), sign_in=True) as server:
        mail = client(
            server.url,
            tmp_path,
            lambda: verifying_context(ca_file=str(authority.file)),
            user=USER,
            password=Secret("wrong-7Q-password"),
        )
        with pytest.raises(ConfigError, match="sign-in") as told:
            mail.check()
    assert "wrong-7Q" not in repr(
        (told.value.message, told.value.hint, told.value.args, told.value.__context__)
    )


# ── a server that lies, dies or falls silent ──────────────────────────────────────────────────


@pytest.mark.req("D1")
@pytest.mark.parametrize("bad", ["unknown authority", "another name", "expired", "no starttls"])
def test_a_server_that_cannot_be_trusted_hears_nothing(
    tmp_path: Path, authority: Authority, bad: str
) -> None:
    other = Authority(tmp_path / "other")
    issued = {
        "unknown authority": other.issue("127.0.0.1"),
        "another name": authority.issue("mail.elsewhere.test"),
        "expired": authority.issue("127.0.0.1", expired=True),
        "no starttls": None,
    }[bad]
    with MailServer(issued) as server:
        mail = client(server.url, tmp_path, lambda: verifying_context(ca_file=str(authority.file)))
        with pytest.raises(Failed) as told:
            mail.send(LETTER, "k")
    assert told.value.code in {"untrusted-certificate", "no-tls"}
    assert server.behaviour.kept == []


@pytest.mark.req("D1")
@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("smtp://mail.corp.test", {"start_tls": False}),
        ("smtps://127.0.0.1", {"start_tls": False}),
        ("smtp://127.0.0.1", {"start_tls": False, "user": USER, "password": Secret("x")}),
    ],
)
def test_there_is_no_way_around_tls(url: str, more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        SmtpSettings(url, "helpdesk@corp.test", **more)


@pytest.mark.req("R3")
def test_a_lost_answer_is_not_known_and_nothing_is_said_twice(tmp_path: Path) -> None:
    with MailServer() as server:
        server.behaviour.lose = True
        mail = client(server.url, tmp_path)
        with pytest.raises(Unreachable) as told:
            mail.send(LETTER, "k")
        assert told.value.maybe_applied
        server.behaviour.lose = False
        again = client(server.url, tmp_path)  # another process, later
        with pytest.raises(OutcomeUnknown):
            again.send(LETTER, "k")
        assert (again.state("k"), [kept.to for kept in again.unsure()]) == (State.UNSURE, ["ana@corp.test"])
    assert len(server.behaviour.kept) == 1


def test_a_connection_that_breaks_before_the_last_word_sent_nothing(tmp_path: Path) -> None:
    script: list[bytes | None] = [b"220 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n"]
    with Scripted([*script, b"354 go\r\n", b""]) as server:
        mail = client(server.url, tmp_path)
        handing = mail.begin(LETTER, "k")
        assert handing is not None
        handing.abandon()
    assert mail.state("k") is State.NOT_SENT
    with MailServer() as real:
        client(real.url, tmp_path).send(LETTER, "k")
    assert len(real.behaviour.kept) == 1


@pytest.mark.req("D8")
@pytest.mark.parametrize(
    "script",
    [
        [None],
        [b"220 hi\r\n", None],
        [b"HTTP/1.1 400 Bad Request\r\n"],
        [b"220-" + b"x" * 20000],
        [b""],
        [b"220 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 not 354\r\n"],
    ],
)
def test_a_server_that_makes_no_sense_is_out_of_reach_in_time(
    tmp_path: Path, script: list[bytes | None]
) -> None:
    begun = time.monotonic()
    with Scripted(script) as server, pytest.raises(Unreachable) as told:
        client(server.url, tmp_path, total=0.6, connect=0.5).send(LETTER, "k")
    assert not told.value.maybe_applied
    assert time.monotonic() - begun < 5


def test_nobody_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        client(f"smtp://127.0.0.1:{free_port()}", tmp_path).send(LETTER, "k")


# ── the outbox ────────────────────────────────────────────────────────────────────────────────


def test_the_outbox_can_be_read(tmp_path: Path) -> None:
    mail: Mail = Outbox(tmp_path / "outbox.db", now)
    assert mail.state("k") is State.NOT_SENT
    for _ in range(2):
        mail.send(LETTER, "k")
    kept = mail.kept("k")
    assert kept is not None
    assert (kept.to, kept.subject, kept.body, kept.state) == (
        "ana@corp.test",
        "Your request",
        "It is done.\n",
        State.ARRIVED,
    )
    with pytest.raises(Refused):
        mail.send(Letter("bo@corp.test", "", "s", "b"), "k")
    assert (tmp_path / "outbox.db").stat().st_mode & 0o077 == 0
