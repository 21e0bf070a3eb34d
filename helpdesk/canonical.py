"""One byte form for a document, so that equal documents have equal digests."""

from __future__ import annotations

import hashlib
import json
from typing import Any

encoded = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
"""The canonical form as text, of a document that is known to hold no floats."""


def canonical(document: Any) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8 and no floats: equal values, equal bytes.

    Raises:
        TypeError: the document holds a float or something that is not JSON.
    """
    _refuse_floats(document)
    return encoded(document).encode()


def digest(document: Any) -> str:
    """SHA-256 over the canonical form, in hexadecimal."""
    return hashlib.sha256(canonical(document)).hexdigest()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("a canonical document holds no floats")
    for item in (
        value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    ):
        if type(item) is not str:  # nearly all of them are
            _refuse_floats(item)
