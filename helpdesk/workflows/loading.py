"""From a YAML file to a :class:`Workflow`. Everything that is wrong with a file is said at once, each with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpdesk.actions.schema import parse_value
from helpdesk.errors import HelpdeskError, InvalidArgument
from helpdesk.spec import RESERVED_FLAGS, Parameter
from helpdesk.workflows.model import Input, Retry, Step, Undo, Value, Wait, Workflow
from helpdesk.workflows.yaml_nodes import MAX_BYTES, BadWorkflow, Found, Mistake, read

KINDS = ("text", "integer", "boolean", "date", "login", "group", "choice")
DOES = ("call", "wait-for", "parallel", "steps")
"""What a step may be; it is exactly one of these."""
_TOP = (
    "workflow", "version", "summary", "description", "examples", "allow", "on-failure", "needs-approval", "inputs",
    "steps", "outputs",
)  # fmt: skip
_STEP = ("id", "title", *DOES, "with", "when", "for-each", "as", "after", "retry", "timeout", "undo")
_ONLY_CALLS = ("with", "retry", "undo")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_FULL = re.compile(r"[a-z][a-z0-9_]{0,39}\.[a-z][a-z0-9_-]{0,39}")
_SPAN = re.compile(r"([0-9]{1,6})\s*(s|m|h|d|second|minute|hour|day)s?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MAX_STEPS = 200
LONGEST = 366 * 86400
_TAKEN = ("requester", "today", "item")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2})?", re.ASCII)


def load(path: Path) -> Workflow:
    """The workflow of a file; its calls are not compared with the actions there are (:func:`check_calls`).

    Raises:
        BadWorkflow: everything that is wrong with it.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        why = error.strerror or "unknown reason"
        raise BadWorkflow([Mistake(str(path), 1, f"the file cannot be read: {why}.")]) from error
    return loads(text, str(path))


def loads(text: str | bytes, file: str) -> Workflow:
    """The workflow in a text; ``file`` is its name, for messages. Raises BadWorkflow."""
    top = read(text, file)
    if not top.is_a("mapping", "A workflow file", "workflow: people.onboard"):
        top.mistakes.raise_any()
    top.known_keys("A workflow", _TOP)
    workflow = Workflow(
        name=_full_name(top),
        version=_text(top, "version", "A version", needed=True)[:40],
        summary=_text(top, "summary", "The summary", needed=True),
        description=_text(top, "description", "The description"),
        examples=_texts(top, "examples"),
        allow=_choice(top, "allow", ("helpdesk", "anyone")) or None,  # type: ignore[arg-type]
        on_failure=_choice(top, "on-failure", ("undo", "stop")) or "undo",  # type: ignore[arg-type]
        needs_approval=_choice(top, "needs-approval", ("manager", "owner")),  # type: ignore[arg-type]
        inputs=_inputs(top),
        steps=_steps(top, "steps", "A workflow"),
        outputs=_values(top.get("outputs"), "outputs"),
        source=file,
    )
    from helpdesk.workflows.checking import check_names

    outputs = top.pairs["outputs"].lines if "outputs" in top.pairs else {}
    check_names(workflow, top.mistakes, outputs)
    top.mistakes.raise_any()
    return workflow


# ── the head ──────────────────────────────────────────────────────────────────────────────────


def _full_name(top: Found) -> str:
    found = top.get("workflow")
    if found is None:
        _missing(top, "workflow", "A workflow", "workflow: people.onboard")
        return ""
    name = found.words("The name")
    if name and not _FULL.fullmatch(name):
        found.wrong(
            f"{name!r} is no name for a workflow.", "Two words in small letters with a point: people.onboard"
        )
    return name


def _missing(found: Found, key: str, what: str, example: str) -> None:
    if key not in found.pairs:
        found.wrong(f"{what} needs {key}:, which is missing.", f"For example: {example}")


def _text(found: Found, key: str, what: str, *, needed: bool = False) -> str:
    one = found.get(key)
    if one is None:
        if needed:
            _missing(found, key, "A workflow", 'version: "1"' if key == "version" else f"{key}: Some words")
        return ""
    return one.words(what)


