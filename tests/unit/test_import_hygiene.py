"""What a start imports, seen from outside: a subprocess that tells its own modules."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "textual",
    "prompt_toolkit",
    "ldap3",
    "httpx",
    "keyring",
    "asyncio",
    "cedarpy",
    "cryptography",
    "sqlite_utils",
    "rich",
    "sqlite3",
}
_TELL = """
import atexit, json, sys
def tell():
    sys.stderr.write("\\nMODULES " + json.dumps(sorted(sys.modules)))
atexit.register(tell)
sys.argv = ["helpdesk", *{arguments!r}]
from helpdesk.__main__ import main
main()
"""


def modules_after(*arguments: str) -> tuple[set[str], str]:
    """The modules loaded when the program ends, and what it wrote to standard output."""
    code = _TELL.format(arguments=list(arguments))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.rpartition("MODULES ")[2])), done.stdout


@pytest.mark.req("CLI-3")
@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("help",), ()])
def test_help_imports_nothing_heavy_and_no_command(arguments: tuple[str, ...]) -> None:
    modules, out = modules_after(*arguments)
    assert "approvals" in out
    assert HEAVY & modules == set()
    assert not {m for m in modules if m.startswith(("helpdesk.app", "helpdesk.config", "helpdesk_"))}
    commands = {m for m in modules if m.startswith("helpdesk.surfaces.cli.")}
    assert commands == {
        f"helpdesk.surfaces.cli.{name}" for name in ("main", "globals", "invocation", "commands")
    }


@pytest.mark.req("CLI-7")
@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_told_before_typer_is_imported(flag: str) -> None:
    modules, out = modules_after(flag)
    assert out.startswith("helpdesk ")
    assert out.count("\n") == 1
    assert "typer" not in modules
    assert {m for m in modules if m.startswith("helpdesk")} == {"helpdesk", "helpdesk.__main__"}


@pytest.mark.req("CLI-3")
def test_the_help_of_an_action_comes_from_the_manifest_without_its_plugin() -> None:
    modules_after("do", "--help")  # makes the manifest, where a first start imports every plugin
    modules, out = modules_after("do", "password.reset", "--help")
    assert "PERSON" in out
    assert not {m for m in modules if m.startswith("helpdesk_")}
    assert HEAVY & modules == set()
