"""A call as it was logged, on the very objects it was about: to read back what it did, or to take it back."""

from __future__ import annotations

import json
from dataclasses import replace

from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.catalog import Catalog
from helpdesk.actions.journal import preview_from
from helpdesk.actions.prepare import Prepared, prepare
from helpdesk.errors import OutcomeUnknown
from helpdesk.gate.audit import Entry
from helpdesk.identity import Actor
from helpdesk.plugin import Preview
from helpdesk.ports import DirectoryReader, SignedIn
from helpdesk.secrets import Secret


def restored(catalog: Catalog, intent: Entry, signed_in: SignedIn) -> tuple[Prepared, Preview]:
    """The call of an intent, and the preview that was confirmed; blocking.

    Raises:
        OutcomeUnknown: the log no longer holds what is needed. NotFound: somebody it was about is gone.
        ValueError, KeyError, TypeError: it was written by another version, or erased in part.
    """
    body, personal, reader = intent.body, intent.personal, signed_in.directory
    arguments, before = personal.get("arguments"), personal.get("before")
    if not isinstance(arguments, str) or not isinstance(before, str):
        raise OutcomeUnknown(f"Entry {intent.seq} was erased, so its effect cannot be told any more.")
    spec, action = catalog.action(str(body["action"]))
    call = Call(
        action=spec.name,
        arguments=json.loads(arguments),
        provenance={name: Provenance(value) for name, value in body["provenance"].items()},
        secrets={p.name: Secret("") for p in spec.parameters if p.kind == "secret"},
        key=str(body["key"]),
        undoes=int(body.get("undoes", 0)),
        case=str(body.get("case", "")),
        ends=str(body.get("grant", "")),
    )
    requester = Actor(person=reader.person_by_id(str(body["requester_id"])))
    prepared = prepare(call, spec, action, requester, reader)
    return _same_objects(prepared, intent, reader), preview_from(before)


def _same_objects(prepared: Prepared, intent: Entry, reader: DirectoryReader) -> Prepared:
    people = {
        str(prepared.values.get(argument, argument)): reader.person_by_id(id)
        for argument, id in intent.body["people"].items()
    }
    for name, id in intent.body["groups"].items():
        if prepared.groups[name].id != id:
            raise OutcomeUnknown(f"The group {name} is another one by now.")
    person = reader.person_by_id(intent.body["person_id"]) if intent.body["person_id"] else None
    return replace(prepared, people=people, person=person)
