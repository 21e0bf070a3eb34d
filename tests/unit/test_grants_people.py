"""What people do with grants: see, extend, give back, end, review; and how they are kept over bad clocks (V5, R5)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.grant import grant_from, told
from helpdesk.engine import RunStatus
from helpdesk.errors import Failed, NotFound, Refused, Unreachable
from helpdesk.events import Outcome, Result
from helpdesk.ports import Interaction
from helpdesk.workflows.expiry_watch import Missing, Steady
from helpdesk.workflows.granted import Granted
from helpdesk.workflows.grants import Standing
from helpdesk.workflows.review import Review
from tests.unit.door_world import NOW
from tests.unit.grants_world import Access

pytestmark = pytest.mark.req("V5")


class Company(Access):
    """With people who look after grants."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.granted = Granted(self.runner, self.grants, self._follow)
        self.missing = Missing(self.runner, self.grants, self.clock)

    async def _follow(self, id: str, _: Interaction) -> RunStatus:
        if self.worker is None or self.worker.dead:
            self.worker = self.process()
        await self.worker.working()
        return self.engine.status(id)

    def give(self, login: str = "bo", days: int = 3) -> str:
        assert (
            self.do("olga", "access.grant", person=login, group="finance-share", days=days).outcome
            is Outcome.DONE
        )
        return self.grants.all()[-1].grant.id

    def extend(self, login: str, id: str, **end: Any) -> Result:
        async def work() -> Result:
            who = self.signed_in(login)
            call = await self.granted.extension(id, who, **end)
            return await self.runner.run(call, who, cast(Any, self.person(login)))

        return asyncio.run(work())

    def end(self, login: str, id: str, *, own: bool, dry_run: bool = False) -> Result:
        at = cast(Any, self.person(login))
        return asyncio.run(self.granted.end(id, self.signed_in(login), at, own=own, dry_run=dry_run))

    def seen_by(self, login: str) -> list[str]:
        return [one.grant.person.name for one in asyncio.run(self.granted.visible(self.signed_in(login)))]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


# ── seeing ────────────────────────────────────────────────────────────────────────────────────


def test_who_sees_which_grants(company: Company) -> None:
    id = company.give()
    assert company.seen_by("bo") == company.seen_by("olga") == company.seen_by("oscar") == ["bo"]
    assert company.seen_by("dana") == ["bo"], "the service desk sees all of them"
    assert company.seen_by("emma") == []
    with pytest.raises(NotFound):
        asyncio.run(company.granted.one(id, company.signed_in("emma")))


def test_what_is_overdue_stands_first(company: Company) -> None:
    company.give("bo", days=1)
    company.give("emma", days=5)
    company.reached.away = True
    company.later(days=1, minutes=2)
    assert [(one.grant.person.name, one.standing) for one in company.grants.all()] == [
        ("bo", Standing.OVERDUE),
        ("emma", Standing.ACTIVE),
    ]
    assert [one.grant.person.name for one in company.grants.struggling()] == ["bo"]


# ── longer ────────────────────────────────────────────────────────────────────────────────────


def test_nobody_extends_their_own_without_the_approval_that_the_grant_needed(company: Company) -> None:
    id = company.give()
    asked = company.extend("bo", id, days=30)
    assert (asked.outcome, asked.action) == (Outcome.PENDING, "access.request")
    assert company.grants.get(id).grant.ends == NOW + timedelta(days=3)
    assert company.approve("olga", asked.request or "").outcome is Outcome.DONE
    (kept,) = company.grants.all()
    assert (kept.grant.ends, kept.grant.approved_by) == (NOW + timedelta(days=30), ("olga",))
    with pytest.raises(Failed, match="is over"):
        company.extend("bo", id, days=40)


def test_an_owner_extends_at_once(company: Company) -> None:
    id = company.give()
    result = company.extend("oscar", id, until="2026-04-01")
    assert (result.outcome, result.action) == (Outcome.DONE, "access.grant")
    assert [kept.grant.approved_by for kept in company.grants.all()] == [("oscar",)]


