"""Who said yes still may, at this moment: asked again just before a plan is carried out (V1, V2, V3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from helpdesk.actions.authorise import Authoriser, refusal
from helpdesk.actions.prepare import Prepared
from helpdesk.errors import NotFound, Refused, Stale
from helpdesk.gate.authorization import Subject, Verdict, same_human
from helpdesk.gate.requests import Request
from helpdesk.gate.requests_words import own_request
from helpdesk.gate.routing import open_needs
from helpdesk.gate.sealed import Approval
from helpdesk.identity import Person
from helpdesk.ports import DirectoryReader

StandsIn = Callable[[str, str], bool]
"""Whether the second person stands in for the first one now, by their ids."""


def entitled(
    authorise: Authoriser,
    request: Request,
    prepared: Prepared,
    reader: DirectoryReader,
    now: datetime,
    stands_in: StandsIn,
) -> str:
    """The rule that lets this be carried out by what was said so far; blocking.

    Raises:
        Stale: a yes is too old, or missing. Refused: somebody who said yes may not any more.
    """
    good = [one for one in request.approvals if one.good_at(now)]
    if any(one.plan != request.digest for one in good):
        raise Stale(f"Request {request.id} was approved in another form, so nothing was done.")
    missing = open_needs(request, good, now)
    if missing:
        raise Stale(
            f"What was approved of request {request.id} has expired, so nothing was done.",
            hint="Whoever needs it asks again.",
        )
    rules = []
    for one in good:
        if one.instead_of and not stands_in(one.instead_of, one.approver):
            raise Refused(f"{one.login} stands in for nobody here any more.", rule="no-delegation")
        if stands_in(request.call.requester_id, one.approver):
            raise own_request()
        rules.append(_one(authorise, one, prepared, reader))
    return rules[-1]


def _one(authorise: Authoriser, approval: Approval, prepared: Prepared, reader: DirectoryReader) -> str:
    approver = _subject(authorise, approval.approver, reader)
    right = approver if not approval.instead_of else _subject(authorise, approval.instead_of, reader)
    return may_approve(authorise, prepared, reader, approver, right)


def may_approve(
    authorise: Authoriser, prepared: Prepared, reader: DirectoryReader, approver: Subject, right: Subject
) -> str:
    """The rule that lets somebody say yes; blocking.

    Args:
        right: whose right it is: their own, or that of whoever they stand in for.

    Raises:
        Refused: it is their own request or stand-in's, no rule lets them, or an account is disabled (V2, V3).
    """
    requester = prepared.requester.person
    for one in (approver, right):
        if same_human(one.person, requester):
            raise own_request()
        if not one.enabled:
            raise Refused(f"The account of {one.person.name} is disabled.", rule="disabled-account")
    stands_in = approver.person.id != right.person.id
    if stands_in and authorise.services.approves_nothing(approver.person) is not None:
        raise Refused("Service identities approve nothing.", rule="service")
    decision = authorise(prepared, reader, right)
    if decision.verdict is not Verdict.ALLOWED:
        raise refusal(decision)
    return decision.rule


def _subject(authorise: Authoriser, id: str, reader: DirectoryReader) -> Subject:
    try:
        person: Person = reader.person_by_id(id)
        return authorise.roles.subject(reader, person)
    except NotFound as error:
        raise Stale(
            "Somebody who approved this is not in the directory any more, so nothing was done."
        ) from error
