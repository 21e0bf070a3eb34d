"""The kinds of sentences that are handled by what they are, not by the words they share with an action.

A few flows have a target of their own; its action is named here and nowhere else. Where the action is
not installed, the flow does not exist and the words are routed like any others.
"""

from __future__ import annotations

import re

from helpdesk.conversation.words import fold

POLICY = "policy.search"
"""Answers questions about what is allowed."""
OWN_STATUS = "password.status"
"""Says why someone who is signed in cannot use their account elsewhere."""
HANDOFF = "ticket.open"
"""Takes what nothing else can do."""
WHOAMI = "people.whoami"
"""Says what the directory holds about whoever asks."""
LEAVE = "access.revoke"
"""Takes someone out of a group, oneself too."""
MEMBERSHIP = "access.list"
"""Says what somebody is a member of."""

_POLICY = re.compile(
    r"\b(?:may (?:i|we|someone|employees|contractors)|(?:am i|are we|is it|is one|are employees|is anyone) "
    r"(?:allowed|permitted|ok|okay|fine|forbidden|legal)|do i have to|must (?:i|we)|have to keep|"
    r"how (?:long|often|many|much) (?:may|must|should|do|can) (?:i|we|you|one|it|they)|"
    r"what (?:is|are|'?s) (?:the |our )?(?:\w+ )?(?:rules?|policy|policies|guidelines?|limits?|minimum|maximum)|"
    r"(?:what|which|any|are there|do we have) (?:\w+ ){0,2}(?:rules?|policy|policies|guidelines?)\b|"
    r"(?:policy|policies|rules?|handbook|guidelines?) (?:say|says|on|about|for|regarding)|according to|"
    r"who (?:has to|must|may|can|should) (?:approve|sign|authorise|authorize)|"
    r"(?:against|under) (?:the |our )?(?:rules?|polic(?:y|ies)))"
)
_CAN_I = re.compile(
    r"^\W*can (?:i|we) (?!(?:get|have|see|change|be|not|reset|log|sign|ask|you|request|close|open)\b)"
)
_WHATS_RULE = re.compile(r"\bwhat'?s (?:the |our )?(?:\w+ )?(?:rule|policy|guideline|limit|minimum|maximum)")

_MINE = r"\b(?:i|i'?m|me|my(?! (?:colleague|coworker|co-worker|boss|manager|teammate|friend|employee|report|student)s?\b)|myself)\b"
_LOCK = re.compile(
    r"\blocked(?: me)? out\b|\block(?:ed|s)? me out\b|account (?:is|was|got|has been|seems|looks)?\s*\w*\s*(?:locked|blocked)|"
    r"(?:can ?not|can'?t|cant|can i not|couldn'?t|unable to|not able to|won'?t let me|doesn'?t let me|impossible to) "
    r"(?:log ?in|log ?on|login|logon|sign ?in|sign ?on|get into my account)|"
    r"(?:log ?in|sign ?in) (?:fails|failed|does ?n'?t work|is ?n'?t working)|"
    r"(?:forgot|forgotten|lost|can'?t remember|do ?n'?t remember|don'?t know) (?:my|the) (?:\w+ )?password|"
    r"(?:wrong|incorrect) password|password (?:wrong|incorrectly|is not accepted|isn'?t accepted|not accepted)|"
    r"password (?:does ?n'?t|no longer|stopped|is ?n'?t) work"
)
_PLACES = r"(?:building|office|house|room|car|garage|flat|home|apartment|floor|locker|cabinet|toilet|cellar|basement|gate|door)"
_SHUT = re.compile(
    rf"lock(?:ed|s)? (?:me |myself |us )?out of (?:the |my |our )?(?:\w+ )?{_PLACES}\b|"
    rf"\b{_PLACES}\b.* (?:is|are|was|got) (?:\w+ )?locked|won'?t let (?:me|us) (?:in|into|through)\b|"
    r"(?:key|badge|card|badge reader) (?:does ?n'?t|won'?t|no longer) (?:open|let)"
)
"""Doors and gates: no account is meant."""
_RESET = re.compile(
    r"\b(?:reset|recover|restore|retrieve|unlock|unblock|lift the lock (?:on|of|from))\b[^.?!]*?\bmy (?:own )?(?:\w+ )?"
    r"(?:password|account|login|lock)\b|\bset (?:back )?my password back\b|\btemporary password\b|"
    r"^\W*(?:please )?(?:unlock|reset) me\b|\bif i(?:'ve| have)? (?:forget|forgot|forgotten|lose|lost) my (?:\w+ )?password|"
    r"\bmy (?:password|account|login) (?:to be )?(?:reset|unlocked|restored)\b"
)
_WANTS_CHANGE = re.compile(r"\b(?:change|new|different|another) (?:my |the |a )?password")
_PROBLEM = re.compile(
    r"\b(?:broken|broke|breaks|crash(?:es|ed|ing)?|flicker(?:s|ed|ing)?|jam(?:s|med)?|freez(?:es|ing)|froze|frozen|hangs|"
    r"dead|fails|failing|slow|noisy|overheat(?:s|ing)|leak(?:s|ing)|stuck|damaged|cracked|"
    r"stopp?(?:s|ed)? (?:working|responding)|no (?:sound|picture|signal|network|connection|power|internet)|"
    r"(?:does|do|is|are|will|wo)(?: ?n['o]t| not| no longer) (?:\w+ )?(?:work|working|start|starting|turn|"
    r"charge|charging|print|printing|connect|connecting|respond|responding|load|loading|boot|recognis|recogniz|"
    r"detect|open|show|sync)|error message|blue ?screen|keeps? \w+ing)"
)


