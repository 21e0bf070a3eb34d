"""Codes that people type from a message: the request's id, and a check of what is sealed under it.

Whoever forges a message about a request knows the id, and not what the check is of another text than the sealed one.
"""

from __future__ import annotations

import hashlib
import re

from helpdesk.errors import Refused
from helpdesk.gate.sealed import ALPHABET, Request

_CODE = re.compile(r"(R-[0-9A-Z]{4,12})-([0-9A-Z]{4})")


def code_of(request: Request) -> str:
    """``R-7K3F2Q-X4NM``."""
    return f"{request.id}-{_check(request)}"


def split(typed: str) -> tuple[str, str]:
    """The request's id and the check, of an id or a code as it was typed; the check is "" where there is none."""
    found = _CODE.fullmatch(typed.strip().upper())
    return (found[1], found[2]) if found else (typed, "")


def check_code(request: Request, check: str) -> None:
    """Raises Refused: the code is not this request's."""
    if check and check != _check(request):
        raise Refused(
            f"{request.id}-{check} is no code of request {request.id} as it is kept.",
            hint="The message was not from us, or is about something else: tell the service desk.",
            code="wrong-code",
        )


def _check(request: Request) -> str:
    number = int.from_bytes(hashlib.sha256(f"{request.id} {request.digest}".encode()).digest()[:8], "big")
    letters = ""
    for _ in range(4):
        number, rest = divmod(number, len(ALPHABET))
        letters += ALPHABET[rest]
    return letters
