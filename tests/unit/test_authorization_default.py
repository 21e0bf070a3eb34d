"""The policy that comes with the program: its whole truth table, asked with the installed actions."""

from __future__ import annotations

from functools import cache

import pytest

from helpdesk.actions.catalog import Catalog, build
from helpdesk.gate.authorization import DEFAULT_DENY, SHIPPED, Authorization, Subject, Verdict
from helpdesk.gate.cedar_rules import parse
from tests.unit.authorization_world import ask, group, subject

ALLOWED, DENIED, WAITS = Verdict.ALLOWED, Verdict.DENIED, Verdict.NEEDS_APPROVAL

PEOPLE = {
    "employee": subject("emma"),
    "desk": subject("dana", "helpdesk"),
    "owner": subject("olga"),
    "co-owner": subject("oscar"),
    "privileged": subject("root", "privileged"),
    "desk-and-privileged": subject("dora", "helpdesk", "privileged"),
    "colleague": subject("bo"),
    "desk-colleague": subject("dave", "helpdesk"),
    "gone-owner": subject("gil", enabled=False),
}
ACTORS = ("employee", "desk", "owner", "privileged", "desk-and-privileged")
GROUPS = {
    "shared": group("finance-share", PEOPLE["owner"], PEOPLE["co-owner"]),
    "solo": group("design-share", PEOPLE["owner"]),
    "nobody's": group("orphans"),
    "gone": group("ghosts", PEOPLE["gone-owner"]),
}
ACCOUNT = ("password.reset", "password.unlock", "account.disable", "account.enable")
OWN = ("password.change", "people.update")
LOOK_UPS = ("password.status", "access.list")
EVERYONE = ("people.whoami", "people.find", "access.show", "policy.search", "policy.show")
TICKETS = ("ticket.open", "ticket.comment", "ticket.status", "ticket.close", "ticket.reopen")


@cache
def catalog() -> Catalog:
    return build()[0]


@cache
def shipped() -> Authorization:
    return Authorization.load(catalog().specs, None)


def decided(action: str, actor: str, on: str = "", of: str = "") -> tuple[Verdict, str]:
    spec = catalog().spec(action)
    decision = ask(
        shipped(),
        spec,
        PEOPLE[actor],
        PEOPLE[actor if on in ("", "self") else on],
        GROUPS[of] if of else None,
        candidates=[PEOPLE[name] for name in ("owner", "co-owner", "gone-owner")] if of else (),
    )
    assert decision.reason.endswith("."), decision
    assert decision.rule
    return decision.verdict, decision.rule


def account_rows() -> list[tuple[str, str, Verdict, str]]:
    """(actor, on whom, verdict, rule) for what the service desk does to an account."""
    helps, never, own = (
        "service-desk-helps-others",
        "never-privileged-accounts",
        "never-your-own-account-this-way",
    )
    rows = []
    for actor in ACTORS:
        desk = actor.startswith("desk")
        rows.append((actor, "self", DENIED, never if "privileged" in actor else own))
        rows.append((actor, "privileged", DENIED, never))
        verdict = (ALLOWED, helps) if desk else (DENIED, DEFAULT_DENY)
        rows += [(actor, on, *verdict) for on in ("colleague", "desk-colleague")]
    return rows


@pytest.mark.req("V2")
@pytest.mark.parametrize("action", ACCOUNT)
@pytest.mark.parametrize(("actor", "on", "verdict", "rule"), account_rows())
def test_the_service_desk_helps_others_and_never_privileged_accounts_or_itself(
    action: str, actor: str, on: str, verdict: Verdict, rule: str
) -> None:
    assert decided(action, actor, on) == (verdict, rule)


@pytest.mark.parametrize("action", OWN)
@pytest.mark.parametrize("actor", ACTORS)
def test_everyone_looks_after_their_own_account_and_nobody_elses(action: str, actor: str) -> None:
    assert decided(action, actor) == (ALLOWED, "your-own-account")
    assert decided(action, actor, "colleague") == (DENIED, DEFAULT_DENY)


@pytest.mark.parametrize("action", LOOK_UPS)
@pytest.mark.parametrize("actor", ACTORS)
def test_states_of_accounts_are_ones_own_or_the_service_desks_business(action: str, actor: str) -> None:
    assert decided(action, actor) == (ALLOWED, "your-own-status")
    expected = (ALLOWED, "service-desk-looks-up") if actor.startswith("desk") else (DENIED, DEFAULT_DENY)
    assert decided(action, actor, "colleague") == expected
    assert decided(action, actor, "privileged" if actor != "privileged" else "colleague") == expected


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("action", EVERYONE)
def test_everyone_looks_up_people_and_policies(action: str, actor: str) -> None:
    assert decided(action, actor) == (ALLOWED, "everyone-looks-up")


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("action", TICKETS)
def test_everyone_has_tickets(action: str, actor: str) -> None:
    assert decided(action, actor) == (ALLOWED, "everyone-has-tickets")


