"""What a session writes about people who come, move and go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from helpdesk.connectors.ldap import refusals
from helpdesk.connectors.ldap.discovery import find_new_people_base
from helpdesk.connectors.ldap.escape import filter_and, filter_equal, filter_or, rdn_value, same_dn
from helpdesk.connectors.ldap.messages import Changes, Entry
from helpdesk.connectors.names import key
from helpdesk.errors import ConfigError, Failed, Stale
from helpdesk.identity import Group, Person
from helpdesk.staffing import NewPerson
from helpdesk.text import shorten

if TYPE_CHECKING:
    from helpdesk.connectors.ldap.discovery import Layout
    from helpdesk.connectors.ldap.session import LdapSession


def create(session: LdapSession, new: NewPerson) -> None:
    layout = session._layout()
    there = _holders(session, new.login)
    if any(_is(person, new) for person in there):
        return
    for name in filter(None, (new.login, new.mail, new.employee_number)):
        if _holders(session, name):
            raise _taken(name)
    settings = session._places.settings
    template = settings.new_person_name or layout.names.new_person_name
    base = settings.new_people_base or find_new_people_base(session._link, layout)
    dn = f"{_rdn(template, layout, new)},{base}"
    more = dict(one.strip().split("=", 1) for one in settings.new_person_attributes)
    fixed = {name: [_filled(value, new)] for name, value in more.items()}
    attributes = {**fixed, **_attributes(layout, new), **layout.accounts.closed()}
    classes = settings.new_person_classes or layout.names.new_person_classes
    whole = {"objectClass": classes, **attributes}
    answer = session._link.write(lambda client: client.add(dn, whole))
    if answer.code == refusals.ENTRY_EXISTS and any(_is(one, new) for one in _holders(session, new.login)):
        return  # somebody asked for the very same at the same time
    if answer.code == refusals.ENTRY_EXISTS:
        raise _taken(new.name)
    if answer.code in {refusals.CLASS_VIOLATION, 16, 17, 21, refusals.NO_SUCH_ENTRY}:
        raise ConfigError(
            f"The directory does not take people of this shape at {dn}: {refusals.said(answer)}.",
            hint="Set [directory] new_people_base, new_person_name and new_person_classes to what it wants.",
        )
    if not answer.ok:
        refusals.refuse(answer, f"add {new.login}", new.login)


def _rdn(template: str, layout: Layout, new: NewPerson) -> str:
    """What the new entry is called below its place: ``uid=ana`` of ``{login_attribute}={login}``."""
    attribute, _, pattern = template.replace("{login_attribute}", layout.login_attribute).partition("=")
    return f"{attribute}={rdn_value(_filled(pattern, new))}"


def _filled(pattern: str, new: NewPerson) -> str:
    known = {"login": new.login, "name": new.name, "number": new.employee_number}
    for name, value in known.items():
        pattern = pattern.replace(f"{{{name}}}", value)
    return pattern


def _attributes(layout: Layout, new: NewPerson) -> dict[str, Sequence[str | bytes]]:
    names = layout.names
    given = {
        layout.login_attribute: new.login,
        "cn": new.name,
        "sn": new.name.split()[-1],
        "displayName": new.name,
        names.mail: new.mail,
        names.title: new.title,
        names.employee_number: new.employee_number,
        names.manager: new.manager.dn if new.manager else "",
    }
    return {name: [value] for name, value in given.items() if value}


def _is(person: Person, new: NewPerson) -> bool:
    manager = new.manager.dn if new.manager else ""
    same = (person.login, person.name, person.mail, person.title, person.employee_number)
    return same == (new.login, new.name, new.mail, new.title, new.employee_number) and (
        (not manager and not person.manager_dn) or bool(manager and same_dn(person.manager_dn, manager))
    )


def _holders(session: LdapSession, name: str) -> list[Person]:
    """Everybody in the whole directory, not only where people are looked for, who is called so or reached there."""
    layout = session._layout()
    names = layout.names
    fields = [layout.login_attribute, names.mail, names.employee_number]
    called = [filter_equal(field, name) for field in fields]
    if names.alias != names.mail:
        called.append(filter_equal(names.alias, names.alias_prefix + name))
    filter = filter_and([names.person_filter, filter_or(called)])
    return [session._as_person(entry) for entry in session._people(layout.base, filter, limit=5).entries]


def set_manager(session: LdapSession, person: Person, manager: Person | None) -> None:
    names = session._layout().names
    if manager is not None:
        session._target(manager)
    value = [manager.dn] if manager else []
    _replace(session, person, {names.manager: value}, f"change who {person.login} reports to")


def set_employment(session: LdapSession, person: Person, employment: str) -> None:
    names = session._layout().names
    value = [employment] if employment else []
    _replace(session, person, {names.employment: value}, f"change the entry of {person.login}")


def _replace(session: LdapSession, person: Person, values: Mapping[str, Sequence[str]], what: str) -> None:
    changes: Changes = {name: [("MODIFY_REPLACE", list(given))] for name, given in values.items()}
    _modify(session, person, changes, what)


def _modify(
    session: LdapSession, person: Person, changes: Changes, what: str, harmless: frozenset[int] = frozenset()
) -> None:
    target = session._target(person)
    answer = session._link.write(lambda client: client.modify(person.dn, changes, target.guard))
    if not answer.ok and answer.code not in harmless:
        refusals.refuse(answer, what, person.login)


def add_alias(session: LdapSession, person: Person, address: str) -> None:
    names = session._layout().names
    now = session.person_by_id(person.id)
    if not now.mail:
        raise Failed(
            f"{person.login} has no mail address of their own yet, so there is nothing to add another one to.",
            hint="Set the first one, then add others.",
        )
    if any(holder.id != person.id for holder in _holders(session, address)):
        raise _taken(address)
    if key(address) in {key(one) for one in (now.mail, *now.aliases)}:
        return
    changes: Changes = {names.alias: [("MODIFY_ADD", [names.alias_prefix + address])]}
    what = f"change the addresses of {person.login}"
    _modify(session, person, changes, what, frozenset({refusals.ALREADY_THERE, refusals.ENTRY_EXISTS}))


def remove_alias(session: LdapSession, person: Person, address: str) -> None:
    names = session._layout().names
    now = session.person_by_id(person.id)
    held = next((one for one in now.aliases if key(one) == key(address)), None)
    if held is None:
        return
    changes: Changes = {names.alias: [("MODIFY_DELETE", [names.alias_prefix + held])]}
    what = f"change the addresses of {person.login}"
    _modify(session, person, changes, what, frozenset({refusals.NO_SUCH_ATTRIBUTE}))


# ── groups ────────────────────────────────────────────────────────────────────────────────────


def hand_over(session: LdapSession, group: Group, owner: Person, to: Person, *, stays: bool) -> None:
    session._target(to)
    names = session._layout().names
    entry = session._at(group.dn, names.group_filter, names.group_attributes())
    if entry is None or names.entry_id(entry) != group.id:
        raise Stale(f"The group {group.name} is no longer the one it was.", hint="Look again.")
    attribute, written = _ownership(entry, names.owner, owner)
    others = [dn for dn in entry.texts(attribute) if dn != written]
    there = any(same_dn(dn, to.dn) for dn in others)
    if stays and names.one_owner and not there:
        raise Failed(
            f"{group.name} can have one owner only, so {owner.login} cannot stay one beside {to.login}.",
            hint="Hand it over without staying its owner.",
        )
    steps: list[tuple[str, str]] = [] if stays else [("MODIFY_DELETE", written)]
    if not there:
        steps.append(("MODIFY_ADD", to.dn))
    if not steps or same_dn(owner.dn, to.dn):
        return
    changes: Changes = {attribute: [(how, [dn]) for how, dn in steps]}  # type: ignore[misc]
    guard = session._guard(group.id)
    answer = session._link.write(lambda client: client.modify(group.dn, changes, guard))
    if answer.code in {refusals.NO_SUCH_ATTRIBUTE, refusals.ALREADY_THERE}:
        raise Stale(f"The owners of {group.name} changed meanwhile.", hint="Look again, then decide.")
    if not answer.ok:
        refusals.refuse(answer, f"change who owns {group.name}", group.name, group=True)


def _ownership(entry: Entry, attributes: Sequence[str], owner: Person) -> tuple[str, str]:
    """The attribute that names this owner, and the name as it is written there."""
    for attribute in attributes:
        for dn in entry.texts(attribute):
            if same_dn(dn, owner.dn):
                return attribute, dn
    raise Stale(f"{owner.login} does not own {shorten(entry.dn, 80)} any more.", hint="Look again.")


def _taken(name: str) -> Failed:
    return Failed(
        f"{shorten(name, 80)!r} belongs to somebody in the directory already.",
        hint="See who it is: helpdesk do people.find WORDS",
        code="taken",
    )
