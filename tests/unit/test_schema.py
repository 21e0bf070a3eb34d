"""One typed signature gives the spec, the parsed arguments and the tool of a model; what does not fit is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.actions.schema import MAX_TEXT, keyword_arguments, parse_arguments, spec_of, tool_schema
from helpdesk.errors import InvalidArgument, PluginFailure, UsageError
from helpdesk.plugin import (
    Answer,
    Context,
    GroupName,
    Login,
    Observation,
    Plugin,
    Preview,
    ReadContext,
    Risk,
    Secret,
)
from helpdesk.spec import RESERVED_FLAGS, ActionSpec


def spec(function: Callable[..., Any], **options: Any) -> ActionSpec:
    """The spec of a read made from one function."""
    plugin = Plugin("coffee", needs=("directory",), version="7")
    function.__doc__ = function.__doc__ or "Look."
    return spec_of(plugin, plugin.action(reads=True, **options)(function))


def everything(
    ctx: ReadContext,
    person: Login,
    group: GroupName,
    strength: Annotated[Literal["mild", "strong"], "how strong"],
    cups: int,
    hot: bool,
    day: date,
    password: Secret,
    note: str | None = None,
    until: date = date(2026, 12, 31),
    again: bool = False,
) -> Answer:
    """Look at everything.

    And say it at length.
    """
    return Answer("")


def test_a_signature_is_the_whole_definition() -> None:
    made = spec(everything, risk=Risk.HIGH, examples=("look",), allow="helpdesk")
    assert (made.name, made.plugin, made.plugin_version) == ("coffee.everything", "coffee", "7")
    assert (made.summary, made.description) == ("Look at everything.", "And say it at length.")
    assert (made.risk, made.reads, made.about, made.allow) == ("high", True, "group", "helpdesk")
    assert (made.needs, made.examples) == (("directory",), ("look",))
    kinds = {p.name: (p.kind, p.required, p.default) for p in made.parameters}
    assert kinds == {
        "person": ("login", True, None),
        "group": ("group", True, None),
        "strength": ("choice", True, None),
        "cups": ("integer", True, None),
        "hot": ("boolean", True, None),
        "day": ("date", True, None),
        "password": ("secret", True, None),
        "note": ("text", False, None),
        "until": ("date", False, "2026-12-31"),
        "again": ("boolean", False, False),
    }
    strength = made.parameter("strength")
    assert strength is not None
    assert (strength.help, strength.choices) == ("how strong", ("mild", "strong"))


def test_a_spec_survives_the_manifest() -> None:
    made = spec(everything)
    assert ActionSpec.from_json(json.loads(json.dumps(made.to_json()))) == made


@pytest.mark.parametrize(
    ("function", "about"),
    [
        (lambda ctx: None, "desk"),
        (everything, "group"),
    ],
)
def test_what_an_action_is_about_is_found_from_its_arguments(function: Any, about: str) -> None:
    if function is not everything:
        function.__name__ = "look"
    assert spec(function).about == about


def test_about_a_person() -> None:
    def look(ctx: ReadContext, person: Login) -> None: ...

    assert spec(look).about == "person"
    assert spec(look, about="self").about == "self"


class TestRefusedAtLoading:
    """P2: what an author got wrong is said when the plugin loads, never when somebody needs it."""

    @pytest.mark.req("P2")
    @pytest.mark.parametrize("flag", sorted(RESERVED_FLAGS - {"as"}))  # Python keeps "as" to itself
    def test_a_global_flag_as_an_argument(self, flag: str) -> None:
        name = flag.replace("-", "_")
        namespace: dict[str, Any] = {}
        exec(f"def look(ctx, {name}: str): ...", namespace)
        with pytest.raises(PluginFailure, match=f"--{flag} is one of the program's own flags"):
            spec(namespace["look"])

    @pytest.mark.req("P2")
    def test_a_switch_whose_opposite_is_a_global_flag(self) -> None:
        def look(ctx: ReadContext, input: bool) -> None: ...

        with pytest.raises(PluginFailure, match="--input is one of the program's own flags"):
            spec(look)

    @pytest.mark.req("P2")
    @pytest.mark.parametrize("missing", ["preview", "verify", "both"])
    def test_a_write_without_preview_or_verify(self, missing: str) -> None:
        plugin = Plugin("coffee")

        @plugin.action()
        async def brew(ctx: Context, cups: int) -> str:
            """Brew."""
            return ""

        if missing == "verify":

            @brew.preview
            async def _(ctx: ReadContext, cups: int) -> Preview:
                return Preview("")

        if missing == "preview":

            @brew.verify
            async def _(ctx: ReadContext, cups: int) -> list[Observation]:
                return []

        with pytest.raises(
            PluginFailure, match=r"coffee\.brew writes but lacks a preview or a verify function"
        ):
            spec_of(plugin, brew)

    @pytest.mark.parametrize("which", ["preview", "verify"])
    def test_a_companion_that_takes_other_arguments(self, which: str) -> None:
        plugin = Plugin("coffee")

        @plugin.action()
        async def brew(ctx: Context, cups: int) -> str:
            """Brew."""
            return ""

        async def same(ctx: ReadContext, cups: int) -> Any: ...

        async def other(ctx: ReadContext, mugs: int) -> Any: ...

        brew.preview(other if which == "preview" else same)
        brew.verify(other if which == "verify" else same)
        with pytest.raises(PluginFailure, match=f"its {which} takes other arguments than the action"):
            spec_of(plugin, brew)

    def test_no_docstring(self) -> None:
        plugin = Plugin("coffee")

        @plugin.action(reads=True)
        def look(ctx: ReadContext) -> None: ...

        with pytest.raises(PluginFailure, match="has no docstring"):
            spec_of(plugin, look)

    @pytest.mark.parametrize(
        "signature",
        [
            "x",
            "x: float",
            "x: list[str]",
            "x: dict",
            "x: int | str",
            "x: Literal[1, 2]",
            "x: []",
            "*x: str",
            "**x: str",
            "_x: str",
            "X: str",
            "x\u0430: str",
            "x: int = 'one'",
            "x: bool = 3",
            "x: str = 4",
            "x: date = 5",
            "x: Literal['a'] = 'b'",
            "x: Secret = Secret('a')",
            "x: str = object()",
            "x: Login = ''",
        ],
    )
    def test_an_argument_that_cannot_be_asked_for(self, signature: str) -> None:
        namespace: dict[str, Any] = {"Literal": Literal, "Secret": Secret, "date": date, "Login": Login}
        exec(f"def look(ctx, {signature}): ...", namespace)
        with pytest.raises(PluginFailure):
            spec(namespace["look"])

    @pytest.mark.parametrize("name", ["Look", "look.more", "-look", "look-", "look--up", "løok", "", "1look"])
    def test_an_action_with_no_proper_name(self, name: str) -> None:
        def _(ctx: ReadContext) -> None: ...

        with pytest.raises(PluginFailure, match="is no name for an action"):
            spec(_, name=name or "-")

    def test_examples_that_are_one_text(self) -> None:
        def look(ctx: ReadContext) -> None: ...

        with pytest.raises(PluginFailure, match="examples and needs are tuples of texts"):
            spec(look, examples="one text")


SPEC = spec(everything)
GIVEN: dict[str, Any] = {
    "person": " ana ",
    "group": "finance",
    "strength": "mild",
    "cups": "2",
    "hot": "yes",
    "day": "2026-01-02",
}


def test_texts_become_plain_values_and_what_was_left_out_stays_out() -> None:
    values = parse_arguments(SPEC, GIVEN)
    assert values == {
        "person": "ana",
        "group": "finance",
        "strength": "mild",
        "cups": 2,
        "hot": True,
        "day": "2026-01-02",
    }
    given = keyword_arguments(SPEC, values, {"password": Secret("x")})
    assert given["day"] == date(2026, 1, 2)
    assert given["password"] == Secret("x")
    assert "note" not in given


@pytest.mark.req("L6")
@pytest.mark.parametrize("name", ["colour", "actor", "ctx", "password", "person_id", "Person", "role"])
def test_an_unknown_argument_is_refused_and_a_secret_is_none(name: str) -> None:
    with pytest.raises(UsageError, match="takes no argument"):
        parse_arguments(SPEC, {**GIVEN, name: "x"})


@pytest.mark.parametrize("name", GIVEN)
def test_a_missing_argument_names_its_flag(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_arguments(SPEC, {key: value for key, value in GIVEN.items() if key != name})
    assert caught.value.code == "missing-argument"
    assert f"--{name} VALUE" in caught.value.hint


@pytest.mark.req("L6")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cups", "two"),
        ("cups", "1.5"),
        ("cups", 1.5),
        ("cups", True),
        ("cups", "²"),
        ("cups", "--1"),
        ("cups", "9" * 5000),
        ("cups", [1]),
        pytest.param("cups", 10**5000, id="cups-huge"),
        pytest.param("strength", 10**5000, id="strength-huge"),
        ("cups", "-" + "9" * 30),
        ("day", "20260101"),
        ("day", "2026-W01-1"),
        ("hot", "maybe"),
        ("hot", 1),
        ("day", "tomorrow"),
        ("day", "2026-13-01"),
        ("day", 20260101),
        ("strength", "Strong"),
        ("strength", ["mild"]),
        ("person", 7),
        ("person", ["ana"]),
        ("person", {"login": "ana"}),
        ("person", "   "),
        ("person", "a\x00b"),
        ("person", "\ud800"),
        ("note", "x" * (MAX_TEXT + 1)),
        ("note", False),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_arguments(SPEC, {**GIVEN, name: value})
    assert caught.value.message.startswith(f"--{name} ")
    assert len(caught.value.message) < 200


@pytest.mark.req("L6")
@given(st.dictionaries(st.sampled_from([*GIVEN, "note", "until", "again", "other"]), st.from_type(object)))
def test_whatever_is_given_becomes_plain_values_or_an_error_of_ours(given: dict[str, Any]) -> None:
    try:
        values = parse_arguments(SPEC, {**GIVEN, **given})
    except UsageError:
        return
    assert all(isinstance(value, (str, int, bool)) for value in values.values())
    json.dumps(values)


@pytest.mark.req("L6")
def test_a_model_gets_every_argument_but_the_secrets() -> None:
    tool = tool_schema(SPEC)
    function = tool["function"]
    assert (tool["type"], function["name"]) == ("function", "coffee__everything")
    parameters = function["parameters"]
    assert parameters["additionalProperties"] is False
    assert "password" not in parameters["properties"]
    assert parameters["required"] == ["person", "group", "strength", "cups", "hot", "day"]
    assert parameters["properties"]["strength"] == {
        "type": "string",
        "description": "how strong",
        "enum": ["mild", "strong"],
    }
    assert parameters["properties"]["day"] == {"type": "string", "format": "date"}
    assert parameters["properties"]["cups"] == {"type": "integer"}
