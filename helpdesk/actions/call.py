"""A call: an action with its arguments, where each of them came from, and its canonical form."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from helpdesk.secrets import Secret


class Provenance(StrEnum):
    """Where an argument's value came from (L2). ``TEXT`` is tainted: a model, a ticket, a document."""

    TYPED = "typed"
    CHOSEN = "chosen"
    DEFAULT = "default"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Call:
    """What someone wants done, before anything is decided.

    Attributes:
        arguments: plain JSON values, floats excepted; people and groups by name.
        secrets: values of secret parameters: never logged, hashed or serialised.
        key: the idempotency key (R3).
    """

    action: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


def canonical(document: Any) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8 and no floats: equal values, equal bytes.

    Raises:
        TypeError: the document holds a float or something that is not JSON.
    """
    _refuse_floats(document)
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(document: Any) -> str:
    """SHA-256 over the canonical form, in hexadecimal."""
    return hashlib.sha256(canonical(document)).hexdigest()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("a canonical document holds no floats")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_floats(item)
