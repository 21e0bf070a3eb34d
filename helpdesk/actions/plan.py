"""The sealed plan of a request, held against today: what was asked for is what is approved and carried out (V1, L4).

A plan binds the action and its version, the arguments, who and what they meant, the rules it was asked under, and the
state it was previewed on with every change. What moved since is said in a sentence, and then nothing happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from helpdesk.actions.authorise import Authoriser
from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.catalog import Catalog
from helpdesk.actions.prepare import Prepared, prepare
from helpdesk.errors import NotFound, Refused, Stale
from helpdesk.events import Change
from helpdesk.gate.sealed import Request
from helpdesk.identity import Actor
from helpdesk.plugin import Preview
from helpdesk.ports import DirectoryReader

UNTOLD = frozenset(("", "not told by the directory", "the present one"))
"""How previews show what the reader may not see: rights differ, so that two people see one state differently."""
AGAIN = "Whoever needs it asks again, and sees the present state."


def sealed_with(authorise: Authoriser, prepared: Prepared, preview: Preview) -> dict[str, Any]:
    """What a sealed call holds beside the call itself: the rules, and the state of its preview."""
    return {
        "policy": authorise.version,
        "state": prepared.digest(preview),
        "facts": dict(preview.state),
        "summary": preview.summary,
    }


def prepared_again(request: Request, catalog: Catalog, reader: DirectoryReader) -> Prepared:
    """The sealed call on today's directory; the same ids, the same version, or nothing (V1); blocking.

    The requester is the sealed one and nobody else (V6).

    Raises:
        Stale: a name means another one by now, or the action is another version's. Refused: their account is disabled.
    """
    sealed = request.call
    spec, action = catalog.action(sealed.action)
    if spec.plugin_version != sealed.plugin_version:
        raise Stale(f"Request {request.id} was made with another version of {spec.name}; ask again.")
    try:
        requester = reader.person_by_id(sealed.requester_id)
    except NotFound as error:
        raise Stale(f"Whoever made request {request.id} is not in the directory any more.") from error
    if reader.status(requester).enabled is False:
        raise Refused(
            f"The account of {requester.name}, who made request {request.id}, is disabled.",
            rule="disabled-account",
        )
    call = Call(
        action=sealed.action,
        arguments=sealed.arguments,
        provenance={name: Provenance(value) for name, value in sealed.provenance.items()},
        key=sealed.key,
    )
    prepared = prepare(call, spec, action, Actor(person=requester), reader)
    person = prepared.person.id if prepared.person else None
    group = prepared.group.id if prepared.group else None
    if (person, group) != (sealed.person_id, sealed.group_id):
        raise Stale(f"The names in request {request.id} mean someone or something else by now; ask again.")
    return prepared


def drifted(request: Request, authorise: Authoriser, prepared: Prepared, preview: Preview) -> Stale | None:
    """What moved since the request was made; ``None`` when nothing did, or when it was made before plans were sealed."""
    sealed = request.call
    if sealed.policy and sealed.policy != authorise.version:
        return Stale(
            f"The rules are others than when request {request.id} was made, so nothing was done.",
            hint=f"{AGAIN} If that is so each time, this host's policy, [roles] or [approvals] are not the others'.",
        )
    if not sealed.state or sealed.state == prepared.digest(preview):
        return None
    moved = _moved(request.changes, preview.changes)
    if not moved and _facts_moved(sealed.facts, preview.state):
        moved = f"the state of {prepared.target or 'what it is about'} is another one by now"
    if not moved:
        return None
    return Stale(f"Request {request.id} is not what it was any more: {moved}. Nothing was done.", hint=AGAIN)


def _moved(then: Sequence[Change], now: Sequence[Change]) -> str:
    """The first thing that is different, in words; "" when the changes are the same.

    What the directory would not tell whoever asked, and tells now, did not move.
    """
    today = {(change.system, change.target, change.what): change for change in now}
    for change in then:
        found = today.pop((change.system, change.target, change.what), None)
        told = f"{change.target}: {change.what}"
        if found is None:
            return f"{told} was {change.before!r} when it was asked for, and would not change now"
        if found.before != change.before and not {found.before, change.before} & UNTOLD:
            return f"{told} was {change.before!r} when it was asked for, and is {found.before!r} now"
        if found.after != change.after:
            return f"{told} would become {found.after!r} now, and not {change.after!r}"
    for change in today.values():
        if any(one.before in UNTOLD for one in then):
            break
        return f"{change.target}: {change.what} would change now, too"
    return ""


def _facts_moved(then: Mapping[str, str], now: Mapping[str, str]) -> bool:
    known = {name: value for name, value in then.items() if value not in UNTOLD}
    return any(now.get(name, "") not in UNTOLD and now[name] != value for name, value in known.items())
