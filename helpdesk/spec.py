"""What is known about an action without importing its plugin: the entry of the cached manifest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["text", "integer", "boolean", "date", "login", "group", "choice", "secret"]

RESERVED_FLAGS = frozenset(
    (
        "json",
        "plain",
        "dry-run",
        "no-input",
        "profile",
        "debug",
        "as",
        "password-stdin",
        "password-file",
        "yes",
        "yes-for",
        "reveal-to",
        "help",
        "version",
        "quiet",
        "verbose",
        "color",
        "no-color",
        "no-pager",
        "user",
        "wait",
        "batch",
        "yes-plan",
        "stop-after",
        "run-name",
        "name",
    )
)
"""Global flags: a plugin whose argument has one of these names is refused."""


@dataclass(frozen=True)
class Parameter:
    """One argument of an action.

    Attributes:
        name: as in the function's signature; the flag is the same with dashes.
        kind: how its text becomes a value.
        moment: of a date: a time of day may stand beside it; without one it is the end of the day.
        optional: may be left out, with no default value.
    """

    name: str
    kind: Kind
    required: bool
    help: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()
    moment: bool = False

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True)
class ActionSpec:
    """One action, as scripts, forms, models and policies see it.

    Attributes:
        undoable: its author says how it is taken back. no_undo: why there is no way back, or "".
        process: it is a workflow: a file of steps, each of them an action of its own.
        time_bound: what it gives can end by itself: it takes ``days`` and ``until``.
    """

    name: str
    plugin: str
    plugin_version: str
    summary: str
    description: str
    risk: Literal["low", "medium", "high"]
    reads: bool
    about: Literal["self", "person", "group", "desk"]
    parameters: tuple[Parameter, ...]
    examples: tuple[str, ...] = ()
    allow: Literal["anyone", "helpdesk"] | None = None
    needs: tuple[str, ...] = ()
    while_must_change: bool = False
    reveals: bool = False
    irreversible: bool = False
    undoable: bool = False
    no_undo: str = ""
    process: bool = False
    time_bound: bool = False

    def parameter(self, name: str) -> Parameter | None:
        return next((p for p in self.parameters if p.name == name), None)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> ActionSpec:
        parameters = tuple(Parameter(**{**p, "choices": tuple(p["choices"])}) for p in document["parameters"])
        fields = {**document, "parameters": parameters}
        for name in ("examples", "needs"):
            fields[name] = tuple(document[name])
        return cls(**fields)
