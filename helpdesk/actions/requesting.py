"""A call that somebody else must approve becomes a sealed request, once."""

from __future__ import annotations

from helpdesk.actions.ahead import Ahead
from helpdesk.actions.authorise import Authoriser
from helpdesk.actions.by_hand import by_hand, names
from helpdesk.actions.journal import Journal
from helpdesk.actions.plan import sealed_with
from helpdesk.errors import LogUnavailable
from helpdesk.events import Outcome, Result
from helpdesk.gate.requests import Request, Requests, RequestState, SealedCall
from helpdesk.plugin import Preview

_OPEN = (RequestState.PENDING, RequestState.CLAIMED)


def ask_for_approval(
    ahead: Ahead,
    preview: Preview,
    requests: Requests,
    journal: Journal,
    authorise: Authoriser,
    *,
    shared: bool,
    tickets: bool,
) -> Result:
    """Seal the call and let it wait for the people whom the policy names.

    Args:
        shared: requests reach their approvers from here. tickets: there is a queue to open a ticket in.

    Raises:
        Refused: as :meth:`Requests.create` says. LogUnavailable: it could not be logged, so it was taken back.
    """
    prepared, decision = ahead.prepared, ahead.decision
    approvers = [subject.person for subject in decision.approvers]
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
    who = names(approvers)
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
    made = requests.made_by(mine)
    return next((one for one in made if one.call.key == call.key and one.state in _OPEN), None)
