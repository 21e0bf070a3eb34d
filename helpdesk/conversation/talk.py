"""Sentences that ask for nothing to be carried out: small talk, "don't …", "what if …", and what has a command of its own.

Each kind is answered in words, by :mod:`helpdesk.conversation.answers`. Whatever is not surely one of them is
routed like any other sentence.
"""

from __future__ import annotations

import re

from helpdesk.conversation.words import COMMON, STOPWORDS, fold, tokens, word_set

_LEAD = r"^\W*(?:(?:please|no|nope|stop|wait|hey|hi|hello|ok|okay|and|but|so|just|kindly|actually|well|sorry)\b[\s,.!:;–-]*)*"
_WANT = r"(?:(?:i|we) (?:want|need|have|would like|'d like|wish) to |(?:i'd|we'd) like to |let me |(?:can|could|would) (?:you|i) (?:please )?)?"

ORDERS = (
    r"(?:unlock|reset|disable|enable|re-enable|reactivate|change|give|grant|add|let|put|make|remove|take|kick|revoke|"
    r"open|raise|file|close|comment|tell|update|block|unblock|suspend|deactivate|activate|switch|turn|lock|lift|"
    r"approve|deny|request|delete|create|send|show|set|restore|find|look|list|drop|touch)"
)
"""Verbs that orders begin with."""

_WHOLE: dict[str, str] = {
    "greeting": r"(?:(?:hi|hello|hey|hey ho|hiya|howdy|greetings|good (?:morning|afternoon|evening|day|night)|morning)"
    r"(?: there| all| everyone| helpdesk| folks| again)*|how are you(?: today| doing)?)",
    "thanks": r"(?:(?:ok|okay|great|perfect|super|cool|nice|good|well done|awesome|fine|that's all|that is all|yes|no)\W+)*"
    r"(?:(?:many |no )?(?:thanks|thank you|thank u|thx|ty|cheers|much appreciated)(?: \w+){0,4}|"
    r"great|perfect|awesome|cool|that's all|that is all|well done)",
    "bye": r"(?:good ?bye|bye(?: bye)?|see you(?: later| soon)?|have a (?:nice|good) \w+|so long)",
    "abilities": r"(?:(?:(?:can|could|would|will) (?:you|someone) )?help(?: me)?(?: out)?(?: with (?:something|this|that|it))?|i need (?:some |your )?help|"
    r"i have (?:a|some) (?:questions?|problem|issue)|(?:is anyone|are you|anyone|anybody) (?:there|here)|menu|commands|options|what now|who are you|what are you|"
    r"are you (?:a |an )?(?:human|robot|bot|machine|person|ai)|how (?:does|do) (?:this|it|you|helpdesk) work|"
    r"what(?: else)? (?:can|could|do) (?:you|helpdesk|i) (?:do|help)(?: (?:me )?with)?(?: for (?:me|us))?(?: here)?|"
    r"(?:what|which)(?: \w+){0,2} (?:can|could|may) (?:i|one|we) ask(?: (?:you|helpdesk|here))?(?: for| about)?|"
    r"what are you (?:able to|good for|there for|here for)(?: do)?|(?:show|tell)(?: me)? what you can do)",
    "undo": r"(?:please )?(?:can you )?(?:undo|revert|roll back|take back)(?: (?:that|it|this|everything|the last \w+|what \w+ did))?",
    "logout": rf"{_WANT}(?:log|sign) ?(?:me )?(?:out|off)(?: (?:now|please|again|of helpdesk|here))*",
    "login": rf"{_WANT}(?:log|sign) ?(?:me )?(?:in|on)(?: (?:now|please|again|to helpdesk|here|as [\w.@-]+(?: \w+)?))*",
}
_WHOLES = {kind: re.compile(rf"{_LEAD}(?:{pattern})[\s.!?,:)]*$") for kind, pattern in _WHOLE.items()}

