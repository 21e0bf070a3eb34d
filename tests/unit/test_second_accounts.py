"""Two accounts of one person are that person: what they may not do for themselves they do not do for the other (V2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpdesk.connectors.embedded import NewGroup, NewPerson
from helpdesk.events import Outcome
from helpdesk.gate.authorization import Authorization, Verdict, same_human
from helpdesk.secrets import Secret
from tests.unit.authorization_world import ask, group, subject
from tests.unit.door_world import World, catalog, password_of

pytestmark = pytest.mark.req("V2")

SITE = """
@id("owners") permit (principal, action, resource is Group) when { resource.owners.contains(principal) };
@id("not-oneself") forbid (principal, action == Action::"access.grant", resource)
when { context has person && context.person == principal };
"""
PAIRS = [
    ({"employee_number": "4711"}, {"employee_number": "4711"}, True),
    ({"employee_number": "x47"}, {"employee_number": " X47 "}, True),
    ({"mail": "olga@corp.test"}, {"mail": "Olga@Corp.test"}, True),
    ({"employee_number": "4711", "mail": "a@x"}, {"employee_number": "4712", "mail": "a@x"}, True),
    ({"employee_number": "4711"}, {"employee_number": "4712"}, False),
    ({"employee_number": "", "mail": ""}, {"employee_number": "", "mail": ""}, False),
    ({"employee_number": " "}, {"employee_number": " "}, False),
]


@pytest.mark.parametrize(("one", "other", "same"), PAIRS)
def test_one_number_or_one_mail_address_is_one_person(
    one: dict[str, str], other: dict[str, str], same: bool
) -> None:
    first, second = subject("olga", **one), subject("olga-admin", **other)
    assert same_human(first.person, second.person) is same
    team = group("g", first)
    for rules in (
        Authorization.load(catalog().specs, None),
        Authorization(catalog().specs, SITE, "site.cedar"),
    ):
        decision = ask(rules, catalog().spec("access.grant"), first, second, team)
        assert decision.verdict is (Verdict.DENIED if same else Verdict.ALLOWED)
        if same:
            assert decision.rule in ("never-grant-yourself", "not-oneself")
            assert decision.reason.startswith("olga-admin is a second account of yours.")


@pytest.mark.parametrize("action", ["password.reset", "password.unlock", "account.disable", "account.enable"])
def test_the_service_desk_does_not_touch_its_own_second_account(action: str) -> None:
    dana = subject("dana", "helpdesk", employee_number="7")
    decision = ask(
        Authorization.load(catalog().specs, None),
        catalog().spec(action),
        dana,
        subject("dana-2", employee_number="7"),
    )
    assert (decision.verdict, decision.rule) == (Verdict.DENIED, "never-your-own-account-this-way")


def test_what_is_allowed_for_oneself_only_is_not_allowed_for_the_second_account() -> None:
    """It takes away, and gives nothing."""
    emma, other = subject("emma", employee_number="7"), subject("emma-2", employee_number="7")
    rules, team = Authorization.load(catalog().specs, None), group("g", subject("olga"))
    assert ask(rules, catalog().spec("access.revoke"), emma, None, team).verdict is Verdict.ALLOWED
    assert ask(rules, catalog().spec("access.revoke"), emma, other, team).verdict is Verdict.DENIED
    own = group("g", emma)
    assert ask(rules, catalog().spec("access.revoke"), emma, other, own).verdict is Verdict.ALLOWED


def test_an_owner_does_not_give_access_to_a_second_account_through_the_door(tmp_path: Path) -> None:
    world = World(tmp_path)
    number = world.embedded.look_up().person("olga").employee_number
    world.embedded.admin.add_person(
        NewPerson("olga-2", "Olga Test", Secret(password_of("olga-2")), employee_number=number)
    )
    world.embedded.admin.add_group(NewGroup("club", owners=("olga",)))
    refused = world.do("olga", "access.grant", group="club", person="olga-2")
    assert (refused.outcome, refused.rule) == (Outcome.REFUSED, "never-grant-yourself")
    assert world.watch.tried == []
    assert not world.is_member("olga-2", "club")
    assert world.do("olga", "access.grant", group="club", person="emma").outcome is Outcome.DONE
