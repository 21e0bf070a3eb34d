"""``help --man``, ``help topics`` and ``help TOPIC``: the whole manual, without a network."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from helpdesk.errors import UsageError
from helpdesk.surfaces.cli.commands import ROWS
from helpdesk.surfaces.cli.invocation import Invocation

SCHEMA = "helpdesk.help/1"


def manual(run: Invocation, words: Sequence[str]) -> int:
    """What follows ``help`` and is no command.

    Raises:
        UsageError: it is no page of the manual either.
    """
    from helpdesk.surfaces import guide

    if list(words) == ["--man"]:
        return _man_page(run)
    pages = guide.topics(ROWS)
    if list(words) == ["topics"]:
        return _topics(run, pages)
    if len(words) == 1 and words[0] in pages:
        text = guide.page(pages[words[0]])
        return run.answer({"schema": SCHEMA, "topic": words[0], "text": text}, text.splitlines())
    near = get_close_matches(words[0], [*ROWS, *pages], n=2, cutoff=0.5)
    raise UsageError(
        f"There is no command and no page {words[0]!r}.",
        hint=f"Did you mean {' or '.join(near)}?" if near else "helpdesk help topics lists the pages.",
        code="unknown-command",
    )


def _topics(run: Invocation, pages: dict[str, str]) -> int:
    from helpdesk.surfaces import guide
    from helpdesk.surfaces.columns import table

    rows = [(topic, guide.title(file)) for topic, file in pages.items()]
    document = {"schema": SCHEMA, "topics": [{"topic": topic, "title": title} for topic, title in rows]}
    lines = table(("topic", "about"), rows, run.look)
    if not run.look.plain:
        lines += ["", "Read one: helpdesk help TOPIC"]
    return run.answer(document, lines)


def _man_page(run: Invocation) -> int:
    """Roff, whole and unfolded: it is for ``man -l -`` and not for the eye."""
    from helpdesk.surfaces.completions.tree import tree
    from helpdesk.surfaces.man import man_page
    from helpdesk.surfaces.output import write
    from helpdesk.workflows.installed import catalog_of

    text = man_page(tree(catalog_of(run.paths.cache).specs))
    if run.flags.json:
        run.document({"schema": SCHEMA, "topic": "--man", "text": text})
    else:
        write(text.splitlines())
    return 0
