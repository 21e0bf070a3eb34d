"""The manual without a network: the man page, the pages of docs/, and which of them is in the wheel."""

from __future__ import annotations

import shutil
import subprocess
import tomllib

import pytest

from helpdesk.surfaces.cli.commands import ROWS
from helpdesk.surfaces.cli.globals import HELP
from helpdesk.surfaces.guide import topics
from tests.surfaces.company import ROOT, Company


@pytest.mark.req("CLI-33")
def test_the_man_page_names_every_command_flag_action_and_exit_code(company: Company) -> None:
    company.config.unlink()
    ran = company.run("help", "--man")
    assert ran.code == 0, ran.err
    assert ran.out.isascii()
    page = ran.out.replace("\\-", "-")
    assert page.startswith(".TH HELPDESK 1")
    for heading in ("NAME", "SYNOPSIS", "EXAMPLES", "COMMANDS", "ACTIONS", "FLAGS", "EXIT STATUS", "FILES"):
        assert f".SH {heading}\n" in page
    for name in (*ROWS, "approvals approve", "log verify", "password.reset", "ticket.open"):
        assert f"\\fB{name}\\fR" in page
    for written, _ in HELP:
        for word in written.replace(",", "").split():
            if word.startswith("--"):
                assert f"\\fB{word}\\fR" in page
    assert '.B "130/143"' in page


@pytest.mark.req("CLI-33")
@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not on this machine")
def test_the_man_page_is_formatted_without_a_warning(company: Company) -> None:
    page = company.run("help", "--man").out
    done = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww", "-P-cbou"], input=page, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert 'helpdesk ask "I\'m locked out"' in done.stdout
    assert "--reveal-to FILE" in done.stdout
    assert "approvals deny ID" in done.stdout


@pytest.mark.req("CLI-33")
def test_every_page_of_the_manual_can_be_read(company: Company) -> None:
    company.config.unlink()
    listed = company.run("help", "topics")
    assert listed.code == 0, listed.err
    for topic, file in topics(ROWS).items():
        assert topic in listed.out
        ran = company.run("help", topic)
        assert ran.code == 0, ran.err
        assert ran.out.splitlines()[0] == (ROOT / "docs" / file).read_text().splitlines()[0]
    assert "Usage: helpdesk demo" in company.run("help", "demo").out  # a command comes first
    wrong = company.run("help", "operatr")
    assert wrong.code == 2
    assert "operator" in wrong.err


@pytest.mark.req("CLI-33")
def test_the_wheel_brings_every_page_and_schema() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    brought = build["force-include"]
    assert brought["docs/schemas"] == "helpdesk/surfaces/docs/schemas"
    assert {f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md")} <= set(brought)


@pytest.mark.req("CLI-5")
def test_help_leads_with_examples_lists_the_common_first_and_says_where_the_manual_is(
    company: Company,
) -> None:
    out = company.run("--help").out
    places = [
        out.index(part)
        for part in ("Examples", "helpdesk ask", "Every day", "Signing in", "Looking after it", "Everywhere")
    ]
    assert places == sorted(places)
    assert "helpdesk help topics" in out
    assert "helpdesk help --man" in out