def _texts(found: Found, key: str) -> tuple[str, ...]:
    one = found.get(key)
    return tuple(text for item in one.members(key) if (text := item.words(f"Each of {key}"))) if one else ()


def _choice(found: Found, key: str, known: tuple[str, ...]) -> str:
    one = found.get(key)
    return one.one_of(key, known) if one else ""


# ── inputs ────────────────────────────────────────────────────────────────────────────────────


def _inputs(top: Found) -> tuple[Input, ...]:
    found = top.get("inputs")
    if found is None or not found.is_a("mapping", "inputs", "inputs: {person: {type: login}}"):
        return ()
    return tuple(_input(name, one, found) for name, one in found.pairs.items())


def _input(name: str, found: Found, inputs: Found) -> Input:
    where, line = f"The input {name}", inputs.lines[name]
    if not _NAME.fullmatch(name):
        found.mistakes.add(
            line, f"{name!r} is no name for an input.", "Small letters, digits and _ : last_day"
        )
    flag = name.replace("_", "-")
    if flag in RESERVED_FLAGS or name in _TAKEN:
        found.mistakes.add(line, f"No input can be called {name}: the program uses that name itself.")
    if found.kind == "scalar" and not found.empty:  # "person: login" is short for its type
        kind = found.one_of(f"The type of {name}", KINDS)
        if kind == "choice":
            found.wrong(f"{where} needs its choices.", "type: choice, and choices: [a, b]")
        return Input(name, kind or "text")  # type: ignore[arg-type]
    if not found.is_a("mapping", where, f"{name}: {{type: login}}"):
        return Input(name, "text")
    found.known_keys(where, ("type", "ask", "required", "default", "choices"))
    kind_found = found.get("type")
    if kind_found is None:
        _missing(found, "type", where, f"type: {' | '.join(KINDS)}")
    kind = kind_found.one_of(f"The type of {name}", KINDS) if kind_found else ""
    ask, required, default = found.get("ask"), found.get("required"), found.get("default")
    made = Input(
        name=name,
        kind=kind or "text",  # type: ignore[arg-type]
        required=required.yes("required") if required else default is None,
        ask=ask.words("The question") if ask else "",
        choices=_texts(found, "choices"),
    )
    _check_choices(made, found, kind)
    if default is None:
        return made
    if required is not None and made.required:
        default.wrong(f"{where} is required and has a default; it can have one of the two.")
    return _with_default(made, default, kind)


def _check_choices(made: Input, found: Found, kind: str) -> None:
    if kind == "choice" and "choices" not in found.pairs:
        found.wrong(f"The input {made.name} needs its choices.", "choices: [laptop, desktop]")
    if kind and kind != "choice" and made.choices:
        found.wrong(f"The input {made.name} has choices, but its type is {kind}.", "type: choice")


def parameter_of(one: Input) -> Parameter:
    """An input as the argument of an action."""
    return Parameter(one.name, one.kind, one.required, one.ask, one.default, one.choices)


def _with_default(made: Input, default: Found, kind: str) -> Input:
    from dataclasses import replace

    if not kind or not default.is_a("scalar", f"The default of {made.name}"):
        return made
    try:
        return replace(made, default=parse_value(parameter_of(made), default.text))
    except InvalidArgument as error:
        default.wrong(f"The default of {made.name} does not fit: {error.message}")
        return made


# ── steps ─────────────────────────────────────────────────────────────────────────────────────


def _steps(found: Found, key: str, what: str) -> tuple[Step, ...]:
    steps = found.get(key)
    if steps is None:
        _missing(found, key, what, f"{key}: with a - before each step")
        return ()
    if not steps.is_a("sequence", key, f"{key}: with a - before each step"):
        return ()
    if not steps.items:
        steps.wrong(f"{key}: holds no step.")
    if len(steps.items) > MAX_STEPS:
        steps.wrong(f"{key}: holds more than {MAX_STEPS} steps.", "Use for-each, or several workflows.")
        return ()
    return tuple(step for number, one in enumerate(steps.items, 1) if (step := _step(one, number)))


