"""A pending request as sealed documents: the call that waits, and every decision about it.

Both are canonical JSON under a signature of this host's key. What is read back is what was written, or it
is refused: there is no column that decides anything and stands outside a seal (V1).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from helpdesk.canonical import canonical
from helpdesk.errors import Refused
from helpdesk.events import Change
from helpdesk.identity import Group, Person

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""For request ids: no 0/O, 1/I/L or U/V to mix up when one is read aloud."""
_REQUEST, _DECISION = b"helpdesk request v1\n", b"helpdesk decision v1\n"


class Signer(Protocol):
    """The host's key (Ed25519), and whose else is believed."""

    def sign(self, message: bytes, /) -> bytes: ...

    def verify(self, message: bytes, signature: bytes, /) -> bool: ...

    def sealed_by(self, seal: bytes, /) -> str:
        """The id of the key whose seal it is; "" where keys have no names."""


class RequestState(StrEnum):
    """``APPROVED``: everybody who was needed said yes, and a worker carries it out. ``CLAIMED``: that is under way.

    ``PARTIAL``: of many rows, some are done. ``UNKNOWN``: it must be reconciled. ``STALE``: what was approved is not what it would be now; nothing was done.
    """

    PENDING = "pending"
    APPROVED = "approved"
    CLAIMED = "claimed"
    STALE = "stale"
    PARTIAL = "partial"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class SealedCall:
    """A call as it waits for approval: plain JSON values only, and never a secret.

    Attributes:
        person_id, group_id: whom it was about when it was made, by identity (D7); ``None`` for nobody.
        key: the idempotency key (R3).
        nonce: random; decisions are bound to it, so that none fits another request.
        created, expires: UTC, ISO 8601; set when the request is stored.
        policy: digest of the rules that it was asked under. state: of the call on the state it was previewed on.
        facts: about that state, as the requester was told them.
        summary: what it would do, in a sentence, as the requester saw it.
        routing: who must say yes (:mod:`helpdesk.gate.routing`); empty: any one approver.
        at: not before then, UTC, ISO 8601; "" for as soon as it is approved.
        rows: of many calls, each with what is its own (:mod:`helpdesk.actions.many`); empty for one call.
    """

    action: str
    plugin_version: str
    arguments: Mapping[str, Any]
    requester_id: str
    requester_login: str
    person_id: str | None
    group_id: str | None
    group_dn: str
    key: str
    provenance: Mapping[str, str] = field(default_factory=dict)
    nonce: str = ""
    created: str = ""
    expires: str = ""
    policy: str = ""
    state: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    routing: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""
    rows: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def of(
        cls,
        *,
        action: str,
        plugin_version: str,
        arguments: Mapping[str, Any],
        provenance: Mapping[str, str],
        requester: Person,
        person: Person | None,
        group: Group | None,
        key: str,
        **sealed: Any,
    ) -> SealedCall:
        """The call about live objects, pinned by their ids; ``sealed`` are further fields."""
        return cls(
            action=action,
            plugin_version=plugin_version,
            arguments=dict(arguments),
            requester_id=requester.id,
            requester_login=requester.login,
            person_id=person.id if person else None,
            group_id=group.id if group else None,
            group_dn=group.dn if group else "",
            key=key,
            provenance=dict(provenance),
            nonce=secrets.token_hex(16),
            **sealed,
        )


@dataclass(frozen=True, slots=True)
class Approval:
    """A yes to exactly one plan, by one person who had signed in freshly (V1, V7).

    Attributes:
        plan: the digest of the sealed request. nonce: random, so that two yeses are two.
        approver: their id. login: how they signed in. host: the id of the key of the host that took the sign-in.
        signed_in, expires: UTC, ISO 8601.
        instead_of: the id of whoever asked them to stand in, whose right counts; "" for their own.
        rule: the ``@id`` of the rule that let them.
    """

    plan: str
    approver: str
    login: str
    host: str
    signed_in: str
    expires: str
    nonce: str
    instead_of: str = ""
    rule: str = ""

    @property
    def right(self) -> str:
        """The id of the person whose right it is."""
        return self.instead_of or self.approver

    def good_at(self, now: datetime) -> bool:
        """A clock from before the sign-in proves nothing."""
        return datetime.fromisoformat(self.signed_in) <= now < datetime.fromisoformat(self.expires)


