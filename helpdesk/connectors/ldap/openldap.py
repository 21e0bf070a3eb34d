"""OpenLDAP-style accounts: RFC 3062 passwords, and the password policy overlay's attributes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from helpdesk.connectors.ldap import refusals
from helpdesk.connectors.ldap.client import Client
from helpdesk.connectors.ldap.controls import PASSWORD_POLICY_REQUEST
from helpdesk.connectors.ldap.escape import (
    NotADn,
    filter_and,
    filter_equal,
    filter_not,
    filter_or,
    filter_present,
    same_dn,
)
from helpdesk.connectors.ldap.link import Link
from helpdesk.connectors.ldap.messages import Answer, Changes, Entry
from helpdesk.connectors.ldap.style import Names, Target
from helpdesk.errors import Failed, HelpdeskError, NotFound, OutcomeUnknown
from helpdesk.identity import AccountStatus, PasswordRules, Person
from helpdesk.secrets import Secret

if TYPE_CHECKING:
    from helpdesk.ports import Clock

PASSWORD = "userPassword"  # noqa: S105  an attribute's name
LOCK = "pwdAccountLockedTime"
RESET = "pwdReset"
FAILURES = "pwdFailureTime"
CHANGED = "pwdChangedTime"
SUBENTRY = "pwdPolicySubentry"
FOR_EVER = b"000001010000Z"
"""The lock that no time and no reset lifts: how the policy overlay disables an account."""

STATE = ("entryUUID", LOCK, RESET, FAILURES, CHANGED, SUBENTRY)
"""The account's own attributes."""
_MAY_HIDE = (LOCK, RESET, FAILURES)
_GROUP_CLASSES = ("groupOfNames", "groupOfUniqueNames", "groupOfMembers", "posixGroup")
_POLICY = (
    "pwdMinLength",
    "pwdInHistory",
    "pwdLockout",
    "pwdMaxFailure",
    "pwdFailureCountInterval",
    "pwdLockoutDuration",
    "pwdMinAge",
    "pwdMaxAge",
)

NAMES = Names(
    id="entryUUID",
    id_text=lambda value: value.decode("ascii", "replace").lower(),
    id_value=lambda text: str(uuid.UUID(text)).encode(),
    login="uid",
    display=("displayName", "cn"),
    employee_number="employeeNumber",
    person_filter=filter_equal("objectClass", "person"),
    group_filter=filter_or(filter_equal("objectClass", name) for name in _GROUP_CLASSES),
    group_name="cn",
    member=("member", "uniqueMember"),
    owner=("owner",),
    new_person_classes=("inetOrgPerson",),
    new_person_name="{login_attribute}={login}",
)


