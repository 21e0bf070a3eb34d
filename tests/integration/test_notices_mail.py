"""Notices over a real mail server that refuses, is away or dies, by workers that die: none lost, none doubled.

``HELPDESK_TEST_FAULTS=N`` runs N rounds of kills at random; every day it is a few.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from helpdesk.connectors.mail import Smtp, SmtpSettings
from helpdesk.connectors.trust import verifying_context
from helpdesk.connectors.webhook import Webhook
from helpdesk.engine import RunState
from helpdesk.errors import Failed, Unreachable
from helpdesk.mail import State
from helpdesk.secrets import Secret
from helpdesk.workflows.notices import KIND, Notice, Told
from tests.fakes.engine import Death, Process
from tests.json_schema import problems
from tests.servers.certificates import Authority
from tests.servers.log_receivers import Notes
from tests.servers.mail import MailProcess, MailServer
from tests.unit.notice_world import Company

pytestmark = pytest.mark.servers

ROUNDS = int(os.environ.get("HELPDESK_TEST_FAULTS", "0")) or 6
FACTS = ("password: changed",)


def never() -> Any:
    raise AssertionError("no TLS was to be spoken")


def smtp(url: str, folder: Path) -> Smtp:
    settings = SmtpSettings(url, "helpdesk@corp.test", start_tls=False, connect=1.0, total=3.0)
    return Smtp(settings, folder / "mail.db", lambda: datetime.now(UTC), never)


def company_of(url: str, folder: Path) -> Company:
    return Company(folder, smtp(url, folder))


def notices(company: Company, many: int) -> list[str]:
    """So many notices to addresses of their own, all due now; their addresses."""
    found = []
    for number in range(many):
        address = f"person{number}@corp.test"
        notice = Notice(
            f"N-{number:04}", Told.CHANGED, "password.reset", "", f"Person {number}", (address,), FACTS
        )
        company.notices.post(notice)
        found.append(address)
    return found


def to_the_end(company: Company, workers: int = 40) -> None:
    """New workers take up what dead ones left, and time passes, until every notice has ended."""
    for _ in range(workers):
        company.work()
        if all(run.state is RunState.DONE for run in company.engine.runs(kind=KIND, limit=1000)):
            company.bury()
            return
        company.later(seconds=61)
    pytest.fail("there are notices that never end")


def got(messages: list[Any]) -> Counter[str]:
    return Counter(message["To"].addresses[0].addr_spec for message in messages)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as serving:
        yield serving


@pytest.mark.req("R3")
@pytest.mark.parametrize("death", [Death.BEFORE, Death.LOST, Death.KEPT])
@pytest.mark.parametrize("step", ["compose:1", "letter-1:1:reach", "letter-1:1:say", "log"])
def test_a_worker_killed_anywhere_loses_and_doubles_nothing(
    server: MailServer, tmp_path: Path, step: str, death: Death
) -> None:
    company = company_of(server.url, tmp_path)
    [address] = notices(company, 1)
    company.engine.die_at(step, death)
    to_the_end(company)
    assert got(server.behaviour.messages) == {address: 1}
    assert {end for _, end, _ in company.ends} == {"sent"}


@pytest.mark.req("R3")
def test_a_worker_that_dies_with_the_answer_on_its_way_sends_nothing_again(
    server: MailServer, tmp_path: Path
) -> None:
    """The one moment in which nobody knows: it is said so, and the message is not said twice."""
    company = company_of(server.url, tmp_path)
    [address] = notices(company, 1)
    server.behaviour.lose = True
    to_the_end(company)
    server.behaviour.lose = False
    assert got(server.behaviour.messages) == {address: 1}
    assert [end for _, end, _ in company.ends] == ["unsure"]
    assert company.mail is not None
    assert [kept.to for kept in company.mail.unsure()] == [address]


def test_another_machine_takes_over_and_knows_nothing_of_the_first_ones_ledger(
    server: MailServer, tmp_path: Path
) -> None:
    company = company_of(server.url, tmp_path)
    [address] = notices(company, 1)
    company.engine.die_at("letter-1:1:say", Death.LOST)
    company.work()
    company.bury()
    (tmp_path / "other").mkdir()
    company.mail = smtp(server.url, tmp_path / "other")
    to_the_end(company)
    assert got(server.behaviour.messages) == {address: 1}
    assert [end for _, end, _ in company.ends] == ["unsure"]


def test_a_frozen_worker_says_no_last_word(server: MailServer, tmp_path: Path) -> None:
    company = company_of(server.url, tmp_path)
    [address] = notices(company, 1)
    frozen: list[Process] = []
    mail = company.mail
    assert isinstance(mail, Smtp)
    real = mail.begin

    def begin(letter: Any, key: str) -> Any:
        handing = real(letter, key)
        frozen[0].freeze()
        return handing

    mail.begin = begin  # type: ignore[method-assign]
    frozen.append(company.worker())
    frozen[0].work()
    mail.begin = real  # type: ignore[method-assign]
    assert server.behaviour.kept == []
    row = company.engine.rows["N-0000"]  # the engine keeps nothing from a worker that others took over from
    row.state, row.error = RunState.QUEUED, None
    row.steps.pop(max(row.steps))
    to_the_end(company)
    assert got(server.behaviour.messages) == {address: 1}


@pytest.mark.req("V7")
@pytest.mark.parametrize("no", ["421 4.3.2 away for a while", "451 4.7.1 greylisted", "452 4.3.1 disk full"])
def test_a_server_that_refuses_for_a_while_gets_everything_once(
    server: MailServer, tmp_path: Path, no: str
) -> None:
    company = company_of(server.url, tmp_path)
    addresses = notices(company, 8)
    for address in addresses:
        server.behaviour.rcpt[address] = [no] * 2
    server.behaviour.data = [no] * 5
    to_the_end(company)
    assert got(server.behaviour.messages) == dict.fromkeys(addresses, 1)


def test_a_server_that_refuses_for_good_is_said_for_each(server: MailServer, tmp_path: Path) -> None:
    company = company_of(server.url, tmp_path)
    addresses = notices(company, 3)
    server.behaviour.rcpt[addresses[1]] = ["550 5.1.1 no such user"] * 9
    to_the_end(company)
    assert got(server.behaviour.messages) == {addresses[0]: 1, addresses[2]: 1}
    assert sorted(end for _, end, _ in company.ends) == ["given-up", "sent", "sent"]
    assert len(server.behaviour.rcpt[addresses[1]]) == 8


def test_a_server_that_is_away_for_days_is_given_up_and_said(tmp_path: Path) -> None:
    company = company_of("smtp://127.0.0.1:1", tmp_path)
    notices(company, 1)
    for _ in range(6):
        company.worker(pauses=(86_400.0,)).work()
        company.later(days=1, seconds=1)
    [(_, end, why)] = company.ends
    assert end == "given-up"
    assert "no answer" in why


def test_kills_of_server_and_workers_at_random(tmp_path: Path) -> None:
    """The server is killed and started, workers die at any step: 0 lost, 0 doubled."""
    chance = random.Random(5)
    server = MailProcess(tmp_path / "kept")
    server.start()
    try:
        company = company_of(server.url, tmp_path)
        addresses = notices(company, 5 * ROUNDS)
        steps = ["compose:1", "letter-1:1:reach", "letter-1:1:say", "letter-1:2:reach", "log"]
        for _ in range(ROUNDS):
            company.engine.die_at(chance.choice(steps), chance.choice([Death.BEFORE, Death.LOST, Death.KEPT]))
            company.work()
            server.kill()
            company.later(seconds=61)
            company.work()  # nobody answers
            server.start()
            company.later(seconds=61)
        to_the_end(company)
        counted = got(server.messages())
    finally:
        server.kill()
    unsure = {kept.to for kept in company.mail.unsure()} if company.mail else set()
    assert all(times == 1 for times in counted.values()), "0 doubled"
    assert set(addresses) - set(counted) <= unsure, "0 lost without being said"
    assert len(unsure) <= ROUNDS
    assert company.mail is not None
    assert all(
        company.mail.state(f"N-{n:04}/1") in (State.ACCEPTED, State.UNSURE) for n in range(len(addresses))
    )


# ── webhooks ──────────────────────────────────────────────────────────────────────────────────

KEY = Secret("webhook-key-of-the-tests")


def hook(port: int, path: str = "/hook", scheme: str = "http", authority: Authority | None = None) -> Webhook:
    return Webhook(
        f"{scheme}://127.0.0.1:{port}{path}",
        KEY,
        lambda: datetime(2026, 3, 9, 10, 0, tzinfo=UTC),
        (lambda: verifying_context(ca_file=str(authority.file))) if authority else never,
    )


def test_what_is_posted_is_signed_and_says_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with Notes() as server:
        company = Company(tmp_path, hook=hook(server.port))
        company.ask()
        to_the_end(company)
    [headers], [body] = server.headers, server.notes
    seconds, _, rest = headers["helpdesk-signature"].removeprefix("t=").partition(",v1=")
    made = hmac.new(KEY.expose().encode(), f"{seconds}.{body}".encode(), hashlib.sha256)
    assert hmac.compare_digest(rest, made.hexdigest())
    document = json.loads(body)
    assert (document["schema"], document["kind"]) == ("helpdesk.notice/1", "request-waits")
    assert headers["helpdesk-delivery"] == document["id"]
    assert problems(document, "notice-1") == []
    assert KEY.expose() not in body + str(headers)


@pytest.mark.req("R3")
def test_a_hook_that_is_away_gets_it_later_with_the_same_delivery(tmp_path: Path) -> None:
    with Notes() as server:
        server.answer = 503
        company = Company(tmp_path, hook=hook(server.port))
        company.ask()
        company.work()
        server.answer = 200
        company.later(seconds=61)
        to_the_end(company)
    assert len(server.notes) == 1
    assert len({headers["helpdesk-delivery"] for headers in server.headers}) == 1
    assert len(company.outbox.letters()) == 1, "the letter is not sent again because of it"


@pytest.mark.parametrize("answer", [301, 302, 307, 400, 401, 404])
def test_a_hook_that_says_no_or_sends_elsewhere_is_not_followed(tmp_path: Path, answer: int) -> None:
    with Notes() as server:
        server.answer = answer
        with pytest.raises(Failed):
            hook(server.port).post({"a": "b"}, "N-1")
    assert server.paths == ["/hook"]


@pytest.mark.req("D1")
def test_a_hook_that_cannot_be_trusted_hears_nothing(tmp_path: Path) -> None:
    good, other = Authority(tmp_path / "good"), Authority(tmp_path / "other")
    with Notes(issued=other.issue("127.0.0.1")) as server:
        with pytest.raises(Failed) as told:
            hook(server.port, scheme="https", authority=good).post({}, "N-1")
        assert told.value.code == "untrusted-certificate"
        assert server.notes == []
        hook(server.port, scheme="https", authority=other).post({}, "N-1")
        assert server.notes == ["{}"]


@pytest.mark.parametrize("answer", [0, 500, 429])
def test_a_hook_without_an_answer_is_out_of_reach(tmp_path: Path, answer: int) -> None:
    with Notes() as server:
        server.answer = answer
        with pytest.raises(Unreachable):
            hook(server.port, "/secret-path").post({}, "N-1")
    with pytest.raises(Unreachable) as told:
        hook(1, "/secret-path").post({}, "N-1")
    assert "secret-path" not in told.value.message