@dataclass(frozen=True, slots=True)
class Request:
    """A request and where it stands.

    Attributes:
        id: short and easy to read aloud ("R-7K3F2Q").
        changes: what would change, as it was previewed for whoever asked; every approver sees these.
        reason: why, in the requester's words.
        approver_ids, approver_names: the people who may decide, in the same order.
        digest: the plan's: SHA-256 of the sealed document. The log names it, and approvals are bound to it.
        decided_by: id of whoever decided last, or "".
        answer: why it was denied, in the decider's words.
        entry: sequence number of the log entry that holds the outcome.
        approvals: every yes so far, in their order.
    """

    id: str
    call: SealedCall
    changes: tuple[Change, ...]
    reason: str
    approver_ids: tuple[str, ...]
    approver_names: tuple[str, ...]
    state: RequestState
    digest: str
    decided_by: str = ""
    decided_at: datetime | None = None
    answer: str = ""
    entry: int | None = None
    approvals: tuple[Approval, ...] = ()
    decided_by_name: str = ""

    @property
    def created(self) -> datetime:
        return datetime.fromisoformat(self.call.created)

    @property
    def expires(self) -> datetime:
        return datetime.fromisoformat(self.call.expires)

    @property
    def decider(self) -> str:
        """Who decided last, by name; "" while nobody has."""
        if self.decided_by_name:
            return self.decided_by_name
        names = dict(zip(self.approver_ids, self.approver_names, strict=True))
        return names.get(self.decided_by, self.call.requester_login if self.decided_by else "")


@dataclass(frozen=True, slots=True)
class Decision:
    """One step in a request's life.

    Attributes:
        what: a :class:`RequestState`, or "released": open still, or again; nothing has begun.
        step: counts from 1 within the request.
        by_name: of whoever decided, where they are none of the approvers. instead_of: the approver they stood in for.
        approval: of a yes; with "released" others have to say yes, too.
    """

    request: str
    nonce: str
    step: int
    what: str
    by: str
    at: str
    answer: str = ""
    entry: int | None = None
    by_name: str = ""
    instead_of: str = ""
    approval: Mapping[str, Any] | None = None


def new_id() -> str:
    return "R-" + "".join(secrets.choice(ALPHABET) for _ in range(6))


def request_document(
    id: str, call: SealedCall, changes: Sequence[Change], approvers: Sequence[Person], reason: str
) -> str:
    """What is sealed. Raises TypeError when an argument is no plain JSON value, or a float."""
    document = {
        "id": id,
        "call": asdict(call),
        "changes": [asdict(change) for change in changes],
        "approvers": [[person.id, person.name] for person in approvers],
        "reason": reason,
    }
    return canonical(document).decode()


def decision_document(decision: Decision) -> str:
    return canonical(asdict(decision)).decode()


def open_decision(signer: Signer, document: object, signature: object) -> Decision:
    """A decision behind its seal; an approval is believed only under the key of the host that took the sign-in.

    Raises:
        Refused: it is not as it was written ("sealed").
    """
    decision = Decision(**opened(signer, document, signature, decision=True))
    if decision.approval is not None:
        host, by = decision.approval["host"], decision.approval["approver"]
        if by != decision.by or not isinstance(signature, bytes):
            raise tampered()
        if signer.sealed_by(signature) not in ("", host):
            raise tampered()
    return decision


def seal(signer: Signer, document: str, *, decision: bool = False) -> bytes:
    return signer.sign((_DECISION if decision else _REQUEST) + document.encode())


def opened(signer: Signer, document: object, signature: object, *, decision: bool = False) -> dict[str, Any]:
    """The document behind a seal. Raises Refused (code "sealed") when it is not as it was written."""
    if not isinstance(document, str) or not isinstance(signature, bytes):
        raise tampered()
    message = (_DECISION if decision else _REQUEST) + document.encode("utf-8", "surrogatepass")
    if not signer.verify(message, signature):
        raise tampered()
    loaded: dict[str, Any] = json.loads(document)
    return loaded


def read_request(
    document: Mapping[str, Any], text: str, state: RequestState, decisions: Sequence[Decision] = ()
) -> Request:
    """A request from its opened document, where it stands, and every decision about it."""
    approvers = document["approvers"]
    last = decisions[-1] if decisions else None
    return Request(
        id=document["id"],
        call=SealedCall(**document["call"]),
        changes=tuple(Change(**change) for change in document["changes"]),
        reason=document["reason"],
        approver_ids=tuple(id for id, _ in approvers),
        approver_names=tuple(name for _, name in approvers),
        state=state,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        decided_by=last.by if last else "",
        decided_at=datetime.fromisoformat(last.at) if last else None,
        answer=last.answer if last else "",
        entry=last.entry if last else None,
        approvals=tuple(Approval(**one.approval) for one in decisions if one.approval is not None),
        decided_by_name=last.by_name if last else "",
    )


def tampered(id: str = "") -> Refused:
    which = f"Request {id}" if id else "A stored request"
    return Refused(
        f"{which} is not as it was made: its seal does not match, so it has no effect.",
        hint="Whoever needs it asks again; tell an administrator that the file of requests was altered.",
        code="sealed",
    )
