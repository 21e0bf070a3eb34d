"""Roles come from directory groups, read now: who has which, and which groups are privileged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from helpdesk.errors import ConfigError, NotFound, Refused
from helpdesk.gate.authorization import Subject
from helpdesk.identity import Actor, Group, Person
from helpdesk.ports import DirectoryReader

HELPDESK = "helpdesk"
PRIVILEGED = "privileged"


@dataclass(slots=True)
class Roles:
    """Maps the groups of ``[roles]`` to role names.

    Args:
        groups_of_role: role name → group names (directly under the groups base) or DNs.
    """

    groups_of_role: Mapping[str, Sequence[str]]

    def _resolved(self, reader: DirectoryReader) -> Mapping[str, set[str]]:
        """Group id → its roles. A missing group gives its role to nobody; a missing *privileged* one is an error."""
        ids: dict[str, set[str]] = {}
        for role, names in self.groups_of_role.items():
            for name in names:
                try:
                    ids.setdefault(reader.group(name).id, set()).add(role)
                except NotFound as error:
                    if role == PRIVILEGED:
                        raise ConfigError(
                            f"The group {name!r} of the role {PRIVILEGED} does not exist in the directory, "
                            "so nobody can tell which accounts are privileged.",
                            hint="Correct [roles] privileged in config.toml.",
                        ) from error
        return ids

    def subject(self, reader: DirectoryReader, person: Person) -> Subject:
        """The person as authorization sees them, with rights and status read now (D9).

        Raises:
            NotFound: the entry is gone. Unreachable: the directory gave no answer.
        """
        fresh = reader.person_by_id(person.id)
        resolved = self._resolved(reader)
        roles = frozenset().union(*(resolved.get(group.id, set()) for group in reader.groups_of(fresh)))
        status = reader.status(fresh)
        return Subject(
            person=fresh,
            roles=roles,
            privileged=PRIVILEGED in roles,
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
        return PRIVILEGED in self._resolved(reader).get(group.id, set())

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
