"""What a sentence shows on its face, before any look-up: names, groups, ticket numbers, who it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from helpdesk.conversation.words import COMMON, STOPWORDS, content, fold, tokens, word_set

TICKET = re.compile(r"(?<![\w.-])[A-Za-z]{1,8}-\d+\b(?![-.]?\w)|#\d+\b")
"""A ticket's number ("T-1001", "#12"), and no part of a longer name ("ledgers-1-56")."""
_GROUP = re.compile(r"(?<![\w@.-])[a-z][a-z0-9]*(?:[-_][a-z0-9]+)+(?![\w@-])", re.IGNORECASE)
_PROPER = re.compile(r"(?<![.!?:] )(?<!^)\b[A-Z][a-zà-öø-ÿ]+(?:[ -][A-Z][a-zà-öø-ÿ]+)*")
_LEADING = re.compile(
    r"^\W*(?P<name>[A-Z][a-zà-öø-ÿ]+)(?:'s\b| (?:[A-Z]|is|was|has|needs|should|no longer|forgot|left|can|will|changed)\b)"
)
_AFTER = re.compile(
    r"\b(?:unlock|reset|disable|enable|re-enable|reactivate|deactivate|suspend|block|unblock|give|grant|let|add|put|"
    r"remove|take|kick|make|drop|for|of|does|is|was|has|about|up|find|reach|with login)\s+(?P<name>[a-z][a-z0-9._]{1,30})\b"
)
_POSSESSIVE = re.compile(
    r"\b(?P<name>[a-z][a-z0-9._]*)['’]s\s+(?:account|password|access|login|lock|user|rights|groups?|manager|phone|mail|email|e-mail|number|address|membership)"
)
_SUBJECT = re.compile(
    r"^\W*(?P<name>[a-z][a-z0-9._]{1,30}) (?:is|was|has|needs|should|no longer|forgot|left|locked|can't|cannot|changed)\b"
)
_ASKED = re.compile(
    r"^\W*(?:(?:why|when|how come|since when|how long|so|and)\W+)*(?:did|can|does|is|was|has|will|why|how come)\s+(?P<name>[a-z][a-z0-9._]{1,30})\b"
)
_NAME_SHAPED = re.compile(r"[a-z][a-z0-9._]{1,31}")
_OTHER = re.compile(r"\b(?:him|her|his|their|them|he|she|colleague|coworker|somebody|someone|user)\b")
_SELF = re.compile(r"\b(?:i|i'?m|im|i'?d|i'?ve|me|my|mine|myself|we)\b")
_ASKS = re.compile(
    r"^\W*(?:who|what|which|when|where|why|how|is|are|am|was|were|do|does|did|has|have|any|status|show|list)\b|\?\s*$"
)
_POLITE = re.compile(r"^\W*(?:can|could|would|will) (?:you|someone|somebody|i)\b|\bplease\b")
_NOT_GROUPS = re.compile(
    r"^(?:re|e|in|on|off|log|sign|co|self|t|pre|anti|non|up|add|set)-|-(?:in|on|out|up|off)$|^(?:can|won|don)-",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Clues:
    """What was seen.

    Attributes:
        told: what is said to the desk: neither the reasons given nor what is quoted after a colon.
        plain: the sentence without names, groups and numbers, for comparing with other sentences.
        names: folded words that look like, or are known to be, somebody's name.
        groups: names of groups: known ones, or words shaped like ``finance-share``.
        ticket: the first ticket number.
        names_nobody: the names were looked up, and nobody has one of them.
    """

    told: str
    plain: str
    names: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()
    ticket: str = ""
    about_self: bool = False
    about_other: bool = False
    asks: bool = False
    orders: bool = False
    names_nobody: bool = False

    @classmethod
    def of(cls, words: str, *, people: Iterable[str] = (), groups: Iterable[str] = ()) -> Clues:
        """Look at a sentence; ``people`` and ``groups`` are names known from the live directory."""
        told = said_to_desk(words)
        folded = fold(told)
        ticket = TICKET.search(told) or TICKET.search(words)
        known = [name for name in groups if _stands(fold(name), folded)]
        shaped = [m.group() for m in _GROUP.finditer(told) if not TICKET.fullmatch(m.group())]
        found = tuple(dict.fromkeys(known + [g for g in shaped if not _NOT_GROUPS.search(g)]))
        names = _names(told, found) | {fold(name) for name in people if _stands(fold(name), folded)}
        polite = bool(_POLITE.search(folded))
        asks = bool(_ASKS.search(folded)) and not polite
        return cls(
            told=told,
            plain=_plain(told, names, found),
            names=frozenset(names),
            groups=found,
            ticket=ticket.group() if ticket else "",
            about_self=bool(_SELF.search(folded)),
            about_other=bool(_OTHER.search(folded)),
            asks=asks,
            orders=polite or not asks,
        )


def _stands(name: str, folded: str) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", folded))


def _names(words: str, groups: tuple[str, ...]) -> set[str]:
    """Words in a place or a shape where people's names stand. Shape only: nothing is acted upon."""
    folded = fold(words)
    parts = {t for match in _PROPER.finditer(words) for t in tokens(match.group())}
    leading = _LEADING.match(words)
    if leading:
        parts.add(fold(leading["name"]))
    for pattern in (_AFTER, _POSSESSIVE, _SUBJECT, _ASKED):
        parts |= {match["name"].rstrip(".") for match in pattern.finditer(folded)}
    taken = {token for group in groups for token in tokens(group)} | {fold(group) for group in groups}
    return {
        p
        for p in parts
        if p not in STOPWORDS | COMMON | _NEVER and p not in taken and _NAME_SHAPED.fullmatch(p)
    }


_NEVER = word_set(
    """
    access rights share folder laptop mouse printer screen ticket tickets policy policies customer data
    software usb wifi vpn outlook email headset projector device devices supplier invoices employee
    employees everyone home abroad work engineering finance design payroll sales marketing legal hr it
    retention acceptable remote security protection login logins phone private personal details profile job
    title lock locked outlook windows excel teams word norway lisbon spanish restart close open comment
    comments note add tomorrow invoice pizza server production database databases weather music cable status
    news expired disabled enabled deactivated active away sick gone members contract contractor contractors
    holiday leave working keyboard monitor monitors battery docking station up down out off in on over read
    write see install forward keep share bring unlock reset disable enable remove take
    """
)
"""Words that follow "for", "of", "open" and the like without being a name; a live directory overrides this."""


_QUOTED = re.compile(r"^(?P<lead>\W*\w+(?:\W+\w+)+?\s*\w*):\s.*$", re.DOTALL)
_REASON = re.compile(r"[,;]?\s\b(?:because|so that|in order to)\b.*$", re.IGNORECASE | re.DOTALL)
_GROUP_FOR = re.compile(
    r"(?<= group) (?:for (?!me\b|him\b|her\b|them\b)|to |until |till ).*$", re.IGNORECASE | re.DOTALL
)


def said_to_desk(words: str) -> str:
    """The request itself: ``words`` without what is quoted after a colon, and without the reasons given."""
    quoted = _QUOTED.match(words)
    text = quoted["lead"] if quoted else words
    return _REASON.sub("", text).strip() or words


def _plain(told: str, names: Iterable[str], groups: Iterable[str]) -> str:
    text = TICKET.sub(" ticket ", told)
    for group in sorted(groups, key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(group)}(?![\w-])", " group ", text, flags=re.IGNORECASE)
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?:['’]s)?(?![\w-])", " ", text, flags=re.IGNORECASE)
    return _GROUP_FOR.sub("", " ".join(text.split()))


def candidates(clues: Clues) -> list[str]:
    """Words worth a look-up as a person's name, likeliest first: at most eight."""
    taken = {t for group in clues.groups for t in (*tokens(group), fold(group))} | {fold(clues.ticket)}
    rest = [
        w
        for w in content(clues.told)
        if w not in COMMON and w not in clues.names and _NAME_SHAPED.fullmatch(w)
    ]
    ordered = [w for w in tokens(clues.told) if w in clues.names] + [w for w in rest if w not in _NEVER]
    return [w for w in dict.fromkeys(ordered) if w not in taken][:8]
