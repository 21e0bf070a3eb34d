"""Access that is given with its end: what is previewed, kept, given, and taken back (V5)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.call import Call
from helpdesk.actions.carry_out import Agreed
from helpdesk.actions.reconcile import Reconciler
from helpdesk.engine import Document, Durably, Handler, Run, RunState
from helpdesk.errors import Failed
from helpdesk.events import Outcome
from helpdesk.ports import SignedIn
from helpdesk.results import result_document
from helpdesk.secrets import Secret
from helpdesk.workflows.door import DurableDoor
from helpdesk.workflows.grants import Standing
from tests.fakes.engine import Death, Killed
from tests.fakes.systems import Fault
from tests.unit.door_world import NOW, password_of
from tests.unit.grants_world import WORKER, Access

pytestmark = pytest.mark.req("V5")
UNTIL = "2026-03-12T18:00+01:00"
ENDS = "12 March 2026, 18:00 UTC+1"


@pytest.fixture
def access(tmp_path: Path) -> Access:
    return Access(tmp_path)


def given(access: Access, **more: Any) -> Any:
    result = access.do("olga", "access.grant", person="bo", group="finance-share", **more)
    assert result.outcome is Outcome.DONE, result
    return result


# ── giving ────────────────────────────────────────────────────────────────────────────────────


def test_the_end_is_previewed_confirmed_and_read_back(access: Access) -> None:
    olga = access.person("olga")
    result = given(access, until=UNTIL, at=olga)
    (shown,) = olga.confirmations
    assert "until 12 March 2026, 18:00 UTC+1" in shown.summary
    assert [(c.what, c.before, c.after) for c in shown.changes] == [
        ("membership of bo", "not a member", "member"),
        ("end of access of bo", "none", ENDS),
    ]
    grant = access.one().grant
    assert [(o.what, o.observed) for o in result.receipt] == [
        ("membership of bo", "member"),
        ("end of access of bo", ENDS),
        ("ends", ENDS),
    ]
    assert (grant.person.name, grant.target, grant.approved_by) == ("bo", "finance-share", ("olga",))
    assert access.one().standing is Standing.ACTIVE


def test_days_begin_when_access_is_given(access: Access) -> None:
    asked = access.do("emma", "access.request", group="finance-share", days=7)
    assert asked.outcome is Outcome.PENDING
    assert ("none", "7 days after it is given") in [(c.before, c.after) for c in asked.changes]
    assert not access.grants.all()
    access.clock.advance(days=2)
    result = access.approve("oscar", asked.request or "")
    assert result.outcome is Outcome.DONE, result
    grant = access.one().grant
    assert grant.ends == NOW + timedelta(days=9)
    assert (grant.person.name, grant.approved_by, grant.request) == ("emma", ("oscar",), asked.request)
    assert any(o.what == "ends" and "March 2026" in o.observed for o in result.receipt)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"days": 3, "until": UNTIL}, "both say when"),
        ({"days": 0}, "from 1 to 366"),
        ({"days": 367}, "from 1 to 366"),
        ({"until": "2026-03-01"}, "has passed"),
        ({"until": "2027-09-01"}, "more than 366 days"),
        ({"until": "next week"}, "a day such as"),
        ({"until": "2026-02-30T10:00"}, "a day such as"),
    ],
)
def test_an_end_that_makes_no_sense_is_refused(access: Access, arguments: dict[str, Any], words: str) -> None:
    result = access.do("olga", "access.grant", person="bo", group="finance-share", **arguments)
    assert result.outcome is Outcome.USAGE
    assert words in result.message
    assert not access.is_member("bo")
    assert not access.grants.all()


def test_without_a_worker_nothing_can_end_by_itself(tmp_path: Path) -> None:
    access = Access(tmp_path, worker=False)
    result = access.do("olga", "access.grant", person="bo", group="finance-share", days=3)
    assert (result.outcome, result.error.code if result.error else "") == (Outcome.REFUSED, "no-worker")
    assert not access.is_member("bo")
    assert access.do("olga", "access.grant", person="bo", group="finance-share").outcome is Outcome.DONE


def test_what_the_worker_may_not_take_back_is_not_given(tmp_path: Path) -> None:
    access = Access(tmp_path, actions=("password.unlock",))
    result = access.do("olga", "access.grant", person="bo", group="finance-share", days=3)
    assert result.outcome is Outcome.REFUSED
    assert not access.is_member("bo")


def test_the_end_is_kept_before_anything_is_given(access: Access) -> None:
    access.watch.on_write = lambda write: access.trail.append(f"kept:{len(access.grants.all())}")
    given(access, days=3)
    assert "kept:1" in access.trail


def test_what_cannot_end_is_not_given(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_: object) -> None:
        raise Failed("The store of runs cannot be used.", code="engine-unavailable")

    monkeypatch.setattr(access.engine, "start", down)
    result = access.do("olga", "access.grant", person="bo", group="finance-share", days=3)
    assert (result.outcome, result.error.code if result.error else "") == (
        Outcome.FAILED,
        "engine-unavailable",
    )
    assert not access.is_member("bo")


def test_a_promise_about_what_was_never_given_goes(access: Access) -> None:
    access.watch.fault = Fault.LIE
    result = access.do("olga", "access.grant", person="bo", group="finance-share", days=3)
    assert result.outcome is Outcome.FAILED
    assert not access.grants.all()


# ── ending ────────────────────────────────────────────────────────────────────────────────────


def test_it_ends_and_that_is_read_back_and_logged(access: Access) -> None:
    given(access, days=3)
    access.later(days=2)
    assert access.is_member("bo")
    access.later(days=1, seconds=1)
    assert not access.is_member("bo")
    kept = access.one()
    assert (kept.standing, kept.entry) == (Standing.ENDED, len(access.log.kept))
    body = access.logged()
    assert (body["action"], body["outcome"], body["grant"]) == ("access.revoke", "done", kept.grant.id)
    assert body["actor_id"] == access.signed_in(WORKER).actor.person.id
    assert body["requester_id"] == kept.grant.person.id
    assert body["undoes"] > 0
    assert access.logged("intent")["rule"] == "access-ends"


def test_already_gone_is_said_from_the_read_back(access: Access) -> None:
    given(access, days=3)
    bo = access.embedded.look_up().person("bo")
    owner = access.embedded.sign_in("oscar", Secret(password_of("oscar")))
    owner.remove_member(owner.group("finance-share"), bo)
    access.later(days=4)
    kept = access.one()
    assert kept.standing is Standing.ENDED
    assert "not a member" in kept.how


def test_while_the_directory_is_away_it_is_tried_again(access: Access) -> None:
    given(access, days=1)
    access.reached.away = True
    access.later(days=1, seconds=1)
    access.later(seconds=90)
    kept = access.one()
    assert (kept.standing, kept.trouble) == (Standing.OVERDUE, "The directory gave no answer.")
    assert access.told == [f"{kept.grant.id}: The directory gave no answer."]
    access.reached.away = False
    access.later(seconds=15)
    assert not access.is_member("bo")
    assert access.one().standing is Standing.ENDED


def test_what_the_worker_may_not_do_is_loud_and_tried_until_it_may(access: Access) -> None:
    given(access, days=1)
    access.embedded.admin.set_staffing_group("admins")
    access.later(days=1, minutes=3)
    kept = access.one()
    assert kept.standing is Standing.OVERDUE
    assert "does not let you" in kept.trouble
    access.embedded.admin.set_staffing_group("workers")
    access.later(minutes=11)
    assert not access.is_member("bo")


@pytest.mark.parametrize("death", list(Death))
@pytest.mark.parametrize("step", range(1, 4))
def test_a_worker_killed_at_any_step_ends_it_once(access: Access, step: int, death: Death) -> None:
    given(access, days=1)
    access.clock.advance(days=1, seconds=1)
    access.engine.die_at(step, death)
    access.process().work()
    access.process().work()
    assert not access.is_member("bo")
    assert access.one().standing is Standing.ENDED
    assert [write for write in access.done if "remove_member" in write] == [
        f"{WORKER} remove_member bo"
    ] or sum("remove_member" in write for write in access.done) == 1


# ── overlapping ───────────────────────────────────────────────────────────────────────────────


def test_an_extension_moves_the_end_and_the_older_one_takes_nothing(access: Access) -> None:
    given(access, days=2)
    olga = access.person("olga")
    result = given(access, days=5, at=olga)
    assert [(c.what, c.before, c.after) for c in olga.confirmations[0].changes] == [
        ("end of access of bo", "4 March 2026, 09:00 UTC", "5 days after it is given")
    ]
    assert "longer" in olga.confirmations[0].summary
    assert len(access.grants.all()) == 1
    access.later(days=3)
    assert access.is_member("bo")
    access.later(days=3)
    assert not access.is_member("bo")
    assert result.outcome is Outcome.DONE


def test_an_older_end_that_a_crash_left_takes_nothing(access: Access) -> None:
    given(access, days=2)
    first = access.one().grant
    given(access, days=5)
    access.engine.rows[first.id].state = RunState.WAITING
    access.later(days=3)
    assert access.is_member("bo")
    assert access.grants.get(first.id).standing is Standing.REPLACED


def test_given_for_good_it_ends_no_more(access: Access) -> None:
    given(access, days=2)
    olga = access.person("olga")
    given(access, at=olga)
    assert [(c.before, c.after) for c in olga.confirmations[0].changes] == [
        ("4 March 2026, 09:00 UTC", "never")
    ]
    access.later(days=30)
    assert access.is_member("bo")
    assert not access.grants.all()


def test_what_is_held_for_good_gets_no_end(access: Access) -> None:
    result = access.do("olga", "access.grant", person="mia", group="finance-share", days=2)
    assert result.outcome is Outcome.DONE
    assert "does not end by itself" in result.message
    assert not access.grants.all()


def test_an_earlier_end_changes_nothing(access: Access) -> None:
    given(access, days=9)
    result = given(access, days=2)
    assert "not earlier" in result.message
    assert access.one().grant.ends == NOW + timedelta(days=9)


def test_what_was_taken_back_by_hand_has_no_end_left(access: Access) -> None:
    given(access, days=9)
    assert access.do("oscar", "access.revoke", person="bo", group="finance-share").outcome is Outcome.DONE
    assert not access.grants.all()


def test_a_store_that_was_altered_gives_nothing_and_is_named(access: Access) -> None:
    given(access, days=9)
    kept = access.one()
    row = access.engine.rows[kept.run.id]
    row.run.document["document"]["ends"] = "2027-01-01T00:00:00+00:00"
    assert access.grants.altered() == [kept.run.id]
    access.later(days=10)
    assert access.logged("refusal")["code"] == "sealed"


def test_a_moment_that_was_moved_in_the_store_does_not_count(access: Access) -> None:
    given(access, days=2)
    kept = access.one()
    access.engine.move(kept.run.id, NOW + timedelta(days=300))
    assert access.watching.look()
    access.later(days=2, seconds=1)
    assert not access.is_member("bo")
    given(access, days=2)
    newest = access.grants.all()[0]
    access.engine.move(newest.run.id, access.clock.now + timedelta(seconds=1))
    access.later(seconds=2)
    assert access.is_member("bo")
    access.later(days=2)
    assert not access.is_member("bo")


# ── given by a worker that dies ───────────────────────────────────────────────────────────────


def by_worker(access: Access) -> Handler:
    """Gives bo the group for three days, as a worker that carries out an approved request does."""

    async def give(durably: Durably, document: Document) -> Document:
        async def look(signed_in: SignedIn) -> Agreed:
            call = Call("access.grant", document, key=f"{durably.id}:give")
            ahead = await access.runner.look_ahead(call, signed_in, cast(Any, access.nobody))
            assert ahead.preview is not None
            return Agreed(
                ahead.prepared, ahead.preview, signed_in, "approval", approvers=[("id-oscar", "oscar")]
            )

        async def olga() -> SignedIn:
            return access.signed_in("olga")

        door = DurableDoor(access.runner, olga, cast(Any, access.nobody), patience=0.0)
        return result_document(await door(durably, "give", look, action="access.grant"))

    return give


@pytest.mark.parametrize("dies", ["", "execute", "verify"])
@pytest.mark.parametrize("death", [*Death, None])
@pytest.mark.parametrize("step", ["give:begin", "give:effect"])
def test_a_worker_killed_while_it_gives_leaves_no_access_without_its_end(
    access: Access, step: str, death: Death | None, dies: str
) -> None:
    """Grant without an end cannot be, in whatever moment the worker dies; in the end it was given once."""
    access.engine.start(Run("W-1", "grant", {"person": "bo", "group": "finance-share", "days": 3}))
    if death is not None:
        access.engine.die_at(step, death)
    access.nobody.dies = dies
    for _ in range(4):
        access.engine.process({"grant": by_worker(access)}).work()
        assert not access.is_member("bo") or len(access.grants.all()) == 1
    assert access.engine.status("W-1").result["outcome"] == "done"  # type: ignore[index]
    assert access.one().grant.approved_by == ("oscar",)
    assert sum("add_member" in write for write in access.done) == 1
    access.later(days=3, seconds=1)
    assert not access.is_member("bo")


def test_a_promise_whose_gift_never_came_finds_nothing_to_take(access: Access) -> None:
    access.engine.start(Run("W-1", "grant", {"person": "bo", "group": "finance-share", "days": 3}))
    access.nobody.dies = "execute"
    access.engine.process({"grant": by_worker(access)}).work()
    access.engine.cancel("W-1")
    assert not access.is_member("bo")
    access.later(days=3, seconds=1)
    for kept in access.grants.all(ended=True):
        assert (kept.standing, "not a member" in kept.how) == (Standing.ENDED, True)


def test_reconciling_what_never_happened_ends_its_promise(access: Access) -> None:
    access.nobody.dies = "execute"
    olga = access.signed_in("olga")
    call = Call("access.grant", {"person": "bo", "group": "finance-share", "days": 3})
    access.watch.on_write = lambda _: (_ for _ in ()).throw(Killed())
    with pytest.raises(Killed):
        asyncio.run(access.runner.run(call, olga, cast(Any, access.person("olga"))))
    access.watch.on_write = None
    assert len(access.grants.all()) == 1, "it was promised"
    (intent,) = access.log.interrupted()
    (result,) = asyncio.run(Reconciler(access.runner)([intent], olga, cast(Any, access.nobody)))
    assert result.outcome is Outcome.FAILED
    assert not access.grants.all()
