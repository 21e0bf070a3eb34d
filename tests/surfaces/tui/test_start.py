"""What ``helpdesk`` alone opens: the app, or the chat in lines where the terminal or its reader wants that."""

from __future__ import annotations

import io
import re

import pytest

from tests.surfaces.company import Company, finish

SCREEN = "\x1b[?1049h"
COLOR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")
LEAVE = "\x11"


@pytest.mark.req("CLI-4")
@pytest.mark.parametrize("way", ["dumb", "configured"])
def test_helpdesk_alone_is_the_linear_chat_where_nothing_can_or_shall_be_drawn(
    company: Company, way: str
) -> None:
    if way == "configured":
        company.config.write_text(company.config.read_text() + "\n[ui]\nlinear = true\n")
    child = company.spawn(size=(24, 80), TERM="dumb" if way == "dumb" else "xterm")
    child.logfile_read = written = io.StringIO()
    child.expect("Helpdesk: Say what you need")
    child.expect("You: ")
    child.send("\x04")
    assert finish(child) == 0
    assert SCREEN not in written.getvalue()
    assert not COLOR.search(written.getvalue())


@pytest.mark.req("CLI-10")
@pytest.mark.parametrize(
    ("flags", "variables", "colored"),
    [((), {"NO_COLOR": "1"}, False), (("--no-color",), {}, False), ((), {}, True)],
    ids=["NO_COLOR", "--no-color", "neither"],
)
def test_the_app_writes_no_colour_where_none_is_wanted(
    company: Company, flags: tuple[str, ...], variables: dict[str, str], colored: bool
) -> None:
    child = company.spawn(*flags, "tui", size=(24, 80), **variables)
    child.logfile_read = written = io.StringIO()
    child.expect_exact("What do you need?")
    child.send(LEAVE)
    assert finish(child) == 0
    assert bool(COLOR.search(written.getvalue())) is colored
