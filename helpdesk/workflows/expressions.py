"""Expressions of workflow files: data in, data out. No loops, no methods, nothing that grows by itself.

Every expression is checked when its file is loaded: its form, its names, the outputs it points at. What is left to
evaluate it is bounded by its own length, so that no clock has to stop it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any, Final

from helpdesk.errors import Failed
from helpdesk.text import shorten

MAX_LENGTH: Final = 500
MAX_NODES: Final = 200
MAX_TEXT: Final = 10_000
MAX_ITEMS: Final = 500
_PART = re.compile(r"\$\{([^{}]*)\}")
_KINDS = (str, int, bool, list, dict, type(None))


class BadExpression(ValueError):
    """An expression that cannot be, in words for whoever wrote it."""


class CannotEvaluate(Failed):
    """An expression that was fine as it stood, and is not with the values of this run."""

    code = "expression"


# ── the functions there are ───────────────────────────────────────────────────────────────────


def _first(items: Any) -> Any:
    if not isinstance(items, (list, str)):
        raise TypeError("first() takes a list")
    return items[0] if items else None


def _join(items: Any, between: str = ", ") -> str:
    if not isinstance(items, list):
        raise TypeError("join() takes a list")
    return str(between).join("" if one is None else str(one) for one in items)


def _field(items: Any, name: str) -> list[Any]:
    if not isinstance(items, list):
        raise TypeError("field() takes a list")
    return [one.get(name) if isinstance(one, dict) else None for one in items]


def _add_days(day: str, days: int) -> str:
    return (date.fromisoformat(str(day)[:10]) + timedelta(days=days)).isoformat()


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (str, list, dict)) else 0


def _seen(receipt: Any, what: str) -> Any:
    """What a step's receipt says of something: seen(ticket.receipt, 'number')."""
    rows = receipt if isinstance(receipt, list) else []
    return next((one["observed"] for one in rows if one.get("what") == what), "")


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "add_days": _add_days,
    "field": _field,
    "first": _first,
    "join": _join,
    "length": _length,
    "lower": lambda text: str(text).lower(),
    "otherwise": lambda value, instead: instead if value in (None, "") else value,
    "seen": _seen,
    "text": lambda value: _as_text(value),
    "upper": lambda text: str(text).upper(),
}
"""All pure; each is described in docs/workflows.md."""

_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn)
_ALLOWED = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Attribute, ast.Subscript, ast.Compare, ast.BoolOp,
    ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Add, ast.Sub, ast.IfExp, ast.Call, ast.List,
    *_COMPARISONS,
)  # fmt: skip
_CALLED = {
    ast.ListComp: "a comprehension", ast.GeneratorExp: "a comprehension", ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension", ast.Lambda: "a function of your own", ast.Mult: "*", ast.Pow: "**", ast.Div: "/",
    ast.Mod: "%", ast.JoinedStr: 'f"…"', ast.NamedExpr: ":=", ast.Dict: "{…}", ast.Slice: "a part [a:b]",
    ast.Starred: "*", ast.Await: "await", ast.Is: "is", ast.IsNot: "is not", ast.FloorDiv: "//",
}  # fmt: skip


# ── checking ──────────────────────────────────────────────────────────────────────────────────


def check(text: str, names: Mapping[str, Sequence[str] | None]) -> set[str]:
    """Check one expression against the names that are known where it stands.

    Args:
        names: each known name with its fields; ``None``: whatever fields it may have.

    Returns:
        the names it uses.

    Raises:
        BadExpression: with what was found and what was meant.
    """
    tree = _parsed(text)
    nodes = list(ast.walk(tree))
    if len(nodes) > MAX_NODES:
        raise BadExpression("the expression is too long; do part of it in a step of its own")
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    used = set()
    for node in nodes:
        _check_node(node, called)
        if isinstance(node, ast.Name) and id(node) not in called:
            _check_name(node.id, names)
            used.add(node.id)
        elif isinstance(node, ast.Attribute):
            _check_field(node, names)
    return used


