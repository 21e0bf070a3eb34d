"""The three policy actions. They read documents and keep an index of them in the cache, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from helpdesk.plugin import Answer, Citation, Failed, Observation, Plugin, ReadContext, Untrusted, shorten
from helpdesk_policy.folders import Trouble, sources_of
from helpdesk_policy.index import Index, Report, with_index
from helpdesk_policy.search import Finding, Hit, find
from helpdesk_policy.show import shown

plugin = Plugin("policy")

CITATIONS = 5
_NAMED = 3
"""How many troubles a sentence names before it only counts them."""


@plugin.action(
    reads=True,
    allow="anyone",
    examples=(
        "what does the policy say about visitors",
        "how long may I keep customer data",
        "am I allowed to use my own phone for work",
        "are we permitted to work from abroad",
        "what are the rules for passwords",
        "who has to approve a new supplier according to policy",
    ),
)
def search(ctx: ReadContext, question: Annotated[str, "the question, in your own words"]) -> Answer:
    """Find what the company's policies say, with file, heading and line.

    The answer is the documents' own text. When they hold none, it says so.
    """
    sources = sources_of(ctx.settings)

    def look(index: Index) -> Answer:
        report = _refreshed(index, ctx, anew=False)
        _ensure_something_was_read(report)
        finding = find(index.database, question, CITATIONS)
        if not finding.hits:
            return _no_answer(question, finding, report)
        return _answer(index, finding.hits, report)

    ctx.progress(f"Looking in {len(sources)} policy folder{'s' if len(sources) != 1 else ''}")
    return with_index(ctx.cache_dir, look)


@plugin.action(
    reads=True,
    allow="anyone",
    examples=(
        "show the visitor policy",
        "read the whole backup policy",
        "open the retention policy document",
        "let me read the full data protection policy",
        "print the remote work policy",
    ),
)
def show(
    ctx: ReadContext,
    document: Annotated[str, "the document's file or title"],
    heading: Annotated[str | None, "one section only: its heading"] = None,
) -> Answer:
    """Show a policy document, or one section of it, with line numbers."""
    sources = sources_of(ctx.settings)

    def look(index: Index) -> Answer:
        report = _refreshed(index, ctx, anew=False)
        _ensure_something_was_read(report)
        return shown(index.database, sources, document, heading)

    return with_index(ctx.cache_dir, look)


@plugin.action(
    name="index",
    reads=True,
    allow="anyone",
    examples=("rebuild the policy index", "read all policy documents again", "index the policies"),
)
def index_(ctx: ReadContext) -> Answer:
    """Read every policy document again and rebuild the index, which is a cache."""
    sources = sources_of(ctx.settings)
    report = with_index(ctx.cache_dir, lambda index: _refreshed(index, ctx, anew=True))
    _ensure_something_was_read(report)
    folders = ", ".join(str(source.folder) for source in sources)
    return Answer(
        f"{report.documents:,} documents with {report.passages:,} passages are indexed from {folders}."
        + _told(report.troubles),
        {
            "documents": report.documents,
            "passages": report.passages,
            "sources": {source.name: str(source.folder) for source in sources},
            "warnings": [str(trouble) for trouble in report.troubles],
        },
        (_searched(report),),
    )


def _refreshed(index: Index, ctx: ReadContext, *, anew: bool) -> Report:
    return index.refresh(sources_of(ctx.settings), anew=anew)


def _ensure_something_was_read(report: Report) -> None:
    """Raises Failed when there is nothing to search because nothing could be read, or nothing is there."""
    if report.documents:
        return
    if report.troubles:
        raise Failed(
            f"No policy could be read: {_list(report.troubles)}.",
            hint="Have the folder made readable, or correct [policy] sources in config.toml.",
            code="policy-unreadable",
        )
    raise Failed(
        "The policy folders hold no documents (.md, .txt or .html).",
        hint="Check [policy] sources in config.toml.",
        code="policy-empty",
    )


def _no_answer(question: str, finding: Finding, report: Report) -> Answer:
    """Nothing is said; unless a folder could not be read: then nobody knows.

    Raises:
        Failed: a whole folder is missing from what was searched.
    """
    if any(trouble.folder for trouble in report.troubles):
        raise Failed(
            "What could be read does not answer this, but not every policy could be read: "
            f"{_list(report.troubles)}.",
            hint="Have the folder made readable and ask again.",
            code="policy-unreadable",
        )
    about = f" Nothing in them mentions {_words(finding.unknown)}." if finding.unknown else ""
    subject = shorten(question, 60).replace('"', "'")
    return Answer(
        f"The policies do not say.{about}{_told(report.troubles)} "
        f'Ask a person: helpdesk do ticket.open "{subject}"',
        {"warnings": [str(trouble) for trouble in report.troubles]},
        (_searched(report),),
        citations=(),
    )


def _words(words: Sequence[str]) -> str:
    named = [f"“{word}”" for word in words[:_NAMED]]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} or {named[-1]}"


def _answer(index: Index, hits: Sequence[Hit], report: Report) -> Answer:
    citations = tuple(_citation(index, hit) for hit in hits)
    best = citations[0]
    more = f" {len(citations) - 1} more below." if len(citations) > 1 else ""
    return Answer(
        f"“{shorten(best.heading, 120)}” in {shorten(best.file, 200)}, line {best.line}, speaks of this."
        f"{more}{_told(report.troubles)}",
        {"warnings": [str(trouble) for trouble in report.troubles]},
        tuple(_cited(citation) for citation in citations),
        citations=citations,
    )


def _citation(index: Index, hit: Hit) -> Citation:
    row = index.database.execute(
        "SELECT source, file, heading, line, text FROM passages JOIN documents ON documents.id = document"
        " WHERE passages.id = ?",
        (hit.passage,),
    ).fetchone()
    source, file, heading, line, text = row
    return Citation(source, file, heading, line, Untrusted(text))


def _cited(citation: Citation) -> Observation:
    target = f"{citation.source}/{citation.file}"
    return Observation("policies", target, f"line {citation.line}", citation.heading, citation.heading)


def _searched(report: Report) -> Observation:
    return Observation("policies", "index", "documents", str(report.documents), str(report.documents))


def _told(troubles: Sequence[Trouble]) -> str:
    return f" Not everything could be read: {_list(troubles)}." if troubles else ""


def _list(troubles: Sequence[Any]) -> str:
    ranked = sorted(troubles, key=lambda trouble: not trouble.folder)
    named = "; ".join(str(trouble) for trouble in ranked[:_NAMED])
    return named + (f"; and {len(ranked) - _NAMED} more" if len(ranked) > _NAMED else "")
