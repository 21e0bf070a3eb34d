"""A call that somebody else must approve becomes a sealed request, once."""

from __future__ import annotations

from datetime import UTC, datetime

from helpdesk.actions.ahead import Ahead
from helpdesk.actions.authorise import Authoriser
from helpdesk.actions.by_hand import by_hand, names
from helpdesk.actions.journal import Journal
from helpdesk.actions.plan import sealed_with
from helpdesk.errors import LogUnavailable
from helpdesk.events import Outcome, Result
from helpdesk.gate.asked import Route
from helpdesk.gate.requests import Request, Requests, SealedCall
from helpdesk.plugin import Preview


def ask_for_approval(
    ahead: Ahead,
    preview: Preview,
    requests: Requests,
    journal: Journal,
    authorise: Authoriser,
    *,
    shared: bool,
    tickets: bool,
    route: Route | None = None,
    now: datetime | None = None,
) -> Result:
    """Seal the call and let it wait for the people whom the policy names.

    Args:
        route: how many must say yes; any one approver when left out. now: when it is asked for.
        shared: requests reach their approvers from here. tickets: there is a queue to open a ticket in.

    Raises:
        Refused: as :meth:`Requests.create` says. LogUnavailable: it could not be logged, so it was taken back.
    """
    prepared, decision = ahead.prepared, ahead.decision
    approvers = route.people if route is not None else [subject.person for subject in decision.approvers]
    request = _same(ahead, requests) or requests.create(
        SealedCall.of(
            action=prepared.spec.name,
            plugin_version=prepared.spec.plugin_version,
            arguments=dict(prepared.values),
            provenance={k: str(v) for k, v in prepared.call.provenance.items()},
            requester=prepared.requester.person,
            person=prepared.person,
            group=prepared.group,
            key=prepared.call.key,
            at=prepared.call.at,
            routing=route.document(now or datetime.now(UTC)) if route is not None else {},
            **sealed_with(authorise, prepared, preview),
        ),
        preview.changes,
        approvers,
        str(prepared.values.get("reason", "")),
    )
    try:
        entry = journal.requested(prepared, preview, request.id, request.digest, decision.rule)
    except LogUnavailable:
        requests.withdraw(request.id, prepared.requester.person.id)
        raise
    who = (
        " and ".join(names(asked.people) for asked in route.needs) if route is not None else names(approvers)
    )
    reach = "They see it with: helpdesk approvals list"
    hint = reach if shared else by_hand(prepared, approvers, tickets=tickets)
    return prepared.result(
        Outcome.PENDING,
        f"Request {request.id} waits for {who}. {hint}",
        entry=entry,
        request=request.id,
        changes=preview.changes,
        rule=decision.rule,
    )


def _same(ahead: Ahead, requests: Requests) -> Request | None:
    """The request that this very call made before a crash kept it from being logged (R3)."""
    call, mine = ahead.prepared.call, ahead.prepared.requester.person.id
    return next((one for one in requests.open_by(mine) if one.call.key == call.key), None)
