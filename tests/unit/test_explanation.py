"""Which rule says what, and what fails in it: found by trying each rule alone."""

from __future__ import annotations

import json

import cedarpy
import pytest

from helpdesk.gate.authorization import AccessRequest, Authorization, Subject
from helpdesk.gate.explanation import Finding
from helpdesk.gate.rule_words import Names
from helpdesk.identity import Group
from tests.unit.authorization_world import GROUP, PERSON, group, spec, subject

GRANT = spec("access.grant", PERSON, GROUP, about="group")
RESET = spec("password.reset", PERSON)
REQUEST = spec("access.request", GROUP, about="group")
WEIRD = spec("team.book", PERSON)
SITE = """
@id("team-leads") @hint("Ask your manager.")
permit (principal, action == Action::"team.book", resource)
when { context has person && context.person has manager && context.person.manager == principal }
unless { principal.login like "t-*" };
"""


def findings(
    action: object,
    principal: Subject,
    person: Subject | None = None,
    about: Group | None = None,
    policy: str = "",
) -> dict[str, Finding]:
    specs = [GRANT, RESET, REQUEST, WEIRD]
    rules = Authorization(specs, policy, "site.cedar") if policy else Authorization.load(specs, None)
    request = AccessRequest(
        action=action,  # type: ignore[arg-type]
        arguments={"person": "bo", "group": "finance-share"},
        principal=principal,
        person=person or principal,
        group=about,
        group_privileged=False,
    )
    return {finding.rule.id: finding for finding in rules.findings(request)}


def test_the_failed_condition_of_a_permit_is_named() -> None:
    emma, bo, olga = subject("emma"), subject("bo"), subject("olga")
    found = findings(GRANT, emma, bo, group("finance-share", olga))
    rule = found["owners-decide-about-their-groups"]
    assert not rule.applies
    assert [c.cedar for c in rule.failed] == ["resource.owners.contains(principal)"]
    assert not found["never-grant-yourself"].applies
    owners = findings(GRANT, olga, bo, group("finance-share", olga))
    assert owners["owners-decide-about-their-groups"].applies


def test_every_condition_is_judged_not_only_the_first() -> None:
    emma = subject("emma")
    found = findings(RESET, emma, emma)
    rule = found["service-desk-helps-others"]
    assert [(c.cedar, c.holds) for c in rule.conditions] == [
        ('principal.roles.contains("helpdesk")', False),
        ("context has person", True),
        ("context.person != principal", False),
    ]
    assert found["never-your-own-account-this-way"].applies


def test_what_leans_on_a_failed_condition_is_left_out() -> None:
    emma = subject("emma")
    rule = findings(REQUEST, emma, emma, group("finance-share", subject("olga")))["owners-approve-requests"]
    assert [c.cedar for c in rule.failed] == ["context has approver"]


def test_a_rule_about_another_kind_of_thing_has_a_head_that_does_not_fit() -> None:
    policy = SITE + '@id("no-group") permit (principal, action, resource is Group);'
    found = findings(WEIRD, subject("emma"), subject("bo"), policy=policy)
    assert not found["no-group"].head
    assert not found["no-group"].applies
    assert "everyone-looks-up" not in findings(RESET, subject("emma"), subject("bo"))


def test_an_unless_is_a_condition_that_must_not_be_so() -> None:
    lead = subject("lead")
    bo = subject("bo", manager_dn=lead.person.dn)
    assert findings(WEIRD, lead, bo, policy=SITE)["team-leads"].applies
    trainee = subject("t-lead")
    rule = findings(WEIRD, trainee, subject("bo", manager_dn=trainee.person.dn), policy=SITE)["team-leads"]
    assert [c.cedar for c in rule.failed] == ['!(principal.login like "t-*")']


def test_a_disabled_account_is_not_told_about_rules() -> None:
    assert findings(RESET, subject("emma", enabled=False), subject("bo")) == {}


# ── in words ──────────────────────────────────────────────────────────────────────────────────

NAMES = Names("you", "bo", "finance-share", {"helpdesk": ("service-desk", "night-desk")})


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (
            'principal.roles.contains("helpdesk")',
            "you have the role helpdesk (a member of service-desk or night-desk)",
        ),
        ('principal.roles.contains("pilot")', "you have the role pilot (no group gives it here)"),
        ("resource.owners.contains(principal)", "you are an owner of finance-share"),
        ("resource.owners.contains(context.approver)", "whoever approves it is an owner of finance-share"),
        ("context has person", "it is about a person"),
        ("context.person == principal", "it is about your own account"),
        ("principal != context.person", "it is not about your own account"),
        ("context.approver != principal", "somebody other than you approves it"),
        ("context.person.privileged", "bo is a privileged account"),
        ("!context.person.privileged", "it is not so that bo is a privileged account"),
        ("resource.privileged", "finance-share is a privileged group"),
        ("resource.privileged || context has approver", "finance-share is a privileged group or somebody approves it"),
        ('principal.login == "root"', 'principal.login == "root"'),
        ('context.arguments.reason like "*audit*"', 'context.arguments.reason like "*audit*"'),
    ],
)  # fmt: skip
def test_conditions_are_told_in_words_or_as_they_are(condition: str, words: str) -> None:
    text = f"permit (principal, action, resource) when {{ {condition} }};"
    document = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]["policy0"]
    assert NAMES.words(document["conditions"][0]["body"]) == words