_APPROVALS = re.compile(
    rf"{_LEAD}{_WANT}(?:approve|deny|reject|decline|withdraw|refuse|sign off)\b(?=.*(?:\brequests?\b|\br-\w+| (?:it|this|that|them)\W*$))|"
    r"\b(?:waits?|waiting|pending)\b.*\b(?:my approval|me to approve|for approval|my decision|my ok)\b|"
    r"\b(?:pending|open|outstanding) (?:approvals?|access requests?)\b|\bwhat (?:do|must|should|can) i (?:have to )?approve\b"
)
_ASKED = re.compile(
    r"^\W*(?:(?:and|so|hi|hello|hey|please|ok)\b\W*)*(?:who|what|where|when|why|has|have|is|are|was|were|did|do|does|show|list|how|any|status)\b.*"
    r"\b(?:my (?:\w+ )?(?:requests?|approvals?)|r-[0-9a-z]{4,10})\b|\bmy access requests?\b|"
    r"^\W*(?:has|was|is) (?:it|that) (?:been )?(?:approved|denied|decided|granted)(?: yet| already| now)*\W*$|"
    r"^\W*did (?:\w+ ){1,2}(?:approve|deny|decide|agree)(?: (?:it|that|yet|already|to it))*\W*$"
)
_LOG = re.compile(
    r"\bwhat (?:did|have|has) (?:i|we|you|helpdesk) (?:just )?(?:do|done|change|changed|ask|asked)\b|"
    r"\beverything (?:that )?(?:i|you) (?:did|have done|changed|asked)\b|"
    r"\b(?:show|see|read|open|print|list|view|check|give)(?: me)? (?:the |my |your |our )?(?:audit |activity |helpdesk |whole )?"
    r"(?:log|logs|history|audit trail|log book)\W*(?:of (?:what|everything|my|today|yesterday).*|please|now)?$|"
    r"^\W*what (?:was|has been|got) (?:done|changed)\b"
)
_SUPPOSED = re.compile(
    rf"{_LEAD}(?:what (?:would |will |does |do |could )?(?:happens?|happened)\b.*\b(?:if|when|once|after)\b|what if\b|"
    r"what does (?:it mean|[\w. -]{2,40}? (?:actually |really )?(?:do|mean|cause|change))\b|"
    r"what (?:is|are|'s) the (?:effects?|consequences?|difference)\b|should (?:i|we|one)\b|"
    r"(?:is|would) it (?:be )?(?:a good idea|safe|wise|dangerous|risky) to\b|suppose\b|imagine\b)"
)


def kind(words: str) -> str:
    """What a sentence is that no action answers, by name; "" for everything else."""
    text = fold(words).strip()
    if text in ("?", "??"):
        return "abilities"
    found = next((name for name, pattern in _WHOLES.items() if pattern.match(text)), "")
    if found:
        return found
    if _APPROVALS.search(text):
        return "approvals"
    if _ASKED.search(text):
        return "asked"
    return "log" if _LOG.search(text) else ""


_COMMANDS = (
    ("/undo", re.compile(rf"{_LEAD}(?:undo|revert|roll back|take back)(?: (?:log )?(?:entry )?#?(?P<entry>\d{{1,12}}))?[\s.!]*$")),
    (
        "/why",
        re.compile(
            rf"{_LEAD}why(?: not| (?:that|this|so|though)| (?:is|was|did|does|has) (?:that|this|it)(?: been)?(?: (?:so|refused|denied|"
            r"not allowed|not done|failed|fail|pending|happen(?:ed)?|wait(?:ing)?))*)?(?: (?:log )?(?:entry )?#?(?P<entry>\d{1,12}))?[\s.!?]*$"
        ),
    ),
)  # fmt: skip
_SESSION = {"undo": "/undo", "logout": "/logout"}


def command(words: str) -> str:
    """The slash command that a sentence stands for, for a surface that has them: "undo 21" is /undo 21; "" for none."""
    text = fold(words).strip()
    for name, pattern in _COMMANDS:
        if match := pattern.match(text):
            return f"{name} {match['entry'] or ''}".rstrip()
    return _SESSION.get(kind(words), "")


def is_supposed(words: str) -> bool:
    """ "what happens if I disable her?", "should I reset it?": asks about an action, and orders none."""
    return bool(_SUPPOSED.search(fold(words)))


# ── what shall not be done ────────────────────────────────────────────────────────────────────

_NOT = r"(?:do not|don'?t|do n't)"
_NOT_MEANT = (
    r"(?!(?:forget|worry|mind|know|have|remember|recall|think|understand|see|need|want|like|care|work|feel|believe|"
    r"hesitate|find|get(?! (?:me|him|her|them)\b)|you|i|we|they|the|my|our|this|that|it)\b)"
)
"""What follows "don't" where the subject was left out ("don't know my password"), or where it orders something."""
_NEGATED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_LEAD}(?:whatever you do\W+)?{_NOT} (?:you dare (?:to )?|ever |please |just |yet )*{_NOT_MEANT}[a-z]",
        rf"{_LEAD}never (?:ever )?{ORDERS}\b",
        rf"{_LEAD}(?:you|nobody|no one|no-one|one|we)(?: really)? (?:must not|mustn'?t|must never|should not|shouldn'?t|"
        rf"should never|may not|need not|needn'?t|{_NOT} (?:need|have) to|must|should|may|is to) (?:ever |just )?{ORDERS}\b",
        rf"{_LEAD}(?:i|we)(?:'d| would) rather (?:you )?(?:not|did not|didn'?t)\b",
        rf"{_LEAD}(?:i|we) (?:really |certainly |actually )?(?:{_NOT}|did not|didn'?t|never|no longer) (?:really |actually |ever )?"
        r"(?:want|wanted|wish|wished|mean|meant|intend|intended|ask|asked|need|needed|say|said|order|ordered|request|requested)\b",
        rf"{_LEAD}(?:there(?: is|'s) )?(?:no|not a) (?:need (?:to|for)|ticket|reset|unlocking|unlock)\b",
        rf"{_LEAD}(?:not )?(?:leave|keep) (?:[\w.'-]+ ){{1,5}}?(?:alone|in peace|as (?:it|he|she|they) (?:is|are)|locked|disabled|"
        r"unchanged|untouched)\b",
    )
)
_PERMITS = re.compile(rf"{_LEAD}(?:you|one|we)(?: really)? (?:must|should|may) (?!not\b|never\b)")
"""The same words without a no in them: they order something after all."""
_CLAUSES = re.compile(
    rf"[,;!–]+\s*|\.\s+|\s-+\s|\s(?:but|instead)\s|\sand (?=(?:please |just |also )?(?:{_NOT}|never|{ORDERS})\b)"
)
_STILL = re.compile(
    rf"{_LEAD}(?:instead |rather |only |also |simply |(?:can|could|would|will) (?:you|someone) (?:please )?|(?:i|we) (?:want|need|mean|"
    rf"meant|would like)(?: you)?(?: to)? |(?:i'd|we'd) like (?:you )?(?:to )?)*{ORDERS}\b"
)


