"""Active Directory's accounts: unicodePwd, lockoutTime, pwdLastSet, userAccountControl."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from helpdesk.connectors.ldap import refusals
from helpdesk.connectors.ldap.client import Client
from helpdesk.connectors.ldap.controls import PolicyAnswer
from helpdesk.connectors.ldap.escape import filter_and, filter_equal, filter_present
from helpdesk.connectors.ldap.link import Link
from helpdesk.connectors.ldap.messages import Answer, Changes, Entry
from helpdesk.connectors.ldap.style import Names, Target
from helpdesk.connectors.names import key
from helpdesk.errors import NotFound
from helpdesk.identity import AccountStatus, PasswordRules, Person
from helpdesk.secrets import Secret

if TYPE_CHECKING:
    from helpdesk.ports import Clock

LOCK = "lockoutTime"
CONTROL = "userAccountControl"
COMPUTED = "msDS-User-Account-Control-Computed"
LAST_SET = "pwdLastSet"
EXPIRES = "msDS-UserPasswordExpiryTimeComputed"
FAILURES = "badPwdCount"
_STATE = (LOCK, CONTROL, COMPUTED, LAST_SET, EXPIRES, FAILURES)
_DOMAIN = (
    "minPwdLength",
    "pwdHistoryLength",
    "lockoutThreshold",
    "lockOutObservationWindow",
    "lockoutDuration",
    "minPwdAge",
    "maxPwdAge",
)

DISABLED = 0x2
NORMAL = 0x200
LOCKED_OUT = 0x10
_NEVER = 0x7FFFFFFFFFFFFFFF
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_REASONS = {
    "775": "locked",
    "533": "disabled",
    "701": "account-expired",
    "532": "expired",
    "773": "must-change",
}
_POLICY_REFUSAL = "0000052D"
_WRONG_OLD = "00000056"

NAMES = Names(
    id="objectGUID",
    id_text=lambda value: str(uuid.UUID(bytes_le=value)) if len(value) == 16 else "",
    id_value=lambda text: uuid.UUID(text).bytes_le,
    login="sAMAccountName",
    display=("displayName", "cn"),
    employee_number="employeeNumber",
    person_filter=filter_and([filter_equal("objectCategory", "person"), filter_equal("objectClass", "user")]),
    group_filter=filter_equal("objectClass", "group"),
    group_name="sAMAccountName",
    member=("member",),
    owner=("managedBy",),
    alias="proxyAddresses",
    alias_prefix="smtp:",
    one_owner=True,
    new_person_classes=("top", "person", "organizationalPerson", "user"),
    new_person_name="CN={name}",
    nested="1.2.840.113556.1.4.1941",
    groups_anywhere=True,
    primary_group=("primaryGroupID", "objectSid"),
)


@dataclass(frozen=True, slots=True)
class ActiveDirectoryAccounts:
    """Implements :class:`helpdesk.connectors.ldap.style.Accounts`."""

    def status(self, link: Link, base: str, person: Person, clock: Clock) -> AccountStatus:
        entry = self._state(link, person)
        control, computed = _number(entry, CONTROL), _number(entry, COMPUTED)
        locked_at, last_set = _number(entry, LOCK), _number(entry, LAST_SET)
        seconds = self.rules(link, base, person).lockout_seconds
        begun = _moment(locked_at)
        until = begun + timedelta(seconds=seconds) if begun and seconds else None
        if computed is not None:
            locked: bool | None = bool(computed & LOCKED_OUT)
        elif locked_at is None:
            locked = None if control is None else False
        else:
            locked = locked_at != 0 and (until is None or until > clock())
        return AccountStatus(
            locked=locked,
            locked_until=until if locked else None,
            enabled=None if control is None else not control & DISABLED,
            must_change=None if last_set is None else last_set == 0,
            password_changed=_moment(last_set),
            password_expires=_moment(_number(entry, EXPIRES)),
            failures=_number(entry, FAILURES),
        )

    def statuses(
        self,
        link: Link,  # noqa: ARG002  part of the protocol
        base: str,  # noqa: ARG002
        people: Mapping[str, Entry],  # noqa: ARG002
        clock: Clock,  # noqa: ARG002
    ) -> Mapping[str, AccountStatus]:
        """Nobody: each is looked at alone."""
        return {}

    def rules(self, link: Link, base: str, person: Person) -> PasswordRules:  # noqa: ARG002  part of the protocol
        """The domain's rules; fine-grained ones are not readable by everyone and are not looked for."""
        found = link.read(
            lambda client: client.search(base, filter_present("objectClass"), _DOMAIN, scope="BASE")
        )
        if len(found.entries) != 1:
            return PasswordRules()
        domain = found.entries[0]
        threshold = _number(domain, "lockoutThreshold")
        return PasswordRules(
            min_length=_number(domain, "minPwdLength"),
            history=_number(domain, "pwdHistoryLength"),
            max_failures=threshold or None,
            failure_window_seconds=_seconds(domain, "lockOutObservationWindow"),
            lockout_seconds=_seconds(domain, "lockoutDuration"),
            min_age_seconds=_seconds(domain, "minPwdAge"),
            max_age_seconds=_seconds(domain, "maxPwdAge"),
        )

    def may_change_after(self, link: Link, base: str, person: Person) -> datetime | None:
        changed = _moment(_number(self._state(link, person), LAST_SET))
        least = self.rules(link, base, person).min_age_seconds
        return changed + timedelta(seconds=least) if changed and least else None

    def bind_reason(self, answer: Answer) -> str:
        if answer.ok:
            return ""
        code = re.search(r"\bdata ([0-9a-fA-F]+)", answer.message)
        return _REASONS.get(code[1].lower(), "") if code else ""

    def proves(self, client: Client, dn: str, login: str) -> bool:  # noqa: ARG002  part of the protocol
        """It answers with ``u:DOMAIN\\login``."""
        name, answer = client.who_am_i()
        if not answer.ok or not name.startswith("u:"):
            return False
        _, found, account = name[2:].partition("\\")
        return bool(found and account) and key(account) == key(login)

    # ── writes ────────────────────────────────────────────────────────────────────────────────

    def change_own(self, link: Link, person: Person, old: Secret, new: Secret) -> Answer:
        """Both passwords in one modify: the form that needs no right but one's own."""
        changes: Changes = {"unicodePwd": [("MODIFY_DELETE", [_quoted(old)]), ("MODIFY_ADD", [_quoted(new)])]}
        return _explained(link.write(lambda client: client.modify(person.dn, changes)))

    def set_password(self, link: Link, target: Target, new: Secret, *, must_change: bool) -> Answer:
        changes: Changes = {
            "unicodePwd": [("MODIFY_REPLACE", [_quoted(new)])],
            LAST_SET: [("MODIFY_REPLACE", ["0" if must_change else "-1"])],
        }
        return _explained(link.write(lambda client: client.modify(target.person.dn, changes, target.guard)))

    def unlock(self, link: Link, target: Target) -> None:
        self._set(link, target, LOCK, "0", f"unlock {target.person.login}")

    def set_enabled(self, link: Link, target: Target, enabled: bool) -> None:
        what = f"{'enable' if enabled else 'disable'} {target.person.login}"
        control = _number(self._state(link, target.person), CONTROL)
        if control is None:
            refusals.refuse(Answer(refusals.NO_RIGHT), what)
        wanted = control & ~DISABLED if enabled else control | DISABLED
        if wanted != control:
            self._set(link, target, CONTROL, str(wanted), what)

    def closed(self) -> Mapping[str, Sequence[str | bytes]]:
        return {CONTROL: [str(NORMAL | DISABLED)]}

    def _set(self, link: Link, target: Target, attribute: str, value: str, what: str) -> None:
        changes: Changes = {attribute: [("MODIFY_REPLACE", [value])]}
        answer = link.write(lambda client: client.modify(target.person.dn, changes, target.guard))
        if not answer.ok:
            refusals.refuse(answer, what, target.person.login)

    def _state(self, link: Link, person: Person) -> Entry:
        """Raises NotFound: the entry is gone, or is another one."""
        found = link.read(
            lambda client: client.search(
                person.dn, filter_present("objectClass"), [NAMES.id, *_STATE], scope="BASE"
            )
        )
        if len(found.entries) != 1 or NAMES.entry_id(found.entries[0]) != person.id:
            raise NotFound(f"The account {person.login} is no longer in the directory.")
        return found.entries[0]


