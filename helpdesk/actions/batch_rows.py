"""A batch file: CSV with a header, or one JSON object a line. Its rows as calls, and every row that is none."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpdesk.actions.schema import parse_arguments
from helpdesk.errors import HelpdeskError, InvalidArgument, UsageError
from helpdesk.spec import ActionSpec
from helpdesk.text import shorten

ACTION = "action"
"""The column, or field, that names a row's action."""
MAX_BYTES = 16 * 1024 * 1024
MAX_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        number: counts rows from 1. line: where it begins in the file, from 1.
        arguments: as they stand there, with those that every row shares.
    """

    number: int
    line: int
    action: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be carried out, and why."""

    row: Row
    error: HelpdeskError


@dataclass(frozen=True, slots=True)
class BatchFile:
    """What was read. ``digest``: SHA-256 of the file's bytes, in hexadecimal."""

    digest: str
    rows: tuple[Row, ...]
    bad: tuple[BadRow, ...]


def read_batch(
    data: bytes, specs: Sequence[ActionSpec], action: str = "", shared: Mapping[str, Any] | None = None
) -> BatchFile:
    """Read a batch file whole; a bad row does not hide the next one.

    Args:
        action: the one action of every row; "" where each row names its own.
        shared: arguments that every row has.

    Raises:
        UsageError: the file as a whole cannot be used.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"The batch file is larger than {MAX_BYTES // 1024 // 1024} MB.", hint="Split it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("The batch file is not UTF-8 text.", hint="Save it as UTF-8.") from error
    reader = _json_lines if text.lstrip()[:1] == "{" else _csv
    known = {spec.name: spec for spec in specs}
    rows: list[Row] = []
    bad: list[BadRow] = []
    for number, (line, fields) in enumerate(reader(text), 1):
        if number > MAX_ROWS:
            raise UsageError(f"The batch file has more than {MAX_ROWS:,} rows.", hint="Split it.")
        row = Row(number, line, action, {})
        try:
            if isinstance(fields, HelpdeskError):
                raise fields
            row = _row(row, fields, shared or {})
            _check(row, known)
            rows.append(row)
        except HelpdeskError as error:
            bad.append(BadRow(row, error))
    if not rows and not bad:
        raise UsageError("The batch file has no rows.", hint="A CSV file begins with a header line.")
    return BatchFile(hashlib.sha256(data).hexdigest(), tuple(rows), tuple(bad))


def _row(row: Row, fields: Mapping[str, Any], shared: Mapping[str, Any]) -> Row:
    named = fields.get(ACTION)
    action = named.strip() if isinstance(named, str) else row.action
    given = {name: value for name, value in fields.items() if name != ACTION}
    found = Row(row.number, row.line, action or row.action, {**shared, **given})
    if named is not None and not isinstance(named, str):
        raise InvalidArgument("The action of a row is a text.")
    if row.action and found.action != row.action:
        raise UsageError(
            f"This row is for {shorten(action, 60)!r}, and the command line says {row.action}.",
            hint=f"Leave {row.action} out of the command line, and every row names its own action.",
        )
    if twice := next((name for name in given if name in shared), None):
        raise UsageError(
            f"{twice} stands in the row and on the command line.", hint="Give it in one place only."
        )
    return found


def _check(row: Row, known: Mapping[str, ActionSpec]) -> None:
    if not row.action:
        raise UsageError(
            "The row names no action.",
            hint="Name one for all rows: helpdesk do ACTION --batch FILE. Or add a column 'action'.",
            code="missing-argument",
        )
    spec = known.get(row.action)
    if spec is None:
        raise UsageError(
            f"There is no action {shorten(row.action, 60)!r}.",
            hint="helpdesk do lists them.",
            code="unknown-action",
        )
    if secret := next((p for p in spec.parameters if p.kind == "secret" and p.required), None):
        raise UsageError(
            f"{spec.name} needs {secret.name}, and a secret never stands in a batch file.",
            hint=f"Run it by itself: helpdesk do {spec.name}",
        )
    parse_arguments(spec, row.arguments)


Read = tuple[int, dict[str, Any] | HelpdeskError]
"""The line where a row begins, and its fields or why it has none."""


def _csv(text: str) -> Iterator[Read]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, UsageError(f"This is no CSV: {error}; what follows cannot be told apart from it.")
            return
        begins, line = line, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _header(cells)
        elif len(cells) != len(header):
            yield begins, UsageError(f"This row has {len(cells)} cells, and the header {len(header)}.")
        else:
            yield begins, {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip()}


def _header(cells: Sequence[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        raise UsageError(
            "The columns of the batch file are not separated by commas.", hint="Save it with commas."
        )
    if "" in names or len(set(names)) != len(names):
        raise UsageError("The header of the batch file has an empty or a repeated name.")
    return names


def _json_lines(text: str) -> Iterator[Read]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _object(line)


def _object(line: str) -> dict[str, Any] | HelpdeskError:
    try:
        found = json.loads(line, object_pairs_hook=_once, parse_constant=_no_number)
    except HelpdeskError as error:
        return error
    except (ValueError, RecursionError):
        return UsageError("This line is no JSON object.", hint="One object a line, nothing else.")
    if not isinstance(found, dict):
        return UsageError("This line is no JSON object.", hint="One object a line, nothing else.")
    for name, value in found.items():
        if value is not None and not isinstance(value, (str, int, bool)):
            return InvalidArgument(f"{shorten(name, 40)!r} must be a text, a whole number, true or false.")
    return {name: value for name, value in found.items() if value is not None and value != ""}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UsageError("This line has a field twice.")
    return found


def _no_number(name: str) -> Any:
    raise InvalidArgument(f"{name} is no number.")
