"""What the tests of the policy plugin share: a small company's policies, and asking them a question."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpdesk.plugin import Action, Actor, Answer, Person, ReadContext

RETENTION = """\
---
title: Data retention
weight: 3
---

# Data retention

What we hold, and for how long.

## Retention period

Records of customers are retained for seven years after the end of their contract.

Access logs are retained for ninety days.

### Exceptions

A legal hold stops every deletion.

## Destruction

Paper is shredded; disks are overwritten twice.
"""

VISITORS = """\
VISITORS

Guests sign in at the front desk and wear a badge.

1. Photography

Nobody may take photographs in the laboratory.
"""

TRAVEL = """\
<!DOCTYPE html>
<html><head><title>Travel</title>
<style>p { color: red }  /* secretstyle */</style>
<script>var secretscript = "refund";</script></head>
<body>
<nav>Home Imprint</nav>
<h1>Travel</h1>
<h2>Hotels &amp; trains</h2>
<p>A hotel may cost
up to 140&nbsp;euros a night.</p>
<ul><li>Trains: second class.</li>
<li>Flights need the approval of your manager.</li></ul>
</body></html>
"""


def company(folder: Path) -> Path:
    """A folder of three policies, one of each format."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "retention.md").write_text(RETENTION)
    (folder / "visitors.txt").write_text(VISITORS)
    (folder / "travel.html").write_text(TRAVEL)
    return folder


def context(sources: Sequence[Path], cache: Path) -> ReadContext:
    """A context as the runner makes it, for a plugin that needs no system."""
    nothing: Any = None
    return ReadContext(
        actor=Actor(Person(id="1", dn="uid=ana", login="ana", name="Ana Example")),
        directory=nothing,
        tickets=nothing,
        key="k",
        settings={"sources": tuple(str(source) for source in sources)},
        cache_dir=cache,
        now=lambda: datetime.now(UTC),
        accepts=nothing,
        report=lambda _: None,
    )


class Policies:
    """The plugin over some folders, with a cache of its own."""

    def __init__(self, cache: Path, *sources: Path) -> None:
        cache.mkdir(mode=0o700, exist_ok=True)
        self.context = context(sources, cache)

    def run(self, action: Action[Any], **arguments: Any) -> Answer:
        found: Answer = asyncio.run(asyncio.to_thread(action.function, self.context, **arguments))
        return found

    def ask(self, question: str) -> Answer:
        from helpdesk_policy.actions import search

        return self.run(search, question=question)

    def show(self, document: str, heading: str | None = None) -> Answer:
        from helpdesk_policy.actions import show

        return self.run(show, document=document, heading=heading)

    def rebuild(self) -> Answer:
        from helpdesk_policy.actions import index_

        return self.run(index_)

    def places(self, question: str) -> list[tuple[str, str, int]]:
        """File, heading and line of what is cited."""
        return [(c.file, c.heading, c.line) for c in self.ask(question).citations or ()]
