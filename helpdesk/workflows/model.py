"""A workflow as it stands in its file: plain values, so that a run can carry its own definition with it.

Values of arguments are as written: a text may hold ``${expression}``; what stands alone in one keeps its type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from helpdesk.canonical import digest
from helpdesk.spec import Kind

Value: TypeAlias = str | int | bool
"""What an argument is given: a literal, or a text with expressions in it."""

OnFailure = Literal["undo", "stop"]
"""What becomes of the finished steps when one fails: they are taken back, or they stay as they are."""

Approval = Literal["", "manager", "owner"]
"""Who approves beyond what the steps themselves need: the requester's manager, or the owners of the groups."""


@dataclass(frozen=True, slots=True)
class Input:
    """Something the workflow asks for; ``ask`` is its help, and the question where it is left out."""

    name: str
    kind: Kind
    required: bool = True
    ask: str = ""
    default: Value | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """``times`` tries in all; ``wait`` seconds before the second, ``backoff`` times as many before each next one."""

    times: int
    wait: int = 10
    backoff: int = 2

    def pause(self, attempt: int) -> int:
        """Seconds to wait after an attempt, counted from 1; an hour at most."""
        return min(self.wait * int(self.backoff ** (attempt - 1)), 3600)


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait for somebody's answer, or for a moment.

    Attributes:
        person: whose answer; a login or an expression. ask: what they are asked.
        moment: a date, a date with a time (UTC), or an expression for one.
        span: seconds from when the step is reached, where no moment is given.
    """

    person: str = ""
    ask: str = ""
    moment: str = ""
    span: int = 0


@dataclass(frozen=True, slots=True)
class Undo:
    """How a step is taken back.

    Attributes:
        how: "auto": the action's own undo; "call": another call; "none": not at all.
        why: why not, in the author's words.
    """

    how: Literal["auto", "call", "none"] = "auto"
    action: str = ""
    arguments: Mapping[str, Value] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a call, a wait, or steps of its own (one after the other, or ``parallel``).

    Attributes:
        when: an expression; false: it is left out.
        each: an expression for a list; the step is done for each item, which is called ``item``.
        after: ids of steps whose effect it builds on, so that it cannot be previewed before they are done.
        timeout: seconds for all its tries, or for the answer that it waits for; 0: as long as it takes.
        line, lines: of the file, and of each key ("when", "with.person"), for messages.
    """

    id: str
    title: str = ""
    call: str = ""
    arguments: Mapping[str, Value] = field(default_factory=dict)
    wait: Wait | None = None
    steps: tuple[Step, ...] = ()
    parallel: bool = False
    when: str = ""
    each: str = ""
    item: str = "item"
    after: tuple[str, ...] = ()
    retry: Retry | None = None
    timeout: int = 0
    undo: Undo | None = None
    line: int = 0
    lines: Mapping[str, int] = field(default_factory=dict)

    def whole(self) -> Iterator[Step]:
        """This step and every one inside of it."""
        yield self
        for step in self.steps:
            yield from step.whole()


@dataclass(frozen=True, slots=True)
class Workflow:
    """See docs/workflows.md. ``source`` names its file, for messages; it is no part of what a workflow is."""

    name: str
    version: str
    summary: str
    steps: tuple[Step, ...]
    description: str = ""
    examples: tuple[str, ...] = ()
    allow: Literal["anyone", "helpdesk"] | None = None
    inputs: tuple[Input, ...] = ()
    outputs: Mapping[str, Value] = field(default_factory=dict)
    on_failure: OnFailure = "undo"
    needs_approval: Approval = ""
    source: str = ""

    def every_step(self) -> Iterator[Step]:
        for step in self.steps:
            yield from step.whole()

    def step(self, id: str) -> Step | None:
        return next((step for step in self.every_step() if step.id == id), None)

    def document(self) -> dict[str, Any]:
        """Plain JSON; :func:`workflow_from` reads it."""
        return {**_plain(asdict(self)), "source": ""}

    @property
    def digest(self) -> str:
        return digest(self.document())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if key not in ("line", "lines")}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


def workflow_from(document: Mapping[str, Any]) -> Workflow:
    """The workflow behind a document. Raises ValueError, KeyError, TypeError: it is none of ours."""
    return Workflow(
        **{
            **document,
            "steps": tuple(_step(one) for one in document["steps"]),
            "examples": tuple(document["examples"]),
            "inputs": tuple(Input(**{**one, "choices": tuple(one["choices"])}) for one in document["inputs"]),
        }
    )


def _step(document: Mapping[str, Any]) -> Step:
    wait, retry, undo = document["wait"], document["retry"], document["undo"]
    return Step(
        **{
            **document,
            "steps": tuple(_step(one) for one in document["steps"]),
            "after": tuple(document["after"]),
            "wait": Wait(**wait) if wait else None,
            "retry": Retry(**retry) if retry else None,
            "undo": Undo(**undo) if undo else None,
        }
    )
