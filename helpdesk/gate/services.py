"""Service identities: accounts of scripts, which may run what they declare and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from helpdesk.config import ServiceSettings
from helpdesk.errors import Ambiguous, NotFound
from helpdesk.gate.authorization import Decision, Verdict
from helpdesk.identity import Group, Person
from helpdesk.ports import DirectoryReader
from helpdesk.spec import ActionSpec
from helpdesk.text import folded


@dataclass(frozen=True, slots=True)
class Services:
    """The service identities of ``[services]``, by name.

    Whatever they declare, the site's policy and the directory's own rights decide after it: a declaration
    takes away, and gives nothing.
    """

    declared: Mapping[str, ServiceSettings] = field(default_factory=dict)

    def of(self, person: Person) -> ServiceSettings | None:
        """The service identity that this account is, in whatever spelling of its login name."""
        name = folded(person.login)
        return next((one for one in self.declared.values() if folded(one.login) == name), None)

    def refused(
        self, person: Person, spec: ActionSpec, groups: Iterable[Group], reader: DirectoryReader
    ) -> Decision | None:
        """Why a service identity may not ask for this; ``None`` when it may, or when nobody declared it; blocking."""
        service = self.of(person)
        if service is None:
            return None
        if spec.name not in service.actions:
            return denied(
                service,
                f"The service identity {service.name} may run {_listed(service.actions)} and nothing else.",
                f"An administrator can add {spec.name} to [services.{service.name}] actions.",
            )
        if service.groups:
            allowed = self._ids(service, reader)
            other = next((group for group in groups if group.id not in allowed), None)
            if other is not None:
                return denied(
                    service,
                    f"The service identity {service.name} acts on {_listed(service.groups)} and on no other group.",
                    f"An administrator can add {other.name} to [services.{service.name}] groups.",
                )
        return None

    def _ids(self, service: ServiceSettings, reader: DirectoryReader) -> frozenset[str]:
        """The declared groups as they are now; one that is not there, or is two, is no group to act on."""
        found = set()
        for name in service.groups:
            try:
                found.add(reader.group(name).id)
            except (NotFound, Ambiguous):
                continue
        return frozenset(found)

    def approves_nothing(self, person: Person) -> Decision | None:
        """Why this account approves nothing; ``None`` when it is no service identity."""
        service = self.of(person)
        if service is None:
            return None
        return denied(
            service,
            f"{service.name} is a service identity, and those approve nothing.",
            "A person approves it.",
        )


def denied(service: ServiceSettings, reason: str, hint: str) -> Decision:
    return Decision(Verdict.DENIED, f"service:{service.name}", reason, hint)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
