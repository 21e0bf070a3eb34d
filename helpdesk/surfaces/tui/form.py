"""A form made from an action's parameters: the same schema as its flags, its questions and its tool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label, Select

from helpdesk.errors import InvalidArgument
from helpdesk.secrets import Secret
from helpdesk.spec import ActionSpec, Parameter
from helpdesk.surfaces.tui.lines import SecretInput
from helpdesk.surfaces.tui.paint import safe

Names = Callable[[str, str], Awaitable[list[str]]]
"""Live names of a kind ("login", "group") that begin with what was typed."""
_PLACES = {
    "login": "a login, name or mail address",
    "group": "a group",
    "date": "YYYY-MM-DD",
    "integer": "a number",
}
_MOMENT = "YYYY-MM-DD, or with a time: 2026-12-02T18:00"


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
            if parameter.kind == "secret":
                yield Label(safe("The same again"))
                yield SecretInput(id=_again(parameter))
            wrong = Label("", id=f"wrong-{parameter.name}", classes="wrong", markup=False)
            wrong.display = False
            yield wrong

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
        if parameter.kind == "secret":
            return SecretInput(id=id)
        return Input(
            value="" if parameter.default is None else str(parameter.default),
            placeholder=_MOMENT if parameter.moment else _PLACES.get(parameter.kind, ""),
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

    def check(self) -> bool:
        """Whether it can be run; else the first field that is wrong has the focus, and each says what is."""
        plain, secrets = self.values()
        wrong = {p.name: text for p in self.spec.parameters if (text := self._wrong(p, plain, secrets))}
        for parameter in self.spec.parameters:
            label = self.query_one(f"#wrong-{parameter.name}", Label)
            label.display = parameter.name in wrong
            label.update(safe(f"! {wrong.get(parameter.name, '')}", "$text-warning"))
        for name in wrong:
            self.query_one(f"#field-{name}").focus()
            return False
        return True

    def _wrong(self, parameter: Parameter, plain: dict[str, Any], secrets: dict[str, Secret]) -> str:
        from helpdesk.actions.schema import parse_value

        name = parameter.name
        if name not in plain and name not in secrets:
            return f"{name.replace('_', ' ')} is still empty." if parameter.required else ""
        if parameter.kind == "secret":
            again = Secret(self.query_one(f"#{_again(parameter)}", Input).value)
            return "" if again == secrets[name] else "The two differ; please type them again."
        try:
            parse_value(parameter, plain[name])
        except InvalidArgument as error:
            text = error.message.removeprefix(parameter.flag).strip()
            return text[:1].upper() + text[1:]
        return ""

    def wipe(self) -> None:
        """Take typed secrets off the screen."""
        for parameter in self.spec.parameters:
            if parameter.kind == "secret":
                self.query_one(f"#field-{parameter.name}", Input).clear()
                self.query_one(f"#{_again(parameter)}", Input).clear()


def _again(parameter: Parameter) -> str:
    return f"again-{parameter.name}"