@pytest.mark.parametrize(
    ("action", "actor", "on", "of", "verdict", "rule"),
    [
        ("access.grant", "owner", "colleague", "shared", ALLOWED, "owners-decide-about-their-groups"),
        ("access.grant", "owner", "privileged", "shared", ALLOWED, "owners-decide-about-their-groups"),
        ("access.grant", "owner", "self", "shared", DENIED, "never-grant-yourself"),
        ("access.grant", "employee", "self", "shared", DENIED, "never-grant-yourself"),
        ("access.grant", "employee", "colleague", "shared", DENIED, DEFAULT_DENY),
        ("access.grant", "desk", "colleague", "shared", WAITS, "owners-approve-what-the-service-desk-asks"),
        ("access.grant", "desk", "colleague", "nobody's", DENIED, DEFAULT_DENY),
        ("access.grant", "desk", "self", "shared", DENIED, "never-grant-yourself"),
        ("access.grant", "privileged", "colleague", "shared", DENIED, DEFAULT_DENY),
        ("access.grant", "owner", "colleague", "nobody's", DENIED, DEFAULT_DENY),
        ("access.revoke", "owner", "colleague", "shared", ALLOWED, "owners-decide-about-their-groups"),
        ("access.revoke", "owner", "self", "shared", ALLOWED, "owners-decide-about-their-groups"),
        ("access.revoke", "employee", "self", "shared", ALLOWED, "everyone-may-leave"),
        ("access.revoke", "employee", "colleague", "shared", DENIED, DEFAULT_DENY),
        ("access.revoke", "desk", "colleague", "shared", ALLOWED, "service-desk-takes-access-away"),
        ("access.revoke", "desk", "privileged", "shared", DENIED, DEFAULT_DENY),
        (
            "access.revoke",
            "desk-and-privileged",
            "colleague",
            "shared",
            ALLOWED,
            "service-desk-takes-access-away",
        ),
        ("access.request", "employee", "self", "shared", WAITS, "owners-approve-requests"),
        ("access.request", "desk", "self", "shared", WAITS, "owners-approve-requests"),
        ("access.request", "owner", "self", "shared", WAITS, "owners-approve-requests"),
        ("access.request", "owner", "self", "solo", DENIED, DEFAULT_DENY),
        ("access.request", "employee", "self", "nobody's", DENIED, DEFAULT_DENY),
        ("access.request", "employee", "self", "gone", DENIED, DEFAULT_DENY),
        ("access.request", "employee", "colleague", "shared", DENIED, DEFAULT_DENY),
    ],
)
def test_owners_decide_about_their_groups(
    action: str, actor: str, on: str, of: str, verdict: Verdict, rule: str
) -> None:
    assert decided(action, actor, on, of) == (verdict, rule)


@pytest.mark.req("V2")
def test_a_request_waits_for_the_owners_and_never_for_whoever_asked() -> None:
    request = catalog().spec("access.request")
    candidates = [PEOPLE[name] for name in ("owner", "co-owner", "desk", "gone-owner")]
    asked = ask(shipped(), request, PEOPLE["employee"], None, GROUPS["shared"], candidates=candidates)
    assert [s.person.login for s in asked.approvers] == ["olga", "oscar"]
    by_owner = ask(shipped(), request, PEOPLE["owner"], None, GROUPS["shared"], candidates=candidates)
    assert [s.person.login for s in by_owner.approvers] == ["oscar"]


@pytest.mark.req("V2")
@pytest.mark.parametrize(
    ("approver", "verdict", "rule"),
    [
        ("owner", ALLOWED, "owners-approve-requests"),
        ("co-owner", ALLOWED, "owners-approve-requests"),
        ("employee", DENIED, "no-self-approval"),
        ("desk", DENIED, DEFAULT_DENY),
        ("privileged", DENIED, DEFAULT_DENY),
        ("gone-owner", DENIED, "disabled-account"),
    ],
)
def test_an_approval_counts_only_from_another_owner(approver: str, verdict: Verdict, rule: str) -> None:
    decision = ask(
        shipped(),
        catalog().spec("access.request"),
        PEOPLE["employee"],
        None,
        GROUPS["shared"],
        approver=PEOPLE[approver],
    )
    assert (decision.verdict, decision.rule) == (verdict, rule)


@pytest.mark.req("V2")
@pytest.mark.parametrize(
    "same",
    [
        subject("EMMA", id="id-emma"),
        subject("ｅｍｍａ", id="id-emma"),
        subject(" emma ", id="id-emma"),
        subject("emma.renamed", id="id-emma", dn="uid=emma.renamed,ou=people,dc=corp,dc=test"),
        subject("emma", id="id-emma", dn="UID=Emma, OU=People,DC=corp,DC=test"),
    ],
)
def test_no_alias_of_who_asked_approves(same: Subject) -> None:
    """One id is one person, however the name is spelled, and also when they own the group (D7's set)."""
    asked = ask(
        shipped(),
        catalog().spec("access.request"),
        PEOPLE["employee"],
        None,
        group("mine", same),
        approver=same,
        candidates=[same],
    )
    assert (asked.verdict, asked.rule) == (DENIED, "no-self-approval")


