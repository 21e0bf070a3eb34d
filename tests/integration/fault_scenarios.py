"""One scenario for each write that is shipped: how the company must stand, what is called, and what it writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from helpdesk.staffing import LEFT
from tests.integration.fault_world import FOR_EVER, Company, Record

Matches = Callable[[Record], bool]


class Duplicated(AssertionError):
    """An effect is there more than once."""


class Unlogged(AssertionError):
    """Something was written that is no effect of the call."""


@dataclass
class Turn:
    """One kill of a scenario: what to do in it, and where the records stood before.

    Attributes:
        todo: what :meth:`Start.go` takes. about: what the scenario has to remember.
    """

    number: int
    since: int = 0
    after: int = 0
    todo: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""


@dataclass(frozen=True)
class Scenario:
    """A write.

    Attributes:
        action: what the log calls it. part: who does it.
        prepare: makes the state that it begins from, by other hands.
        todo: what is done. writes: how many times each of its parts was written since then.
        by_others: it is prepared by starts of the program.
        again: the same may be asked for once more, and must be refused where it is done.
    """

    action: str
    part: str
    todo: Callable[[Company, Turn], Mapping[str, Any]]
    writes: Callable[[Company, Turn], Sequence[int]]
    prepare: Callable[[Company, Turn], None] = lambda _company, _turn: None
    by_others: bool = False
    again: bool = False

    def effect(self, company: Company, turn: Turn) -> str:
        """``none``, ``half`` or ``whole``. Raises Duplicated, Unlogged."""
        writes = self.writes(company, turn)
        if max(writes) > 1:
            raise Duplicated(f"{self.action}: written {writes} times")
        return "whole" if min(writes) else ("half" if max(writes) else "none")


def in_directory(*parts: Callable[[Company], Matches]) -> Callable[[Company, Turn], Sequence[int]]:
    """Counts in slapd's own record of changes; what is none of these parts must change nothing."""

    def writes(company: Company, turn: Turn) -> Sequence[int]:
        wanted = [part(company) for part in parts]
        counts = [0] * len(wanted)
        for record in company.changes(turn.since):
            found = [number for number, matches in enumerate(wanted) if matches(record)]
            if not found and not _changes_nothing(record):
                raise Unlogged(str(record))
            for number in found:
                counts[number] += 1
        return counts

    return writes


def _changes_nothing(record: Record) -> bool:
    """The right to set the flag is tried with what it is already: not set."""
    own = {"entryCSN", "modifiersName", "modifyTimestamp"}
    left = {name for name in record.operation if name not in own}
    return left == {"pwdReset"} and record.values["pwdReset"] == ()


def on(part: str, attribute: str, *values: str, unless: str = "") -> Callable[[Company], Matches]:
    def matches(company: Company) -> Matches:
        dn = company.dns[part].lower()
        return lambda record: (
            record.dn == dn
            and attribute in record.operation
            and (not values or record.values[attribute] == values)
            and unless not in record.operation
        )

    return matches


def member(operation: str, part: str = "target") -> Callable[[Company], Matches]:
    def matches(company: Company) -> Matches:
        group, dn = company.group_dn.lower(), company.dns[part]
        attribute = company.server.layout.member_attribute
        return lambda record: (
            record.dn == group
            and record.operation.get(attribute) == operation
            and record.values[attribute] == (dn,)
        )

    return matches


def added(company: Company, turn: Turn) -> Sequence[int]:
    """Counts entries that were added under the login that the turn is about; another change is none of its effects."""
    entry = f"uid={turn.about},{company.server.layout.people_base}".lower()
    records = company.changes(turn.since)
    other = [record for record in records if (record.dn, record.operation) != (entry, {"entry": "add"})]
    if other:
        raise Unlogged(str(other))
    return [len(records)]


def owner(company: Company) -> Matches:
    return lambda record: record.dn == company.group_dn.lower() and "owner" in record.operation


def in_file(query: str, file: str = "tickets.db") -> Callable[[Company, Turn], Sequence[int]]:
    """Counts in the file of the queue, or of another system of this machine."""

    def writes(company: Company, turn: Turn) -> Sequence[int]:
        path = company.state / file
        if not path.exists():
            return [0]
        with closing(sqlite3.connect(path)) as database:
            if not database.execute("PRAGMA user_version").fetchone()[0]:
                return [0]
            (found,) = database.execute(query, {"about": turn.about}).fetchone()
        return [int(found)]

    return writes


