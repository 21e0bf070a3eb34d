"""Two requests in one sentence: "unlock bo and give erik access to vpn-users" is two sentences, one after the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from helpdesk.conversation import phrases, talk
from helpdesk.conversation.clues import said_to_desk
from helpdesk.conversation.pronouns import same_for
from helpdesk.conversation.routing import Route, Router
from helpdesk.conversation.words import fold

MOST = 5
"""Requests in one sentence."""
_BREAK = re.compile(
    r"(?P<strong>\s*[;]\s*|[.!?]\s+|,?\s+(?:and )?(?:then|after that|afterwards|next)\s+|\s*,?\s+and also\s+|\s*,?\s+plus\s+)"
    r"|(?P<weak>\s*,\s*(?:and\s+)?|\s+and\s+)",
    re.IGNORECASE,
)
_BEGINS = re.compile(
    rf"^(?:(?:also|then|now|please|could you|can you|would you|kindly)\s+)*(?:{talk.ORDERS}\b|"
    r"(?:i|we)(?:'d| would)? (?:also )?(?:need|want|like)\b|need (?:access|a|to)\b|get (?:me|him|her|them)\b|do the same\b|the same for\b|same for\b|"
    r"(?:who|what|which|when|why|how|is|are|does|do|has|am|where)\b)",
    re.IGNORECASE,
)
_INTO = re.compile(r"\b(?:to|in order to) [a-z]+(?: [\w-]+){0,6}$", re.IGNORECASE)
_PLACES = re.compile(r"\bto (?:the |a |an )?[\w]+(?:-[\w-]+)+$", re.IGNORECASE)


def split(words: str, router: Router) -> list[str]:
    """The requests in a sentence, in their order; the sentence itself where it is one request.

    It is taken apart only where every part is a request by itself; reasons, quotes and texts stay whole.
    """
    if "\n" in words.strip() or said_to_desk(words) != words.strip() or re.search(r"[\"“„:]", words):
        return [words]
    parts: list[str] = []
    start = 0
    for match in _BREAK.finditer(words):
        before, after = words[start : match.start()].strip(), words[match.end() :].strip()
        if len(parts) >= MOST - 1 or not _BEGINS.match(after) or not before:
            continue
        if match["weak"] and (
            _is_purpose(before) or not (_BEGINS.match(before) or phrases.is_own_lock(before))
        ):
            continue
        if _is_request(before, router) and _is_request(_first(after), router):
            parts.append(before)
            start = match.end()
    parts.append(words[start:].strip())
    return [part for part in parts if part]


def are_listed(names: Sequence[str], words: str) -> bool:
    """Whether names stand in a list, "bo and erik", so that a request for one person is meant for each."""
    text = fold(words)
    places = sorted((text.find(fold(name)), fold(name)) for name in names)
    between = [text[at + len(name) : after] for (at, name), (after, _) in pairwise(places)]
    return all(at >= 0 for at, _ in places) and all(_AND.fullmatch(gap) for gap in between)


_AND = re.compile(r"(?:'s)?\s*(?:,|,? and|&|,? plus)\s*(?:for |also )?", re.IGNORECASE)


def _is_purpose(text: str) -> bool:
    """Whether a part ends in what something is for, so that an "and" goes on with that."""
    return bool(_INTO.search(text)) and not _PLACES.search(text)


def _first(text: str) -> str:
    match = _BREAK.search(text)
    return text[: match.start()] if match and _BEGINS.match(text[match.end() :].strip()) else text


def _is_request(text: str, router: Router) -> bool:
    if same_for(text):
        return True
    if talk.kind(text) or talk.left_to_do(text) is not None or phrases.is_problem_report(text):
        return False
    route: Route = router.route(text)
    return bool(route.spec or route.which) or bool(re.match(rf"^(?:please )?{talk.ORDERS} ", fold(text)))
