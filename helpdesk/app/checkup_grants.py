"""What ``helpdesk doctor`` finds about access that ends by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from helpdesk.app.checkup import Check

if TYPE_CHECKING:
    from helpdesk.app.desk import Desk

_SHOWN = 3


def grants(desk: Desk) -> Iterable[Check]:
    """Whether everything that should have ended is gone, and whether the kept grants are as they were made."""
    if not desk.config.worker.configured or desk.grants is None:
        yield Check("grants", "ok", "nothing ends by itself: no worker is configured")
        return
    kept = desk.grants.all()
    late = [one for one in kept if one.standing == "overdue"]
    if late:
        who = "; ".join(
            f"{one.grant.person.name} still has {one.grant.target} ({one.grant.id})" for one in late[:_SHOWN]
        )
        more = f" and {len(late) - _SHOWN} more" if len(late) > _SHOWN else ""
        why = f" The last try said: {late[0].trouble}" if late[0].trouble else ""
        yield Check(
            "grants",
            "problem",
            f"Access that should be gone is still there: {who}{more}.{why}",
            "helpdesk worker status says whether a worker lives; it may need the right to take it back.",
            {"overdue": [one.grant.id for one in late]},
        )
    altered = desk.grants.altered()
    if altered:
        yield Check(
            "grants",
            "problem",
            f"Not as they were made, so they have no effect: {', '.join(altered[:_SHOWN])}.",
            "Find out who can write to the store; [worker] trusted_hosts must list every host that grants.",
            {"altered": altered},
        )
    yield Check("grants", "ok", f"{len(kept)} will end by themselves", facts={"grants": len(kept)})
