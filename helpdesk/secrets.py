"""A type for secrets: it cannot be printed, formatted, pickled or put into JSON by accident (S1, S2)."""

from __future__ import annotations

import hmac
import secrets as _random
from typing import NoReturn, final

_MASK = "••••••"
_ALPHABET = "abcdefghijkmnpqrstuvwxyz"
_CAPITALS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "23456789"


@final
class Secret:
    """Holds a secret string; only :meth:`expose` gives it out, so every use is easy to find."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def expose(self) -> str:
        """The secret itself. Pass it straight to the system that needs it; never keep or print it."""
        return self.__value

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Secret({_MASK})"

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return _MASK

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never serialised")


def temporary_password(groups: int = 4, length: int = 4) -> Secret:
    """A random password that can be read aloud: ``groups`` of ``length`` unambiguous characters.

    Every group starts with a capital and ends with a digit, so that complexity rules are met;
    the default carries 70 bits from the operating system's generator (S4 asks for 64).
    """

    def group() -> str:
        middle = "".join(_random.choice(_ALPHABET + _DIGITS) for _ in range(length - 2))
        return _random.choice(_CAPITALS) + middle + _random.choice(_DIGITS)

    return Secret("-".join(group() for _ in range(groups)))
