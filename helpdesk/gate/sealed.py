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
    """The host's key (Ed25519)."""

    def sign(self, message: bytes, /) -> bytes: ...

    def verify(self, message: bytes, signature: bytes, /) -> bool: ...


class RequestState(StrEnum):
    """``CLAIMED``: an approver is carrying it out. ``UNKNOWN``: it must be reconciled."""

    PENDING = "pending"
    CLAIMED = "claimed"
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
    ) -> SealedCall:
        """The call about live objects, pinned by their ids."""
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
        )


@dataclass(frozen=True, slots=True)
class Request:
    """A request and where it stands.

    Attributes:
        id: short and easy to read aloud ("R-7K3F2Q").
        changes: what would change, as it was previewed for whoever asked.
        reason: why, in the requester's words.
        approver_ids, approver_names: the people who may decide, in the same order.
        digest: SHA-256 of the sealed document; the log names it.
        decided_by: id of whoever decided last, or "".
        answer: why it was denied, in the decider's words.
        entry: sequence number of the log entry that holds the outcome.
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

    @property
    def created(self) -> datetime:
        return datetime.fromisoformat(self.call.created)

    @property
    def expires(self) -> datetime:
        return datetime.fromisoformat(self.call.expires)

    @property
    def decider(self) -> str:
        """Who decided last, by name; "" while nobody has."""
        names = dict(zip(self.approver_ids, self.approver_names, strict=True))
        return names.get(self.decided_by, self.call.requester_login if self.decided_by else "")


@dataclass(frozen=True, slots=True)
class Decision:
    """One step in a request's life.

    Attributes:
        what: a :class:`RequestState`, or "released": open again, nothing had begun.
        step: counts from 1 within the request.
    """

    request: str
    nonce: str
    step: int
    what: str
    by: str
    at: str
    answer: str = ""
    entry: int | None = None


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
    document: Mapping[str, Any], text: str, state: RequestState, last: Decision | None
) -> Request:
    """A request from its opened document, where it stands, and the last decision about it."""
    approvers = document["approvers"]
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
    )


def tampered(id: str = "") -> Refused:
    which = f"Request {id}" if id else "A stored request"
    return Refused(
        f"{which} is not as it was made: its seal does not match, so it has no effect.",
        hint="Whoever needs it asks again; tell an administrator that the file of requests was altered.",
        code="sealed",
    )
