"""A call: an action with its arguments, where each of them came from."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from helpdesk.secrets import Secret


class Provenance(StrEnum):
    """Where an argument's value came from (L2). ``TEXT`` is tainted: a model, a ticket, a document.

    ``LOG``: from the entry of the log that a person named to be undone. ``FILE``: from a row of their batch.
    ``READ``: they pointed ("unlock her") at the one thing that a verified read had just shown them.
    """

    TYPED = "typed"
    CHOSEN = "chosen"
    DEFAULT = "default"
    TEXT = "text"
    LOG = "log"
    FILE = "file"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Call:
    """What someone wants done, before anything is decided.

    Attributes:
        arguments: plain JSON values, floats excepted; people and groups by name.
        secrets: values of secret parameters: never logged, hashed or serialised.
        key: the idempotency key (R3).
        undoes: the entry of the log that this takes back; 0 for every other call.
        pinned: ids that people and groups must have, by argument; another one of the name is refused (D7).
        case: id of the case it belongs to, or ""; every entry of the log about the call carries it.
        at: not before then, UTC, ISO 8601, where it waits for an approval; "" for as soon as it is approved.
        ends: id of the grant whose end this is, or "": it was agreed to with the grant, so no limit holds it back.
    """

    action: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    undoes: int = 0
    pinned: Mapping[str, str] = field(default_factory=dict)
    case: str = ""
    ends: str = ""
    at: str = ""
