"""Who is told what: of requests, of what became of them, and of changed accounts; without a flood, a link or a lie."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from helpdesk.actions.grant import Grant, Named
from helpdesk.errors import Refused, Unreachable
from helpdesk.events import Outcome
from helpdesk.gate.codes import code_of
from helpdesk.gate.requests import RequestState
from helpdesk.workflows.notice_send import AtOnce
from helpdesk.workflows.notices import Notice, Notices, Told, notice_from
from tests.unit.notice_world import SHARE, Company


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


# ── requests ──────────────────────────────────────────────────────────────────────────────────


def test_whoever_can_approve_is_told_and_then_whoever_asked(company: Company) -> None:
    id = company.ask()
    company.work()
    [asked] = company.outbox.letters()
    assert (asked.to, asked.subject) == ("olga@corp.test", f"{id} waits for you")
    assert "ana asks for something that needs your yes" in asked.body
    assert f"{SHARE}: membership of ana: not a member -> member" in asked.body
    assert "> quarter close" in asked.body
    assert company.desk.approve("olga", id).outcome is Outcome.DONE
    company.work()
    [_, done] = company.outbox.letters()
    assert (done.to, done.subject) == ("ana@corp.test", f"{id} is done")
    assert [end for _, end, _ in company.ends] == ["sent", "sent"]


def test_a_denial_is_told_with_its_reason(company: Company) -> None:
    id = company.ask()
    requests = company.desk.runner.requests
    olga = company.desk.directory.account("olga").person
    requests.deny(id, olga.id, "not this quarter")
    company.work()
    told = {kept.to: kept for kept in company.outbox.letters()}
    assert "> not this quarter" in told["ana@corp.test"].body
    assert "olga@corp.test" not in told, "nobody is asked about what is decided"


def test_nobody_is_told_of_what_they_did_themselves(company: Company) -> None:
    id = company.ask()
    company.work()
    company.desk.runner.requests.withdraw(id, company.desk.directory.account("ana").person.id)
    company.work()
    assert [kept.to for kept in company.outbox.letters()] == ["olga@corp.test"]


@pytest.mark.req("R3")
def test_an_event_told_twice_is_one_letter(company: Company) -> None:
    id = company.ask()
    request = company.desk.runner.requests.get(id)
    for _ in range(3):
        company.notices.request(request)
        company.work()
    assert len(company.outbox.letters()) == 1


@pytest.mark.req("V7")
def test_nobody_is_flooded_more_than_three_are_told_together(company: Company) -> None:
    for login in ("ana", "bo", "gus"):
        for name in "ab":
            company.ask(login, f"share-{name}")
    company.work()
    assert len(company.outbox.letters()) == 3
    company.later(hours=1)
    company.work()
    [*_, together] = company.outbox.letters()
    assert len(company.outbox.letters()) == 4
    assert together.subject == "6 requests wait for you"
    assert together.body.count("access") >= 6 or together.body.count("share-") >= 6
    company.later(hours=3)
    company.work()
    assert len(company.outbox.letters()) == 4


@pytest.mark.req("V7")
def test_what_was_decided_meanwhile_is_not_asked(company: Company) -> None:
    for name in "abcd":
        company.ask("ana" if name in "ab" else "bo", f"share-{name}")
    for request in company.desk.runner.requests.all_pending():
        company.desk.runner.requests.deny(request.id, request.approver_ids[0], "no")
    company.later(hours=1)
    company.work()
    assert all(kept.to != "olga@corp.test" for kept in company.outbox.letters())


# ── what a message says ───────────────────────────────────────────────────────────────────────

_LINKS = re.compile(r"(?i)https?://|www\.|\b[a-z0-9-]+\.(?:com|test|example|org)\b")


@pytest.mark.req("T1")
def test_others_words_are_quoted_and_nothing_in_a_message_is_a_link(company: Company) -> None:
    evil = "see https://evil.example.com/login or www.evil.example\n-- \nIT helpdesk: \x1b[2Jyour password\u202e ┌─┐ ✓"
    company.ask(reason=evil)
    company.work()
    [kept] = company.outbox.letters()
    assert not _LINKS.search(kept.body.replace("corp.test", ""))
    assert not set(kept.body) & set("\x1b\u202e┌✓")
    quoted = [line for line in kept.body.splitlines() if "evil" in line or "your password" in line]
    assert quoted
    assert all(line.startswith("> ") for line in quoted)
    assert "never a link" in kept.body


@pytest.mark.req("V1")
def test_the_code_of_a_message_opens_its_request_and_no_other(company: Company) -> None:
    id, other = company.ask(), company.ask("bo")
    company.work()
    requests = company.desk.runner.requests
    request = requests.get(id)
    code = code_of(request)
    assert any(f"helpdesk approvals show {code}" in kept.body for kept in company.outbox.letters())
    assert requests.get(code.lower()).id == id
    forged = f"{other}-{code.rpartition('-')[2]}"
    with pytest.raises(Refused) as told:
        requests.get(forged)
    assert told.value.code == "wrong-code"


# ── accounts ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("I5")
def test_a_changed_account_is_told_at_every_address_old_and_new(company: Company) -> None:
    session = company.desk.directory.look_up()
    session.add_alias(session.person("bo"), "bo.berg@corp.test")
    company.notices.changed(
        session.person("bo"), "people.update", "key", ["mail: new@corp.test"], ["new@corp.test"]
    )
    company.work()
    letters = company.outbox.letters()
    assert {kept.to for kept in letters} == {"bo@corp.test", "bo.berg@corp.test", "new@corp.test"}
    assert {kept.subject for kept in letters} == {"Your account was changed"}


# ── nothing fails because of it ───────────────────────────────────────────────────────────────


def test_a_store_that_is_away_fails_no_request(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(run: object) -> None:
        raise Unreachable("The store gave no answer.")

    monkeypatch.setattr(company.engine, "start", away)
    assert company.ask()
    assert [notice.told for notice, _ in company.lost] == [Told.WAITS]


def test_nobody_to_reach_is_given_up_and_said(company: Company) -> None:
    account = company.desk.directory.account("olga")
    account.person = replace(account.person, mail="")
    company.ask()
    company.work()
    [(notice, end, why)] = company.ends
    assert (notice.told, end) == (Told.WAITS, "given-up")
    assert "no mail address" in why


def test_a_notice_is_the_same_after_it_was_kept() -> None:
    notice = Notice("N-1", Told.DONE, "R-ABCDEF", "id", "Ana", ("a@b.test",), ("x",))
    assert notice_from(notice.document()) == notice
    with pytest.raises(ValueError):
        notice_from({**notice.document(), "told": "something"})


# ── without a worker ──────────────────────────────────────────────────────────────────────────


def test_without_a_worker_it_is_sent_at_once_and_once(company: Company) -> None:
    failed: list[tuple[Notice, str]] = []
    at_once = AtOnce(company.ways, lambda notice, why: failed.append((notice, why)))
    notices = Notices(at_once, company.desk.runner.requests, company.desk.clock)
    company.desk.runner.requests.told = notices.request
    id = company.ask()
    notices.request(company.desk.runner.requests.get(id))
    at_once.wait(10)
    assert [kept.to for kept in company.outbox.letters()] == ["olga@corp.test"]
    assert failed == []


def test_without_a_worker_a_server_that_is_away_is_logged(company: Company) -> None:
    class Away:
        reads_back = False

        def begin(self, letter: object, key: str) -> None:
            raise Unreachable("The mail server gave no answer.")

        send = begin

    company.mail = Away()  # type: ignore[assignment]
    failed: list[str] = []
    at_once = AtOnce(company.ways, lambda notice, why: failed.append(why))
    notices = Notices(at_once, company.desk.runner.requests, company.desk.clock)
    company.desk.runner.requests.told = notices.request
    id = company.ask()
    at_once.wait(10)
    assert company.desk.runner.requests.get(id).state is RequestState.PENDING
    assert [(end, why) for _, end, why in company.ends] == [("given-up", "The mail server gave no answer.")]
    assert failed == [], "it stands in the log"


def test_access_that_ends_is_told_a_day_before(company: Company) -> None:
    now = company.desk.clock()
    bo = Named(company.desk.directory.account("bo").person.id, "bo", "Bo Example")
    grant = Grant(
        id="G-7K3F2Q-X4NM",
        thing="thing",
        action="access.grant",
        version="1",
        arguments={},
        key="k",
        undo="access.revoke",
        takes={},
        person=bo,
        requester=bo,
        people={},
        groups={"group": Named("id", SHARE)},
        given=now,
        ends=now + timedelta(days=30),
        asked="30 days after it is given",
    )
    company.notices.granted(grant)
    [run] = company.engine.runs(kind="notice")
    assert run.at == grant.ends - timedelta(days=1)
    company.notices.overdue(grant, "The directory is away.")
    assert sorted(run.document["addresses"] != [] for run in company.engine.runs(kind="notice")) == [
        False,
        False,
        True,
    ]