@dataclass(frozen=True, slots=True)
class OpenLdapAccounts:
    """Implements :class:`helpdesk.connectors.ldap.style.Accounts`.

    Attributes:
        server_hashes: an administrator says so; a client cannot see it.
    """

    server_hashes: bool = False

    def status(self, link: Link, base: str, person: Person, clock: Clock) -> AccountStatus:
        """What is absent is told apart from what the reader may not see: see :meth:`_shown`."""
        return self.status_in(link, base, person, self._state(link, person), clock)

    def status_in(self, link: Link, base: str, person: Person, entry: Entry, clock: Clock) -> AccountStatus:
        """The same, from an entry that was read just now with :data:`STATE`."""
        shown = self._shown(link, person, [name for name in _MAY_HIDE if not entry.values(name)])
        return _status(entry, shown, self._policy(link, base, entry, lately=True), clock())

    def statuses(
        self, link: Link, base: str, people: Mapping[str, Entry], clock: Clock
    ) -> Mapping[str, AccountStatus]:
        """What :meth:`status` says of many people, by id; those of whom something may be hidden are left out.

        Args:
            people: their entries by id, with :data:`STATE`.
        """
        alike: dict[tuple[str, ...], list[str]] = {}
        for id, entry in people.items():
            absent = tuple(name for name in _MAY_HIDE if not entry.values(name))
            alike.setdefault(absent, []).append(id)
        told: dict[str, AccountStatus] = {}
        now = clock()
        for absent, ids in alike.items():
            for id in self._shown_of(link, base, ids, absent):
                rules = self._policy(link, base, people[id], lately=True)
                told[id] = _status(people[id], frozenset(absent), rules, now)
        return told

    def _shown_of(self, link: Link, base: str, ids: Sequence[str], absent: Sequence[str]) -> list[str]:
        """Of these people, those whose absent attributes the reader would see if they were there."""
        if not absent:
            return list(ids)
        everybody = filter_or(filter_equal(NAMES.id, NAMES.id_value(id)) for id in ids)
        filter = filter_and([everybody, *(filter_not(filter_present(name)) for name in absent)])
        found = link.read(lambda client: client.search(base, filter, [NAMES.id], limit=len(ids)))
        told = {NAMES.entry_id(entry) for entry in found.entries}
        return [id for id in ids if id in told]

    def rules(self, link: Link, base: str, person: Person) -> PasswordRules:
        return self._policy(link, base, self._state(link, person))

    def may_change_after(self, link: Link, base: str, person: Person) -> datetime | None:
        entry = self._state(link, person)
        changed, least = _moment(entry.text(CHANGED)), self._policy(link, base, entry).min_age_seconds
        return changed + timedelta(seconds=least) if changed and least else None

    def bind_reason(self, answer: Answer) -> str:
        error = answer.policy.error
        if answer.ok:
            return "must-change" if error == "change-after-reset" else ""
        return error if error in {"locked", "expired"} else ""

    def proves(self, client: Client, dn: str, login: str) -> bool:  # noqa: ARG002  part of the protocol
        name, answer = client.who_am_i()
        if not answer.ok or not name.lower().startswith("dn:"):
            return False
        try:
            return bool(name[3:].strip()) and same_dn(name[3:], dn)
        except NotADn:
            return False

    # ── writes ────────────────────────────────────────────────────────────────────────────────

    def change_own(self, link: Link, person: Person, old: Secret, new: Secret) -> Answer:
        return link.write(lambda client: client.modify_password(person.dn, new, old))

    def set_password(self, link: Link, target: Target, new: Secret, *, must_change: bool) -> Answer:
        """RFC 3062 first, so that the server hashes; then the flag, which a reset alone does not set.

        Where the server hashes what is written plainly too, one change does both, or neither.
        """
        person = target.person
        self._require_enabled(link, person)
        if self.server_hashes:
            changes: Changes = {PASSWORD: [("MODIFY_REPLACE", [new.expose()])]}
            if must_change:
                changes = {**changes, **_replace(RESET, "TRUE")}
            controls = [*target.guard, PASSWORD_POLICY_REQUEST]
            return link.write(lambda client: client.modify(person.dn, changes, controls))
        if must_change:
            link.known(("may flag", _parent(person.dn)), lambda: self._may_flag(link, target))
        answer = link.write(lambda client: client.modify_password(person.dn, new))
        if not answer.ok or not must_change:
            return answer
        try:
            flagged = link.write(
                lambda client: client.modify(person.dn, _replace(RESET, "TRUE"), target.guard)
            )
        except HelpdeskError as error:
            raise _half_done(person, error.message) from None
        if not flagged.ok:
            raise _half_done(person, f"The directory refused: {refusals.said(flagged)}.")
        return answer

    def _require_enabled(self, link: Link, person: Person) -> None:
        """A new password takes every lock away with it, also the one by which an account is disabled."""
        if FOR_EVER in self._state(link, person).values(LOCK):
            raise Failed(
                f"The account {person.login} is disabled, and a new password would switch it on again.",
                hint=f"Enable it first: helpdesk do account.enable {person.login}",
            )

    def _may_flag(self, link: Link, target: Target) -> bool:
        """Have the right to set the flag proved by a change that changes nothing, before anything does.

        Who resets many passwords proves it once in a while for the people who stand in one place: where it fails
        for one of them nevertheless, their reset is told as half-done.

        Raises:
            Refused, Failed: with the password as it was.
        """
        present = self._state(link, target.person).texts(RESET)
        same: Changes = {RESET: [("MODIFY_REPLACE", list(present))]}
        answer = link.write(lambda client: client.modify(target.person.dn, same, target.guard))
        if not answer.ok:
            login = target.person.login
            refusals.refuse(answer, f"have {login} choose a new password at the next sign-in", login)
        return True

    def unlock(self, link: Link, target: Target) -> None:
        person = target.person
        if FOR_EVER in self._state(link, person).values(LOCK):
            raise Failed(
                f"The account {person.login} is disabled, not locked.",
                hint=f"Enable it: helpdesk do account.enable {person.login}",
            )
        answer = link.write(lambda client: client.modify(person.dn, _delete(LOCK), target.guard))
        if answer.code not in {refusals.OK, refusals.NO_SUCH_ATTRIBUTE}:
            refusals.refuse(answer, f"unlock {person.login}", person.login)
        # Old failures would lock it again at the next slip. Most servers keep them to themselves: no error then.
        link.write(lambda client: client.modify(person.dn, _delete(FAILURES), target.guard))

    def set_enabled(self, link: Link, target: Target, enabled: bool) -> None:
        person = target.person
        changes = _delete(LOCK, FOR_EVER) if enabled else _replace(LOCK, FOR_EVER)
        answer = link.write(lambda client: client.modify(person.dn, changes, target.guard))
        if answer.code == refusals.NO_SUCH_ATTRIBUTE and enabled:
            return  # it was not disabled
        if not answer.ok:
            refusals.refuse(answer, f"{'enable' if enabled else 'disable'} {person.login}", person.login)

    def closed(self) -> Mapping[str, Sequence[str | bytes]]:
        return {LOCK: [FOR_EVER]}

    # ── reading ───────────────────────────────────────────────────────────────────────────────

    def _state(self, link: Link, person: Person) -> Entry:
        """The account's own attributes. Raises NotFound: the entry is gone, or is another one."""
        found = link.read(
            lambda client: client.search(person.dn, filter_present("objectClass"), STATE, scope="BASE")
        )
        if found.answer.code == refusals.NO_RIGHT:
            refusals.refuse(found.answer, f"see the account {person.login}")
        if len(found.entries) != 1 or NAMES.entry_id(found.entries[0]) != person.id:
            raise NotFound(f"The account {person.login} is no longer in the directory.")
        return found.entries[0]

    def _shown(self, link: Link, person: Person, absent: Sequence[str]) -> frozenset[str]:
        """Which of these absent attributes the reader would see if they were there.

        A server tells ``(!(attribute=*))`` only to who may see the attribute: for others it is undefined.
        """
        if not absent:
            return frozenset()

        def told(names: Sequence[str]) -> bool:
            filter = filter_and(filter_not(filter_present(name)) for name in names)
            found = link.read(lambda client: client.search(person.dn, filter, [NAMES.id], scope="BASE"))
            return len(found.entries) == 1

        place = (_parent(person.dn), *absent)
        if link.known(("shown", *place), lambda: told(absent)):
            return frozenset(absent)
        return frozenset(name for name in absent if len(absent) > 1 and told([name]))

    def _policy(self, link: Link, base: str, entry: Entry, *, lately: bool = False) -> PasswordRules:
        """The policy that the entry names, else the only one there is.

        Args:
            lately: it may be as it was a moment ago.
        """
        named = entry.text(SUBENTRY)

        def ask() -> tuple[Entry, ...]:
            if named:
                found = link.read(
                    lambda client: client.search(named, filter_present("objectClass"), _POLICY, scope="BASE")
                )
            else:
                kind = filter_equal("objectClass", "pwdPolicy")
                found = link.read(lambda client: client.search(base, kind, _POLICY, limit=2))
            return found.entries

        found = link.known(("policy", named), ask) if lately else ask()
        return _rules(found[0]) if len(found) == 1 else PasswordRules()


