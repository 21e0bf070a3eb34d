"""Which part of a sentence is the value of a free-text argument."""

from __future__ import annotations

import re

from helpdesk.conversation.clues import TICKET, Clues
from helpdesk.conversation.routing import is_ticket_id
from helpdesk.conversation.words import COMMON, STOPWORDS, fold, tokens
from helpdesk.spec import ActionSpec, Parameter

REASONS = frozenset({"reason", "why", "justification", "purpose"})
_DETAILS = frozenset({"body", "details", "description"})
_WHOLE = ("problem", "incident", "people")
"""Flows in which the sentence as a whole is what it is about."""
SUBJECT_LENGTH = 100
"""Characters of a sentence that become a subject; the whole of it becomes the body."""

_WHY = re.compile(
    r"\b(?:because(?: of)?|so that|since|as (?=i\b|we\b|he\b|she\b|they\b)|in order to|for(?= the\b| my\b| our\b| a\b| an\b| \w+ing\b)|"
    r"for(?! \d| me\b| him\b| her\b| them\b| \w+ (?:days?|weeks?|months?|years?)\b)|to(?= (?:finish|help|do|work|prepare|check|review|write|read|see|update|close|take|support|cover|complete|run|test|get)\b))\s+(?P<why>.+?)[.! ]*$",
    re.IGNORECASE | re.DOTALL,
)
_COLON = re.compile(r"^[^:\n]{2,80}:\s+(?P<text>\S.*)$", re.DOTALL)
_QUOTES = re.compile(r"[\"“„](?P<text>[^\"”“]{1,2000})[\"”“]")
_ABOUT = re.compile(
    r"\b(?:that|about|regarding|concerning|saying)\s+(?P<text>.+)$", re.IGNORECASE | re.DOTALL
)
_PHONE = re.compile(r"\+?\d[\d ()/.-]{4,20}\d")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def find_text(parameter: Parameter, spec: ActionSpec, words: str, clues: Clues, flow: str) -> str:
    """The value for one text argument, always a part of the person's own words; "" when there is none."""
    name = parameter.name
    if is_ticket_id(name):
        return clues.ticket.upper() if not clues.ticket.startswith("#") else clues.ticket
    if name in REASONS:
        return _reason(words)
    if name in ("phone", "telephone", "mobile"):
        return _match(_PHONE, words)
    if name in ("mail", "email"):
        return _match(_MAIL, words)
    if parameter is main_text(spec):
        return _main(words, spec, clues, flow)
    if name in _DETAILS:
        return words.strip() if len(words) > SUBJECT_LENGTH and flow in _WHOLE else ""
    return _after_name(name, words)


def main_text(spec: ActionSpec) -> Parameter | None:
    """The argument that carries what the sentence is about: the first required text that is no number or reason."""
    return next(
        (
            p
            for p in spec.parameters
            if p.required and p.kind == "text" and not is_ticket_id(p.name) and p.name not in REASONS
        ),
        None,
    )


def _reason(words: str) -> str:
    """What follows "for", "because", "so that" …, where it is not merely the name of a group or a span of time."""
    at = 0
    while match := _WHY.search(words, at):
        found = match["why"].strip()
        if not re.match(
            r"(?:\d+|a|an|one|two|three|four|five|six) (?:days?|weeks?|months?|years?)\b", found, re.I
        ):
            return found
        at = match.start("why")
    return ""


def _main(words: str, spec: ActionSpec, clues: Clues, flow: str) -> str:
    if flow in ("policy", *_WHOLE):
        text = words.strip()
        colon = _COLON.match(text)
        return _cut(colon["text"] if colon and flow != "policy" else text, flow)
    for pattern in (_COLON, _QUOTES):
        if match := pattern.search(words.strip()):
            return _cut(match["text"].strip(), flow)
    if spec.reads:
        return _remainder(words, spec, clues)
    if match := _ABOUT.search(words):
        return _cut(match["text"].strip(" .!"), flow)
    rest = _remainder(words, spec, clues)
    return _cut(words.strip(), flow) if len(tokens(rest)) > 2 else ""


def _cut(text: str, flow: str) -> str:
    if flow == "policy" or len(text) <= SUBJECT_LENGTH:
        return text
    return text[:SUBJECT_LENGTH].rsplit(" ", 1)[0]


def _remainder(words: str, spec: ActionSpec, clues: Clues) -> str:
    """The stretch of the sentence that is neither command nor filler: "show me the backup policy" → "backup"."""
    if clues.names and "directory" in spec.needs:
        return " ".join(token for token in dict.fromkeys(tokens(words)) if token in clues.names)
    known = {_stem(t) for t in tokens(f"{spec.name.replace('.', ' ')} {spec.summary}")}
    known |= {_stem(t) for p in spec.parameters for t in tokens(p.name)}
    spoken = list(re.finditer(r"[^\s,;:!?\"]+", words))
    filler = STOPWORDS | (COMMON if "directory" in spec.needs else frozenset())

    def says(index: int, match: re.Match[str]) -> bool:
        token = "".join(tokens(match.group()))
        if not token or token in filler or _stem(token) in known:
            return False
        return not (index == 0 and clues.orders and len(spoken) > 1)

    kept = [match for index, match in enumerate(spoken) if says(index, match)]
    return words[kept[0].start() : kept[-1].end()].strip(" .?!") if kept else ""


def _after_name(name: str, words: str) -> str:
    label = re.escape(name.replace("_", " "))
    match = re.search(
        rf"\b{label}\b(?: (?:is|to|should be|must be|as))?(?: now)?\s*[:=]?\s+(?P<value>\S[^,;]*?)[.! ]*$",
        words,
        re.IGNORECASE,
    )
    return match["value"] if match and fold(match["value"]) not in STOPWORDS else ""


def _match(pattern: re.Pattern[str], words: str) -> str:
    match = pattern.search(TICKET.sub(" ", words))
    return match.group().strip() if match else ""


def _stem(token: str) -> str:
    for ending in ("ies", "ing", "es", "ed", "s", "y"):
        if token.endswith(ending) and len(token) - len(ending) > 2:
            return token[: -len(ending)]
    return token
