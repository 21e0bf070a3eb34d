"""How the workers and their runs are, for people, scripts and whoever watches by figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from helpdesk.app.granting import overdue_of
from helpdesk.app.working import engine, place_of

if TYPE_CHECKING:
    from helpdesk.app.parts import Parts
    from helpdesk.app.workbench import Workbench
    from helpdesk.connectors.health import Figures, Health


def state_of(parts: Parts) -> dict[str, Any]:
    """Workers, runs by state, and what is late, as a document. Raises ConfigError, Unreachable, Failed."""
    found = engine(parts)
    due, oldest = found.due()
    overdue = overdue_of(parts)
    return {
        "store": str(place_of(parts)),
        "workers": [
            {
                "id": one.id,
                "host": one.host,
                "version": one.version,
                "since": one.since.isoformat(),
                "heard": one.heard.isoformat(),
                "alive": one.alive,
                "kinds": list(one.kinds),
            }
            for one in found.workers(parts.config.worker.takeover_seconds)
        ],
        "runs": {str(state): number for state, number in sorted(found.count().items())},
        "due": due,
        "oldest_due": oldest.isoformat() if oldest is not None else None,
        "overdue": overdue,
    }


def health_of(bench: Workbench, endpoint: str) -> Health:
    """Serves a worker's figures. Raises Failed ("worker-metrics")."""
    from helpdesk.connectors.health import Health

    return Health(endpoint, lambda: _figures(bench))


def _figures(bench: Workbench) -> Figures:
    from helpdesk.connectors.health import Figures

    parts = bench.parts
    found = engine(parts)
    takeover = parts.config.worker.takeover_seconds
    silent = bench.serving.silent
    due, oldest = found.due()
    overdue = overdue_of(parts)
    return Figures(
        ready=silent < takeover,
        silent=silent,
        active=bench.serving.active,
        runs={str(state): number for state, number in found.count().items()},
        due=due,
        oldest=max((parts.clock() - oldest).total_seconds(), 0.0) if oldest is not None else 0.0,
        overdue=overdue,
        workers=sum(one.alive for one in found.workers(takeover)),
    )
