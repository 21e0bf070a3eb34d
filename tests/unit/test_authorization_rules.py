"""A site's own rules: what they can decide, and how they are closed where something is amiss."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpdesk.errors import ConfigError
from helpdesk.gate import cedar_schema
from helpdesk.gate.authorization import DEFAULT_DENY, Authorization, Verdict
from helpdesk.gate.cedar_entities import same_dn
from helpdesk.spec import Parameter
from tests.unit.authorization_world import GROUP, PERSON, ask, group, spec, subject

UNLOCK = spec("password.unlock", PERSON)
RESET = spec("password.reset", PERSON, Parameter("days", "integer", False, default=1))
GRANT = spec("access.grant", PERSON, GROUP, about="group")
STATUS = spec("password.status", Parameter("person", "login", False), reads=True)
NOTE = spec("ticket.note", Parameter("pin", "secret", True), Parameter("text", "text", True), about="desk")
SPECS = (UNLOCK, RESET, GRANT, STATUS, NOTE)

DANA, EMMA, BO = subject("dana", "helpdesk"), subject("emma"), subject("bo")
PERMIT = """
@id("desk-unlocks") @reason("The desk unlocks.") @hint("Ask the desk.")
permit (principal, action == Action::"password.unlock", resource)
when { principal.roles.contains("helpdesk") };
"""


def site(text: str, *specs: object, shipped: bool = False) -> Authorization:
    return Authorization(specs or SPECS, text, "site.cedar", shipped=shipped)  # type: ignore[arg-type]


# ── deny by default ───────────────────────────────────────────────────────────────────────────


@pytest.mark.req("L1")
def test_deleting_the_permit_refuses_the_action() -> None:
    assert ask(site(PERMIT), UNLOCK, DANA, BO).verdict is Verdict.ALLOWED
    without = ask(site("// " + PERMIT.replace("\n", "\n// ")), UNLOCK, DANA, BO)
    assert (without.verdict, without.rule) == (Verdict.DENIED, DEFAULT_DENY)
    assert "password.unlock on bo" in without.reason


def test_an_empty_policy_refuses_everything_and_says_so() -> None:
    empty = site("")
    assert empty.problems == ("site.cedar holds no rule, so everything is refused.",)
    for action in SPECS:
        assert ask(empty, action, DANA, BO, group("g")).verdict is Verdict.DENIED


def test_a_refusal_by_default_hints_at_who_may() -> None:
    decision = ask(site(PERMIT), UNLOCK, EMMA, BO)
    assert (decision.rule, decision.hint) == (DEFAULT_DENY, "Ask the desk.")


def test_the_deciding_rule_and_its_reason_are_named() -> None:
    text = PERMIT + '@id("not-bo") @reason("Bo is on leave.") forbid (principal, action, resource) '
    text += 'when { context has person && context.person.login == "bo" };'
    allowed, refused = ask(site(text), UNLOCK, DANA, EMMA), ask(site(text), UNLOCK, DANA, BO)
    assert (allowed.rule, allowed.reason) == ("desk-unlocks", "The desk unlocks.")
    assert (refused.rule, refused.reason) == ("not-bo", "Bo is on leave.")


def test_a_rule_without_a_name_is_told_by_its_place() -> None:
    text = PERMIT + "forbid (principal, action, resource);"
    decision = ask(site(text), UNLOCK, DANA, BO)
    assert decision.rule == "rule-2"
    assert "rule-2" in decision.reason


# ── closed where a rule fails ─────────────────────────────────────────────────────────────────

FAILS = """
@id("weekend") forbid (principal, action == Action::"password.reset", resource)
when { context.arguments has days && context.arguments.days * 9223372036854775807 > 5 };
@id("desk-resets") permit (principal, action == Action::"password.reset", resource);
"""


@pytest.mark.req("L1")
def test_a_forbid_that_fails_while_it_is_evaluated_refuses() -> None:
    """Cedar leaves a failing rule out and would allow; here it refuses, and is named."""
    rules = site(FAILS)
    assert rules.problems == ()
    assert ask(rules, RESET, DANA, BO, arguments={"days": 0}).verdict is Verdict.ALLOWED
    decision = ask(rules, RESET, DANA, BO, arguments={"days": 2})
    assert (decision.verdict, decision.rule) == (Verdict.DENIED, "failed-policy:weekend")


def test_a_permit_that_fails_permits_nothing_also_beside_another_that_would() -> None:
    text = FAILS.replace("forbid", "permit")
    decision = ask(site(text), RESET, DANA, BO, arguments={"days": 2})
    assert (decision.verdict, decision.rule) == (Verdict.DENIED, "failed-policy:weekend")


def test_a_failing_rule_beside_a_forbid_that_decides_names_the_forbid() -> None:
    text = FAILS + '@id("never") forbid (principal, action == Action::"password.reset", resource);'
    assert ask(site(text), RESET, DANA, BO, arguments={"days": 2}).rule == "never"


@pytest.mark.parametrize(
    "broken",
    [
        'forbid (principal, action, resource) when { principal.rolls.contains("intern") };',
        'forbid (principal, action == Action::"password.unlock", resource) when { resource.logn == "bo" };',
        "forbid (principal, action, resource) when { context.person.privileged == 1 };",
        "forbid (principal == ?principal, action, resource);",
        'forbid (principal, action == Other::Action::"password.unlock", resource);',
        'forbid (principal, action, resource) when { principal has "privilegd" };',
    ],
)
@pytest.mark.req("L1")
def test_a_forbid_that_cannot_be_understood_refuses_whatever_writes(broken: str) -> None:
    rules = site(PERMIT + f'@id("typo") {broken}')
    decision = ask(rules, UNLOCK, DANA, BO)
    assert (decision.verdict, decision.rule) == (Verdict.DENIED, "broken-policy:typo")
    assert len(rules.problems) == 1
    assert "the rule typo is out of force" in rules.problems[0]
    assert "site.cedar, line" in rules.problems[0]


@pytest.mark.parametrize(
    ("condition", "near"),
    [
        ('principal.rolls.contains("helpdesk")', "rolls"),
        ('principal has "privilegd"', "privileged"),
        ("context has aprover", "approver"),
        ('context.arguments has "persn"', "person"),
    ],
)
def test_a_typo_in_an_attribute_is_caught_and_the_permit_permits_nothing(condition: str, near: str) -> None:
    rules = site(f'@id("typo") permit (principal, action == Action::"password.unlock", resource) '
                 f"when {{ {condition} }};")  # fmt: skip
    assert ask(rules, UNLOCK, DANA, BO).verdict is Verdict.DENIED
    assert near in rules.problems[0]
    assert "It permits nothing." in rules.problems[0]


def test_a_broken_permit_leaves_the_other_rules_in_force() -> None:
    rules = site(PERMIT + '@id("typo") permit (principal, action, resource) when { principal.nope };')
    assert ask(rules, UNLOCK, DANA, BO).rule == "desk-unlocks"
    assert len(rules.problems) == 1


def test_reads_that_a_broken_forbid_cannot_be_about_go_on() -> None:
    text = '@id("look") permit (principal, action in Action::"reads", resource);'
    text += '@id("typo") forbid (principal, action == Action::"password.unlock", resource) when { principal.nope };'
    assert ask(site(text), STATUS, DANA, BO).rule == "look"
    everything = text.replace('action == Action::"password.unlock"', "action")
    assert ask(site(everything), STATUS, DANA, BO).rule == "broken-policy:typo"


@pytest.mark.parametrize(("text", "line"), [("permit (principal, action);", 1), ("\n\n// x\npermit {", 4)])
def test_text_that_is_not_cedar_is_an_error_that_names_the_line(text: str, line: int) -> None:
    with pytest.raises(ConfigError) as caught:
        site(text)
    assert f"site.cedar, line {line}:" in caught.value.message


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_policy_file_that_cannot_be_read_is_an_error_and_never_the_shipped_policy(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "site.cedar"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        Authorization.load(SPECS, file)
    assert str(file) in caught.value.message


# ── rules about actions that are not there ────────────────────────────────────────────────────


def test_a_rule_about_an_absent_action_is_reported_and_out_of_force_alone() -> None:
    text = PERMIT + '@id("gone") forbid (principal, action == Action::"password.unlok", resource);'
    rules = site(text)
    assert ask(rules, UNLOCK, DANA, BO).rule == "desk-unlocks"
    assert rules.problems == (
        "site.cedar, line 5: the rule gone is out of force: no plugin offers password.unlok "
        "(did you mean password.unlock?).",
    )


def test_a_rule_that_also_speaks_about_an_absent_action_stays_in_force_for_the_others() -> None:
    text = (
        PERMIT
        + '@id("both") forbid (principal, action in [Action::"password.unlock", Action::"door.open"], resource);'
    )
    rules = site(text)
    assert ask(rules, UNLOCK, DANA, BO).rule == "both"
    assert "in force, but no plugin offers door.open" in rules.problems[0]


def test_an_action_that_is_not_installed_is_refused() -> None:
    decision = ask(site("permit (principal, action, resource);"), spec("door.open", PERSON), DANA, BO)
    assert (decision.verdict, decision.rule) == (Verdict.DENIED, "unknown-action")


@pytest.mark.req("L6")
def test_an_action_whose_shape_changed_while_the_program_ran_is_refused() -> None:
    changed = spec("password.unlock", PERSON, reads=True)
    decision = ask(site("permit (principal, action, resource);"), changed, DANA, BO)
    assert decision.rule == "changed-action"


@pytest.mark.parametrize(
    "name", ["__cedar", "__entity", "__extn", "type", "has", "in", "principal", "naïve", "a b"]
)
def test_odd_names_of_arguments_cost_no_other_action_its_rules(name: str) -> None:
    odd = spec("odd.action", Parameter(name, "text", True), about="desk")
    rules = site(PERMIT, UNLOCK, odd)
    assert ask(rules, odd, DANA).verdict is Verdict.DENIED
    assert ask(rules, UNLOCK, DANA, BO).rule == "desk-unlocks"


# ── the schema is made from the manifests ─────────────────────────────────────────────────────


def test_every_installed_action_is_in_the_schema_with_its_arguments_and_no_secret() -> None:
    actions = cedar_schema.schema(SPECS)[""]["actions"]
    assert {spec.name for spec in SPECS} == set(actions) - cedar_schema.GROUPS
    for action in SPECS:
        given = actions[action.name]["appliesTo"]["context"]["attributes"]["arguments"]["attributes"]
        assert set(given) == {p.name for p in action.parameters if p.kind != "secret"}
    note = actions["ticket.note"]["appliesTo"]["context"]["attributes"]
    assert note["arguments"]["attributes"] == {"text": {"type": "String", "required": True}}
    assert note["person"]["required"] is False
    assert actions["password.status"]["memberOf"] == [{"id": "reads"}]


def test_rules_may_ask_about_a_new_actions_arguments_as_soon_as_it_is_installed() -> None:
    brew = spec("coffee.brew", Parameter("cups", "integer", True), about="desk")
    text = '@id("two") permit (principal, action == Action::"coffee.brew", resource) when { context.arguments.cups <= 2 };'
    rules = site(text, brew)
    assert ask(rules, brew, EMMA, arguments={"cups": 2}).rule == "two"
    assert ask(rules, brew, EMMA, arguments={"cups": 3}).verdict is Verdict.DENIED


@pytest.mark.req("S1")
def test_a_secret_argument_never_reaches_the_policy_even_when_it_is_given() -> None:
    rules = site('@id("notes") permit (principal, action == Action::"ticket.note", resource);')
    assert ask(rules, NOTE, EMMA, arguments={"pin": "1234", "text": "x"}).rule == "notes"
    assert cedar_schema.arguments(NOTE, {"pin": "1234", "text": "x"}) == {"text": "x"}


def test_an_argument_of_the_wrong_kind_is_undecidable_and_so_refused() -> None:
    rules = site("permit (principal, action, resource);")
    decision = ask(rules, RESET, DANA, BO, arguments={"days": "many"})
    assert decision.verdict is Verdict.DENIED
    assert decision.rule.startswith("failed-policy:")


# ── what authors allow ────────────────────────────────────────────────────────────────────────

OPEN = spec("coffee.brew", about="desk", allow="anyone")
DESK_ONLY = spec("door.open", PERSON, allow="helpdesk")


def test_an_authors_default_is_in_force_with_the_shipped_policy_only() -> None:
    shipped = site(PERMIT, OPEN, DESK_ONLY, UNLOCK, shipped=True)
    assert ask(shipped, OPEN, EMMA).rule == "author-allows"
    assert ask(shipped, DESK_ONLY, DANA, BO).rule == "author-allows"
    own = site(PERMIT, OPEN, DESK_ONLY, UNLOCK)
    assert ask(own, OPEN, EMMA).verdict is Verdict.DENIED
    assert ask(own, DESK_ONLY, DANA, BO).verdict is Verdict.DENIED


@pytest.mark.parametrize("shipped", [True, False])
def test_a_sites_policy_never_loosens_what_an_author_allows(shipped: bool) -> None:
    rules = site('@id("all") permit (principal, action, resource);', DESK_ONLY, shipped=shipped)
    assert ask(rules, DESK_ONLY, DANA, BO).verdict is Verdict.ALLOWED
    refused = ask(rules, DESK_ONLY, EMMA, BO)
    assert (refused.verdict, refused.rule) == (Verdict.DENIED, "service-desk-only")


def test_a_sites_policy_tightens_what_an_author_allows() -> None:
    text = '@id("few") permit (principal, action == Action::"coffee.brew", resource) when { principal.login == "bo" };'
    rules = site(text, OPEN, shipped=True)
    assert ask(rules, OPEN, BO).rule == "few"
    assert ask(rules, OPEN, EMMA).verdict is Verdict.DENIED


def test_an_authors_default_does_not_reach_privileged_accounts_of_others() -> None:
    touch = spec("badge.print", PERSON, allow="anyone")
    rules = site("", touch, shipped=True)
    root = subject("root", "privileged")
    assert ask(rules, touch, EMMA, BO).verdict is Verdict.ALLOWED
    assert ask(rules, touch, EMMA, root).verdict is Verdict.DENIED
    assert ask(rules, touch, root, root).verdict is Verdict.ALLOWED


# ── approvals ─────────────────────────────────────────────────────────────────────────────────

BY_OWNER = """
@id("owner-approves") permit (principal, action == Action::"access.grant", resource)
when { context has approver && resource.owners.contains(context.approver) };
"""


@pytest.mark.req("V2")
def test_under_every_policy_nobody_approves_for_themselves() -> None:
    rules = site("permit (principal, action, resource) when { context has approver };")
    for approver in (EMMA, BO, subject("emma2", id=EMMA.person.id)):
        decision = ask(rules, UNLOCK, EMMA, BO, approver=approver)
        assert (decision.verdict, decision.rule) == (Verdict.DENIED, "no-self-approval")
    assert ask(rules, UNLOCK, EMMA, BO, approver=DANA).verdict is Verdict.ALLOWED


def test_candidates_are_tried_one_by_one_and_counted_once() -> None:
    owner, other = subject("olga"), subject("oscar")
    decision = ask(
        site(BY_OWNER), GRANT, EMMA, BO, group("g", owner), candidates=[other, owner, owner, EMMA, BO]
    )
    assert decision.verdict is Verdict.NEEDS_APPROVAL
    assert [s.person.login for s in decision.approvers] == ["olga"]
    assert decision.rule == "owner-approves"


def test_a_forbid_is_final_whoever_would_approve() -> None:
    owner = subject("olga")
    text = BY_OWNER + '@id("frozen") forbid (principal, action == Action::"access.grant", resource);'
    decision = ask(site(text), GRANT, EMMA, BO, group("g", owner), candidates=[owner])
    assert (decision.verdict, decision.rule, decision.approvers) == (Verdict.DENIED, "frozen", ())


def test_a_read_never_waits_for_an_approval() -> None:
    rules = site("permit (principal, action, resource) when { context has approver };")
    assert ask(rules, STATUS, EMMA, BO, candidates=[DANA]).verdict is Verdict.DENIED


# ── people and names ──────────────────────────────────────────────────────────────────────────


@pytest.mark.req("D7")
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("uid=olga,ou=people,dc=x", "UID=Olga, OU=People, DC=X", True),
        ("uid=olga,ou=people", "uid=ｏｌｇａ,ou=people", True),
        ("cn=Lovelace\\, Ada,dc=x", "cn=Lovelace\\2c Ada,dc=x", True),
        ("cn=a+sn=b,dc=x", "sn=b+cn=a,dc=x", True),
        ("cn=two  spaces,dc=x", "cn= two spaces ,dc=x", True),
        ("cn=a\\,dc=x", "cn=a,dc=x", False),
        ("uid=olga,ou=people", "uid=olga,ou=staff", False),
        ("cn=a\\+b,dc=x", "cn=a+b,dc=x", False),
    ],
)
def test_a_dn_is_compared_as_a_directory_compares_it(one: str, other: str, same: bool) -> None:
    assert (same_dn(one) == same_dn(other)) is same


@pytest.mark.req("D7")
def test_an_owner_is_found_under_another_spelling_of_their_dn() -> None:
    olga = subject("olga")
    spelled = group("g", subject("olga", dn="UID=OLGA, OU=People,DC=Corp,DC=Test"))
    rules = site(
        'permit (principal, action == Action::"access.grant", resource) when { resource.owners.contains(principal) };'
    )
    assert ask(rules, GRANT, olga, BO, spelled).verdict is Verdict.ALLOWED


def test_a_manager_who_is_not_known_is_a_stranger_with_no_rights_who_is_protected() -> None:
    bo = subject("bo", manager_dn="uid=someone,ou=elsewhere")
    text = (
        '@id("m") permit (principal, action == Action::"password.unlock", resource) '
        "when { resource has manager && resource.manager.enabled };"
    )
    assert ask(site(text), UNLOCK, DANA, bo).verdict is Verdict.DENIED
    assert ask(site(text.replace(".enabled", ".privileged")), UNLOCK, DANA, bo).verdict is Verdict.ALLOWED


def test_one_person_seen_twice_counts_with_the_lesser_rights() -> None:
    grand, plain = subject("dana", "helpdesk"), subject("dana")
    decision = ask(site(PERMIT), UNLOCK, grand, BO, candidates=[plain])
    assert decision.verdict is Verdict.DENIED


@pytest.mark.parametrize(
    "name", ['bo"; permit(principal,action,resource);//', "bo\\", 'Person::"x"', "\x00", "é", "𝔅𝔬"]
)
def test_no_name_is_read_as_cedar(name: str) -> None:
    odd = subject(name or "x", id=f"id-{name}")
    assert ask(site(PERMIT), UNLOCK, odd, odd).verdict is Verdict.DENIED
    assert ask(site(PERMIT), UNLOCK, DANA, odd, arguments={"person": name}).rule == "desk-unlocks"
