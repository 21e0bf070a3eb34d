"""README.md, docs/demo.md and docs/employee.md say what the program does, and their recorded run is a real one."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from helpdesk.actions.catalog import cached_specs
from helpdesk.config import load
from helpdesk.platform import paths
from helpdesk.surfaces.cli.commands import ROWS

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CHANGELOG.md", "docs/demo.md", "docs/employee.md")


@pytest.fixture(scope="module")
def recorder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record", ROOT / "docs/record.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def words(text: str) -> list[str]:
    """A time of another length may break the lines elsewhere."""
    return text.split()


def test_the_recorded_run_is_what_the_demo_prints_today(recorder: ModuleType) -> None:
    run = recorder.recorded()
    assert words(recorder.block_of(page("docs/demo.md"))) == words(run), "run: make recording"
    assert words(recorder.block_of(page("README.md"))) == words(recorder.excerpt(run)), "run: make recording"


def test_times_and_ids_are_fixed_and_nothing_else(recorder: ModuleType) -> None:
    text = "until 09:41, set 2026-11-24 21:58:12, Tuesday 14:10, R-4E55WY; +49 30 5550 777, entry 12, 1:30"
    assert recorder.normalised(text) == (
        "until 15:20, set 2026-01-12 09:30:00, 15:20, R-7KQ2MX; +49 30 5550 777, entry 12, 1:30"
    )
    other = text.replace("09:41", "10:59").replace("R-4E55WY", "R-AAAAAA")
    assert recorder.normalised(other) == recorder.normalised(text)
    assert recorder.normalised("a receipt") == "a receipt"


def commands(text: str) -> Iterator[str]:
    """Every command line in code, without what stands before and after it."""
    text = re.sub(r"```text.*?```", "", text, flags=re.DOTALL)
    for code in re.findall(r"```sh\n(.*?)```|`(helpdesk [^`]*)`", text, flags=re.DOTALL):
        for line in (code[0] or code[1]).splitlines():
            if line.startswith("helpdesk "):
                yield line.partition(" #")[0].removeprefix("helpdesk ").strip()


@pytest.mark.parametrize("name", ["README.md", "docs/demo.md", "docs/employee.md"])
def test_every_command_in_it_exists(name: str, tmp_path: Path) -> None:
    actions = {spec.name for spec in cached_specs(tmp_path).specs}
    found = list(commands(page(name)))
    assert len(found) > 5
    for command in found:
        first, *rest = command.split()
        for row in (first, *(part for part in command.split(" · ")[1:])):
            assert row.split()[0] in ROWS, command
        if first == "do" and rest and "." in rest[0]:
            assert rest[0] in actions, command


@pytest.mark.parametrize("name", PAGES)
def test_its_links_lead_somewhere_and_no_machine_is_named(name: str) -> None:
    text = page(name)
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if not target.startswith("https://"):
            assert ((ROOT / name).parent / target).exists(), target
    assert not re.search(r"/(?:home|root|work|tmp|Users)/", text)


def test_the_configuration_in_the_readme_is_one(tmp_path: Path) -> None:
    toml = page("README.md").partition("```toml\n")[2].partition("```")[0]
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "none")}
    places = paths("", environ)
    places.config.mkdir(parents=True, mode=0o700)
    places.config_file.write_text(toml)
    places.config_file.chmod(0o600)
    config = load("", environ, {}, places)
    assert config.warnings == ()
    assert config.directory.url == "ldaps://ldap.corp.example"
    assert config.roles["privileged"] == ("domain-admins",)
    assert config.policy.sources == (Path("/srv/policies"),)
