"""The last net under plugin texts: no secret that a call used stands in its preview or its result (S1).

Nor does half a character, which neither a log nor a terminal can hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from helpdesk.events import Change, Observation, Result
from helpdesk.plugin import Preview
from helpdesk.secrets import Secret
from helpdesk.spec import ActionSpec
from helpdesk.text import shorten, whole

MASK = "••••••"
SHORTEST = 6
"""Characters: shorter secrets stand in too many words to be looked for."""


def result_without(secrets: Iterable[Secret | None], result: Result) -> Result:
    """The result with every secret in what plugins and systems said masked."""
    texts = _texts(secrets)
    error = result.error
    if error is not None:
        error = replace(error, message=_masked(error.message, texts), hint=_masked(error.hint, texts))
    receipt = tuple(
        Observation(*(_masked(text, texts) for text in (o.system, o.target, o.what, o.expected, o.observed)))
        for o in result.receipt
    )
    return replace(result, message=_masked(result.message, texts), receipt=receipt, error=error)


def preview_without(secrets: Iterable[Secret | None], preview: Preview) -> Preview:
    """The preview with every secret in it masked."""
    texts = _texts(secrets)
    changes = tuple(
        Change(*(_masked(text, texts) for text in (c.system, c.target, c.what, c.before, c.after)))
        for c in preview.changes
    )
    return Preview(
        _masked(preview.summary, texts),
        changes,
        tuple(_masked(warning, texts) for warning in preview.warnings),
        {whole(name): _masked(value, texts) for name, value in preview.state.items()},
    )


def open_arguments(specs: Sequence[ActionSpec], action: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as they may be told and logged when their call was not usable.

    What is no open argument of the action may be anything, a password in the wrong place included: its
    name stands, its value does not. Whatever a model or a script gave comes out as a short plain value.
    """
    parameters = [p for spec in specs if spec.name == action for p in spec.parameters]
    known = {p.name for p in parameters if p.kind != "secret"}
    return {
        shorten(str(name), 40): _plain(value) if name in known else MASK
        for name, value in islice(given.items(), 20)
    }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    return shorten(str(value), 500)


def _texts(secrets: Iterable[Secret | None]) -> list[str]:
    texts = {secret.expose() for secret in secrets if secret}
    return sorted((text for text in texts if len(text) >= SHORTEST), key=len, reverse=True)


def _masked(text: str, secrets: list[str]) -> str:
    if not isinstance(text, str):
        return text  # an author's mistake, which is told where texts are checked
    for secret in secrets:
        text = text.replace(secret, MASK)
    return whole(text)