def is_policy_question(text: str) -> bool:
    """ "how long may I keep …", "am I allowed to …", "what is the rule on …"."""
    folded = fold(text)
    return bool(_POLICY.search(folded) or _WHATS_RULE.search(folded) or _CAN_I.search(folded))


def is_own_lock(text: str) -> bool:
    """ "I'm locked out", "can't log in", "forgot my password": about the person's own account, nobody else's."""
    folded = fold(text)
    if wants_reset(text):
        return True
    if not _LOCK.search(folded) or _WANTS_CHANGE.search(folded) or _SHUT.search(folded):
        return False
    subject = re.match(
        r"^\W*(?:(?:hi|hello|help|hey|please)\W+)*(can'?t|cannot|unable|locked|forgot|login|sign)", folded
    )
    return bool(subject or re.search(_MINE, folded))


def wants_reset(text: str) -> bool:
    """ "how do I reset my password", "who can unlock my account": what nobody does for their own account."""
    folded = fold(text)
    return bool(_RESET.search(folded) and re.search(_MINE, folded) and not _WANTS_CHANGE.search(folded))


def is_problem_report(text: str) -> bool:
    """Something in the world does not work: nothing to carry out, but a ticket will reach someone who can."""
    return bool(_PROBLEM.search(fold(text)))


def is_shut_out(text: str) -> bool:
    """A door, and no account, is locked."""
    return bool(_SHUT.search(fold(text)))


def is_thing(text: str) -> bool:
    """Whether a sentence speaks of something that one can touch, or of a program."""
    return bool(_THING.search(fold(text)))


# ── questions about what is ───────────────────────────────────────────────────────────────────

_STATE = re.compile(
    r"^\W*(?:(?:hi|hello|hey|please|so|and|but|tell me|do you know)\b\W*)*(?:(?:why|when|since when|how come|how long|until when|how) )?"
    r"(?:is|was|has|have|had|are|am|were|did|does|do|can|can'?t|will|could|got)? ?(?P<who>[\w.'-]+)(?: [\w.'-]+){0,5}?"
    r" (?:locked|disabled|enabled|blocked|suspended|deactivated|unlocked|expired?|expires?|active|"
    r"reset|password|log ?in|sign ?in|signed in|logged in|account)\b"
)
_WH = re.compile(
    r"^\W*(?:(?:hi|hello|hey|please|so|and|but|tell me|do you know)\b\W*)*(?:why|when|since when|how come|how long|until when|"
    r"is|was|has|were|did|does|can)\b"
)
_THE_STATE = re.compile(
    r"\b(?:state|status|condition) of\b.*\b(?:account|password|lock)\b|\bwhat(?: is|'s) (?:wrong|up) with\b.*\b(?:account|login|password)\b"
)
_OWN_DATA = re.compile(
    r"\b(?:what|which|where|show|tell|do you)\b.*\b(?:my|for me|of me|about me|on me|i have)\b"
)
_DATA = re.compile(
    r"\b(?:phone|mobile|number|e-?mail|mail|address|title|login|user ?name|extension|profile|contact (?:details|data)|details)\b"
)
_NOT_DATA = re.compile(
    r"\b(?:change|update|set|correct|edit|fix|wrong|password|account|tickets?|groups?|access|colleague|printer|server|box|laptop)\b"
)


