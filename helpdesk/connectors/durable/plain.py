"""How DBOS writes values down here: as JSON, and never as pickles.

DBOS lets each row of its database name the way in which its values are written, and one of these ways is pickle, which
runs whatever it is given. So whoever could write a row could run a program in the worker; here that way is shut.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from dbos import _serialization
from dbos._serialization import Serializer


class SealedFailure(Exception):
    """A run that failed; what is written down is its sealed error, and nothing else.

    Args:
        sealed: as :class:`helpdesk.connectors.durable.sealing.Sealer` gives it.
    """

    def __init__(self, sealed: str) -> None:
        super().__init__("the run failed")
        self.sealed = sealed


class Plain(Serializer):
    """Texts, numbers, lists and objects; of an error only its kind, unless it is sealed."""

    def name(self) -> str:
        return "helpdesk-json"

    def serialize(self, data: Any) -> str:
        if isinstance(data, SealedFailure):
            data = {"failed": data.sealed}
        elif isinstance(data, BaseException):
            data = {"broke": type(data).__name__}
        return json.dumps(data, ensure_ascii=False)

    def deserialize(cls, serialized_data: str) -> Any:
        data = json.loads(serialized_data)
        if isinstance(data, dict) and isinstance(data.get("failed"), str):
            return SealedFailure(data["failed"])
        if isinstance(data, dict) and "broke" in data:
            return RuntimeError(str(data["broke"]))
        return data


def _refuse(*_: object) -> NoReturn:
    raise ValueError("a pickle is never read")


def shut_pickle() -> None:
    """From now on nothing in this process reads or writes a pickle for DBOS."""
    for name in ("serialize", "deserialize"):
        setattr(_serialization.DefaultSerializer, name, _refuse)


shut_pickle()
