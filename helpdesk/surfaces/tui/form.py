"""A form made from an action's parameters: the same schema as its flags, its questions and its tool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label, Select

from helpdesk.secrets import Secret
from helpdesk.spec import ActionSpec, Parameter
from helpdesk.surfaces.tui.paint import safe

Names = Callable[[str, str], Awaitable[list[str]]]
"""Live names of a kind ("login", "group") that begin with what was typed."""
_PLACES = {
    "login": "a login, name or mail address",
    "group": "a group",
    "date": "YYYY-MM-DD",
    "integer": "a number",
}


class LiveNames(Suggester):
    """Completes people and groups from the directory as they are typed; Right takes the suggestion."""

    def __init__(self, kind: str, names: Names) -> None:
        super().__init__(case_sensitive=False)
        self._kind = kind
        self._names = names

    async def get_suggestion(self, value: str) -> str | None:
        found = await self._names(self._kind, value) if value else []
        return next((name for name in found if name.casefold().startswith(value)), None)


class Form(Vertical):
    """The fields of one action.

    Args:
        spec: whose arguments these are. names: live names for people and groups.
    """

    def __init__(self, spec: ActionSpec, names: Names) -> None:
        super().__init__()
        self.spec = spec
        self._names = names

    def compose(self) -> ComposeResult:
        for parameter in self.spec.parameters:
            yield Label(self._label(parameter))
            yield self._field(parameter)

    def _label(self, parameter: Parameter) -> Any:
        what = parameter.help or parameter.name.replace("_", " ")
        return safe(f"{what[:1].upper()}{what[1:]}" + ("" if parameter.required else " (optional)"))

    def _field(self, parameter: Parameter) -> Widget:
        id = f"field-{parameter.name}"
        if parameter.kind == "boolean":
            return Checkbox(parameter.name.replace("_", " "), value=bool(parameter.default), id=id)
        if parameter.choices:
            return Select(
                [(choice, choice) for choice in parameter.choices], allow_blank=not parameter.required, id=id
            )
        return Input(
            value="" if parameter.default is None else str(parameter.default),
            placeholder=_PLACES.get(parameter.kind, ""),
            password=parameter.kind == "secret",
            suggester=LiveNames(parameter.kind, self._names)
            if parameter.kind in ("login", "group")
            else None,
            id=id,
        )

    def values(self) -> tuple[dict[str, Any], dict[str, Secret]]:
        """What was filled in: plain values as they were typed, and the secrets apart; fields left empty are not in it."""
        plain: dict[str, Any] = {}
        secrets: dict[str, Secret] = {}
        for parameter in self.spec.parameters:
            field = self.query_one(f"#field-{parameter.name}")
            if isinstance(field, Checkbox):
                plain[parameter.name] = field.value
            elif isinstance(field, Select):
                if not field.is_blank():
                    plain[parameter.name] = str(field.value)
            elif isinstance(field, Input) and field.value.strip():
                if parameter.kind == "secret":
                    secrets[parameter.name] = Secret(field.value)
                else:
                    plain[parameter.name] = field.value.strip()
        return plain, secrets

    def wipe(self) -> None:
        """Take typed secrets off the screen."""
        for parameter in self.spec.parameters:
            if parameter.kind == "secret":
                self.query_one(f"#field-{parameter.name}", Input).clear()
