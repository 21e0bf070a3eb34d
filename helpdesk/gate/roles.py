"""Roles come from directory groups, read now: who has which, and which groups are privileged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from helpdesk.errors import ConfigError, NotFound, Refused
from helpdesk.gate.authorization import Subject
from helpdesk.gate.cedar_entities import same_dn
from helpdesk.identity import Actor, Group, Person
from helpdesk.ports import DirectoryReader

HELPDESK = "helpdesk"
PRIVILEGED = "privileged"
AUDITOR = "auditor"


@dataclass(slots=True)
class Roles:
    """Maps the groups of ``[roles]`` to role names.

    Args:
        groups_of_role: role name → group names (directly under the groups base) or DNs.
    """

    groups_of_role: Mapping[str, Sequence[str]]

    def _resolved(self, reader: DirectoryReader) -> list[tuple[str, Group]]:
        """Roles with their groups. A missing group gives its role to nobody; a missing *privileged* one is an error."""
        found: list[tuple[str, Group]] = []
        for role, names in self.groups_of_role.items():
            for name in names:
                try:
                    found.append((role, reader.group(name)))
                except NotFound as error:
                    if role == PRIVILEGED:
                        raise ConfigError(
                            f"The group {name!r} of the role {PRIVILEGED} does not exist in the directory, "
                            "so nobody can tell which accounts are privileged.",
                            hint="Correct [roles] privileged in config.toml.",
                        ) from error
        return found

    def subject(self, reader: DirectoryReader, person: Person) -> Subject:
        """The person as authorization sees them, with rights and status read now (D9).

        Who owns a privileged group is privileged too: whoever got hold of that account could make anybody
        a member (I4).

        Raises:
            NotFound: the entry is gone. Unreachable: the directory gave no answer.
        """
        fresh = reader.person_by_id(person.id)
        resolved = self._resolved(reader)
        mine = {group.id for group in reader.groups_of(fresh)}
        roles = frozenset(role for role, group in resolved if group.id in mine)
        owners = {same_dn(dn) for role, group in resolved if role == PRIVILEGED for dn in group.owner_dns}
        status = reader.status(fresh)
        return Subject(
            person=fresh,
            roles=roles,
            privileged=PRIVILEGED in roles or same_dn(fresh.dn) in owners,
            enabled=status.enabled is not False,
        )

    def actor_subject(self, reader: DirectoryReader, actor: Actor) -> Subject:
        """The actor now. Raises Refused when the account is gone or disabled since the sign-in (D9)."""
        try:
            subject = self.subject(reader, actor.person)
        except NotFound as error:
            raise Refused(
                "Your account no longer exists in the directory.", code="directory-rights"
            ) from error
        if not subject.enabled:
            raise Refused("Your account has been disabled.", code="directory-rights")
        return subject

    def is_privileged(self, reader: DirectoryReader, group: Group) -> bool:
        return any(role == PRIVILEGED and known.id == group.id for role, known in self._resolved(reader))

    def members(self, reader: DirectoryReader, role: str, limit: int = 20) -> list[Person]:
        """People who have a role through direct membership, as far as the reader may see them."""
        people: list[Person] = []
        for name in self.groups_of_role.get(role, ()):
            try:
                dns = reader.group(name).member_dns
            except NotFound:
                continue
            for dn in dns[: limit - len(people)]:
                try:
                    people.append(reader.person_by_dn(dn))
                except NotFound:
                    continue  # a member entry that is no person, or is gone
        return people