def _step(found: Found, number: int) -> Step | None:
    if not found.is_a("mapping", "A step", "- call: account.disable"):
        return None
    found.known_keys("A step", _STEP)
    does = [key for key in DOES if key in found.pairs]
    if len(does) != 1:
        said = "does nothing" if not does else f"does more than one thing ({', '.join(does)})"
        found.wrong(f"This step {said}.", f"It has exactly one of: {', '.join(DOES)}.")
        return None
    for key in _ONLY_CALLS:
        if key in found.pairs and does != ["call"]:
            found.mistakes.add(
                found.lines[key], f"{key}: belongs to a step with call:, and this is {does[0]}:."
            )
    if "timeout" in found.pairs and does[0] in ("parallel", "steps"):
        found.mistakes.add(found.lines["timeout"], "timeout: belongs to a step with call: or wait-for:.")
    call, wait = found.get("call"), found.get("wait-for")
    action = call.words("The action") if call else ""
    if call and action and not _FULL.fullmatch(action):
        call.wrong(f"{action!r} is no action's name.", "For example: account.disable")
        action = ""
    each, name = found.get("for-each"), found.get("as")
    return Step(
        id=_id(found, action, does[0], number),
        title=_text(found, "title", "The title"),
        call=action,
        arguments=_values(found.get("with"), "with"),
        wait=_wait(wait) if wait else None,
        steps=_steps(found, does[0], "A step") if does[0] in ("parallel", "steps") else (),
        parallel=does[0] == "parallel",
        when=_expression(found, "when"),
        each=_expression(found, "for-each") if each else "",
        item=_item(name, each) if name else "item",
        after=_texts(found, "after"),
        retry=_retry(found.get("retry")),
        timeout=_span(found.get("timeout"), "timeout"),
        undo=_undo(found.get("undo")),
        line=found.line,
        lines=_lines(found),
    )


def _lines(found: Found) -> dict[str, int]:
    """Where each key stands, also the arguments of ``with`` and of an ``undo``."""
    lines = dict(found.lines)
    for key, one in found.pairs.items():
        lines |= {f"{key}.{name}": line for name, line in one.lines.items()}
        if "with" in one.pairs:
            lines |= {f"{key}.with.{name}": line for name, line in one.pairs["with"].lines.items()}
    return lines


def _id(found: Found, action: str, does: str, number: int) -> str:
    one = found.get("id")
    if one is None:
        return f"step{number}" if not action else f"{action.partition('.')[2]}_{number}"
    name = one.words("The id")
    if name and (not _NAME.fullmatch(name) or name in _TAKEN):
        one.wrong(f"{name!r} is no id for a step.", "Small letters, digits and _ : hand_over")
    return name or f"step{number}_{does[:4]}"


def _item(name: Found, each: Found | None) -> str:
    text = name.words("as")
    if each is None:
        name.wrong("as: names the item of a for-each:, and there is none here.")
    elif text and not _NAME.fullmatch(text):
        name.wrong(f"{text!r} is no name.", "Small letters, digits and _ : group")
    return text or "item"


def _expression(found: Found, key: str) -> str:
    """An expression; around the whole of it, ``${ }`` may stand and need not."""
    one = found.get(key)
    if one is None:
        return ""
    text = one.words(key)
    return text[2:-1].strip() if text.startswith("${") and text.endswith("}") else text


def _values(found: Found | None, what: str) -> Mapping[str, Value]:
    if found is None or not found.is_a("mapping", what, f"{what}: {{person: ana}}"):
        return {}
    values: dict[str, Value] = {}
    for name, one in found.pairs.items():
        if one.empty:
            found.mistakes.add(
                found.lines[name], f"{name}: has nothing behind it.", "Fill it in or take it out."
            )
        elif one.is_a("scalar", f"The value of {name}"):
            values[name] = one.text
    return values