_CANNOT = re.compile(r"\b(?:can'?t|cannot|can not|unable to|not able to) (?:log|sign) ?(?:in|on)\b")
_MEMBER = re.compile(
    r"^\W*(?:why )?(?:does|do|is|are|am|has|have|did|was|isn'?t|doesn'?t) .*\b(?:access|in|into|members? of|part of|belong(?:s)? to|reach|see|open)\b"
)
_CAN_REACH = re.compile(
    r"^\W*can (?!you\b|i\b|we\b|someone\b|somebody\b).*\b(?:get (?:in|into|at)|access|reach|see|open|read)\b"
)


_GROUPS_OF = re.compile(
    r"\b(?:which|what) groups? (?:am|is|are|do|does|have|has|was)\b(?! there\b| there| (?:i|we) (?:own|allowed))"
)


def is_membership_question(text: str, *, names_someone: bool, names_group: bool) -> bool:
    """ "what groups am I in", "does lena have access to finance-share?": asks for no access."""
    folded = fold(text)
    if _GROUPS_OF.search(folded):
        return True
    return names_group and bool(_MEMBER.search(folded) or (names_someone and _CAN_REACH.search(folded)))


def is_yes_or_no(text: str) -> bool:
    """ "am I in finance-share?", "can dana open it?": asks whether, and not what or why."""
    folded = fold(text)
    return not re.match(r"^\W*why\b", folded) and bool(_MEMBER.match(folded) or _CAN_REACH.match(folded))


def is_state_question(text: str, *, names_someone: bool) -> bool:
    """ "is malik locked?", "when was lena's password reset": how an account stands, not what shall become of it."""
    folded = fold(text)
    if _THE_STATE.search(folded) or (names_someone and _CANNOT.search(folded)):
        return True
    if not _WH.match(folded):
        return False
    match = _STATE.match(folded)
    if match is None or match["who"] in (
        "you",
        "someone",
        "somebody",
        "we",
        "it",
        "this",
        "that",
        "anyone",
        "the",
    ):
        return False
    return names_someone or match["who"] in ("he", "she", "they", "his", "her")


def is_own_data(text: str) -> bool:
    """ "what is my phone number": what the directory holds about whoever asks."""
    folded = fold(text)
    return bool(_OWN_DATA.search(folded) and _DATA.search(folded) and not _NOT_DATA.search(folded))


# ── what people of the service desk see to ────────────────────────────────────────────────────

