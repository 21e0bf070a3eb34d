"""Why: which rule, which condition fails, who could approve or do it, and what the log holds about an entry."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.explain import Explainer
from helpdesk.actions.explain_entry import EntryExplainer
from helpdesk.actions.undo import Undo
from helpdesk.actions.why import CallWhy, EntryWhy
from helpdesk.connectors.embedded import NewGroup
from helpdesk.errors import LogUnavailable, NotFound, UsageError
from helpdesk.events import Outcome
from helpdesk.surfaces.look import Look
from helpdesk.surfaces.why_lines import entry_lines
from tests.json_schema import problems
from tests.unit.door_world import World
from tests.unit.plugin_world import Desk as RealLog

SHARE = "finance-share"
PLAIN = Look(color=False, moves=False, encoding="utf-8", width=100)
NIGHT = """
@id("anyone-looks") permit (principal, action in Action::"reads", resource);
@id("pilots") @reason("Pilots reset passwords at night.") @hint("Call the pilots.")
permit (principal, action == Action::"password.reset", resource)
when { principal.roles.contains("helpdesk") && context.arguments.person like "night-*" };
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def why(world: World, login: str, action: str, **arguments: Any) -> CallWhy:
    call = Call(action, arguments, dict.fromkeys(arguments, Provenance.TYPED))
    person = cast(Any, world.person(login))
    return asyncio.run(Explainer(world.runner)(call, world.signed_in(login), person))


def why_entry(world: World, login: str, entry: int | None) -> EntryWhy:
    assert entry is not None
    return asyncio.run(EntryExplainer(world.runner)(entry, world.signed_in(login)))


def failed(found: CallWhy, rule: str) -> list[str]:
    (one,) = [said for said in found.rules if said.rule == rule]
    return [condition.words for condition in one.conditions if not condition.holds]


# ── an action, now ────────────────────────────────────────────────────────────────────────────


def test_who_may_learns_the_rule_and_what_would_change(world: World) -> None:
    found = why(world, "olga", "access.grant", person="bo", group=SHARE)
    assert (found.verdict, found.rule) == ("allowed", "owners-decide-about-their-groups")
    assert found.reason == "The owners of a group decide who is in it."
    assert [(c.before, c.after) for c in found.changes] == [("not a member", "member")]
    assert found.needs == ("a confirmation", "the directory's own rights, which have the last word")
    assert (found.unblock, found.able, found.obstacle) == ((), (), None)
    assert found.provenance == {"person": "typed", "group": "typed"}


@pytest.mark.req("D9")
def test_who_has_no_right_learns_the_condition_that_fails_and_who_could(world: World) -> None:
    found = why(world, "emma", "access.grant", person="bo", group=SHARE)
    assert (found.verdict, found.rule) == ("denied", "default-deny")
    assert failed(found, "owners-decide-about-their-groups") == [f"you are an owner of {SHARE}"]
    assert found.able == ("Olga Test (olga)", "Oscar Test (oscar)")
    assert found.unblock == (
        f"owners-decide-about-their-groups would permit it if you are an owner of {SHARE}.",
        "owners-approve-what-the-service-desk-asks would permit it if you have the role helpdesk "
        "(a member of service-desk) and somebody approves it.",
        "Olga Test (olga) or Oscar Test (oscar) can do it.",
        "Only an owner of the group may: ask one of them. "
        "The group needs an owner, other than the two of you, who can approve it.",
    )
    assert found.changes == ()


def test_membership_in_a_roles_group_is_what_would_have_to_be_true(world: World) -> None:
    found = why(world, "emma", "password.reset", person="bo")
    assert failed(found, "service-desk-helps-others") == [
        "you have the role helpdesk (a member of service-desk)"
    ]
    assert found.able == ("Dana Test (dana)", "Dave Test (dave)")


def test_a_forbid_is_told_with_what_makes_it_apply(world: World) -> None:
    found = why(world, "dana", "password.reset", person="root")
    assert (found.verdict, found.rule) == ("denied", "never-privileged-accounts")
    assert found.able == ()
    assert found.unblock[0] == (
        "never-privileged-accounts forbids it as long as it is about a person and root is a privileged account."
    )


def test_able_is_only_who_the_policy_lets_do_the_very_same(world: World) -> None:
    found = why(world, "emma", "password.unlock", person="dana")
    assert found.able == ("Dave Test (dave)",), "dana does not lift her own lock"


def test_what_waits_for_an_approval_names_who_could_give_it(world: World) -> None:
    found = why(world, "emma", "access.request", group=SHARE)
    assert found.verdict == "needs-approval"
    assert found.approvers == ("Olga Test (olga)", "Oscar Test (oscar)")
    assert found.rule == "owners-approve-requests"
    assert failed(found, "owners-approve-requests") == ["somebody approves it"]
    assert [c.after for c in found.changes] == ["member"]
    assert "needs the approval of Olga Test (olga) or Oscar Test (oscar)" in found.unblock[0]