def _call(action: str, **arguments: str) -> Callable[[Company, Turn], Mapping[str, Any]]:
    """``@part`` is that part's login, ``{n}`` the number of the turn."""

    def todo(company: Company, turn: Turn) -> Mapping[str, Any]:
        given = {
            name: company.login(value[1:])
            if value.startswith("@")
            else value.format(n=turn.number, group=company.group, about=turn.about)
            for name, value in arguments.items()
        }
        return {"what": action, "arguments": given}

    return todo


def _reset_from(company: Company, _: Turn) -> None:
    company.let_the_password_age("target")
    company.set("target", "pwdReset")


def _change(company: Company, turn: Turn) -> Mapping[str, Any]:
    turn.about = f"tacks {turn.number} into the wind {company.number}"
    return {"what": "password.change", "secrets": {"new_password": turn.about}}


def _locked(company: Company, _: Turn) -> None:
    company.set("target", "pwdAccountLockedTime", datetime.now(UTC).strftime("%Y%m%d%H%M%SZ"))


def _ticket(company: Company, turn: Turn) -> None:
    arguments = {"subject": f"The mast of {turn.number} is loose"}
    company.do("target", "ticket.open", arguments=arguments)
    with closing(sqlite3.connect(company.state / "tickets.db")) as database:
        (number,) = database.execute("SELECT max(number) FROM ticket").fetchone()
    turn.about = str(number)


def _closed(company: Company, turn: Turn) -> None:
    _ticket(company, turn)
    company.do("target", "ticket.close", arguments={"id": turn.about})


def _subject(company: Company, turn: Turn) -> Mapping[str, Any]:
    turn.about = f"The rudder of {turn.number} is lost"
    return {"what": "ticket.open", "arguments": {"subject": turn.about}}


def _asked(company: Company, turn: Turn) -> None:
    company.members()
    ended = company.do("target", "access.request", arguments={"group": company.group}).ended
    assert ended["ended"] == "pending", ended
    turn.about = ended["request"]


def _granted(company: Company, turn: Turn) -> None:
    company.members()
    ended = company.do(
        "owner", **_call("access.grant", person="@target", group="{group}")(company, turn)
    ).ended
    assert ended["ended"] == "done", ended
    turn.about = str(ended["entry"])


def _somebody_new(company: Company, turn: Turn) -> Mapping[str, Any]:
    turn.about = f"new{turn.number}.{company.login('target')}"
    given = {"login": turn.about, "full_name": "Nora New", "mail": f"{turn.about}@example.test"}
    return {"what": "people.create", "arguments": given}


def _letter(company: Company, turn: Turn) -> Mapping[str, Any]:
    turn.about = f"The mast of {turn.number} stands"
    return _call("mail.send", person="@target", subject=turn.about, body="Come and look.")(company, turn)


def _addresses(*more: str) -> Callable[[Company, Turn], None]:
    def prepare(company: Company, _: Turn) -> None:
        own = f"{company.login('target')}@example.test"
        company.set("target", "mail", own, *(f"{name}.{own}" for name in more))

    return prepare


def _about_an_alias(action: str) -> Callable[[Company, Turn], Mapping[str, Any]]:
    def todo(company: Company, _: Turn) -> Mapping[str, Any]:
        login = company.login("target")
        return {"what": action, "arguments": {"person": login, "address": f"old.{login}@example.test"}}

    return todo


def _left(company: Company, _: Turn) -> None:
    company.set("target", "pwdAccountLockedTime", FOR_EVER)
    company.set("target", "employeeType", LEFT)


def _stays(company: Company, _: Turn) -> None:
    company.set("target", "pwdAccountLockedTime", FOR_EVER)
    company.set("target", "employeeType")


