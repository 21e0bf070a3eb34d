"""The words of a question: which of them say something, and their stems."""

from __future__ import annotations

import re
import sqlite3
import threading
import unicodedata
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[^\W_]+")
MAX_WORDS = 40
"""Words of a question that are looked at; what people paste beyond that adds nothing."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOPWORDS = _set(
    """
    a about above after again all allow allowed allows also always am an and another any anybody anyone
    anything are as ask at away back bad be because been before being below between big but by came can
    cannot come comes could did do does doing done down during each early either else even ever every
    everybody everyone everything far few fine first for from further gave get gets getting give given
    gives go goes going gone good got had happen happens has have having he hello help her here hers
    herself hey hi him himself his how i if in instead into is it its itself just kind know last later
    least less let like ll long look lot make makes many may maybe me mean means might mine more most
    much must my myself near need needed needs neither never next no nobody none nor not nothing now of
    off often ok okay old on once one only or other others ought our ours out over own per perhaps
    please possible put quite rather re really right said same say says see seem shall she should since
    so some somebody someone something somewhere soon still such sure take taken takes tell than thank
    thanks that the their theirs them then there these they thing things think this those though through
    to too toward under until up upon us use used uses using ve very via want wanted wants was way we
    well went were what whatever when whenever where whether which while who whoever whom whose why will
    with within without wonder would wrong yes yet you your yours yourself
    company firm organisation organization business employee employees people person policies policy
    rule rules guideline guidelines handbook document documents official officially according work works
    working worked
    """
)
"""Words that many a question holds and that do not tell one policy from another."""


def all_words(text: str) -> list[str]:
    """The folded words of a text, in order, without endings such as ``'s`` and ``'ll``."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return _WORD.findall(re.sub(r"'\w{1,2}\b", " ", folded))


def is_telling(word: str) -> bool:
    """Whether a word helps to tell one policy from another."""
    return len(word) > 1 and word not in STOPWORDS


def quoted(phrase: str) -> str:
    """A word or phrase as FTS5 takes it literally."""
    return '"' + phrase.replace('"', '""') + '"'


def any_of(phrases: Iterable[str]) -> str:
    """An FTS5 expression that any of these words or phrases satisfies."""
    return " OR ".join(quoted(phrase) for phrase in phrases)


class Stemmer:
    """SQLite's own stemmer, so that words meet here exactly where they meet in the index."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._database.execute("CREATE VIRTUAL TABLE words USING fts5 (word, tokenize = 'porter unicode61')")
        self._database.execute("CREATE VIRTUAL TABLE terms USING fts5vocab (words, 'instance')")

    def __call__(self, phrases: Sequence[str]) -> list[str]:
        """The stems of each phrase, separated by spaces."""
        with self._lock:
            missing = [phrase for phrase in dict.fromkeys(phrases) if phrase not in self._known]
            if missing:
                run = self._database.execute
                run("DELETE FROM words")
                for number, phrase in enumerate(missing, 1):
                    run("INSERT INTO words (rowid, word) VALUES (?, ?)", (number, phrase))
                stems: dict[int, list[str]] = {}
                for number, term in run("SELECT doc, term FROM terms ORDER BY doc, offset"):
                    stems.setdefault(number, []).append(term)
                for number, phrase in enumerate(missing, 1):
                    self._known[phrase] = " ".join(stems.get(number, ()))
            return [self._known[phrase] for phrase in phrases]
