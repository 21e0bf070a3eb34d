"""``policy``: search and read the company's policies; thin over the policy actions."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from helpdesk.surfaces.cli.commands import group
from helpdesk.surfaces.cli.invocation import current

app = group("Search and read the company's policies.")


@app.command()
def search(words: Annotated[list[str], typer.Argument(help="What you want to know.")]) -> int:
    """Find the passages that answer a question, with file, heading and line."""
    return _run("policy.search", " ".join(words))


@app.command()
def show(place: Annotated[list[str], typer.Argument(help="A policy's file, or a part of its name.")]) -> int:
    """Show one policy."""
    return _run("policy.show", " ".join(place))


@app.command()
def index() -> int:
    """Read every policy again and say what is indexed."""
    return _run("policy.index")


def _run(action: str, *values: Any) -> int:
    from helpdesk.surfaces.cli.do import catalog, perform

    current()
    return perform(catalog().spec(action), {"positional_values": values})
