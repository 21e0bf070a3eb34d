"""What ends by itself, made from the configuration: where it is kept, and the worker that takes it back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from helpdesk.actions.grant import Named
from helpdesk.errors import HelpdeskError, Refused
from helpdesk.spec import ActionSpec
from helpdesk.text import folded

if TYPE_CHECKING:
    from helpdesk.actions.context import Systems
    from helpdesk.actions.ending import Ending
    from helpdesk.actions.grant import Grant
    from helpdesk.app.parts import Parts
    from helpdesk.app.workbench import Workbench
    from helpdesk.config import ServiceSettings
    from helpdesk.engine import Handler
    from helpdesk.workflows.expiry_watch import Missing
    from helpdesk.workflows.granted import Granted
    from helpdesk.workflows.grants import Grants
    from helpdesk.workflows.review import Review

FOLLOW_SECONDS = 45.0
"""How long a command waits for what the worker takes back now."""


def grants_of(parts: Parts) -> Grants | None:
    """The grants there are; ``None`` where no worker is configured that would end them."""
    settings = parts.config.worker
    service = parts.config.services.get(settings.service) if settings.configured else None
    engine = parts.engine
    if engine is None or service is None:
        return None
    from helpdesk.workflows.grants import Grants

    grants = Grants(engine, parts.seals, parts.clock, lambda spec, groups: may_take(service, spec, groups))
    grants.told = parts.telling.granted
    return grants


def may_take(service: ServiceSettings, undo: ActionSpec, groups: Collection[Named]) -> None:
    """Raises Refused where the worker may not take something back, so that it is not given in the first place."""
    if undo.name not in service.actions:
        raise Refused(
            f"The worker may not run {undo.name}, so nothing would take it back; nothing was done.",
            hint=f"An administrator can add {undo.name} to [services.{service.name}] actions.",
            rule=f"service:{service.name}",
        )
    allowed = {folded(name) for name in service.groups}
    other = next((one for one in groups if not allowed & {folded(one.name), folded(one.title)}), None)
    if allowed and other is not None:
        raise Refused(
            f"The worker may not act on {other.name}, so nothing would take it back; nothing was done.",
            hint=f"An administrator can add {other.name} to [services.{service.name}] groups.",
            rule=f"service:{service.name}",
        )


def ending_of(parts: Parts, systems: Systems) -> Ending:
    """What the one door asks about ends. The store of grants is opened when something can end by itself."""
    from helpdesk.actions.ending import Ending
    from helpdesk.app.parts import Later

    promises: Any = Later(lambda: parts.grants) if parts.config.worker.configured else None
    return Ending(
        systems,
        parts.catalog,
        promises,
        log=lambda: parts.seals.host,
        decider=lambda id: parts.requests.get(id).decided_by,
    )


def overdue_of(parts: Parts) -> int:
    """How much access should be gone and is not: no worker has taken its end up, or it could not be taken back.

    Raises:
        Unreachable, Failed: the store cannot be used.
    """
    from helpdesk.app.working import engine
    from helpdesk.workflows.grants import KIND, LATE

    waiting, _ = engine(parts).due(KIND, late=LATE.total_seconds())
    return waiting + (len(parts.grants.struggling()) if parts.grants is not None else 0)


def missing_of(parts: Parts, grants: Grants) -> Missing:
    from helpdesk.workflows.expiry_watch import Missing

    return Missing(parts.runner, grants, parts.clock)


def granted_of(parts: Parts) -> Granted:
    """What people do with grants. Raises ConfigError where no worker is configured ("no-worker")."""
    from helpdesk.app.working import engine, follow
    from helpdesk.workflows.granted import Granted

    engine(parts)
    grants = parts.grants
    assert grants is not None  # there is an engine
    return Granted(
        parts.runner, grants, lambda id, interaction: follow(parts, id, interaction, within=FOLLOW_SECONDS)
    )


def review_of(parts: Parts) -> Review:
    """Raises ConfigError where no worker is configured ("no-worker")."""
    from helpdesk.workflows.review import Review

    granted = granted_of(parts)
    return Review(granted, missing_of(parts, granted.grants))


def expiry(bench: Workbench) -> Handler | None:
    """The handler of ends, and beside it the look at all grants every minute."""
    from helpdesk.app.workbench import Beside
    from helpdesk.workflows.expiry import Expiry, Gate
    from helpdesk.workflows.expiry_watch import EVERY, Steady, Watch

    parts = bench.parts
    grants = parts.grants
    if grants is None:
        return None
    steady = Steady(parts.clock, lambda: _last_logged(parts))
    watch = Watch(grants, steady)
    missing: list[Missing] = [missing_of(parts, grants)]

    async def look() -> None:
        for sentence in watch.look():
            bench.telling("grant", message=sentence)
        for kept in watch.trouble:
            bench.telling(
                "grant-overdue", grant=kept.grant.id, ends=kept.grant.ends.isoformat(), why=kept.trouble
            )
        while missing:  # once, as soon as the directory answers
            for grant in await missing[0].give_ends(await bench.acting()):
                bench.telling("grant", message=f"{grant.id} had no end waiting, and has one now.")
            missing.pop()

    def troubled(grant: Grant, why: str) -> None:
        bench.telling("grant-overdue", grant=grant.id, ends=grant.ends.isoformat(), why=why)
        parts.telling.overdue(grant, why)

    bench.beside.append(Beside("grants", EVERY, look))
    return Expiry(
        parts.runner, grants, bench.door(), Gate(bench.acting), steady, troubled, parts.telling.ended
    )


def _last_logged(parts: Parts) -> datetime | None:
    """The latest moment that this machine's log knows to have passed."""
    try:
        found = parts.audit.entries(limit=1, newest_first=True)
    except HelpdeskError:
        return None
    return found[0].time if found else None
