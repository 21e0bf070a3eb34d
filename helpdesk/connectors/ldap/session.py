"""A connection bound as one person: what it may do is for the directory to decide."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from helpdesk.connectors.ldap import refusals, staffing
from helpdesk.connectors.ldap.controls import Control, assertion
from helpdesk.connectors.ldap.deadline import bounded
from helpdesk.connectors.ldap.link import Link
from helpdesk.connectors.ldap.messages import Answer, Changes, Entry, Operation
from helpdesk.connectors.ldap.reader import LdapReader, Places
from helpdesk.connectors.ldap.style import Target
from helpdesk.connectors.names import says_nothing
from helpdesk.errors import (
    ConfigError,
    Failed,
    HelpdeskError,
    MustChangePassword,
    NotFound,
    PasswordRejected,
    Refused,
    Stale,
    Unreachable,
)
from helpdesk.identity import AccountStatus, Group, PasswordRules, Person
from helpdesk.secrets import Secret
from helpdesk.staffing import NewPerson
from helpdesk.text import local_time

if TYPE_CHECKING:
    from helpdesk.ports import Clock, ContactField


class LdapSession(LdapReader):
    """Implements :class:`helpdesk.ports.DirectorySession`.

    Args:
        link: bound as ``me``.
        others: a reader for what a sign-in that must change its password may not even read itself.
    """

    def __init__(
        self,
        link: Link,
        places: Places,
        clock: Clock,
        *,
        me: Person,
        must_change: bool,
        notices: tuple[str, ...],
        others: LdapReader,
    ) -> None:
        super().__init__(link, places, clock)
        self._me = me
        self._must_change = must_change
        self._notices = notices
        self._others = others

    @property
    def me(self) -> Person:
        return self._me

    @property
    def must_change(self) -> bool:
        return self._must_change

    @property
    def notices(self) -> tuple[str, ...]:
        return self._notices

    def close(self) -> None:
        self._link.close()

    # ── passwords ─────────────────────────────────────────────────────────────────────────────

    @bounded
    def change_own_password(self, new: Secret) -> None:
        _not_empty(new)
        accounts = self._places.layout(self._link).accounts
        answer = accounts.change_own(self._link, self._me, self._link.password, new)
        if not answer.ok:
            self._reject(answer, self._me)
        try:
            self._link.renew(new)
        except Unreachable:
            return  # it is changed; the next call connects again, with the new password
        finally:
            was_restricted, self._must_change = self._must_change, False
            self._notices = ()
        if was_restricted:
            self._me = self.person_by_dn(self._me.dn)

    @bounded
    def set_password(self, person: Person, new: Secret, *, must_change: bool) -> None:
        _not_empty(new)
        layout = self._layout()
        guard = self._guard(person.id) if self._places.settings.server_hashes else ()
        target = Target(person, guard) if guard else self._target(person)  # the one change checks it itself
        if layout.kind == "openldap" and not (layout.password_modify or self._places.settings.server_hashes):
            raise Failed(
                "The directory does not offer to set passwords (RFC 3062), and writing one plainly could store "
                "it unhashed.",
                hint="Have its administrators switch the password modify operation on.",
            )
        answer = layout.accounts.set_password(self._link, target, new, must_change=must_change)
        if not answer.ok:
            self._reject(answer, person)

    def _reject(self, answer: Answer, person: Person) -> None:
        """Raise why a password was refused, with the rule's own figure where it can be read."""
        own = person.id == self._me.id
        if answer.code == refusals.NO_RIGHT and not answer.policy.error:
            what = "change your password" if own else f"set the password of {person.login}"
            refusals.refuse(answer, what, person.login)
        reader = self._others if self._must_change else self
        rules, again = PasswordRules(), ""
        try:
            layout = self._places.layout(self._link)
            rules = layout.accounts.rules(reader._link, layout.base, person)
            moment = layout.accounts.may_change_after(reader._link, layout.base, person)
            again = local_time(moment, self._clock()) if moment and moment > self._clock() else ""
        except HelpdeskError:
            pass  # the sentence is told without the figure
        refusals.reject(answer, rules, again)

    # ── accounts ──────────────────────────────────────────────────────────────────────────────

    @bounded
    def person_and_status(self, id: str) -> tuple[Person, AccountStatus] | None:
        """Of oneself, :meth:`status` asks more than one answer holds."""
        return None if id == self._me.id else super().person_and_status(id)

    @bounded
    def status(self, person: Person) -> AccountStatus:
        """One's own account is read with the account for look-ups too: many servers hide a lock from its owner.

        Where nobody may see it, binding again tells: an account that was locked or disabled meanwhile ends the
        session here (D9).
        """
        told = super().status(person)
        if person.id != self._me.id or None not in (told.locked, told.enabled, told.must_change):
            return told
        with suppress(Refused, NotFound, ConfigError):  # what is hidden from everybody stays untold
            more = self._others.status(person)
            kept = {field.name: getattr(told, field.name) for field in fields(told)}
            told = replace(more, **{name: value for name, value in kept.items() if value is not None})
        if told.enabled is None:
            self._link.renew(self._link.password)
            return replace(told, enabled=True, locked=False)
        return told

    @bounded
    def unlock(self, person: Person) -> None:
        target = self._target(person)
        self._layout().accounts.unlock(self._link, target)

    @bounded
    def set_enabled(self, person: Person, enabled: bool) -> None:
        target = self._target(person)
        self._layout().accounts.set_enabled(self._link, target, enabled)

    @bounded
    def update_contact(self, person: Person, values: Mapping[ContactField, str]) -> None:
        if not values:
            return
        target = self._target(person)
        names = self._layout().names
        written = {names.contact(field): [value] if value.strip() else [] for field, value in values.items()}
        if "mail" in values and names.alias == names.mail:  # the others stay behind the first one
            written[names.mail] += [
                one for one in self.person_by_id(person.id).aliases if one != values["mail"]
            ]
        changes: Changes = {name: [("MODIFY_REPLACE", value)] for name, value in written.items()}
        answer = self._link.write(lambda client: client.modify(person.dn, changes, target.guard))
        if not answer.ok:
            whose = "your contact data" if person.id == self._me.id else f"the contact data of {person.login}"
            refusals.refuse(answer, f"change {whose}", person.login)

    # ── people who come, move and go ──────────────────────────────────────────────────────────

    @bounded
    def create_person(self, new: NewPerson) -> None:
        staffing.create(self, new)

    @bounded
    def set_manager(self, person: Person, manager: Person | None) -> None:
        staffing.set_manager(self, person, manager)

    @bounded
    def set_employment(self, person: Person, employment: str) -> None:
        staffing.set_employment(self, person, employment)

    @bounded
    def add_alias(self, person: Person, address: str) -> None:
        staffing.add_alias(self, person, address)

    @bounded
    def remove_alias(self, person: Person, address: str) -> None:
        staffing.remove_alias(self, person, address)

    @bounded
    def hand_over(self, group: Group, owner: Person, to: Person, *, stays: bool = False) -> None:
        staffing.hand_over(self, group, owner, to, stays=stays)

    # ── members ───────────────────────────────────────────────────────────────────────────────

    @bounded
    def add_member(self, group: Group, person: Person) -> None:
        answer, _ = self._member("MODIFY_ADD", group, person)
        if not answer.ok and answer.code not in {refusals.ALREADY_THERE, refusals.ENTRY_EXISTS}:
            refusals.refuse(answer, f"add {person.login} to {group.name}", group.name, group=True)

    @bounded
    def remove_member(self, group: Group, person: Person) -> None:
        answer, held = self._member("MODIFY_DELETE", group, person)
        if answer.code == refusals.CLASS_VIOLATION:
            raise Failed(
                f"{person.login} is the last member of {group.name}, and this group may not be empty.",
                hint="Add somebody else first.",
            )
        absent = answer.code == refusals.NO_SUCH_ATTRIBUTE or (answer.code == refusals.UNWILLING and not held)
        if not answer.ok and not absent:
            refusals.refuse(answer, f"remove {person.login} from {group.name}", group.name, group=True)

    def _member(self, operation: Operation, group: Group, person: Person) -> tuple[Answer, bool]:
        """Write one member; also whether it was one just before."""
        self._target(person)
        names = self._layout().names
        entry = self._at(group.dn, names.group_filter, names.group_attributes())
        if entry is None or names.entry_id(entry) != group.id:
            raise Stale(f"The group {group.name} is no longer the one it was.", hint="Look again.")
        attribute, value = _membership(entry, person)
        held = value.lower() in {text.lower() for text in entry.texts(attribute)}
        changes: Changes = {attribute: [(operation, [value])]}
        guard = self._guard(group.id)
        return self._link.write(lambda client: client.modify(group.dn, changes, guard)), held

    # ── the target is still the one that was looked at (D7) ───────────────────────────────────

    def _target(self, person: Person) -> Target:
        """The person's entry as it is just now. Raises Stale: it is another one, or gone."""
        names = self._layout().names
        entry = self._at(person.dn, names.person_filter, [names.id])
        if entry is None or names.entry_id(entry) != person.id:
            raise Stale(refusals.NOT_THE_SAME.format(person.login), hint="Look again, then decide.")
        return Target(person, self._guard(person.id))

    def _guard(self, id: str) -> tuple[Control, ...]:
        """RFC 4528: only while the entry has this id; empty where the server does not offer it."""
        layout = self._layout()
        return (assertion(layout.names.id, layout.names.id_value(id)),) if layout.assertion else ()

    def _check(self) -> None:
        if self._must_change:
            raise MustChangePassword(
                "You must choose a new password before anything else.", hint="helpdesk do password.change"
            )


def _membership(entry: Entry, person: Person) -> tuple[str, str]:
    """The attribute that holds the members of a group of this class, and what it holds."""
    classes = {name.lower() for name in entry.texts("objectClass")}
    if "groupofuniquenames" in classes:
        return "uniqueMember", person.dn
    if "posixgroup" in classes and not classes & {"groupofnames", "groupofmembers"}:
        return "memberUid", person.login
    return "member", person.dn


def _not_empty(new: Secret) -> None:
    if says_nothing(new.expose()) or "\0" in new.expose():
        raise PasswordRejected("The password was not accepted: it is empty.", hint="Choose a longer one.")