def test_the_service_desk_alone_gives_nobody_more_time(company: Company) -> None:
    id = company.give()
    assert company.extend("dana", id, days=30).outcome in (Outcome.REFUSED, Outcome.PENDING)
    assert company.grants.get(id).grant.ends == NOW + timedelta(days=3)


# ── earlier ───────────────────────────────────────────────────────────────────────────────────


def test_one_gives_ones_own_access_back(company: Company) -> None:
    id = company.give()
    looked = company.end("bo", id, own=True, dry_run=True)
    assert (looked.outcome, company.is_member("bo")) == (Outcome.PREVIEWED, True)
    result = company.end("bo", id, own=True)
    assert result.outcome is Outcome.DONE, result
    assert [(o.what, o.observed) for o in result.receipt] == [("membership of bo", "not a member")]
    assert not company.is_member("bo")
    kept = company.grants.get(id)
    assert (kept.standing, kept.grant.ended_by) == (Standing.ENDED, "bo")
    assert not company.grants.all()
    assert company.logged("approval")["decision"] == "ended"
    again = company.end("bo", id, own=True)
    assert (again.outcome, "is over" in again.message) == (Outcome.FAILED, True)


def test_owners_and_the_service_desk_end_it_and_nobody_else(company: Company) -> None:
    id = company.give()
    assert company.end("emma", id, own=False).outcome is Outcome.USAGE
    assert company.end("olga", id, own=True).outcome is Outcome.REFUSED, "it is not hers to give back"
    assert company.end("dana", id, own=False).outcome is Outcome.DONE
    assert not company.is_member("bo")
    second = company.give()
    assert company.end("oscar", second, own=False).outcome is Outcome.DONE
    assert company.do("dana", "access.revoke", person="mia", group="finance-share").outcome is Outcome.REFUSED


def test_without_an_answer_it_is_logged_and_waits(company: Company) -> None:
    id = company.give()
    company.reached.away = True
    result = company.end("bo", id, own=True)
    assert (result.outcome, "as soon as it can" in result.message) == (Outcome.ACCEPTED, True)
    company.reached.away = False
    company.later(seconds=30)
    assert not company.is_member("bo")


# ── review ────────────────────────────────────────────────────────────────────────────────────


def test_a_review_says_what_is_known_and_what_is_not(company: Company) -> None:
    company.give("bo")
    review = Review(company.granted, company.missing)
    (one,) = asyncio.run(review.grants(company.signed_in("olga")))
    assert (one.person, one.member, one.enabled, one.approved_by, one.used) == (
        "bo",
        True,
        True,
        ("olga",),
        "not known",
    )
    everybody = {r.person: r for r in asyncio.run(review.group("finance-share", company.signed_in("olga")))}
    assert set(everybody) == {"bo", "mia"}
    assert everybody["mia"].flags == ("This log does not know who gave it.",)
    assert everybody["bo"].expires == NOW + timedelta(days=3)
    with pytest.raises(Refused):
        asyncio.run(review.group("finance-share", company.signed_in("emma")))


def test_access_in_the_log_that_nothing_waits_to_end_gets_its_end_back(company: Company) -> None:
    """A store that was put back from an old copy: the log knows more."""
    id = company.give("bo")
    company.engine.rows.clear()
    company.log.kept = [replace(entry, time=NOW) for entry in company.log.kept]
    review = Review(company.granted, company.missing)
    found = asyncio.run(review.grants(company.signed_in("dana")))
    assert [(one.grant, "nothing waits" in one.flags[0]) for one in found] == [(id, True)]
    made = asyncio.run(company.missing.give_ends(company.signed_in("dana")))
    assert [grant.id for grant in made] == [id]
    assert asyncio.run(company.missing.give_ends(company.signed_in("dana"))) == []
    company.later(days=3, seconds=5)
    assert not company.is_member("bo")


