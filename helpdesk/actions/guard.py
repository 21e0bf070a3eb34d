"""What stands before an effect beside the policy: limits, and what a service identity may not do (R9)."""

from __future__ import annotations

from dataclasses import dataclass, field

from helpdesk.actions.authorise import refusal
from helpdesk.actions.carry_out import Agreed
from helpdesk.actions.prepare import Prepared
from helpdesk.errors import FreshSignInNeeded
from helpdesk.gate.limits import Limits, Write
from helpdesk.gate.services import Services, denied
from helpdesk.identity import Actor


@dataclass(frozen=True, slots=True)
class Guard:
    """Asked by the runner before it asks a person, and before anything begins; blocking.

    Attributes:
        limits: ``None`` counts nothing.
    """

    services: Services = field(default_factory=Services)
    limits: Limits | None = None

    def before_asking(self, prepared: Prepared, actor: Actor) -> None:
        """Raises Refused ("rate-limited") when there is no room for the change."""
        if self.limits is not None:
            self.limits.check(self._write(prepared, actor))

    def before_effect(self, agreed: Agreed) -> None:
        """Count the change. Raises Refused when there is no room, or it was confirmed by nobody who may.

        An end that comes by itself is not counted: a thousand of them after an outage must not wait for hours.
        """
        self.confirmed(agreed.acting.actor, agreed.by)
        if self.limits is not None and not agreed.prepared.call.ends:
            self.limits.take(self._write(agreed.prepared, agreed.acting.actor))

    def confirmed(self, actor: Actor, by: str) -> None:
        """Raises Refused where a person at a terminal confirmed with the account of a script."""
        service = self.services.of(actor.person)
        if service is not None and not service.interactive and by == "person":
            raise refusal(
                denied(
                    service,
                    f"{service.name} is a service identity, and no person confirms with it.",
                    "A script confirms with --yes; a person signs in with their own account.",
                )
            )

    def before_password(self, actor: Actor) -> None:
        """Raises FreshSignInNeeded where the password of a script's account would be asked for at a terminal."""
        service = self.services.of(actor.person)
        if service is not None and not service.interactive:
            raise FreshSignInNeeded(
                f"{service.name} is a service identity, and signs in with each command.",
                hint="Sign in with the command: --as LOGIN --password-stdin",
            )

    def _write(self, prepared: Prepared, actor: Actor) -> Write:
        service = self.services.of(actor.person)
        ids = [one.id for one in (prepared.group, prepared.person) if one is not None]
        return Write(
            actor=actor.person.id,
            target=" ".join(ids),
            called=prepared.target,
            high=prepared.spec.risk == "high",
            service=service.name if service else "",
            per_hour=service.per_hour if service else None,
        )
