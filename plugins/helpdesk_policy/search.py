"""Which passages answer a question, and whether any does.

Words rank (BM25 over headings and text); coverage decides: the share of what the question asks about, rare
words counting more, that one passage speaks of together with its headings. A question whose telling words
stand nowhere together is one that the policies do not answer, however many everyday words match.
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from helpdesk_policy.thesaurus import phrases_in, ways_of_saying
from helpdesk_policy.words import MAX_WORDS, all_words, any_of, is_telling

CANDIDATES = 26
"""Passages that are looked at closely: with three times as many no answer of ours was better."""
ENOUGH = 0.55
"""The least evidence of a passage that answers."""
NAMED = 0.3
"""What it adds to the evidence that the section's own heading names what is asked."""
LIKEWISE = 0.8
"""What another word for the one asked for counts, against the word itself; in ranking, half of that."""
EVERYDAY = 20_000
"""A word in this many passages tells nothing any more; it does not rank."""
ABOVE = 0.5
"""What a word counts that only the document's title or an outer heading holds."""
WEIGHTS = (1.0, 4.0, 1.0)
"""Of outer headings, own heading and text, for BM25."""
NEAR_BEST = 0.35
"""Further passages are worth showing down to this share of the best one's score."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing the question asks about: the words for it, and other words for it."""

    asked: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was looked at.

    Attributes:
        coverage: the share of the question that it speaks of, from 0 to 1. named: the share that its own
            heading names. score: for the order.
    """

    passage: int
    document: int
    heading: str
    coverage: float
    named: float
    score: float

    @property
    def evidence(self) -> float:
        return self.coverage + NAMED * self.named


@dataclass(frozen=True, slots=True)
class Finding:
    """Passages best first; none when nothing covers the question. ``unknown``: words no policy holds."""

    hits: tuple[Hit, ...]
    unknown: tuple[str, ...] = ()


def terms_of(question: str) -> list[Term]:
    """What a question asks about, each thing with other words for it."""
    words = all_words(question)[:MAX_WORDS]
    terms: list[str] = []
    taken: set[int] = set()
    for i, phrase in phrases_in(words):
        if not taken & {i, i + 1}:
            taken |= {i, i + 1}
            terms.append(phrase)
    rest = [word for i, word in enumerate(words) if i not in taken]
    terms += [word for word in rest if is_telling(word)] or ([] if terms else rest)
    return [Term(term, ways_of_saying(term)) for term in dict.fromkeys(terms)]


def find(database: sqlite3.Connection, question: str, limit: int) -> Finding:
    """The passages that answer, at most ``limit``, one for each section."""
    hits, unknown = look_at(database, question)
    best = [hit for hit in hits if hit.evidence >= ENOUGH][:limit]
    return Finding(tuple(hit for hit in best if hit.score >= NEAR_BEST * best[0].score), unknown)


def look_at(database: sqlite3.Connection, question: str) -> tuple[list[Hit], tuple[str, ...]]:
    """The best passage of every section that might answer, best first, and the words no policy holds."""
    terms = terms_of(question)
    total, *holding = _holding(database, terms)
    if not terms or not total:
        return [], ()
    telling = [term for term, count in zip(terms, holding, strict=True) if count < EVERYDAY]
    unknown = tuple(term.asked for term, count in zip(terms, holding, strict=True) if not count)
    ranks = _ranks(database, telling or terms) if any(holding) else {}
    if not ranks:
        return [], unknown
    weights = [math.log(1 + total / max(count if count < EVERYDAY else total, 1)) for count in holding]
    whole, named = _spoken_of(database, terms, weights, list(ranks))
    marks = ",".join("?" * len(ranks))
    sql = f"SELECT id, document, heading FROM passages WHERE id IN ({marks})"  # noqa: S608  marks only
    hits = []
    for id, document, heading in database.execute(sql, tuple(ranks)):
        share, own = whole.get(id, 0.0), named.get(id, 0.0)
        hits.append(Hit(id, document, heading, share, own, share * share * (1 + own) * ranks[id]))
    hits.sort(key=lambda hit: (-hit.score, hit.passage))
    return _one_for_each_section(hits), unknown


def _holding(database: sqlite3.Connection, terms: Sequence[Term]) -> Sequence[int]:
    """How many passages there are, and how many hold each term in some words, counted up to EVERYDAY.

    The fewer, the more it tells. Asked all at once, as one statement takes less than one for each.
    """
    count = f"(SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT {EVERYDAY}))"  # noqa: S608
    sql = f"SELECT {', '.join(['passages', *[count] * len(terms)])} FROM size"  # noqa: S608  our own words only
    row: Sequence[int] = database.execute(sql, [any_of((t.asked, *t.others)) for t in terms]).fetchone()
    return row


def _ranks(database: sqlite3.Connection, terms: Sequence[Term]) -> dict[int, float]:
    """The best candidates of BM25 by passage; a higher rank is better. Other words count less."""
    sql = "SELECT rowid, -bm25(words, ?, ?, ?) AS rank FROM words WHERE words MATCH ? ORDER BY rank DESC LIMIT ?"
    ranks: dict[int, float] = {}
    for phrases, share in (
        ([term.asked for term in terms], 1.0),
        ([other for term in terms for other in term.others], LIKEWISE / 2),
    ):
        if phrases:
            for passage, rank in database.execute(sql, (*WEIGHTS, any_of(phrases), CANDIDATES)):
                ranks[passage] = ranks.get(passage, 0.0) + share * rank
    return ranks


def _spoken_of(
    database: sqlite3.Connection, terms: Sequence[Term], weights: Sequence[float], passages: Sequence[int]
) -> tuple[dict[int, float], dict[int, float]]:
    """For each candidate, the share of the question that it speaks of, and that its own heading names.

    The candidates are asked in an index of their own, so that the time does not grow with the policies. Their
    texts come out of FTS5's own table, which is faster than asking it for each.
    """
    marks = ",".join("?" * len(passages))
    sql = f"SELECT id, c0, c1, c2 FROM words_content WHERE id IN ({marks})"  # noqa: S608  marks only
    with _few.holding(database.execute(sql, tuple(passages))) as few:
        near, above, named = _directly(few, ("{heading body}", "above", "heading"), terms)
    spoken = [
        {p: max(n.get(p, 0.0), ABOVE * a.get(p, 0.0)) for p in n | a}
        for n, a in zip(near, above, strict=True)
    ]
    return _covered(weights, spoken), _covered(weights, named)


class _Few:
    """A small index in memory, for a few passages at a time: made once, as making it takes longer than asking it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None

    @contextmanager
    def holding(self, rows: Iterable[tuple[int, str, str, str]]) -> Iterator[sqlite3.Connection]:
        """The index, with these passages in it and no others."""
        with self._lock:
            if self._database is None:
                self._database = _made()
            few = self._database
            few.execute("INSERT INTO words (words) VALUES ('delete-all')")
            few.execute("BEGIN")
            few.executemany("INSERT INTO words (rowid, above, heading, body) VALUES (?, ?, ?, ?)", rows)
            try:
                yield few
            finally:
                few.execute("ROLLBACK")


