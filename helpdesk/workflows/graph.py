"""A workflow as a picture: in plain text, and as SVG, with the state of each step where it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from helpdesk.text import shorten, visible
from helpdesk.workflows.model import Step, Workflow

MARKS = {
    "done": "✓",
    "accepted": "✓",
    "running": "▸",
    "waiting": "…",
    "left out": "-",
    "failed": "✗",
    "partial": "✗",
    "unknown": "?",
    "undone": "↩",
    "made good": "↩",
    "not undone": "!",
    "to do": "·",
}
_FILLS = {
    "done": "#d9efdc",
    "accepted": "#d9efdc",
    "running": "#dbe8fb",
    "waiting": "#fdf3d0",
    "left out": "#eeeeee",
    "failed": "#f8d9d6",
    "partial": "#f8d9d6",
    "unknown": "#ead9f3",
    "undone": "#e6e6e6",
    "made good": "#e6e6e6",
    "not undone": "#f6e0c8",
    "to do": "#ffffff",
}
_ROW, _WIDTH, _GAP, _INDENT = 46, 430, 22, 26


@dataclass(frozen=True, slots=True)
class Node:
    """One box: a step, or the head of steps of its own. ``depth`` counts from 0."""

    step: Step
    depth: int
    branch: bool = False

    @property
    def head(self) -> str:
        """What it is called."""
        return visible(self.step.title or self.step.id, one_line=True)

    @property
    def detail(self) -> str:
        """What it does, on one line."""
        return visible(_does(self.step), one_line=True)


def nodes(workflow: Workflow) -> list[Node]:
    """The boxes from top to bottom."""
    found: list[Node] = []

    def walk(steps: Sequence[Step], depth: int, branch: bool) -> None:
        for step in steps:
            found.append(Node(step, depth, branch))
            walk(step.steps, depth + 1, step.parallel)

    walk(workflow.steps, 0, False)
    return found


def _does(step: Step) -> str:
    words = []
    if step.each:
        words.append(f"for each {step.item} of {step.each}:")
    if step.when:
        words.append(f"if {step.when}:")
    if step.call:
        given = " ".join(f"{name}={value}" for name, value in step.arguments.items())
        words.append(f"{step.call} {given}".strip())
    elif step.wait is not None:
        wait = step.wait
        what = f"{wait.person}: {wait.ask}" if wait.person else wait.moment or _span(wait.span)
        words.append(f"wait for {what}")
    else:
        words.append("at the same time" if step.parallel else "one after the other")
    if step.retry is not None:
        words.append(f"(up to {step.retry.times} tries)")
    return " ".join(words)


def _span(seconds: int) -> str:
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{seconds} seconds"


def state_of(step: Step, states: Mapping[str, str]) -> str:
    """The state of a step that may have been done several times: the worst of them; "" where nothing is known."""
    mine = [
        state
        for path, state in states.items()
        if path.rpartition(".")[2].partition("[")[0] == step.id or path.partition("[")[0] == step.id
    ]
    worst = (
        "failed",
        "partial",
        "unknown",
        "not undone",
        "running",
        "waiting",
        "undone",
        "made good",
        "to do",
        "accepted",
        "done",
    )
    return next((state for state in (*worst, "left out") if state in mine), "")


# ── as text ───────────────────────────────────────────────────────────────────────────────────


def as_text(workflow: Workflow, states: Mapping[str, str] | None = None, *, width: int = 100) -> list[str]:
    """The picture in lines that need no colour and no cursor.

    Args:
        states: of the paths of a run, or ``None``.
    """
    lines = [f"{workflow.name}, version {workflow.version}: {visible(workflow.summary, one_line=True)}"]
    rows = nodes(workflow)
    for number, node in enumerate(rows):
        more = any(later.depth <= node.depth for later in rows[number + 1 :] if later.depth <= node.depth)
        state = state_of(node.step, states) if states is not None else ""
        stem = "│  " * node.depth
        joint = "╞═ " if node.branch else ("├─ " if more else "└─ ")
        told = f" [{state}]" if state else ""
        lines.append(shorten(f"{stem}{joint}{node.head}{told}", max(width, 40)))
        inner = "│  " if more or node.step.steps else "   "
        lines.append(shorten(f"{stem}{inner}   {node.detail}", max(width, 40)))
    undo = (
        "what was done is taken back, newest first"
        if workflow.on_failure == "undo"
        else "what was done stays"
    )
    lines.append(f"If a step fails: {undo}.")
    return lines


def as_rows(workflow: Workflow, states: Mapping[str, str] | None = None) -> list[dict[str, object]]:
    """The same as data."""
    return [
        {
            "id": node.step.id,
            "depth": node.depth,
            "title": node.head,
            "does": node.detail,
            "action": node.step.call or None,
            "parallel": node.step.parallel,
            "state": (state_of(node.step, states) or None) if states is not None else None,
        }
        for node in nodes(workflow)
    ]


# ── as SVG ────────────────────────────────────────────────────────────────────────────────────


def as_svg(workflow: Workflow, states: Mapping[str, str] | None = None) -> str:
    """The picture as a file of its own: no script, no font and nothing from elsewhere in it."""
    rows = nodes(workflow)
    height = 70 + len(rows) * (_ROW + _GAP)
    width = _WIDTH + 60 + _INDENT * max((node.depth for node in rows), default=0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="sans-serif">',
        f"<title>{_text(workflow.name)}</title>",
        f"<desc>{_text(workflow.summary)}</desc>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="20" y="30" font-size="16" font-weight="bold">{_text(workflow.name)}</text>',
        f'<text x="20" y="48" font-size="12" fill="#444444">{_text(shorten(workflow.summary, 70))}</text>',
    ]
    for number, node in enumerate(rows):
        parts += _box(node, number, state_of(node.step, states) if states is not None else "")
    return "\n".join([*parts, "</svg>", ""])


def _box(node: Node, number: int, state: str) -> list[str]:
    x, y = 20 + node.depth * _INDENT, 64 + number * (_ROW + _GAP)
    fill = _FILLS.get(state, "#f4f6f8")
    dash = ' stroke-dasharray="5 3"' if node.step.when else ""
    told = f" ({state})" if state else ""
    mark = f"{MARKS[state]} " if state in MARKS else ""
    lines = [
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_ROW}" rx="6" fill="{fill}" stroke="#55606a"{dash}/>',
        f'<text x="{x + 12}" y="{y + 19}" font-size="13" font-weight="bold">'
        f"{_text(shorten(mark + node.head + told, 56))}</text>",
        f'<text x="{x + 12}" y="{y + 36}" font-size="11" fill="#333333">{_text(shorten(node.detail, 72))}</text>',
    ]
    if number:
        top = y - _GAP
        style = ' stroke-dasharray="2 3"' if node.branch else ""
        lines.insert(
            0, f'<path d="M {x + 20} {top} V {y}" stroke="#55606a" stroke-width="1.5" fill="none"{style}/>'
        )
    return lines


def _text(text: str) -> str:
    return escape(visible(text, one_line=True))