def _status(entry: Entry, shown: frozenset[str], rules: PasswordRules, now: datetime) -> AccountStatus:
    """``shown``: the absent attributes that the reader would see if they were there."""
    lock, reset, failures = entry.values(LOCK), entry.text(RESET), entry.values(FAILURES)
    locked, until, enabled = _lock(lock, LOCK in shown, rules, now)
    changed = _moment(entry.text(CHANGED))
    expires = (
        changed + timedelta(seconds=rules.max_age_seconds) if changed and rules.max_age_seconds else None
    )
    return AccountStatus(
        locked=locked,
        locked_until=until,
        enabled=enabled,
        must_change=reset.upper() == "TRUE" if reset or RESET in shown else None,
        password_changed=changed,
        password_expires=expires,
        failures=len(failures) if failures or FAILURES in shown else None,
    )


def _lock(
    lock: Sequence[bytes], shown: bool, rules: PasswordRules, now: datetime
) -> tuple[bool | None, datetime | None, bool | None]:
    """Locked, until when, and enabled."""
    if not lock:
        return (False, None, True) if shown else (None, None, None)
    if FOR_EVER in lock:
        return False, None, False
    begun = _moment(lock[0].decode("ascii", "replace"))
    if begun is None or not rules.lockout_seconds:
        return True, None, True
    until = begun + timedelta(seconds=rules.lockout_seconds)
    return (True, until, True) if until > now else (False, None, True)


def _half_done(person: Person, reason: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{person.login} has a new password, but it is not known whether it must be changed. {reason}",
        hint="Set the password once more, or have the directory's administrators set pwdReset.",
    )


def _parent(dn: str) -> str:
    """The place where an entry stands, as text; two spellings of it are two places, which costs a question."""
    return dn.replace("\\,", "").partition(",")[2].lower()


def _replace(attribute: str, value: str | bytes) -> Changes:
    return {attribute: [("MODIFY_REPLACE", [value])]}


def _delete(attribute: str, *values: str | bytes) -> Changes:
    return {attribute: [("MODIFY_DELETE", list(values))]}


def _rules(entry: Entry) -> PasswordRules:
    def read(name: str) -> int | None:
        text = entry.text(name)
        return int(text) if text.isascii() and text.isdigit() else None

    locks = entry.text("pwdLockout").upper() == "TRUE"
    return PasswordRules(
        min_length=read("pwdMinLength"),
        history=read("pwdInHistory"),
        max_failures=read("pwdMaxFailure") if locks else None,
        failure_window_seconds=(read("pwdFailureCountInterval") or 0) if locks else None,
        lockout_seconds=read("pwdLockoutDuration") if locks else None,
        min_age_seconds=read("pwdMinAge"),
        max_age_seconds=read("pwdMaxAge"),
    )


def _moment(text: str) -> datetime | None:
    """Generalized time, UTC; fractions of a second are dropped."""
    try:
        return datetime.strptime(text.split(".")[0].rstrip("Z"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
