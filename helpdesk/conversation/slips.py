"""Mistyped words of an order: "unlok bo". What was probably meant is offered, and never taken for granted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import product

from helpdesk.conversation import talk
from helpdesk.conversation.clues import Clues
from helpdesk.conversation.routing import Router
from helpdesk.conversation.words import COMMON, STOPWORDS, fold, tokens
from helpdesk.spec import ActionSpec

LEAST = 4
"""Letters of a word that can be a slip for another one."""
ALIKE = 0.75
LONG = 8
"""Letters of a word that may hold two slips."""
MOST = 3


def vocabulary_of(specs: Sequence[ActionSpec]) -> frozenset[str]:
    """The words that actions are asked for with: their names, summaries and examples, and the verbs of orders."""
    texts: list[str] = [re.sub(r"[(|)?:]", " ", talk.ORDERS)]
    for spec in specs:
        plain = [Clues.of(example).plain for example in spec.examples]
        texts += [re.sub(r"[._-]", " ", spec.name), spec.summary, *plain]
        texts += [p.name.replace("_", " ") for p in spec.parameters]
    return frozenset(word for text in texts for word in tokens(text) if len(word) >= LEAST and word.isalpha())


def meant(words: str, known: Iterable[str], names: Iterable[str], router: Router) -> list[str]:
    """Sentences with the slips mended that lead to an action, likeliest first; [] when there is no slip.

    Args:
        names: words that stand for somebody or something, and are no slips.
    """
    vocabulary, kept = sorted(known), {fold(name) for name in names}
    options: list[tuple[str, list[str]]] = []
    for word in dict.fromkeys(tokens(words)):
        if len(word) < LEAST or not word.isalpha() or word in vocabulary or word in kept | STOPWORDS | COMMON:
            continue
        if router.knows(word):
            continue
        near = get_close_matches(word, vocabulary, n=4, cutoff=ALIKE)
        if close := [other for other in near if _slips(word, other) <= (1 if len(word) < LONG else 2)][:2]:
            options.append((word, close))
    if not options or len(options) > MOST:
        return []
    found = []
    for mended in product(*(close for _, close in options)):
        sentence = words
        for (slip, _), word in zip(options, mended, strict=True):
            sentence = re.sub(rf"(?<!\w){re.escape(slip)}(?!\w)", word, sentence, flags=re.IGNORECASE)
        route = router.route(sentence)
        if route.spec or route.which:
            found.append(sentence)
    return found[:MOST]


def _slips(one: str, other: str) -> int:
    """How many letters are too many, missing, wrong, or change places, to make one word of the other."""
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b)))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                row[-1] = min(row[-1], rows[-2][j - 2] + 1)
        rows.append(row)
    return rows[-1][-1]
