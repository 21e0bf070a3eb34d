"""An access review: who has what, since when, by whose approval, and whether they still have it and still can use it.

What is there is read from the directory, what was agreed to from the grants and from this host's log. Whether somebody
still uses a group is known to no system that this program reads; the review says so, and what it can tell instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from helpdesk.actions.grant import Grant
from helpdesk.actions.runner import Runner
from helpdesk.errors import HelpdeskError, NotFound, Refused
from helpdesk.gate.audit import Entry
from helpdesk.gate.roles import AUDITOR, HELPDESK
from helpdesk.identity import Group, Person
from helpdesk.lanes import waited
from helpdesk.ports import DirectoryReader, SignedIn
from helpdesk.workflows.expiry_watch import Missing
from helpdesk.workflows.granted import Granted
from helpdesk.workflows.grants import Kept

NOT_KNOWN = "not known"
"""Whether access is used: no directory tells when a group was last of use."""
_PAGE = 500
_MOST = 200_000


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What one person has on one target.

    Attributes:
        since: when it was given, as far as grants and this host's log know; ``None``: they do not.
        approved_by: logins, or (). expires: ``None`` for what does not end by itself.
        member: whether the directory says so now; ``None``: it could not be asked.
        enabled: whether the account can be used at all. used: see :data:`NOT_KNOWN`.
        flags: what somebody should look at, in sentences.
    """

    person: str
    target: str
    since: datetime | None
    approved_by: tuple[str, ...]
    grant: str
    expires: datetime | None
    member: bool | None
    enabled: bool | None = None
    used: str = NOT_KNOWN
    entry: int | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """Looks over grants, or over everybody in one group."""

    granted: Granted
    missing: Missing

    async def grants(self, signed_in: SignedIn) -> list[Reviewed]:
        """Every grant that whoever asks may see, and access in this log that should end and has no end waiting."""
        kept = await self.granted.visible(signed_in)
        found = [await waited(_of_grant, signed_in.directory, one) for one in kept]
        lost = (
            await self.missing.find(signed_in)
            if await waited(_oversees, self.granted.runner, signed_in)
            else []
        )
        return [*(_without_end(grant) for grant in lost), *found]

    async def group(self, name: str, signed_in: SignedIn) -> list[Reviewed]:
        """Everybody in one group; for its owners, the service desk and auditors.

        Raises:
            NotFound, Refused, Unreachable.
        """
        group = await waited(signed_in.directory.group, name)
        owner = signed_in.actor.person.dn in group.owner_dns
        if not owner and not await waited(_oversees, self.granted.runner, signed_in):
            raise Refused(
                f"Only an owner of {group.name}, the service desk or an auditor reviews who is in it.",
                rule="review-owners",
            )
        visible = await self.granted.visible(signed_in)
        by_person = {
            one.grant.person.id: one
            for one in visible
            if any(at.id == group.id for at in one.grant.groups.values())
        }
        given = await waited(self._given, group.id)
        return await waited(self._members, signed_in.directory, group, by_person, given)

    def _members(
        self, reader: DirectoryReader, group: Group, grants: dict[str, Kept], given: dict[str, Entry]
    ) -> list[Reviewed]:
        found = []
        for dn in group.member_dns:
            try:
                person = reader.person_by_dn(dn)
            except NotFound:
                continue  # a group in the group, or an entry that is gone
            kept = grants.pop(person.id, None)
            if kept is not None:
                found.append(_of_grant(reader, kept))
            else:
                found.append(_by_log(reader, person, group, given.get(person.id)))
        return [*(_of_grant(reader, kept) for kept in grants.values()), *found]

    def _given(self, group: str) -> dict[str, Entry]:
        """For each person the newest entry of this log that says they got into the group; blocking."""
        names = {spec.name for spec in self.granted.runner.catalog.specs if spec.time_bound}
        found: dict[str, Entry] = {}
        for entry in _outcomes(self.granted.runner):
            body: Any = entry.body
            if (
                body.get("group_id") == group
                and body.get("action") in names
                and body.get("outcome") == "done"
            ):
                found.setdefault(str(body.get("person_id")), entry)
        return found


def _outcomes(runner: Runner) -> Iterator[Entry]:
    """Newest first, as far back as a review looks."""
    before: int | None = None
    for _ in range(_MOST // _PAGE):
        entries = runner.journal.audit.entries(
            before=before, limit=_PAGE, newest_first=True, kinds=("outcome",)
        )
        yield from entries
        if len(entries) < _PAGE:
            return
        before = entries[-1].seq


def _oversees(runner: Runner, signed_in: SignedIn) -> bool:
    roles = runner.authorise.roles.actor_subject(signed_in.directory, signed_in.actor).roles
    return bool({HELPDESK, AUDITOR} & set(roles))


def _of_grant(reader: DirectoryReader, kept: Kept) -> Reviewed:
    grant, flags = kept.grant, []
    member: bool | None = None
    enabled: bool | None = None
    try:
        person = reader.person_by_id(grant.person.id)
        enabled = reader.status(person).enabled
        held = {group.id for group in reader.groups_of(person)}
        member = all(group.id in held for group in grant.groups.values())
    except NotFound:
        member = False
        flags.append(f"{grant.person.name} is not in the directory any more.")
    except HelpdeskError as error:
        flags.append(error.message)
    if kept.standing == "overdue":
        flags.append(f"It should have ended. {kept.trouble}".rstrip())
    elif member is False:
        flags.append("The directory does not have it any more.")
    if enabled is False:
        flags.append("The account is disabled.")
    return Reviewed(
        grant.person.name,
        grant.target,
        grant.given,
        grant.approved_by,
        grant.id,
        grant.ends,
        member,
        enabled,
        flags=tuple(flags),
    )


def _by_log(reader: DirectoryReader, person: Person, group: Group, entry: Entry | None) -> Reviewed:
    """Somebody who is in the group without an end."""
    enabled = reader.status(person).enabled
    flags = ["The account is disabled."] if enabled is False else []
    found = Reviewed(person.login, group.name, None, (), "", None, True, enabled)
    if entry is None:
        return replace(found, flags=(*flags, "This log does not know who gave it."))
    by = str(entry.personal.get("approver") or entry.personal.get("actor") or "")
    return replace(
        found, since=entry.time, approved_by=(by,) if by else (), entry=entry.seq, flags=tuple(flags)
    )


def _without_end(grant: Grant) -> Reviewed:
    return Reviewed(
        grant.person.name,
        grant.target,
        grant.given,
        grant.approved_by,
        grant.id,
        grant.ends,
        None,
        entry=grant.entry,
        flags=(
            "The log says that it ends, and nothing waits to end it: the worker mends that when it starts.",
        ),
    )