def _made() -> sqlite3.Connection:
    few = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    columns = "above, heading, body, content = '', tokenize = 'porter unicode61'"
    few.execute(f"CREATE VIRTUAL TABLE words USING fts5 ({columns})")
    return few


_few = _Few()


def _directly(
    database: sqlite3.Connection, columns: Sequence[str], terms: Sequence[Term]
) -> list[list[dict[int, float]]]:
    """For each of these columns and each term the passages that hold it, and how directly: 1 in its own words."""
    asked = [
        (place, number, phrases, share)
        for place in range(len(columns))
        for number, term in enumerate(terms)
        for phrases, share in ((term.others, LIKEWISE), ((term.asked,), 1.0))
        if phrases
    ]
    sql = " UNION ALL ".join(
        f"SELECT {at}, rowid FROM words WHERE words MATCH ?"  # noqa: S608  our own numbers only
        for at in range(len(asked))
    )
    there: list[list[dict[int, float]]] = [[{} for _ in terms] for _ in columns]
    wanted = [f"{columns[place]} : ({any_of(phrases)})" for place, _, phrases, _ in asked]
    for at, passage in database.execute(sql, wanted):
        place, number, _, share = asked[at]
        held = there[place][number]
        held[passage] = max(share, held.get(passage, 0.0))
    return there


def _covered(weights: Sequence[float], spoken: Iterable[dict[int, float]]) -> dict[int, float]:
    """For each passage the weighted share of the terms."""
    whole = sum(weights)
    covered: dict[int, float] = {}
    for weight, there in zip(weights, spoken, strict=True):
        for passage, share in there.items():
            covered[passage] = covered.get(passage, 0.0) + weight * share / whole
    return covered


def _one_for_each_section(hits: Sequence[Hit]) -> list[Hit]:
    best: dict[tuple[int, str], Hit] = {}
    for hit in hits:
        best.setdefault((hit.document, hit.heading), hit)
    return list(best.values())