@pytest.mark.req("V2")
def test_a_second_account_of_the_same_employee_does_not_approve() -> None:
    first = subject("emma", employee_number="4711")
    second = subject("emma-admin", employee_number="4711")
    another = subject("olga", employee_number="4712")
    request, of = catalog().spec("access.request"), group("g", second, another)
    decision = ask(shipped(), request, first, None, of, approver=second)
    assert (decision.verdict, decision.rule) == (DENIED, "no-self-approval")
    waits = ask(shipped(), request, first, None, of, candidates=[second, another])
    assert [s.person.login for s in waits.approvers] == ["olga"]


@pytest.mark.req("D7")
def test_who_was_made_anew_in_place_of_an_owner_is_not_the_owner() -> None:
    """Two entries that claim one DN: whoever the directory meant, it is neither of them here."""
    old = subject("olga")
    new = subject("olga", id="id-of-a-new-olga")
    grant, of = catalog().spec("access.grant"), group("finance-share", old)
    assert ask(shipped(), grant, new, PEOPLE["colleague"], of).verdict is ALLOWED  # the DN names the owner
    for claims, other in ((new, old), (old, new)):
        both = ask(shipped(), grant, claims, PEOPLE["colleague"], of, candidates=[other])
        assert (both.verdict, both.rule) == (DENIED, DEFAULT_DENY)


@pytest.mark.req("D9")
@pytest.mark.parametrize("action", [*ACCOUNT, *OWN, *LOOK_UPS, *EVERYONE])
def test_a_disabled_account_may_do_nothing(action: str) -> None:
    off = subject("dana", "helpdesk", enabled=False)
    decision = ask(shipped(), catalog().spec(action), off, PEOPLE["colleague"])
    assert (decision.verdict, decision.rule) == (DENIED, "disabled-account")


@pytest.mark.req("D7")
@pytest.mark.parametrize("who", ["principal", "person", "approver", "group"])
def test_what_has_no_permanent_id_is_refused(who: str) -> None:
    people = {name: subject(name, id="" if name == who else f"id-{name}") for name in ("principal", "person")}
    approver = subject("approver", id="" if who == "approver" else "id-approver")
    of = group("g", approver, id="" if who == "group" else "id-g")
    grant = catalog().spec("access.grant")
    decision = ask(shipped(), grant, people["principal"], people["person"], of, approver=approver)
    assert (decision.verdict, decision.rule) == (DENIED, "unidentified")


def test_every_rule_of_it_says_why_and_every_refusal_of_it_says_what_to_do() -> None:
    rules = parse(SHIPPED.read_text(), "default.cedar")
    assert len({rule.id for rule in rules}) == len(rules) > 10
    assert all(rule.reason.endswith(".") and not rule.id.startswith("rule-") for rule in rules)
    assert all(rule.hint for rule in rules if rule.effect == "forbid")
    assert shipped().problems == ()


@pytest.mark.req("L1")
def test_an_employee_reaches_nothing_of_others_through_any_installed_action() -> None:
    """Every write of every plugin, asked by an ordinary employee about others: nothing but tickets."""
    employee, other = PEOPLE["employee"], PEOPLE["colleague"]
    allowed = [
        spec.name
        for spec in catalog().specs
        if not spec.reads
        and ask(shipped(), spec, employee, other, GROUPS["shared"] if spec.about == "group" else None).verdict
        is not DENIED
    ]
    assert [name for name in allowed if not name.startswith("ticket.")] == []


def test_the_authors_of_installed_actions_are_all_named_by_it() -> None:
    """No installed write is open by its author's default alone: the shipped policy speaks about each."""
    rules = parse(SHIPPED.read_text(), "default.cedar")
    spoken = {name for rule in rules if rule.effect == "permit" for name in rule.mentioned}
    assert [spec.name for spec in catalog().specs if spec.name not in spoken] == []


@pytest.mark.req("I4")
def test_a_privileged_group_is_entered_by_request_and_approval_only() -> None:
    admins = GROUPS["shared"]
    grant, request = catalog().spec("access.grant"), catalog().spec("access.request")
    alone = ask(shipped(), grant, PEOPLE["owner"], PEOPLE["colleague"], admins, group_privileged=True)
    assert (alone.verdict, alone.rule) == (DENIED, "privileged-groups-by-request")
    waits = ask(
        shipped(),
        request,
        PEOPLE["colleague"],
        PEOPLE["colleague"],
        admins,
        group_privileged=True,
        candidates=[PEOPLE["owner"]],
    )
    assert waits.verdict is WAITS
