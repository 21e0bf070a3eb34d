"""The demo's people agree to nothing outside the demo's own company (L5)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from helpdesk.app import Desk
from helpdesk.demo.company import EMPLOYEES, TEAMS, policies
from helpdesk.demo.founding import require_demo, temporary
from helpdesk.demo.person import DemoPerson
from helpdesk.demo.story import Player
from helpdesk.errors import ConfigError, Refused, UsageError
from helpdesk.events import Confirmation, Question
from helpdesk.platform import paths, write_private
from helpdesk.secrets import Secret

EMBEDDED = '[directory]\nkind = "embedded"\n'
LDAP = '[directory]\nurl = "ldaps://ldap.example.com"\n'
INES = Player("ines", "Ines Calloway", Secret("violet-anchor-seven-kites"))
ROOT = Path(__file__).resolve().parents[2]


def desk_of(profile: str, config: str, home: Path, *, mark: bool = False) -> Desk:
    environ = temporary(home)
    places = paths(profile, environ)
    write_private(places.config_file, config.encode())
    if mark:
        write_private(places.state / "demo.json", b'{"company": "Lanternfield"}')
    return Desk.open(profile=profile, environ=environ)


def confirmation(actor: str) -> Confirmation:
    return Confirmation("0" * 64, "password.unlock", "Unlock.", actor, "bo", ())


@pytest.mark.req("L5")
@pytest.mark.parametrize(
    ("profile", "config", "mark"),
    [
        ("", EMBEDDED, False),
        ("", EMBEDDED, True),
        ("work", EMBEDDED, True),
        ("work", LDAP, True),
        ("demo", EMBEDDED, False),
    ],
)
def test_no_desk_but_the_demos_own_gets_one(profile: str, config: str, mark: bool, tmp_path: Path) -> None:
    desk = desk_of(profile, config, tmp_path, mark=mark)
    with pytest.raises(Refused) as refused:
        DemoPerson(desk, INES, {})
    assert refused.value.rule == "demo-company"


@pytest.mark.req("L5")
def test_the_profile_demo_cannot_be_turned_to_a_real_directory(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        desk_of("demo", LDAP, tmp_path, mark=True)


def test_the_demos_own_desk_gets_one(tmp_path: Path) -> None:
    desk = desk_of("demo", EMBEDDED, tmp_path, mark=True)
    require_demo(desk)
    agreed = asyncio.run(DemoPerson(desk, INES, {}).confirm(confirmation("ines")))
    assert agreed.digest == "0" * 64
    assert agreed.by == "demo"


@pytest.mark.req("L5")
def test_it_agrees_to_what_its_own_person_does_only(tmp_path: Path) -> None:
    person = DemoPerson(desk_of("demo", EMBEDDED, tmp_path, mark=True), INES, {})
    with pytest.raises(Refused):
        asyncio.run(person.confirm(confirmation("tomas")))


@pytest.mark.req("S1")
def test_secrets_are_neither_recorded_nor_asked_in_the_open(tmp_path: Path) -> None:
    answers = {"password": Secret("violet-anchor"), "login": "ines"}
    person = DemoPerson(desk_of("demo", EMBEDDED, tmp_path, mark=True), INES, answers)
    asyncio.run(person.ask_secret(Question("password", "Password", "--password-stdin", secret=True)))
    asyncio.run(person.reveal(Secret("one-time-7"), "Temporary password"))
    assert asyncio.run(person.ask(Question("login", "Login", "--as"))) == "ines"
    with pytest.raises(UsageError):
        asyncio.run(person.ask(Question("password", "Password", "--password-stdin")))
    with pytest.raises(UsageError):
        asyncio.run(person.ask(Question("colour", "Colour", "--colour")))
    said = " ".join(line.text for line in person.record.lines)
    assert "violet" not in said
    assert "one-time-7" not in said
    assert person.told == [Secret("one-time-7")]


@pytest.mark.req("L5")
def test_nothing_but_the_performance_makes_one() -> None:
    users = [
        file.relative_to(ROOT).as_posix()
        for folder in ("helpdesk", "plugins")
        for file in (ROOT / folder).rglob("*.py")
        if "DemoPerson" in file.read_text(encoding="utf-8")
    ]
    assert sorted(users) == ["helpdesk/demo/performance.py", "helpdesk/demo/person.py"]


def test_the_company_is_whole() -> None:
    logins = {one.login for one in EMPLOYEES}
    assert len(logins) == len(EMPLOYEES) >= 12
    assert all({*team.owners, *team.members} <= logins and team.owners for team in TEAMS)
    assert all(len(one.words) >= 16 for one in EMPLOYEES)
    documents = dict(policies())
    assert len(documents) >= 6
    assert {name.rpartition(".")[2] for name in documents} == {"md", "html", "txt"}
    assert all(len(content.split()) > 250 for content in documents.values())
