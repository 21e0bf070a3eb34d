"""How fast policies are indexed and searched, against a plain FTS5 query, and against reading every section.

Run it with ``python benchmarks/policy.py``. The corpus is made up here: BENCH_SECTIONS sections (100,000) in
documents of 50, words drawn as in a language, few of them often. All ways of searching take turns, A B C A B C …,
in one run, each after all sections were read once, so that none finds the processor's caches warmer; the ratio is
the median of the turns, so that it holds on a machine whose speed drifts. The plain query is what SQLite itself makes
of the question: the five best of BM25 over a table of the same sections, with the same tokenizer, for the same telling
words joined by OR.
"""

from __future__ import annotations

import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from helpdesk_policy.folders import Source
from helpdesk_policy.index import Index, with_index
from helpdesk_policy.search import find, terms_of

SECTIONS = int(os.environ.get("BENCH_SECTIONS", "100000"))
PAIRS = int(os.environ.get("BENCH_PAIRS", "15"))
PER_DOCUMENT = 50
WORDS_EACH = 60
TOPICS = ("visitor", "laptop", "password", "backup", "contract", "travel", "invoice", "badge", "archive")


def write_corpus(folder: Path, sections: int) -> list[str]:
    """Make the documents; returns the text of every section."""
    chance = random.Random(7)
    common = [f"w{n}" for n in range(20_000)]
    weights = [1 / (rank + 1) for rank in range(len(common))]
    texts: list[str] = []
    for number in range(sections // PER_DOCUMENT):
        parts = [f"# Policy {number}"]
        for section in range(PER_DOCUMENT):
            words = chance.choices(common, weights, k=WORDS_EACH)
            if chance.random() < 0.02:
                words[chance.randrange(WORDS_EACH)] = chance.choice(TOPICS)
            texts.append(" ".join(words))
            parts.append(f"## Section {section} {words[0]}\n\n{texts[-1]}")
        place = folder / f"{number % 40:02}"
        place.mkdir(exist_ok=True)
        (place / f"policy-{number}.md").write_text("\n\n".join(parts))
    return texts


def timed(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def busy(run: Callable[[], Any]) -> float:
    """Seconds of the processor's time: a question is over before other programs would be let in between."""
    start = time.thread_time()
    run()
    return time.thread_time() - start


def by_reading(texts: list[str], question: str) -> list[int]:
    """The plain way: count the question's words in every section, best first."""
    words = [term.asked for term in terms_of(question)]
    counts = [(sum(text.count(word) for word in words), number) for number, text in enumerate(texts)]
    return [number for count, number in sorted(counts, reverse=True)[:5] if count]


def plain_index(path: Path, texts: list[str]) -> sqlite3.Connection:
    """The sections in a full-text table, and nothing else."""
    database = sqlite3.connect(path)
    database.execute("CREATE VIRTUAL TABLE sections USING fts5 (text, tokenize = 'porter unicode61')")
    with database:
        database.executemany("INSERT INTO sections VALUES (?)", ((text,) for text in texts))
    database.execute("INSERT INTO sections (sections) VALUES ('optimize')")
    return database


def by_fts5(database: sqlite3.Connection, question: str) -> list[int]:
    words = " OR ".join(f'"{term.asked}"' for term in terms_of(question))
    sql = "SELECT rowid FROM sections WHERE sections MATCH ? ORDER BY rank LIMIT 5"
    return [row[0] for row in database.execute(sql, (words,))]


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder, cache = Path(scratch, "policies"), Path(scratch, "cache")
        folder.mkdir()
        cache.mkdir(mode=0o700)
        texts = write_corpus(folder, SECTIONS)
        plain = plain_index(Path(scratch, "plain.db"), texts)
        with_index(cache, lambda index: measure(index, [Source("bench", folder)], texts, folder, plain))
        print(
            f"index on disk                  {sum(f.stat().st_size for f in cache.iterdir()) / 2**20:8.0f} MB"
        )


def measure(
    index: Index, sources: list[Source], texts: list[str], folder: Path, plain: sqlite3.Connection
) -> None:
    first = timed(lambda: index.refresh(sources))
    report = index.refresh(sources)
    print(f"{report.documents:,} documents, {report.passages:,} sections")
    print(f"indexing all of them           {first:8.2f} s")
    print(f"nothing changed: looking       {timed(lambda: index.refresh(sources)) * 1000:8.1f} ms")
    changed = folder / "00" / "policy-0.md"
    changed.write_text(changed.read_text() + "\n\n## New\n\nA new visitor rule.\n")
    print(f"one document changed           {timed(lambda: index.refresh(sources)) * 1000:8.1f} ms")
    for name, question in (
        ("rare words", "may a visitor use the badge of another laptop"),
        ("one everyday word", "visitor w3"),
        ("words nobody wrote", "zebra crossing"),
    ):
        ask, read = partial(find, index.database, question, 5), partial(by_reading, texts, question)
        query = partial(by_fts5, plain, question)
        turns = [_turn(ask, query, read) for _ in range(PAIRS)]
        ours, fts5, reading = (statistics.median(column) * 1000 for column in zip(*turns, strict=True))
        against = statistics.median(turn[0] / turn[1] for turn in turns)
        times = statistics.median(turn[2] / turn[0] for turn in turns)
        print(
            f"a question, {name:20}{ours:8.1f} ms   plain FTS5 {fts5:6.1f} ms, ratio {against:5.2f}", end=""
        )
        print(f"   reading all {reading:8.1f} ms, {times:6.1f} times as long")


def _turn(*ways: Callable[[], Any]) -> list[float]:
    """Each way once; before each the processor's caches are filled with the same other things."""
    times = []
    for way in ways:
        ways[-1]()
        times.append(busy(way))
    return times


if __name__ == "__main__":
    main()
