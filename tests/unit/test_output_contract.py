"""Only one module writes to standard output and standard error; read from the source of every other one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = "helpdesk/surfaces/output.py"
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}
PRINTERS = {"print", "pprint", "breakpoint", "input"}
MODULES = {"rich", "rich.console", "rich.live", "rich.progress", "rich.prompt", "rich.traceback"}
MODULES |= {"pprint", "pdb", "getpass", "cmd", "curses"}
"""Modules that write to a terminal by themselves; what only measures or describes text may be used."""
METHODS = {
    "echo",
    "secho",
    "print_exc",
    "print_exception",
    "print_stack",
    "print_tb",
    "basicConfig",
    "StreamHandler",
}
ALLOWED = {
    ("helpdesk/__main__.py", "sys.stdout"): "the version, a constant, before anything is imported",
    ("helpdesk/actions/catalog.py", "sys.stderr"): "where a plugin's prints go while it is imported",
    ("helpdesk/gate/audit_shares.py", "sys.stdout"): "the answer of a child process, in JSON, through a pipe",
    ("helpdesk/surfaces/tty.py", "os.write"): "the terminal device itself; what is written is cleaned before",
    ("helpdesk/surfaces/reveal.py", "os.write"): "the file or descriptor that --reveal-to names",
    ("helpdesk/actions/batch_state.py", "os.write"): "a file of the batch's own",
    ("helpdesk/connectors/checkpoint_sinks.py", "os.write"): "a file that keeps checkpoints",
}


def found_in(tree: ast.AST) -> Iterator[str]:
    """What in a module could write to a standard stream."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if (node.value.id == "sys" and node.attr in STREAMS) or name in (
                "os.write",
                "os.system",
                "os.popen",
            ):
                yield name
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in PRINTERS:
                yield called.id
            elif isinstance(called, ast.Attribute) and called.attr in METHODS:
                yield called.attr
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            if node.module == "sys" and names & STREAMS:
                yield "from sys import"
            if node.module in MODULES:
                yield node.module
            if node.module == "contextlib" and names & {"redirect_stdout", "redirect_stderr"}:
                yield "redirect_stdout"
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)


def modules() -> list[Path]:
    return sorted([*(ROOT / "helpdesk").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")])


@pytest.mark.req("T1")
def test_nothing_writes_to_the_terminal_but_the_one_output_module() -> None:
    places = {
        (str(file.relative_to(ROOT)), what)
        for file in modules()
        if str(file.relative_to(ROOT)) != OUTPUT
        for what in found_in(ast.parse(file.read_text("utf-8")))
    }
    assert places - set(ALLOWED) == set(), "write through helpdesk.surfaces.output instead"
    assert set(ALLOWED) - places == set(), "an exception that nothing needs any more"


@pytest.mark.req("T1")
@pytest.mark.parametrize(
    "source",
    [
        "print('x')",
        "import sys\nsys.stdout.write('x')",
        "import sys\nprint('x', file=sys.__stderr__)",
        "from sys import stderr",
        "import os\nos.write(1, b'x')",
        "import typer\ntyper.echo('x')",
        "import traceback\ntraceback.print_exc()",
        "from rich.console import Console",
        "from contextlib import redirect_stdout",
        "import getpass",
        "import logging\nlogging.basicConfig()",
    ],
)
def test_every_way_to_write_is_noticed(source: str) -> None:
    assert list(found_in(ast.parse(source)))