def _retry(found: Found | None) -> Retry | None:
    if found is None:
        return None
    if found.kind == "scalar":
        return Retry(found.number("retry", 2, 10))
    if not found.is_a("mapping", "retry", "retry: {times: 3, wait: 10s, backoff: 2}"):
        return None
    found.known_keys("retry", ("times", "wait", "backoff"))
    times, wait, backoff = found.get("times"), found.get("wait"), found.get("backoff")
    if times is None:
        _missing(found, "times", "retry", "times: 3")
    return Retry(
        times=times.number("times", 2, 10) if times else 2,
        wait=_span(wait, "wait", most=3600) if wait else 10,
        backoff=backoff.number("backoff", 1, 10) if backoff else 2,
    )


def _span(found: Found | None, what: str, *, most: int = LONGEST) -> int:
    """Seconds of "90s", "5m", "2 hours"; 0 where there is nothing."""
    if found is None:
        return 0
    match = _SPAN.fullmatch(found.text.strip().lower()) if found.kind == "scalar" else None
    if match is None:
        found.wrong(f"{what} must be a length of time such as 30s, 5m, 2h or 3d, not {found.shown}.")
        return 0
    seconds = int(match[1]) * _SECONDS[match[2][0]]
    if not 0 < seconds <= most:
        found.wrong(f"{what} must be between a second and {most // 3600} hours, not {found.shown}.")
        return 0
    return seconds


def _wait(found: Found) -> Wait:
    if not found.is_a("mapping", "wait-for", "wait-for: {person: ana, ask: Is the desk ready?}"):
        return Wait()
    found.known_keys("wait-for", ("person", "ask", "moment", "span"))
    kinds = [key for key in ("person", "moment", "span") if key in found.pairs]
    if len(kinds) != 1:
        found.wrong("wait-for needs one of person:, moment: and span:.", "wait-for: {span: 3d}")
        return Wait()
    ask = found.get("ask")
    if kinds == ["person"] and "ask" not in found.pairs:
        _missing(found, "ask", "wait-for with a person", "ask: Is the desk ready?")
    if kinds != ["person"] and ask:
        ask.wrong("ask: belongs to a person: that is waited for.")
    moment = _text(found, "moment", "The moment")
    if moment and "${" not in moment and not _MOMENT.fullmatch(moment):
        found.pairs["moment"].wrong(
            f"{moment!r} is no moment.", "A day, 2026-12-31, or with a time of UTC: 2026-12-31 17:00"
        )
    return Wait(
        person=_text(found, "person", "The person"),
        ask=ask.words("The question") if ask and kinds == ["person"] else "",
        moment=moment,
        span=_span(found.get("span"), "span"),
    )


def _undo(found: Found | None) -> Undo | None:
    if found is None:
        return None
    if found.kind == "scalar":
        if found.text == "auto":
            return Undo("auto")
        if found.text in ("none", "no", "false"):
            return Undo("none")
        found.wrong(
            f"undo cannot be {found.shown}.", "auto, none, a call: with its with:, or none: and why not."
        )
        return None
    if not found.is_a("mapping", "undo", "undo: auto"):
        return None
    found.known_keys("undo", ("call", "with", "none"))
    call, why = found.get("call"), found.get("none")
    if (call is None) == (why is None):
        found.wrong("undo needs one of call: and none:.", "undo: {none: the mail is sent}")
        return None
    if why is not None:
        return Undo("none", why=why.words("The reason"))
    action = call.words("The action") if call else ""
    return Undo("call", action, _values(found.get("with"), "with"))


def problems_of(path: Path, known: Mapping[str, Any]) -> tuple[Workflow | None, tuple[Mistake, ...]]:
    """A file with everything that is wrong with it, compared with the actions there are.

    Args:
        known: specs by name.
    """
    from helpdesk.workflows.checking import check_calls

    try:
        workflow = load(path)
        check_calls(workflow, known)
    except BadWorkflow as error:
        return None, error.mistakes
    except HelpdeskError as error:
        return None, (Mistake(str(path), 1, error.message, error.hint),)
    return workflow, ()
