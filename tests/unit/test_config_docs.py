"""docs/configuration.md describes every key, with its default, and no key that does not exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from helpdesk.config.schema import APPROVAL_KEYS, KEYS, SECTIONS, SERVICE_KEYS, USUAL_ROLES, Key

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def described() -> dict[str, dict[str, list[str]]]:
    """Section → key → the cells of its row."""
    found: dict[str, dict[str, list[str]]] = {}
    for part in re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        title = re.match(r"`\[(\w+)\]`", part)
        if title:
            rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", part, flags=re.MULTILINE)
            found[title[1]] = {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}
    return found


def test_every_section_has_its_own_heading() -> None:
    assert set(described()) == set(SECTIONS)


@pytest.mark.parametrize("key", [*KEYS, *SERVICE_KEYS, *APPROVAL_KEYS], ids=lambda key: key.full_name)
def test_every_key_is_described_with_an_example_and_its_default(key: Key) -> None:
    value, default, meaning = described()[key.section][key.name]
    assert value.startswith("`")
    assert len(meaning) > 20
    for choice in key.choices:
        assert f'"{choice}"' in value or f"`{choice}`" in meaning
    if isinstance(key.default, str) and key.default:
        assert f'"{key.default}"' in default
    if isinstance(key.default, tuple):
        assert all(f'"{item}"' in default for item in key.default)


def test_no_key_is_described_that_does_not_exist() -> None:
    known = {(key.section, key.name) for key in [*KEYS, *SERVICE_KEYS, *APPROVAL_KEYS]} | {
        ("roles", role) for role in USUAL_ROLES
    }
    assert {(section, key) for section, rows in described().items() for key in rows} == known


def test_the_examples_are_toml() -> None:
    for section, rows in described().items():
        for key, (value, *_) in rows.items():
            for example in re.findall(r"`([^`]*)`", value):
                assert tomllib.loads(f"[{section}]\n{key} = {example}")