def test_what_would_change_nothing_or_fail_says_so(world: World) -> None:
    already = why(world, "olga", "access.grant", person="mia", group=SHARE)
    assert already.obstacle is not None
    assert already.obstacle.code == "nothing-to-do"
    ticket = why(world, "emma", "ticket.close", id="T-77")
    assert ticket.obstacle is not None
    assert "You have no ticket 'T-77'" in ticket.obstacle.message


def test_a_secret_is_not_needed_to_ask_why(world: World) -> None:
    found = why(world, "emma", "password.change")
    assert (found.verdict, found.rule) == ("allowed", "your-own-account")
    assert "a secret, which is asked for" in found.needs
    assert "a sign-in of the last five minutes" in found.needs


def test_a_sites_own_rule_is_explained_as_it_is_written(tmp_path: Path) -> None:
    world = World(tmp_path, policy=NIGHT)
    found = why(world, "dana", "password.reset", person="bo")
    assert failed(found, "pilots") == ['context.arguments.person like "night-*"']
    assert found.unblock == (
        'pilots would permit it if context.arguments.person like "night-*".',
        "Call the pilots.",
    )


@pytest.mark.req("A1")
def test_asking_why_changes_nothing_and_is_logged_as_a_read(world: World) -> None:
    before = world.state()
    found = why(world, "emma", "access.grant", person="bo", group=SHARE)
    assert world.state() == before
    assert world.done == []
    entry = world.log.kept[-1]
    assert (entry.seq, entry.kind, entry.body["action"]) == (found.entry, "read", "why")
    assert (entry.personal["actor"], entry.personal["target"]) == ("emma", "access.grant")


@pytest.mark.req("A1")
def test_what_cannot_be_logged_is_not_told(world: World) -> None:
    world.signed_in("emma")
    world.log.down = {"read"}
    with pytest.raises(LogUnavailable):
        why(world, "emma", "people.whoami")