def _quoted(password: Secret) -> bytes:
    """A password as unicodePwd takes it: in quotation marks, in UTF-16."""
    return f'"{password.expose()}"'.encode("utf-16-le")


def _explained(answer: Answer) -> Answer:
    """Say with the password policy's words what Active Directory says with numbers."""
    if answer.code != refusals.CONSTRAINT:
        return answer
    if _WRONG_OLD in answer.message.upper():
        return Answer(answer.code, answer.message, PolicyAnswer("must-supply-old"))
    if _POLICY_REFUSAL in answer.message.upper():
        return Answer(answer.code, answer.message, PolicyAnswer("rules"))
    return answer


def _number(entry: Entry, name: str) -> int | None:
    text = entry.text(name)
    try:
        return int(text)
    except ValueError:
        return None


def _moment(ticks: int | None) -> datetime | None:
    """Tenths of a microsecond since 1601; ``None`` for none, and for never."""
    if not ticks or ticks < 0 or ticks >= _NEVER:
        return None
    try:
        return _EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None


def _seconds(entry: Entry, name: str) -> int | None:
    """A span, which Active Directory stores as a negative number of ticks; ``None`` for no limit."""
    ticks = _number(entry, name)
    return None if not ticks or ticks <= -_NEVER else -ticks // 10_000_000
