"""What to do about a request that will not reach its approver by itself: said truthfully, with exact commands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from helpdesk.actions.prepare import Prepared
from helpdesk.identity import Person
from helpdesk.spec import ActionSpec

_INSTEAD: Final[Mapping[str, str]] = {"access.request": "access.grant"}
"""What an approver runs with their own rights where asking is an action of its own."""


def names(people: Sequence[Person]) -> str:
    """ "Ana Silva (ana), Bo Lind (bo) or Cy Reyes (cy)"; "nobody" for none."""
    shown = [f"{person.name} ({person.login})" for person in people]
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown) or "nobody"


def by_hand(prepared: Prepared, approvers: Sequence[Person], *, tickets: bool) -> str:
    """How the request gets done from where nothing is shared with its approvers.

    Args:
        tickets: there is a queue that could carry it to the people of the service desk.
    """
    command = _command(prepared)
    told = (
        f"Nothing reaches {names(approvers)} by itself from this machine: "
        f"send them this command, which they can run: {command}"
    )
    if not tickets:
        return told
    subject = f"{prepared.spec.name} for {prepared.requester.login}: {prepared.target}"
    reason = str(prepared.values.get("reason", ""))
    body = f"For {names(approvers)} to run: {command}" + (f" — reason: {reason}" if reason else "")
    return f"{told} — or hand it over as a ticket: {_line('ticket.open', subject, '--body', body)}"


def _command(prepared: Prepared) -> str:
    """The command that carries the call out with an approver's own rights."""
    instead = _INSTEAD.get(prepared.spec.name)
    if instead is not None and prepared.person is not None and prepared.group is not None:
        ends = [
            w for name in ("days", "until") if (v := prepared.values.get(name)) for w in (f"--{name}", str(v))
        ]
        who, what = _word("--person", prepared.person.login), _word("--group", prepared.group.name)
        return _line(instead, who, what, *ends)
    return _line(prepared.spec.name, *_words(prepared.spec, prepared.values))


def _words(spec: ActionSpec, values: Mapping[str, Any]) -> list[str]:
    given = [(p, str(values[p.name])) for p in spec.parameters if p.name in values]
    required = [_word(p.flag, value) for p, value in given if p.required]
    optional = [(p.flag, value) for p, value in given if not p.required]
    return required + [word for flag, value in optional for word in _flagged(flag, value)]


def _flagged(flag: str, value: str) -> tuple[str, ...]:
    return (f"{flag}={value}",) if value.startswith("-") else (flag, value)


def _word(flag: str, value: str) -> str:
    """A positional word; with its flag where it would be taken for a flag itself (L5)."""
    return f"{flag}={value}" if value.startswith("-") else value


def _line(action: str, *words: str) -> str:
    return shlex.join(["helpdesk", "do", action, *words])