_GRANT = {"person": "@target", "group": "{group}"}
SCENARIOS = {
    "password.reset": Scenario(
        "password.reset",
        "desk",
        _call("password.reset", person="@target"),
        in_directory(on("target", "userPassword"), on("target", "pwdReset", "TRUE", unless="userPassword")),
        _reset_from,
    ),
    "password.change": Scenario(
        "password.change",
        "target",
        _change,
        in_directory(on("target", "userPassword")),
        lambda company, _: company.let_the_password_age("target"),
    ),
    "password.unlock": Scenario(
        "password.unlock",
        "desk",
        _call("password.unlock", person="@target"),
        in_directory(on("target", "pwdAccountLockedTime")),
        _locked,
    ),
    "account.disable": Scenario(
        "account.disable",
        "desk",
        _call("account.disable", person="@target"),
        in_directory(on("target", "pwdAccountLockedTime", FOR_EVER.decode())),
        lambda company, _: company.set("target", "pwdAccountLockedTime"),
    ),
    "account.enable": Scenario(
        "account.enable",
        "desk",
        _call("account.enable", person="@target"),
        in_directory(on("target", "pwdAccountLockedTime")),
        lambda company, _: company.set("target", "pwdAccountLockedTime", FOR_EVER),
    ),
    "access.grant": Scenario(
        "access.grant",
        "owner",
        _call("access.grant", **_GRANT),
        in_directory(member("add")),
        lambda company, _: company.members(),
    ),
    "access.revoke": Scenario(
        "access.revoke",
        "owner",
        _call("access.revoke", **_GRANT),
        in_directory(member("delete")),
        lambda company, _: company.members("target"),
    ),
    "people.update": Scenario(
        "people.update",
        "target",
        _call("people.update", phone="+49 30 {n}", title="Mate {n}"),
        in_directory(on("target", "telephoneNumber"), on("target", "title")),
    ),
    "people.create": Scenario("people.create", "desk", _somebody_new, added),
    "people.manager": Scenario(
        "people.manager",
        "desk",
        _call("people.manager", person="@target", manager="@owner"),
        in_directory(on("target", "manager")),
        lambda company, _: company.set("target", "manager"),
    ),
    "people.alias": Scenario(
        "people.alias",
        "desk",
        _about_an_alias("people.alias"),
        in_directory(on("target", "mail")),
        _addresses(),
    ),
    "people.unalias": Scenario(
        "people.unalias",
        "desk",
        _about_an_alias("people.unalias"),
        in_directory(on("target", "mail")),
        _addresses("old"),
    ),
    "people.archive": Scenario(
        "people.archive",
        "desk",
        _call("people.archive", person="@target"),
        in_directory(on("target", "employeeType")),
        _stays,
    ),
    "people.restore": Scenario(
        "people.restore",
        "desk",
        _call("people.restore", person="@target"),
        in_directory(on("target", "employeeType")),
        _left,
    ),
    "access.hand-over": Scenario(
        "access.hand-over",
        "desk",
        _call("access.hand-over", person="@owner", to="@second", groups="{group}"),
        in_directory(owner),
        lambda company, _: company.owned_by("owner"),
    ),
    "mail.send": Scenario(
        "mail.send",
        "desk",
        _letter,
        in_file("SELECT count(*) FROM letter WHERE subject = :about", "outbox.db"),
    ),
    "ticket.open": Scenario(
        "ticket.open",
        "target",
        _subject,
        in_file("SELECT count(*) FROM ticket WHERE subject = :about"),
    ),
    "ticket.comment": Scenario(
        "ticket.comment",
        "target",
        _call("ticket.comment", id="{about}", text="It is urgent"),
        in_file("SELECT count(*) FROM comment WHERE ticket = :about"),
        _ticket,
        by_others=True,
    ),
    "ticket.close": Scenario(
        "ticket.close",
        "target",
        _call("ticket.close", id="{about}"),
        in_file("SELECT count(*) FROM comment WHERE ticket = :about AND text = 'Closed.'"),
        _ticket,
        by_others=True,
        again=True,
    ),
    "ticket.reopen": Scenario(
        "ticket.reopen",
        "target",
        _call("ticket.reopen", id="{about}"),
        in_file("SELECT count(*) FROM comment WHERE ticket = :about AND text = 'Opened again.'"),
        _closed,
        by_others=True,
        again=True,
    ),
    "approve": Scenario(
        "access.request",
        "owner",
        lambda _company, turn: {"what": "approve", "id": turn.about},
        in_directory(member("add")),
        _asked,
        by_others=True,
        again=True,
    ),
    "undo": Scenario(
        "access.revoke",
        "owner",
        lambda _company, turn: {"what": "undo", "id": turn.about},
        in_directory(member("delete")),
        _granted,
        by_others=True,
        again=True,
    ),
}
"""By what is run; the approval is the write of ``access.request``."""
