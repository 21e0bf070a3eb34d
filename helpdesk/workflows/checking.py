"""What a workflow says, held against itself and against the actions there are, before it ever runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from helpdesk.actions.schema import parse_value
from helpdesk.errors import InvalidArgument
from helpdesk.spec import ActionSpec
from helpdesk.workflows.expressions import BadExpression, check, parts
from helpdesk.workflows.model import Step, Undo, Value, Workflow
from helpdesk.workflows.yaml_nodes import Mistakes, meant

Names = dict[str, Sequence[str] | None]
"""What an expression may speak of: each name with its fields; none: a plain value; ``None``: nobody knows."""

REQUESTER = ("login", "name", "mail", "manager")
WRITE_FIELDS = ("done", "outcome", "message", "receipt")
_ENDED = ("done", "outcome", "message")


def fields_of(step: Step) -> Sequence[str]:
    """What a step gives to those after it."""
    if step.each:
        return ("items", "count", "done")
    if step.wait is not None:
        return ("done", "answer", "by", "message", "outcome") if step.wait.person else _ENDED
    return (*WRITE_FIELDS, "data") if step.call else _ENDED


# ── names ─────────────────────────────────────────────────────────────────────────────────────


def check_names(workflow: Workflow, mistakes: Mistakes, outputs: Mapping[str, int]) -> None:
    """Every name of every expression, and the ids of the steps.

    Args:
        outputs: the lines of the workflow's outputs.
    """
    names: Names = {one.name: () for one in workflow.inputs}
    names |= {"requester": REQUESTER, "today": ()}
    checker = _Names(mistakes, {one.name for one in workflow.inputs}, {})
    checker.block(workflow.steps, names, parallel=False)
    for name, value in workflow.outputs.items():
        checker.value(value, names, outputs.get(name, 1), f"The output {name}")


@dataclass(frozen=True, slots=True)
class _Names:
    mistakes: Mistakes
    inputs: set[str]
    ids: dict[str, int]

    def block(self, steps: Sequence[Step], names: Names, *, parallel: bool) -> None:
        """Steps in their order; each adds its outputs to the names. Parallel ones do not see each other."""
        seen = dict(names)
        for step in steps:
            self._step(step, seen if parallel else names)
            names[step.id] = fields_of(step)

    def _step(self, step: Step, names: Names) -> None:
        self._id(step)
        known = dict(names)
        self._expression(step, "for-each", step.each, names)
        if step.each:
            if step.item in known and step.item != "item":
                self._wrong(step, "as", f"{step.item} is the name of something else already.")
            known[step.item] = None
        self._expression(step, "when", step.when, known)
        for name, value in step.arguments.items():
            self.value(value, known, step.lines.get(f"with.{name}", step.line), name)
        self._after(step)
        if step.wait is not None:
            for key, text in (
                ("person", step.wait.person),
                ("ask", step.wait.ask),
                ("moment", step.wait.moment),
            ):
                self.value(text, known, step.lines.get(f"wait-for.{key}", step.line), key)
        if step.undo is not None:
            known[step.id] = fields_of(step) if not step.each else (*WRITE_FIELDS, "data")
            for name, value in step.undo.arguments.items():
                self.value(value, known, step.lines.get(f"undo.with.{name}", step.line), name)
        if step.steps:
            inner = known
            self.block(step.steps, inner, parallel=step.parallel)
            if not step.each:  # what is done once for each item has no one output
                names.update({one.id: inner[one.id] for one in step.steps})

    def _id(self, step: Step) -> None:
        line = step.lines.get("id", step.line)
        if step.id in self.ids:
            self.mistakes.add(line, f"The id {step.id} is used twice, first in line {self.ids[step.id]}.")
        elif step.id in self.inputs:
            self.mistakes.add(line, f"The id {step.id} is the name of an input already.")
        self.ids.setdefault(step.id, line)

    def _after(self, step: Step) -> None:
        for one in step.after:
            if one not in self.ids or one == step.id:
                before = [id for id in self.ids if id != step.id]
                self._wrong(step, "after", f"No step before this one is called {one!r}.", meant(one, before))

    def _expression(self, step: Step, key: str, text: str, names: Names) -> None:
        if text:
            self._checked(text, names, step.lines.get(key, step.line), key)

    def value(self, value: Value, names: Names, line: int, what: str) -> None:
        if not isinstance(value, str):
            return
        try:
            found = parts(value)
        except BadExpression as error:
            self.mistakes.add(line, _sentence(what, error))
            return
        for one in found:
            self._checked(one, names, line, what)
        if not found and (value.startswith("{{") or "{{" in value):
            self.mistakes.add(line, f"{what}: {{{{ }}}} means nothing here.", "An expression is ${…}.")

    def _checked(self, text: str, names: Names, line: int, what: str) -> None:
        try:
            check(text, names)
        except BadExpression as error:
            self.mistakes.add(line, _sentence(what, error))

    def _wrong(self, step: Step, key: str, message: str, hint: str = "") -> None:
        self.mistakes.add(step.lines.get(key, step.line), message, hint)


def _sentence(what: str, error: BadExpression) -> str:
    told = f"{what}: {error}"
    return told if told.endswith("?") else f"{told}."


# ── calls ─────────────────────────────────────────────────────────────────────────────────────


def check_calls(workflow: Workflow, known: Mapping[str, ActionSpec]) -> None:
    """Every call of a workflow against the actions there are.

    Args:
        known: specs by name, without the workflows.

    Raises:
        BadWorkflow: everything that is wrong with it.
    """
    mistakes = Mistakes(workflow.source or workflow.name)
    if workflow.name in known:
        mistakes.add(
            1, f"{workflow.name} is the name of an action already.", "Give the workflow another name."
        )
    for step in workflow.every_step():
        if step.call:
            _Call(mistakes, known, step).check()
    mistakes.raise_any()


@dataclass(frozen=True, slots=True)
class _Call:
    mistakes: Mistakes
    known: Mapping[str, ActionSpec]
    step: Step

    def check(self) -> None:
        spec = self._spec(self.step.call, "call")
        if spec is None:
            return
        if spec.process:
            self._wrong("call", f"{spec.name} is a workflow itself, and a workflow calls actions only.")
        if spec.reveals or any(p.kind == "secret" and p.required for p in spec.parameters):
            self._wrong(
                "call",
                f"{spec.name} has a secret to show or to ask for, and in a workflow nobody is there.",
                "Do it by hand afterwards.",
            )
        self._arguments(spec, self.step.arguments, "with")
        self._undo(spec, self.step.undo)
        if spec.reads and self.step.retry is None and self.step.after == () and self.step.undo is None:
            return
        if spec.reads and self.step.undo is not None:
            self._wrong("undo", f"{spec.name} only reads, so there is nothing to undo.")

    def _undo(self, spec: ActionSpec, undo: Undo | None) -> None:
        if undo is None or spec.reads:
            return
        if undo.how == "auto" and not spec.undoable:
            why = spec.no_undo or "its author gives no way back"
            self._wrong("undo", f"{spec.name} has no undo of its own: {why}.", "Write undo: {none: why not}")
        if undo.how == "call":
            other = self._spec(undo.action, "undo")
            if other is not None and other.reads:
                self._wrong("undo", f"{other.name} only reads, so it takes nothing back.")
            elif other is not None:
                self._arguments(other, undo.arguments, "undo.with")

    def _spec(self, name: str, key: str) -> ActionSpec | None:
        spec = self.known.get(name)
        if spec is None:
            hint = meant(name, self.known) if len(self.known) < 8 else _nearest(name, self.known)
            self._wrong(key, f"There is no action {name!r}.", hint)
        return spec

    def _arguments(self, spec: ActionSpec, given: Mapping[str, Value], where: str) -> None:
        takes = [p.name for p in spec.parameters if p.kind != "secret"]
        for name, value in given.items():
            parameter = spec.parameter(name)
            if parameter is None or parameter.kind == "secret":
                hint = meant(name, takes, "It takes none.")
                self._wrong(f"{where}.{name}", f"{spec.name} takes no argument {name!r}.", hint)
                continue
            if isinstance(value, str) and "${" in value:
                continue
            try:
                parse_value(parameter, value)
            except InvalidArgument as error:
                message = error.message.replace(parameter.flag, parameter.name, 1)
                self._wrong(f"{where}.{name}", message)
        for parameter in spec.parameters:
            if parameter.required and parameter.kind != "secret" and parameter.name not in given:
                key = where.partition(".")[0]
                self._wrong(
                    key, f"{spec.name} needs {parameter.name}.", f"with: {{{parameter.name}: …}} gives it."
                )

    def _wrong(self, key: str, message: str, hint: str = "") -> None:
        self.mistakes.add(self.step.lines.get(key, self.step.line), message, hint)


def _nearest(name: str, known: Mapping[str, ActionSpec]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=2, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    same = [one for one in known if one.partition(".")[0] == name.partition(".")[0]]
    return f"There are: {', '.join(same)}." if same else "helpdesk do lists every action."
