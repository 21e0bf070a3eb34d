"""Mail to a colleague, through the door: the address is the directory's, and what is known is what is said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from helpdesk.connectors.mail import Outbox, Smtp, SmtpSettings
from helpdesk.events import Outcome
from tests.servers.mail import MailServer
from tests.unit.plugin_world import Desk, Someone

WELCOME = {"person": "bo", "subject": "Welcome", "body": "Your first day is Monday."}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as serving:
        yield serving


def outbox(desk: Desk) -> Outbox:
    mail = Outbox(desk.folder / "outbox.db", desk.clock)
    desk.runner.systems.mail = mail
    return mail


def smtp(desk: Desk, server: MailServer) -> Smtp:
    settings = SmtpSettings(server.url, "helpdesk@corp.test", start_tls=False)
    mail = Smtp(
        settings, desk.folder / "mail.db", lambda: datetime.now(UTC), lambda: pytest.fail("no TLS here")
    )
    desk.runner.systems.mail = mail
    return mail


def test_a_message_that_can_be_read_back_is_done(desk: Desk) -> None:
    mail, someone = outbox(desk), Someone()
    result = desk.do("gus", "mail.send", WELCOME, someone=someone, key="k")
    assert result.outcome is Outcome.DONE, result
    assert someone.previewed == [("bo@corp.test", "message “Welcome”", "not sent", "sent")]
    [kept] = mail.letters()
    assert (kept.to, kept.subject, kept.body) == ("bo@corp.test", "Welcome", "Your first day is Monday.")


@pytest.mark.req("R3")
def test_the_same_call_again_is_the_same_message(desk: Desk) -> None:
    mail = outbox(desk)
    for _ in range(2):
        assert desk.do("gus", "mail.send", WELCOME, key="k").outcome is Outcome.DONE
    assert len(mail.letters()) == 1


@pytest.mark.req("L10")
def test_a_message_that_a_server_only_took_is_accepted_and_no_more(desk: Desk, server: MailServer) -> None:
    smtp(desk, server)
    result = desk.do("gus", "mail.send", WELCOME)
    assert result.outcome is Outcome.ACCEPTED
    assert len(server.behaviour.kept) == 1


def test_a_refused_message_failed_in_the_servers_words(desk: Desk, server: MailServer) -> None:
    smtp(desk, server)
    server.behaviour.rcpt["bo@corp.test"] = ["550 mailbox gone"]
    result = desk.do("gus", "mail.send", WELCOME)
    assert result.outcome is Outcome.FAILED
    assert "mailbox gone" in result.message
    assert result.error is not None
    assert result.error.code == "mail-refused"


@pytest.mark.req("R3")
def test_a_lost_answer_is_unknown_and_is_not_sent_again(desk: Desk, server: MailServer) -> None:
    smtp(desk, server)
    server.behaviour.lose = True
    assert desk.do("gus", "mail.send", WELCOME, key="k").outcome is Outcome.UNKNOWN
    server.behaviour.lose = False
    assert desk.do("gus", "mail.send", WELCOME, key="k").outcome is Outcome.UNKNOWN
    assert [one.outcome for one in desk.reconcile("gus")] != []
    assert len(server.behaviour.kept) == 1


@pytest.mark.req("R2")
def test_what_a_crash_left_is_told_by_the_ledger(desk: Desk, server: MailServer) -> None:
    smtp(desk, server)
    desk.without_outcome("gus", "mail.send", WELCOME)
    [result] = desk.reconcile("gus")
    assert result.outcome is Outcome.ACCEPTED
    assert len(server.behaviour.kept) == 1


def test_no_server_and_no_address_are_said_before_anything(desk: Desk) -> None:
    result = desk.do("gus", "mail.send", WELCOME)
    assert (result.outcome, result.message) == (
        Outcome.USAGE,
        "No mail server is configured, so nothing can be sent.",
    )
    outbox(desk)
    desk.directory.add_person("nobody", "No Address")
    silent = desk.do("gus", "mail.send", {**WELCOME, "person": "nobody"})
    assert silent.error is not None
    assert silent.error.code == "no-address"


@pytest.mark.req("T1")
@pytest.mark.parametrize(
    "person", ["mallory@evil.test", "Mallory <mallory@evil.test>", "bo@corp.test,mallory@evil.test"]
)
def test_words_are_no_address(desk: Desk, person: str) -> None:
    mail = outbox(desk)
    assert desk.do("gus", "mail.send", {**WELCOME, "person": person}).outcome is Outcome.USAGE
    assert mail.letters() == []


def test_only_the_service_desk_writes_in_its_name(desk: Desk) -> None:
    mail = outbox(desk)
    assert desk.do("ana", "mail.send", WELCOME).outcome is Outcome.REFUSED
    assert mail.letters() == []