_THINGS = (
    r"(?:monitors?|screens?|displays?|laptops?|notebooks?|computers?|pcs?|mouse|mice|keyboards?|headsets?|headphones?|"
    r"phones?(?! number)|telephones?|mobiles?(?! number)|smartphones?|iphones?|tablets?|ipads?|printers?|toners?|cables?|"
    r"chargers?|adapters?|docks?|docking stations?|cameras?|webcams?|chairs?|desks?(?! phone number)|batter(?:y|ies)|"
    r"usb sticks?|hard drives?|hard disks?|disks?|ssds?|licen[cs]es?|software|apps?|applications?|programs?|badges?|"
    r"keys?|sim cards?|speakers?|microphones?|projectors?|macs?|macbooks?|hardware|equipment|mailbox(?:es)?|photoshop|office)"
)
_WISH = re.compile(
    r"^\W*(?:(?:hi|hello|hey|please|so|and|but|also)\b\W*)*(?:(?:i|we)(?:'d| would| do| could|'m| am| are|'re)? ?(?:also |really |urgently )?"
    r"(?:like|need|want|require|use|missing)(?: to (?:have|get|order|request|borrow))?|"
    r"(?:can|could|may|might) (?:i|we|you) (?:please )?(?:have|get|order|borrow|give|send)(?: me| us)?|"
    r"(?:order|get|bring|buy|send|give) (?:me|us)) (?P<what>.+)$"
)
_SERVICE = re.compile(
    r"^\W*(?:(?:hi|hello|hey|please|so|and)\b\W*)*(?:(?:can|could|would|will) (?:you|someone|somebody) (?:please )?|i (?:want|need) (?:you )?to |"
    r"i need (?:someone|help) to )?(?:install|set up|setup|fix|repair|replace|configure|connect|move|order|deliver|upgrade|update|mount|collect) (?P<what>.+)$"
)
_THING = re.compile(rf"\b{_THINGS}\b")
_NO_THING = re.compile(
    r"\b(?:passwords?|access|groups?|tickets?|shares?|numbers?|address|title|polic(?:y|ies)|rules?|help ?desk|service desk)\b"
)
_INCIDENT = re.compile(
    r"\b(?:stole|stolen|theft|robbed|burgled)\b|\b(?:lost|left|mislaid|can'?t find) (?:my|the|our|a) (?:\w+ )?(?:laptop|phone|badge|key|keys|token|bag|"
    r"usb stick|stick|card|notebook|tablet)\b|\b(?:phishing|malware|ransomware|virus|trojan|spyware|scam|hacked|hacker|data breach|data leak)\b|"
    r"\b(?:suspicious|strange|weird|odd|fake|dubious) (?:\w+ )?(?:e-?mails?|mails?|messages?|links?|calls?|attachments?|sms|person|people)\b|"
    r"\bclicked (?:on )?(?:a|the|an|some) (?:\w+ )?(?:link|attachment)\b"
)
_STARTER = re.compile(
    r"\b(?:new|another) (?:colleague|employee|starter|hire|intern|joiner|team ?mate|team member|contractor|co-?worker|trainee|apprentice)\b"
    r".*\b(?:accounts?|set ?up|create|starts?|starting|joins?|joining|equipment|onboard\w*)\b|"
    r"\b(?:create|set up|make|register) (?:an? |a new |another |new )+(?:\w+ )?(?:accounts?|users?|logins?|mailbox(?:es)?)\b"
)
_KNOWN_STARTER = re.compile(r"\b(?:reset|unlock|password|never got)\b")
_LEAVER = re.compile(
    r"\bmy (?:colleague|co-?worker|boss|manager|team ?mate|assistant|intern|report)\b.*\b(?:left|leaves|leaving|quit|quits|retires|retired|resigned)\b"
)
_ACCOUNT_ORDER = re.compile(r"\b(?:disable|deactivate|switch|turn|block|suspend|remove|revoke|lock|take)\b")
_END_OF_ACCOUNT = re.compile(
    r"\b(?:delete|erase|cancel|close|remove|terminate|get rid of) (?:my|this) (?:own )?(?:\w+ )?(?:account|profile|login|user)\b"
)
_OTHER_PASSWORD = re.compile(
    r"\b(?:wi-?fi|wlan|wireless|guest|printer|router|zoom|door|alarm|network)\b(?: \w+){0,2} (?:passwords?|codes?|pin|key)\b|"
    r"\b(?:passwords?|codes?|pin|key) (?:for|of|to) (?:the |our )?(?:\w+ )?(?:wi-?fi|wlan|wireless|guest|printer|router|door|alarm|network)\b"
)
_HANDS_OVER = re.compile(
    r"\b(?:tickets?|issues?|incidents?|cases?|reports?|problems?|humans?|people|persons?|someone|somebody|technicians?|service ?desk|help ?desk|"
    r"support|hand (?:this|it|that)? ?over|complain(?:t)?)\b"
)


def wished(text: str) -> frozenset[str]:
    """The things that a sentence asks somebody to bring, buy, install or mend."""
    folded = fold(text)
    match = _WISH.match(folded) or _SERVICE.match(folded)
    if match is None or _NO_THING.search(match["what"]):
        return frozenset()
    return frozenset(_THING.findall(match["what"]))


def is_incident(text: str) -> bool:
    """Something was stolen or lost, or somebody may be attacking: the policies tell what to do, people must know."""
    return bool(_INCIDENT.search(fold(text)))


_TO_PEOPLE = re.compile(
    r"\b(?:talk|speak|chat|connect me|put me through|transfer me|get me) (?:to|with)? ?(?:an? |some |the |real |our |actual )*"
    r"(?:humans?|persons?|people|someone|somebody|agents?|technicians?|service desk|support|it desk|operator)\b"
)


def is_for_people(text: str) -> bool:
    """Somebody starts or leaves, so that accounts are made or ended by people who may; or people are asked for."""
    folded = fold(text)
    if _TO_PEOPLE.search(folded):
        return True
    starts = _STARTER.search(folded) and not _KNOWN_STARTER.search(folded)
    return bool(starts or (_LEAVER.search(folded) and not _ACCOUNT_ORDER.search(folded)))


def is_beyond(text: str) -> bool:
    """What sounds like an account or its password, and is neither: deleting one's own, the password of the wireless."""
    folded = fold(text)
    return bool(_END_OF_ACCOUNT.search(folded) or _OTHER_PASSWORD.search(folded))


def hands_over(text: str) -> bool:
    """Whether a sentence speaks of tickets, problems or people that it is to reach."""
    return bool(_HANDS_OVER.search(fold(text)))
