"""One request for many calls: a sealed plan that lists every row, so that one yes covers exactly these.

A row is seen as a request of its own, with the plan and the yeses of the whole: so it is checked and carried out like
every other.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from helpdesk.actions.ahead import Ahead
from helpdesk.actions.by_hand import names
from helpdesk.actions.plan import sealed_with
from helpdesk.actions.runner import Runner
from helpdesk.canonical import digest
from helpdesk.errors import LogUnavailable, Refused
from helpdesk.events import Change, Outcome, Result
from helpdesk.gate.asked import Route
from helpdesk.gate.requests import Request, SealedCall
from helpdesk.identity import Person
from helpdesk.ports import DirectoryReader

MOST = 2000
"""Rows that one yes may cover."""


@dataclass(frozen=True, slots=True)
class Together:
    """Calls of one person that the same people decide about.

    Attributes:
        route: how many of them must say yes; ``None``: any one.
    """

    approvers: tuple[Person, ...]
    route: Route | None
    calls: tuple[Ahead, ...]


def sorted_out(runner: Runner, calls: Sequence[Ahead], reader: DirectoryReader) -> list[Together]:
    """Calls that wait, by action and by who decides about them; blocking."""
    found: dict[str, Together] = {}
    for ahead in calls:
        route = runner.authorise.route(ahead.prepared, ahead.decision, reader)
        people = tuple(route.people if route else [one.person for one in ahead.decision.approvers])
        needs = [[asked.of, sorted(one.id for one in asked.people)] for asked in route.needs] if route else []
        key = digest([ahead.prepared.spec.name, [one.id for one in people], needs])
        before = found.get(key)
        found[key] = Together(people, route, (*(before.calls if before else ()), ahead))
    return list(found.values())


def ask_together(runner: Runner, group: Together, *, at: str = "") -> tuple[Request, list[Result]]:
    """Seal one plan for all of them; the request, and a result for each call in its order; blocking.

    Args:
        at: not before then, UTC, ISO 8601; "" for as soon as it is approved.

    Raises:
        Refused: as :meth:`Requests.create` says, or there are too many. LogUnavailable: it was taken back.
    """
    first = group.calls[0].prepared
    if len(group.calls) > MOST:
        raise Refused(
            f"One request covers {MOST:,} rows at most.", hint="Split the file.", code="too-many-rows"
        )
    changes = [change for ahead in group.calls for change in _changes(ahead)]
    count = len(group.calls)
    call = SealedCall(
        action=first.spec.name,
        plugin_version=first.spec.plugin_version,
        arguments={},
        requester_id=first.requester.person.id,
        requester_login=first.requester.login,
        person_id=None,
        group_id=None,
        group_dn="",
        key=digest([ahead.prepared.call.key for ahead in group.calls])[:32],
        nonce=secrets.token_hex(16),
        policy=runner.authorise.version,
        summary=f"{first.spec.name} for {count} rows.",
        routing=group.route.document(runner.systems.clock()) if group.route else {},
        at=at,
        rows=tuple(_row(runner, ahead) for ahead in group.calls),
    )
    reason = str(first.values.get("reason", ""))
    request = runner.requests.create(call, changes, group.approvers, reason)
    try:
        entries = runner.journal.requested_together(
            [
                (one.prepared, one.preview, one.decision.rule)
                for one in group.calls
                if one.preview is not None
            ],
            request.id,
            request.digest,
        )
    except LogUnavailable:
        runner.requests.withdraw(request.id, first.requester.person.id)
        raise
    message = f"Request {request.id} waits for {names(group.approvers)}, with {count} rows."
    results = [
        ahead.prepared.result(
            Outcome.PENDING,
            message,
            entry=entry,
            request=request.id,
            changes=_changes(ahead),
            rule=ahead.decision.rule,
        )
        for ahead, entry in zip(group.calls, entries, strict=True)
    ]
    return request, results


def rows_of(request: Request) -> list[Request]:
    """Every row of a request as a request of its own; the request itself where it is about one call."""
    if not request.call.rows:
        return [request]
    return [_view(request, row) for row in request.call.rows]


def _view(request: Request, row: Mapping[str, Any]) -> Request:
    fields = {name: value for name, value in row.items() if name != "changes"}
    call = replace(request.call, **fields, rows=())
    return replace(request, call=call, changes=tuple(Change(**change) for change in row["changes"]))


def _row(runner: Runner, ahead: Ahead) -> dict[str, Any]:
    prepared, preview = ahead.prepared, ahead.preview
    assert preview is not None  # what only reads waits for nobody
    sealed = sealed_with(runner.authorise, prepared, preview)
    return {
        "arguments": dict(prepared.values),
        "provenance": {name: str(value) for name, value in prepared.call.provenance.items()},
        "key": prepared.call.key,
        "person_id": prepared.person.id if prepared.person else None,
        "group_id": prepared.group.id if prepared.group else None,
        "group_dn": prepared.group.dn if prepared.group else "",
        "state": sealed["state"],
        "facts": sealed["facts"],
        "summary": sealed["summary"],
        "changes": [asdict(change) for change in preview.changes],
    }


def _changes(ahead: Ahead) -> tuple[Change, ...]:
    return ahead.preview.changes if ahead.preview is not None else ()


def together(results: Sequence[Result], request: Request) -> Result:
    """How a request of many rows ended: as all of them did, or in part."""
    done = sum(result.outcome is Outcome.DONE for result in results)
    unknown = [result for result in results if result.outcome in (Outcome.UNKNOWN, Outcome.ACCEPTED)]
    wrong = next((result for result in results if result.outcome is not Outcome.DONE), None)
    if wrong is None:
        outcome = Outcome.DONE
    elif unknown:
        outcome = Outcome.UNKNOWN
    else:
        outcome = Outcome.PARTIAL if done else Outcome.FAILED
    rows = [
        {
            "row": number,
            "outcome": result.outcome.value,
            "message": result.message,
            "entry": result.entry,
        }
        for number, result in enumerate(results, 1)
    ]
    message = f"{done} of {len(results)} rows of request {request.id} are done."
    return Result(
        outcome=outcome,
        action=request.call.action,
        message=message if wrong is None else f"{message} {wrong.message}",
        receipt=tuple(seen for result in results for seen in result.receipt),
        entry=results[-1].entry if results else None,
        request=request.id,
        error=wrong.error if wrong is not None else None,
        data={"rows": rows},
        rule=results[0].rule if results else "",
    )