def _parsed(text: str) -> ast.Expression:
    if not text.strip():
        raise BadExpression("the expression is empty")
    if len(text) > MAX_LENGTH:
        raise BadExpression(f"the expression is longer than {MAX_LENGTH} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadExpression(f"{shorten(text, 60)!r} is no expression{_slip(text, error)}") from None
    return tree


def _slip(text: str, error: Exception) -> str:
    if re.search(r"[^=!<>]=[^=]", text):
        return "; to compare, write == and not ="
    if "&&" in text or "||" in text:
        return "; write and, or"
    if re.search(r"(^|\s)!(?!=)", text):
        return "; write not"
    quotes = text.count("'") % 2 or text.count('"') % 2
    return "; a quotation mark is missing" if quotes else f" ({getattr(error, 'msg', 'it cannot be read')})"


def _check_node(node: ast.AST, called: set[int]) -> None:
    if not isinstance(node, _ALLOWED):
        what = _CALLED.get(type(node), type(node).__name__)
        raise BadExpression(f"{what} cannot be used in an expression")
    if isinstance(node, ast.Constant) and not isinstance(node.value, (str, int, type(None))):
        raise BadExpression(f"{node.value!r} cannot be used in an expression; numbers are whole")
    if isinstance(node, ast.Call):
        _check_call(node)
    if isinstance(node, ast.Attribute) and id(node) in called:
        raise BadExpression(f".{node.attr}() cannot be called; the functions are: {', '.join(FUNCTIONS)}")


def _check_call(node: ast.Call) -> None:
    if isinstance(node.func, ast.Attribute):
        raise BadExpression(
            f".{node.func.attr}() cannot be called; the functions are: {', '.join(FUNCTIONS)}"
        )
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        name = getattr(node.func, "id", "")
        near = get_close_matches(name, FUNCTIONS, n=1, cutoff=0.5)
        meant = f"did you mean {near[0]}()?" if near else f"there are: {', '.join(FUNCTIONS)}"
        raise BadExpression(f"there is no function {name}(); {meant}")
    if node.keywords:
        raise BadExpression(f"{node.func.id}() takes its values in their order, without names")


def _check_name(name: str, names: Mapping[str, Any]) -> None:
    if name in names:
        return
    if name in FUNCTIONS:
        raise BadExpression(f"{name} is a function: write {name}(…)")
    if name in ("true", "false", "null", "yes", "no"):
        raise BadExpression(f"write True, False or None, and not {name}")
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    known = ", ".join(names) or "none"
    raise BadExpression(
        f"nothing is called {name!r} here; " + (f"did you mean {near[0]}?" if near else f"there are: {known}")
    )


def _check_field(node: ast.Attribute, names: Mapping[str, Sequence[str] | None]) -> None:
    if node.attr.startswith("_"):
        raise BadExpression(f"{node.attr} cannot be used in an expression")
    fields = names.get(node.value.id) if isinstance(node.value, ast.Name) else None
    if fields is None or node.attr in fields:
        return
    name = node.value.id if isinstance(node.value, ast.Name) else ""
    if not fields:
        raise BadExpression(f"{name} is a plain value, so it has no {node.attr}")
    near = get_close_matches(node.attr, fields, n=1, cutoff=0.5)
    meant = f"did you mean {name}.{near[0]}?" if near else f"it has: {', '.join(fields)}"
    raise BadExpression(f"{name} has no {node.attr!r}; {meant}")


def parts(text: str) -> list[str]:
    """The expressions in a text. Raises BadExpression where one is not closed."""
    found = _PART.findall(text)
    if text.count("${") != len(found):
        raise BadExpression("a ${ is not closed with } on the same line, or holds another brace")
    return found


# ── evaluating ────────────────────────────────────────────────────────────────────────────────


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression. Raises CannotEvaluate."""
    from simpleeval import DEFAULT_OPERATORS, SimpleEval

    operators: dict[type[ast.AST], Callable[..., Any]] = {
        kind: DEFAULT_OPERATORS[kind] for kind in (*_COMPARISONS, ast.Not, ast.USub)
    }
    operators |= {ast.Add: _add, ast.Sub: _subtract}
    tree = _parsed(text)
    evaluator = SimpleEval(operators=operators, functions=dict(FUNCTIONS), names=dict(names))
    evaluator.nodes[ast.Attribute] = lambda node: _part_of(evaluator._eval(node.value), node.attr)
    evaluator.nodes[ast.Subscript] = lambda node: _part_of(
        evaluator._eval(node.value), evaluator._eval(node.slice)
    )
    evaluator.nodes[ast.List] = lambda node: [evaluator._eval(one) for one in node.elts]
    try:
        return _bounded(evaluator.eval(text, previously_parsed=tree.body))
    except CannotEvaluate:
        raise
    except Exception as error:
        raise CannotEvaluate(
            f"{shorten(text, 80)!r} cannot be evaluated: {shorten(str(error), 120)}.",
            hint="helpdesk workflow check FILE finds what can be told beforehand.",
        ) from error


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        return _as_text(left) + _as_text(right)
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    return int(left) + int(right)


def _subtract(left: Any, right: Any) -> int:
    return int(left) - int(right)


def _part_of(value: Any, name: Any) -> Any:
    """A field of an object, or an item of a list; nothing where there is none."""
    if isinstance(value, dict):
        return value.get(str(name))
    if isinstance(value, list) and isinstance(name, int) and not isinstance(name, bool):
        return value[name] if -len(value) <= name < len(value) else None
    return None


def _bounded(value: Any) -> Any:
    if not isinstance(value, _KINDS):
        raise CannotEvaluate(f"The value is a {type(value).__name__}, which no step can take.")
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise CannotEvaluate(f"The value is a text of more than {MAX_TEXT:,} characters.")
    if isinstance(value, list) and len(value) > MAX_ITEMS:
        raise CannotEvaluate(f"The value is a list of more than {MAX_ITEMS:,} items.")
    return value


def fill(value: Any, names: Mapping[str, Any]) -> Any:
    """A value of the file with its expressions filled in; a single one keeps its type. Raises CannotEvaluate."""
    if not isinstance(value, str):
        return value
    alone = _PART.fullmatch(value.strip())
    if alone:
        return evaluate(alone[1], names)
    return _bounded(_PART.sub(lambda found: _as_text(evaluate(found[1], names)), value))


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _join(value) if isinstance(value, list) else str(value)


def uses(value: Any) -> set[str]:
    """The names in the expressions of a value; nothing for what is no text."""
    if not isinstance(value, str):
        return set()
    found: set[str] = set()
    for text in _PART.findall(value):
        if text.strip():
            called = set()
            nodes = list(ast.walk(_parsed(text)))
            called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
            found |= {node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in called}
    return found
