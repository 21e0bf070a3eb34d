"""The checks of ``doctor`` one by one: what each calls a problem, what only a warning."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from helpdesk.app import checkup, checkup_systems
from helpdesk.app.checkup import Check, examined
from helpdesk.config import Config, RequestSettings
from helpdesk.errors import Ambiguous, Failed, NotFound, Refused, Unreachable
from helpdesk.identity import Group
from helpdesk.ports import DirectoryFacts, Ended, TextPiece
from helpdesk.text import Untrusted
from tests.unit.config_world import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def configured(machine: Machine, text: str) -> Config:
    machine.user(text)
    return machine.load()


def desk(config: Config, **parts: Any) -> Any:
    """A desk of these parts alone."""
    return cast(Any, SimpleNamespace(config=config, **parts))


def states(found: Iterable[Check]) -> list[str]:
    return [check.state for check in found]


class TestOneCheck:
    def test_an_error_of_ours_is_a_problem_with_its_hint(self) -> None:
        def look() -> Iterable[Check]:
            raise Failed("It broke.", hint="Mend it.", code="bad")

        assert asyncio.run(examined("x", look)) == [
            Check("x", "problem", "It broke.", "Mend it.", {"code": "bad"})
        ]

    def test_a_crash_is_a_problem_too(self) -> None:
        def look() -> Iterable[Check]:
            yield Check("x", "ok", "so far")
            raise ZeroDivisionError("oh")

        (check,) = asyncio.run(examined("x", look))
        assert (check.state, check.message) == ("problem", "The check broke: ZeroDivisionError: oh")

    @pytest.mark.req("D8")
    def test_one_that_never_ends_is_left_behind(self) -> None:
        end = threading.Event()

        def look() -> Iterable[Check]:
            end.wait(20)
            return []

        async def whole() -> list[Check]:
            found = await examined("x", look, deadline=0.05)
            end.set()
            return found

        (check,) = asyncio.run(whole())
        assert (check.state, check.facts) == ("problem", {"code": "unreachable"})


class TestTheStateFolder:
    @pytest.mark.parametrize(
        ("free", "state"), [(10**12, "ok"), (10**8, "warning"), (10**6, "problem"), (0, "problem")]
    )
    def test_room(self, machine: Machine, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
        (check,) = checkup.state_folder(machine.places())
        assert (check.state, check.facts["free"]) == (state, free)

    @pytest.mark.req("S7")
    def test_one_that_was_open_is_closed_and_told(self, machine: Machine) -> None:
        folder = machine.places().state
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        assert states(checkup.state_folder(machine.places()))[0] == "warning"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert states(checkup.state_folder(machine.places())) == ["ok"]


class Keyring:
    def __init__(self, reason: str | None) -> None:
        self.reason = reason

    def available(self) -> str | None:
        return self.reason


@pytest.mark.req("S6")
@pytest.mark.parametrize(
    ("text", "reason", "state"),
    [
        ("", None, "ok"),
        ("", "none is installed", "warning"),
        ("[session]\nstore = 'none'", "none is installed", "ok"),
        ("[session]\nstore = 'none'\n[llm]\napi_key = 'keyring:x'", "none is installed", "problem"),
        ("[llm]\napi_key = 'env:x'", "none is installed", "warning"),
    ],
)
def test_a_keyring_is_a_problem_only_where_something_is_kept_in_it(
    machine: Machine, text: str, reason: str | None, state: str
) -> None:
    (check,) = checkup.keyring(desk(configured(machine, text), keychain=Keyring(reason)))
    assert check.state == state


class Reader:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def group(self, name: str) -> Group:
        if isinstance(self.answer, Exception):
            raise self.answer
        return Group("1", f"cn={name},dc=example", name)


class TestRoles:
    LDAP = "[directory]\nurl = 'ldaps://a'\n[roles]\nhelpdesk = 'desk'\nprivileged = 'admins'\n"

    def found(self, config: Config, answer: Any, *, signed_in: bool = False) -> list[Check]:
        reader = Reader(answer)
        who = cast(Any, SimpleNamespace(directory=reader)) if signed_in else None
        return list(
            checkup_systems.roles(desk(config, directory=SimpleNamespace(look_up=lambda: reader)), who)
        )

    def test_groups_that_are_there(self, machine: Machine) -> None:
        assert states(self.found(configured(machine, self.LDAP), None)) == ["ok", "ok"]

    def test_what_nobody_may_see_without_signing_in_is_only_a_warning(self, machine: Machine) -> None:
        config = configured(machine, self.LDAP)
        hidden = NotFound("There is no group desk.")
        assert states(self.found(config, hidden)) == ["warning", "warning"]
        assert "--as LOGIN" in self.found(config, hidden)[0].hint
        assert states(self.found(config, Refused("No right."))) == ["warning", "warning"]

    def test_what_a_look_up_account_or_a_person_does_not_find_is_a_problem(self, machine: Machine) -> None:
        config = configured(machine, self.LDAP)
        hidden = NotFound("There is no group desk.")
        assert states(self.found(config, hidden, signed_in=True)) == ["problem", "problem"]
        bound = replace(config, directory=replace(config.directory, bind_dn="cn=look"))
        assert states(self.found(bound, hidden)) == ["problem", "problem"]

    def test_two_groups_of_one_name_are_a_problem_always(self, machine: Machine) -> None:
        config = configured(machine, self.LDAP)
        assert states(self.found(config, Ambiguous("Two groups."))) == ["problem", "problem"]

    def test_roles_that_are_not_configured_are_told(self, machine: Machine) -> None:
        assert states(self.found(configured(machine, "[directory]\nurl = 'ldaps://a'"), None)) == ["warning"]
        only = configured(machine, "[directory]\nurl = 'ldaps://a'\n[roles]\nhelpdesk = 'desk'")
        assert states(self.found(only, None)) == ["ok", "warning"]


class TestTheDirectory:
    def found(self, config: Config, facts: DirectoryFacts) -> list[Check]:
        return list(checkup_systems.directory(desk(config, directory=SimpleNamespace(facts=lambda: facts))))

    def test_it_says_whether_the_server_checks_the_previewed_state(self, machine: Machine) -> None:
        config = configured(machine, "[directory]\nurl = 'ldaps://a'")
        facts = DirectoryFacts("openldap", "ldaps://a:636", "dc=a", "ou=p,dc=a", "ou=g,dc=a", True, "LDAPS")
        found = self.found(config, facts)
        assert states(found) == ["ok"] * 4
        assert "RFC 4528" in found[1].message
        assert found[0].facts["assertion_control"] is True
        without = self.found(config, replace(facts, assertion_control=False))
        assert "read just before each write instead" in without[1].message

    def test_bases_that_were_not_found_name_their_key(self, machine: Machine) -> None:
        config = configured(machine, "[directory]\nurl = 'ldaps://a'")
        found = self.found(config, DirectoryFacts("openldap", "ldaps://a:636", "dc=a"))
        assert states(found) == ["ok", "ok", "warning", "warning"]
        assert [check.hint.split()[2].rstrip(",") for check in found[2:]] == ["people_base", "groups_base"]

    def test_a_dead_server_hides_no_other_system(self, machine: Machine) -> None:
        def facts() -> DirectoryFacts:
            raise Unreachable("ldaps://a gave no answer.", hint="Look at [directory] url.")

        config = configured(machine, "[directory]\nurl = 'ldaps://a'\n[roles]\nhelpdesk = 'desk'")
        found = asyncio.run(
            checkup_systems.system_checks(
                desk(
                    config,
                    directory=SimpleNamespace(facts=facts),
                    audit=SimpleNamespace(entries=lambda **_: []),
                )
            )
        )
        assert [(check.name, check.state) for check in found] == [
            ("directory", "problem"),
            ("model", "ok"),
            ("mail", "ok"),
        ]


class Model:
    """Answers with these pieces, and remembers being closed."""

    def __init__(self, *pieces: TextPiece | Ended) -> None:
        self.pieces = pieces
        self.closed = False

    async def complete(self, messages: Any, tools: Any) -> AsyncIterator[TextPiece | Ended]:
        for piece in self.pieces:
            yield piece

    async def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("pieces", "state"),
    [
        ((TextPiece(Untrusted("hello")), Ended("stop")), "ok"),
        ((Ended("stop"),), "ok"),
        ((Ended("cut"),), "problem"),
        ((), "problem"),
    ],
)
def test_a_model_must_answer(machine: Machine, pieces: Any, state: str) -> None:
    config = configured(machine, "[llm]\nurl = 'https://a/v1'\nmodel = 'm'")
    model = Model(*pieces)
    check = asyncio.run(checkup_systems.model(desk(config, model=model)))
    assert check.state == state
    assert model.closed


def test_requests_that_reach_nobody_are_told(machine: Machine) -> None:
    (machine.places().state / "requests").mkdir(parents=True)
    (machine.places().state / "requests" / "requests.db").touch()
    store = SimpleNamespace(altered=list, count_pending=lambda: 2)
    config = configured(machine, "[directory]\nurl = 'ldaps://a'")
    (check,) = checkup.requests(desk(config, paths=machine.places(), requests=store))
    assert check.message == "2 pending, not shared: nothing reaches an approver by itself"
    shared = replace(config, requests=RequestSettings(shared=True))
    (check,) = checkup.requests(desk(shared, paths=machine.places(), requests=store))
    assert check.message == "2 pending, shared"
