"""Many people looked at with a few searches: what a batch reads of its rows before each of their effects.

What cannot be told of somebody with certainty this way is left out, and read of them alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from helpdesk.connectors.ldap.escape import NotADn, filter_and, filter_equal, filter_or, folded
from helpdesk.connectors.ldap.messages import Entry
from helpdesk.connectors.ldap.openldap import STATE, OpenLdapAccounts
from helpdesk.connectors.names import key, says_nothing
from helpdesk.identity import AccountStatus, Group, Person
from helpdesk.ports import Snapshot

if TYPE_CHECKING:
    from helpdesk.connectors.ldap.discovery import Layout
    from helpdesk.connectors.ldap.reader import LdapReader

NAMES_AT_ONCE = 40
PEOPLE_AT_ONCE = 64
_MAX_DEPTH = 12
_PLAIN = re.compile(r"[A-Za-z0-9=,. _@'()/:-]*")
_EDGES = re.compile(r" *([=,]) *")


def called(reader: LdapReader, names: Sequence[str]) -> Mapping[str, Sequence[Person]]:
    """See :meth:`helpdesk.ports.ReadsMany.called`."""
    layout = reader._layout()
    fields = [layout.login_attribute, layout.names.mail, layout.names.employee_number]
    wanted = [name for name in dict.fromkeys(names) if not says_nothing(name) and "\0" not in name]
    told: dict[str, Sequence[Person]] = {}
    for some in _parts(wanted, NAMES_AT_ONCE):
        said = filter_or(filter_equal(field, name) for name in some for field in fields)
        filter = filter_and([layout.names.person_filter, said])
        found = reader._people(layout.people_base, filter, limit=5 * len(some))
        if not found.answer.ok:
            continue  # there are more than were shown: each is looked up alone
        holders: dict[str, dict[str, Person]] = {}
        for entry in found.entries:
            person = reader._as_person(entry)
            for value in (value for field in fields for value in entry.texts(field)):
                holders.setdefault(key(value), {})[person.id] = person
        told |= {name: list(holders.get(key(name), {}).values()) for name in some}
    return told


def snapshots(reader: LdapReader, ids: Sequence[str]) -> Mapping[str, Snapshot]:
    """See :meth:`helpdesk.ports.ReadsMany.snapshots`."""
    layout = reader._layout()
    if layout.kind != "openldap":
        return {}  # a server that finds nested groups by itself does not say through whom
    told: dict[str, Snapshot] = {}
    for some in _parts([id for id in dict.fromkeys(ids) if _is_id(id, layout)], PEOPLE_AT_ONCE):
        entries = _entries(reader, some, layout)
        people = {id: reader._as_person(entry) for id, entry in entries.items()}
        groups = _groups(reader, list(people.values()), layout)
        statuses = layout.accounts.statuses(reader._link, layout.base, entries, reader._clock)
        for id, person in people.items():
            mine = groups[id]
            known = {group.dn.lower() for group in mine}
            if id in statuses and all(dn.lower() in known for dn in entries[id].texts("memberOf")):
                told[id] = Snapshot(person, statuses[id], tuple(mine))
    return told


def person_and_status(reader: LdapReader, id: str) -> tuple[Person, AccountStatus] | None:
    """See :meth:`helpdesk.handles.ReadsBoth.person_and_status`."""
    layout = reader._layout()
    accounts = layout.accounts
    if not isinstance(accounts, OpenLdapAccounts) or not _is_id(id, layout):
        return None
    entry = _entries(reader, [id], layout).get(id)
    if entry is None:
        return None
    person = reader._as_person(entry)
    return person, accounts.status_in(reader._link, layout.base, person, entry, reader._clock)


def _entries(reader: LdapReader, ids: Sequence[str], layout: Layout) -> dict[str, Entry]:
    """The people's entries by id; an id that two entries have is nobody's."""
    names = layout.names
    everybody = filter_or(filter_equal(names.id, names.id_value(id)) for id in ids)
    wanted = dict.fromkeys([*names.person_attributes(layout.login_attribute), *STATE, "memberOf"])
    found = reader._ask(
        lambda client: client.search(
            layout.base, filter_and([names.person_filter, everybody]), list(wanted), limit=2 * len(ids)
        )
    )
    reader._seen(found, layout.base, "people")
    entries: dict[str, list[Entry]] = {}
    for entry in found.entries:
        entries.setdefault(names.entry_id(entry), []).append(entry)
    return {id: those[0] for id, those in entries.items() if id in ids and len(those) == 1}


def _groups(reader: LdapReader, people: Sequence[Person], layout: Layout) -> dict[str, list[Group]]:
    """The groups that hold each of these people, directly or through other groups, by the person's id."""
    holders: dict[Any, dict[str, Group]] = {}
    asked: set[Any] = set()
    asking = [(person.dn, person.login) for person in people]
    for _ in range(_MAX_DEPTH):
        if not asking:
            break
        asked |= {_name(dn) for dn, _ in asking}
        found: dict[str, Group] = {}
        for some in _parts(asking, PEOPLE_AT_ONCE):
            for group, members in _holding(reader, some, layout):
                found[group.dn] = group
                for member in members:
                    holders.setdefault(member, {})[group.dn.lower()] = group
        asking = [(dn, "") for dn in found if _name(dn) not in asked]
    return {person.id: _all_above(person, holders) for person in people}


def _holding(
    reader: LdapReader, members: Sequence[tuple[str, str]], layout: Layout
) -> Iterator[tuple[Group, list[Any]]]:
    """Groups that hold any of these (DN, login) pairs, each with the names of everybody in it."""
    names = layout.names
    filter = filter_and(
        [names.group_filter, filter_or(names.member_filter(dn, login) for dn, login in members)]
    )
    wanted = [*names.group_attributes(), "memberUid"]
    found = reader._ask(lambda client: client.search(layout.base, filter, wanted))
    reader._seen(found, layout.base, "groups")
    for entry in found.entries:
        group = names.as_group(entry)
        yield (
            group,
            [*map(_name, group.member_dns), *(("login", key(uid)) for uid in entry.texts("memberUid"))],
        )


def _all_above(person: Person, holders: Mapping[Any, Mapping[str, Group]]) -> list[Group]:
    mine: dict[str, Group] = {}
    rising: list[Any] = [_name(person.dn), ("login", key(person.login))]
    while rising:
        for dn, group in holders.get(rising.pop(), {}).items():
            if dn not in mine:
                mine[dn] = group
                rising.append(_name(group.dn))
    return sorted(mine.values(), key=lambda group: group.name)


def _name(dn: str) -> Any:
    """A DN in a form that is equal for all its spellings; the usual ones are not taken apart for it."""
    if _PLAIN.fullmatch(dn) and "  " not in dn:
        return _EDGES.sub(r"\1", dn.strip()).casefold()
    try:
        return folded(dn)
    except NotADn:
        return dn


def _is_id(id: str, layout: Layout) -> bool:
    try:
        layout.names.id_value(id)
    except ValueError:
        return False
    return True


def _parts(items: Sequence[Any], many: int) -> Iterable[Sequence[Any]]:
    return (items[start : start + many] for start in range(0, len(items), many))
