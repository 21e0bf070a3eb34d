"""The plugin author's page is a promise: its example loads, and everything it names exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from helpdesk import plugin as page
from helpdesk.actions.schema import spec_of
from helpdesk.gate.authorization import Authorization, Verdict
from helpdesk.plugin import Context, Plugin, ReadContext
from tests.unit.authorization_world import ask, group, subject

TEXT = (Path(__file__).parents[2] / "docs" / "plugin-author.md").read_text("utf-8")


@pytest.fixture(scope="module")
def example() -> Plugin:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(compile(code, "plugin-author.md", "exec"), namespace)
    found = namespace["plugin"]
    assert isinstance(found, Plugin)
    return found


def test_the_example_makes_two_actions(example: Plugin) -> None:
    specs = {name: spec_of(example, action) for name, action in example.actions.items()}
    assert set(specs) == {"team.members", "team.extension"}
    assert specs["team.members"].about == "group"
    assert specs["team.extension"].risk == "medium"
    assert specs["team.extension"].parameters[0].flag == "--number"


@pytest.mark.parametrize("name", sorted(set(page.__all__) - {"API_VERSION"}))
def test_every_exported_name_exists(name: str) -> None:
    assert hasattr(page, name)


def test_every_attribute_of_the_contexts_is_on_the_page() -> None:
    for name in (*ReadContext.__dataclass_fields__, *Context.__dataclass_fields__):
        if name not in {"report", "case", "revealed"}:
            assert f"`{name}" in TEXT, name


def test_the_example_may_be_run_by_everyone_under_the_shipped_policy(example: Plugin) -> None:
    specs = [spec_of(example, action) for action in example.actions.values()]
    authorization = Authorization.load(specs, None)
    me = subject("emma")
    for spec in specs:
        decision = ask(authorization, spec, me, me, group("design") if spec.about == "group" else None)
        assert decision.verdict is Verdict.ALLOWED, decision
