"""The kinds of sentences that are handled by what they are, not by the words they share with an action.

Three flows have a target of their own; its action is named here and nowhere else. Where the action is
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
    r"(?:can ?not|can'?t|cant|couldn'?t|unable to|not able to|won'?t let me|doesn'?t let me|impossible to) "
    r"(?:log ?in|log ?on|login|logon|sign ?in|sign ?on|get into my account)|"
    r"(?:log ?in|sign ?in) (?:fails|failed|does ?n'?t work|is ?n'?t working)|"
    r"(?:forgot|forgotten|lost|can'?t remember|do ?n'?t remember|don'?t know) (?:my|the) (?:\w+ )?password|"
    r"(?:wrong|incorrect) password|password (?:wrong|incorrectly|is not accepted|isn'?t accepted|not accepted)|"
    r"password (?:does ?n'?t|no longer|stopped|is ?n'?t) work"
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
    if not _LOCK.search(folded) or _WANTS_CHANGE.search(folded):
        return False
    subject = re.match(
        r"^\W*(?:(?:hi|hello|help|hey|please)\W+)*(can'?t|cannot|unable|locked|forgot|login|sign)", folded
    )
    return bool(subject or re.search(_MINE, folded))


def is_problem_report(text: str) -> bool:
    """Something in the world does not work: nothing to carry out, but a ticket will reach someone who can."""
    return bool(_PROBLEM.search(fold(text)))