def left_to_do(words: str) -> str | None:
    """What a sentence with "don't …" in it still orders: "" for nothing; ``None`` where it forbids nothing.

    "Don't reset malik, unlock noor" leaves "unlock noor"; a reason given ("he is back tomorrow") orders nothing.
    """
    clauses = [clause.strip() for clause in _CLAUSES.split(words) if clause and clause.strip()]
    forbidden = [clause for clause in clauses if _forbids(clause)]
    if not forbidden:
        return None
    rest = [clause for clause in clauses if clause not in forbidden and _STILL.match(fold(clause))]
    return ", ".join(rest)


def _forbids(clause: str) -> bool:
    text = fold(clause)
    return not _PERMITS.match(text) and any(pattern.match(text) for pattern in _NEGATED)


_NO_LONGER = re.compile(
    rf"{_LEAD}(?:i|we) (?:really |actually )?(?:{_NOT}|no longer) (?:really |actually )?(?:need|want|use|require|wish|belong)\b"
    r"(?! to (?!be\b)| you\b| any(?:one|body)\b)(?!.*\b(?:leave|lose|password|ticket|reset|unlocked)\b)"
)
_OUT = re.compile(
    r"\bi(?:'d| would)?(?: (?:like|want|wish|need))?(?: to)? (?:leave|get out of|be out of|out of|be (?:removed|taken) (?:from|out of|off))\b|"
    r"\b(?:take|remove|drop|get|kick|delete) (?:me|myself) (?:out|off|from)\b"
)
_GROUPISH = re.compile(r"\b(?:groups?|shares?|folder|drive|member(?:ship)?|access)\b")


def is_leave(words: str, *, names_group: bool, names_other: bool) -> bool:
    """ "I don't need finance-share any more", "take me off the list of vpn-users": out of a group oneself."""
    text = fold(words)
    if names_other or not (names_group or _GROUPISH.search(text)):
        return False
    return bool(_NO_LONGER.match(text) or _OUT.search(text))


# ── other languages ───────────────────────────────────────────────────────────────────────────

_FOREIGN = word_set(
    """
    ich mein meine meinen mir mich nicht kein keine bitte brauche habe wie kann wer wo der das ist ein eine einen und
    für wir sie neues neuer neue zugang konto hilfe kann vergessen funktioniert drucker geht danke guten warum wann
    puedo puede necesito mi mis por favor para una uno el los las cuenta contraseña quiero hola gracias cómo qué dónde
    está entrar tengo olvidé acceso
    je ne pas mon ma mes est une le les des du pour mot passe compte besoin suis peux veux bonjour merci comment
    pourquoi où avec oublié bloqué
    non posso mia mio ho bisogno della il gli per sono account ciao grazie accesso dimenticato come
    ik mijn niet een het heb nodig wachtwoord hoe kan waarom graag dank
    preciso minha meu não uma senha conta olá obrigado por
    potrzebuję nie mam hasło jak proszę konto dzień dobry
    """
) - word_set("kann account come des per kan")
_LETTERS = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[a-zA-ZÀ-ɏ]")


def is_foreign(words: str) -> bool:
    """Whether a sentence is in another language than English: other letters, or the everyday words of one."""
    letters = _LETTERS.findall(words)
    if letters and sum(bool(_LATIN.match(letter)) for letter in letters) * 2 < len(letters):
        return True
    said = tokens(words)
    foreign = sum(word in _FOREIGN for word in said)
    english = sum(word in STOPWORDS | COMMON and word not in _FOREIGN for word in said)
    return foreign >= 2 and foreign > english