def test_what_was_taken_back_or_given_for_good_since_gets_no_end(company: Company) -> None:
    company.give("bo")
    company.do("oscar", "access.revoke", person="bo", group="finance-share")
    company.give("emma")
    company.do("olga", "access.grant", person="emma", group="finance-share")
    company.engine.rows.clear()
    assert asyncio.run(company.missing.find(company.signed_in("dana"))) == []


# ── clocks and names ──────────────────────────────────────────────────────────────────────────


@pytest.mark.req("R5")
def test_a_clock_that_is_put_back_keeps_nothing_longer(company: Company) -> None:
    company.give("bo", days=1)
    steady = Steady(company.clock)
    watching = replace(company.watching, clock=steady)
    company.clock.advance(days=1, seconds=30)
    steady()
    company.clock.advance(days=-365)
    assert watching.look(), "it should have ended by now"
    expiry = replace(company.expiry(), clock=steady)
    company.engine.process({"expiry": expiry}).work()
    assert not company.is_member("bo")


@pytest.mark.req("R5")
def test_a_clock_that_is_put_forward_ends_it_too_early_and_never_too_late(company: Company) -> None:
    company.give("bo", days=30)
    company.later(days=365)
    assert not company.is_member("bo")


@pytest.mark.req("R5")
def test_after_a_restart_the_log_knows_what_time_it_was() -> None:
    known = datetime(2026, 5, 1, tzinfo=UTC)
    assert Steady(lambda: known - timedelta(days=400), lambda: known)() >= known
    assert Steady(lambda: known + timedelta(days=1), lambda: known)() >= known + timedelta(days=1)


@pytest.mark.req("D7")
def test_a_person_who_is_called_otherwise_by_then_loses_it_and_nobody_else(company: Company) -> None:
    from helpdesk.connectors.embedded import NewPerson
    from helpdesk.secrets import Secret

    company.give("bo")
    company.embedded.admin.remove_person("bo")
    company.embedded.admin.add_person(NewPerson("bo", "Bo the second", Secret("bo-Passphrase-2")))
    owner = company.embedded.sign_in("olga", Secret("olga-Passphrase-1"))
    owner.add_member(owner.group("finance-share"), owner.person("bo"))
    company.later(days=3, seconds=5)
    assert company.is_member("bo"), "that is another person"
    kept = company.one()
    assert (kept.standing, "not in the directory any more" in kept.how) == (Standing.ENDED, True)


def test_a_broken_run_is_asked_for_anew(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    company.give("bo", days=1)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of the program")

    with monkeypatch.context() as patch:
        patch.setattr("helpdesk.workflows.expiry._call", broken)
        patch.setattr("helpdesk.workflows.expiry.call_of", broken)
        company.later(days=1, seconds=5)
    (kept,) = company.grants.all()
    assert (kept.standing, "RuntimeError" in kept.trouble) == (Standing.OVERDUE, True)
    assert company.watching.look()
    company.later(seconds=1)
    assert not company.is_member("bo")


def test_without_its_store_nothing_is_said_to_be_given(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> list[RunStatus]:
        raise Unreachable("The database gives no answer.")

    monkeypatch.setattr(company.engine, "runs", away)
    result = company.do("olga", "access.grant", person="bo", group="finance-share", days=3)
    assert result.outcome is Outcome.UNREACHABLE
    assert not company.is_member("bo")


def test_a_grant_comes_back_as_it_was_kept(company: Company) -> None:
    company.give()
    grant = company.one().grant
    assert grant_from(grant.document()) == grant


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-12-02T18:00+01:00", "2 December 2026, 18:00 UTC+1"),
        ("2026-06-30T23:59-03:30", "30 June 2026, 23:59 UTC-3:30"),
        ("2026-01-01T00:00:30+00:00", "1 January 2026, 00:00:30 UTC"),
    ],
)
def test_a_moment_reads_alike_everywhere(moment: str, words: str) -> None:
    assert told(datetime.fromisoformat(moment)) == words