@pytest.mark.parametrize(
    ("action", "arguments", "error"),
    [
        ("access.gront", {}, NotFound),
        ("access.grant", {"person": "nobody", "group": SHARE}, NotFound),
        ("access.grant", {"person": "bo"}, UsageError),
    ],
)
def test_what_means_nothing_is_an_error_and_logged(
    world: World, action: str, arguments: Mapping[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        why(world, "emma", action, **arguments)
    assert world.log.kept[-1].kind == "refusal"


# ── an entry ──────────────────────────────────────────────────────────────────────────────────


def test_a_done_entry_tells_who_by_which_rule_and_what_was_read_back(world: World) -> None:
    call = Call("access.grant", {"person": "bo", "group": SHARE}, {"person": Provenance.CHOSEN})
    person = cast(Any, world.person("olga"))
    done = asyncio.run(world.runner.run(call, world.signed_in("olga"), person))
    found = why_entry(world, "emma", done.entry)
    assert (found.actor, found.action, found.outcome) == ("olga", "access.grant", "done")
    assert (found.rule, found.confirmed_by) == ("owners-decide-about-their-groups", "person")
    assert found.reason == "The owners of a group decide who is in it."
    assert found.provenance == {"person": "chosen"}
    assert [(o.what, o.observed) for o in found.receipt] == [("membership of bo", "member")]
    assert [c.before for c in found.changes] == ["not a member"]
    assert (found.intent, found.ended) == (world.log.of("intent")[-1].seq, done.entry)
    assert found.now is None
    assert world.log.kept[-1].personal["target"] == f"entry {done.entry}"


def test_the_intent_is_explained_with_its_outcome(world: World) -> None:
    world.do("olga", "access.grant", person="bo", group=SHARE)
    found = why_entry(world, "emma", world.log.of("intent")[-1].seq)
    assert found.outcome == "done"
    assert found.receipt


def test_a_refusal_names_its_rule_and_the_condition_that_fails_today(world: World) -> None:
    refused = world.do("emma", "access.grant", person="bo", group=SHARE)
    found = why_entry(world, "dana", refused.entry)
    assert (found.actor, found.outcome, found.rule) == ("emma", "refused", "default-deny")
    assert found.arguments == {"person": "bo", "group": SHARE}
    assert found.now is not None
    assert (found.now.actor, found.now.verdict) == ("emma", "denied")
    assert failed(found.now, "owners-decide-about-their-groups") == [f"emma is an owner of {SHARE}"]
    assert "Olga Test (olga) or Oscar Test (oscar) can do it." in found.unblock


def test_a_refusal_that_would_be_none_today_says_so(world: World) -> None:
    refused = world.do("emma", "access.grant", person="bo", group=SHARE)
    assert refused.outcome is Outcome.REFUSED
    world.embedded.admin.remove_group(SHARE)
    world.embedded.admin.add_group(NewGroup(SHARE, owners=("emma",)))
    found = why_entry(world, "emma", refused.entry)
    assert found.now is not None
    assert (found.now.verdict, found.now.rule) == ("allowed", "owners-decide-about-their-groups")
    assert found.rule == "default-deny"
    assert found.unblock == ()


def test_the_directorys_own_refusal_is_not_explained_by_rules(tmp_path: Path) -> None:
    world = World(tmp_path, policy='@id("all") permit (principal, action, resource);')
    refused = world.do("emma", "access.grant", person="bo", group=SHARE)
    found = why_entry(world, "emma", refused.entry)
    assert (found.outcome, found.code, found.now) == ("refused", "directory-rights", None)
    assert found.rule == "all", "it was allowed, and the directory refused it"


def test_a_pending_request_names_who_could_approve(world: World) -> None:
    id = world.request("emma")
    found = why_entry(world, "emma", world.log.of("request")[-1].seq)
    assert (found.outcome, found.request) == ("pending", id)
    assert len(found.approvers) == 2
    assert found.unblock[0].endswith(f"helpdesk approvals show {id}")
    assert found.now is not None
    assert found.now.verdict == "needs-approval"


def test_an_approved_call_tells_who_asked_and_who_decided(world: World) -> None:
    done = world.approve("oscar", world.request("emma"))
    found = why_entry(world, "dana", done.entry)
    assert (found.actor, found.requester) == ("oscar", "emma")
    assert [(d.decision, d.actor) for d in found.decisions] == [("approved", "oscar")]
    assert found.rule == "owners-approve-requests"


def test_an_undone_entry_names_its_undoing_and_the_other_way_round(world: World) -> None:
    done = world.do("olga", "access.grant", person="bo", group=SHARE)
    assert done.entry is not None
    person = cast(Any, world.person("olga"))
    undone = asyncio.run(Undo(world.runner)(done.entry, world.signed_in("olga"), person))
    assert why_entry(world, "emma", done.entry).undone_by == undone.entry
    found = why_entry(world, "emma", undone.entry)
    assert found.undoes == done.entry
    assert found.provenance == {"person": "log", "group": "log"}


def test_an_erased_entry_is_explained_as_far_as_it_goes(world: World) -> None:
    refused = world.do("emma", "access.grant", person="bo", group=SHARE)
    entry = world.log.kept[-1]
    assert entry.seq == refused.entry
    for name in entry.personal:
        cast(dict[str, Any], entry.personal)[name] = None
    found = why_entry(world, "emma", refused.entry)
    assert (found.actor, found.arguments, found.rule) == (None, None, "default-deny")
    assert found.now_error == "Its arguments were erased."


def test_an_entry_that_is_none_is_an_error(world: World) -> None:
    with pytest.raises(NotFound):
        why_entry(world, "emma", 4711)


def test_a_request_that_was_carried_out_names_how_it_ended(world: World) -> None:
    done = world.approve("oscar", world.request("emma"))
    for kind in ("request", "approval"):
        found = why_entry(world, "emma", world.log.of(kind)[-1].seq)
        assert (found.ended, found.now, found.unblock) == (done.entry, None, ()), kind
        assert found.receipt, kind
        assert found.action == "access.request"


def test_every_entry_of_a_real_log_can_be_explained(tmp_path: Path) -> None:
    desk = RealLog(tmp_path)
    waiting = desk.do("ana", "access.request", {"group": SHARE})
    assert waiting.request is not None
    desk.do("ana", "access.grant", {"person": "bo", "group": SHARE})
    desk.do("ana", "people.whoami")
    desk.do("ana", "people.update", {"phone": "200"}, dry_run=True)
    desk.do("ana", "people.update", {"phone": "200"})
    desk.without_outcome("ana", "people.update", {"phone": "300"})
    desk.reconcile("ana")
    desk.do("ana", "people.update", {"fax": "1"})
    desk.approve("olga", waiting.request)
    ana = desk.signed_in("ana")
    entries = desk.audit.entries(limit=1000)
    assert {"sign-in", "request", "refusal", "read", "preview", "intent", "outcome", "approval"} <= {
        entry.kind for entry in entries
    }
    for entry in entries:
        found = asyncio.run(EntryExplainer(desk.runner)(entry.seq, ana))
        assert (found.explains, found.kind) == (entry.seq, entry.kind)
        assert problems(json.loads(json.dumps(found.plain())), "why-1") == []
        assert entry_lines(found, PLAIN)
    assert desk.audit.verify().ok
