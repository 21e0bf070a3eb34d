"""Many people read at once are told exactly as each alone, by a real server, with everybody's rights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import ldap3
import pytest

from helpdesk.identity import Person
from helpdesk.ports import DirectorySession
from helpdesk.secrets import Secret
from tests.integration.ldap_world import of_slapd
from tests.integration.story_world import DISABLED, join
from tests.servers.slapd import Slapd

pytestmark = [pytest.mark.servers, pytest.mark.req("D9")]
MANY = 58  # with the others more than are read with one search


@dataclass
class Company:
    """People in every state, alone and in groups, some of them through other groups."""

    server: Slapd
    tag: str
    people: list[Person]
    desk: DirectorySession
    employee: DirectorySession


@pytest.fixture(params=["slapd_people", "slapd_staff"], scope="module")
def company(request: pytest.FixtureRequest) -> Iterator[Company]:
    server: Slapd = request.getfixturevalue(request.param)
    tag = f"many-{os.getpid()}"
    dns = {
        name: server.add_person(
            f"{name}.{tag}", "a good long password", employee_number=f"9{os.getpid()}{n:03}"
        )
        for n, name in enumerate(
            [
                "desk",
                "plain",
                "locked",
                "disabled",
                "reset",
                "member",
                "nested",
                "twice",
                *map(str, range(MANY)),
            ]
        )
    }
    join(server, server.layout.service_desk, dns["desk"])
    server.modify(dns["locked"], {"pwdAccountLockedTime": [(ldap3.MODIFY_REPLACE, ["20260101000000Z"])]})
    server.modify(dns["disabled"], {"pwdAccountLockedTime": [(ldap3.MODIFY_REPLACE, [DISABLED])]})
    server.modify(dns["reset"], {"pwdReset": [(ldap3.MODIFY_REPLACE, ["TRUE"])]})
    team = server.add_group(f"team {tag}", members=[dns["member"], dns["twice"], dns["5"]])
    inner = server.add_group(f"inner {tag}", members=[dns["nested"]])
    outer = server.add_group(f"outer {tag}", members=[inner, dns["twice"]])
    server.add_group(f"outermost {tag}", members=[outer, team])
    directory = of_slapd(server)
    desk = directory.sign_in(f"desk.{tag}", Secret("a good long password"))
    employee = directory.sign_in(f"plain.{tag}", Secret("a good long password"))
    try:
        yield Company(server, tag, [desk.person_by_dn(dn) for dn in dns.values()], desk, employee)
    finally:
        desk.close()
        employee.close()
        directory.close()


@pytest.mark.parametrize("who", ["desk", "employee"])
def test_each_is_told_as_alone_or_left_out(company: Company, who: str) -> None:
    reader: DirectorySession = getattr(company, who)
    told = reader.snapshots([person.id for person in company.people])  # type: ignore[attr-defined]
    for id, seen in told.items():
        assert seen.person == reader.person_by_id(id)
        assert seen.status == reader.status(seen.person)
        assert list(seen.groups) == reader.groups_of(seen.person)
    if who == "desk":
        assert set(told) == {person.id for person in company.people}
        by_login = {seen.person.login.split(".")[0]: seen for seen in told.values()}
        names = {group.name.split(" ")[0] for group in by_login["nested"].groups}
        assert names == {"inner", "outer", "outermost"}
        assert by_login["locked"].status.locked_until is not None or by_login["locked"].status.locked is False
        assert by_login["disabled"].status.enabled is False
        assert by_login["reset"].status.must_change is True


def test_who_is_not_there_is_left_out(company: Company) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    ids = [nobody, "no id at all", company.people[0].id]
    assert set(company.desk.snapshots(ids)) == {company.people[0].id}  # type: ignore[attr-defined]


@pytest.mark.req("D5")
@pytest.mark.req("D7")
def test_names_mean_whom_they_mean_alone(company: Company) -> None:
    one = company.people[1]
    names = [
        *(name for person in company.people for name in (person.login, person.mail, person.employee_number)),
        one.login.upper(),
        f" {one.login} ",
        "nobody of this name",
        "*",
        "a)(uid=*",
        "",
        "\0",
    ]
    told = company.desk.called(names)  # type: ignore[attr-defined]
    for name in names:
        alone = {person.id for person in company.desk.people_called(name)}
        assert {person.id for person in told.get(name, company.desk.people_called(name))} == alone
    assert len(told) >= 3 * len(company.people), "they were read together"


def test_a_name_that_two_have_is_told_with_both(company: Company) -> None:
    number = company.people[3].employee_number
    company.server.add_person(f"also.{company.tag}", "a good long password", employee_number=number)
    (found,) = company.desk.called([number]).values()  # type: ignore[attr-defined]
    assert len(found) == 2


def test_a_password_is_proved_on_a_kept_connection_and_a_wrong_one_is_not(company: Company) -> None:
    directory = of_slapd(company.server)
    people = company.people[10:14]
    try:
        with directory.proving():
            for _ in range(2):
                for person in people:
                    assert directory.accepts(person, Secret("a good long password")) == "yes"
            assert directory.accepts(people[0], Secret("not this password")) == "no"
            assert directory.accepts(people[1], Secret("a good long password")) == "yes"
            moved = Person("00000000-0000-0000-0000-000000000000", people[1].dn, people[1].login, "x")
            assert directory.accepts(moved, Secret("a good long password")) == "no"
        assert directory._sign_in.spare._idle == []
    finally:
        directory.close()
