"""The person's words: tokens, the words that carry no meaning here, and a few set phrases.

Everything is English for now; a second language is a second set of these tables.
"""

from __future__ import annotations

import re
import unicodedata

_TOKEN = re.compile(r"[^\W_](?:[\w.@+'’-]*[^\W_])?")


def word_set(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


STOPWORDS = word_set(
    """
    a about after again all also an and any anyone are as ask at be because been before being but by can
    could did do does doing done for from get gets getting give go goes going got had hallo has have having
    he hello help her here hers hey hi him himself herself his how i i'd i'll i'm i've if im in into is it
    its itself just kindly know let like me mine must my myself need needs no not now of off ok okay on one
    or our out over please she should since so some somebody someone something tell than thank thanks that
    the their them then there these they thing this those to too under until up us very want wants was we
    were what what's when where which while who whom whose why will with would yes yet you your
    """
)

COMMON = word_set(
    """
    able account again already another back belong belongs both call called came cannot change changed
    colleague come company contact could day days different does doesn't don't each early email end every
    everything everybody file find first folder friday full gone good group groups hour hours job keep knows
    last late later leave leaves left long look longer mail make makes member members minute minutes mobile
    moment monday month months more morning most move moved much name never new next nobody none nothing
    number office old only open other own password people permission permissions person phone possible
    problem put quarter reach read request right rights room same saturday say says set show since somewhere
    still sunday switch system take team ten think thursday time times today tomorrow tuesday turn two until
    use used user using wait way wednesday week weeks went whether whole wrong year years yesterday
    """
)
"""Everyday words that are nobody's name in a request; they only save look-ups."""

_CANCEL = re.compile(
    r"^(no[, ]+)?(please )?(cancel|never ?mind|forget (it|that|about it)|stop|abort|quit|leave it|drop it)"
    r"( it| that| this)?,?( please| thanks| thank you)?[.! ]*$",
    re.IGNORECASE,
)
_CORRECTION = re.compile(
    r"^(?:(?:no|nope|sorry|wait|oops|actually|correction)\b[,.:; –-]*)*"
    r"(?:(?:i|we) (?:actually )?(?:meant|mean|wanted|want)\b|(?:make|let) (?:it|that)\b|it should be\b|"
    r"rather\b|instead\b|not .{1,60}? but\b)[,: ]*(?P<value>.+?)(?: instead)?[.! ]*$",
    re.IGNORECASE,
)
_PLAIN_NO = re.compile(
    r"^(?:no|nope|sorry|oops|wait|actually|correction)[,.:; –-]+(?P<value>.+?)[.! ]*$", re.IGNORECASE
)
_SECRET = re.compile(
    r"(?P<lead>\b(?:passwords?|passwd|pwd?|passwort|kennwort|passphrase|passcode|pin|secret|token|api[ _-]?key)\b"
    r"(?:\s+\w+){0,2}?\s*(?:\bis\b|\bwas\b|:|=)\s*)"
    r"(?:(?P<quote>[\"'`“„])(?P<quoted>[^\"'`“”\n]{3,200})(?P<end>[\"'`“”])|(?P<value>\S{3,}?)(?=[\s,.;!?)]*(?:\s|$)))",
    re.IGNORECASE,
)
_NOT_SECRET = word_set(
    """
    about wrong right not old new too long short expired locked blocked broken weak strong the this that
    going due gone still always never being changed reset required needed correct incorrect
    """
)


def fold(text: str) -> str:
    """One form for comparing: NFC, case folded, typographic apostrophes straight."""
    return unicodedata.normalize("NFC", text).replace("’", "'").casefold()


def tokens(text: str) -> list[str]:
    """The folded words of a text; names such as ``finance-share`` and ``bo@example.org`` stay whole."""
    return [_bare(match.group()) for match in _TOKEN.finditer(fold(text))]


def _bare(token: str) -> str:
    return token[:-2] if token.endswith("'s") and len(token) > 2 else token


def content(text: str) -> list[str]:
    """The words of a text that say something: stopwords removed, order kept, each once."""
    return list(dict.fromkeys(word for word in tokens(text) if word not in STOPWORDS))


def occurs(value: str, text: str) -> bool:
    """Whether ``value`` stands in ``text`` word for word, without regard to case."""
    wanted, there = tokens(value), tokens(text)
    if not wanted:
        return False
    return any(there[i : i + len(wanted)] == wanted for i in range(len(there) - len(wanted) + 1))


def stands(name: str, text: str) -> bool:
    """Whether a name stands in ``text`` as it is, whatever the case: no sign or script of it is another one (L2).

    :func:`occurs` compares words, and two names of a directory may differ in what it leaves out. A name that
    begins or ends with a sign never stands: a sentence's own signs cannot be told from it.
    """
    if not (name[:1].isalnum() and name[-1:].isalnum()):
        return False
    pattern = rf"(?<![\w@.+-]){re.escape(name)}(?![\w@+-]|\.\w|['’](?!s\b)\w)"
    found = re.finditer(pattern, text, re.IGNORECASE)
    return any(match.group().isascii() == name.isascii() for match in found)


def is_everyday(text: str) -> bool:
    """Whether ``text`` is made of words that everybody uses: in a sentence they name nobody."""
    return all(word in STOPWORDS or word in COMMON for word in tokens(text))


def is_cancel(text: str) -> bool:
    """ "cancel", "never mind", "forget it" …"""
    return bool(_CANCEL.match(text.strip()))


def is_cancel_word(text: str) -> bool:
    """Whether a secret that was typed is the word "cancel" and nothing else: it stops, and is no password."""
    return fold(text.strip()).rstrip(".! ") == "cancel"


def correction(text: str) -> str | None:
    """What a correction puts in place: "no, I meant design-share" gives ``design-share``; otherwise ``None``."""
    stripped = text.strip()
    match = _CORRECTION.match(stripped) or _PLAIN_NO.match(stripped)
    return match["value"].strip() if match else None


def without_secrets(text: str) -> str:
    """``text`` with what looks like a typed password replaced: it goes to no model, log, ticket or transcript (S1)."""

    def mask(match: re.Match[str]) -> str:
        value = match["value"] or match["quoted"]
        if fold(value).strip(".,;!?") in _NOT_SECRET | STOPWORDS:
            return match.group()
        return match["lead"] + "[removed]"

    return _SECRET.sub(mask, text)
