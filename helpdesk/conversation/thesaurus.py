"""Everyday ways of saying the words that helpdesk actions are named with.

General vocabulary, not routes: each entry adds words to the search, and any plugin whose texts use those
words profits. A multi-word entry matches anywhere in the sentence, with up to three words in its gap ("…").
"""

from __future__ import annotations

import re
from functools import cache

from helpdesk.conversation.words import fold

_WAYS: dict[str, str] = {
    # account state
    "switch off|turn off|shut off|deactivate|suspend|block|freeze|take … offline": "disable account",
    "switch … on|turn … on|switch … back|reactivate|re-enable|unblock|bring … back": "enable account",
    "switch … off|turn … off": "disable",
    "lift|locked|locks|locked … out": "unlock lock",
    # passwords
    "passwort|passphrase|pwd|passcode|credentials": "password",
    "forgot|forgotten|can't remember|temporary password": "reset password temporary",
    "new password|different password|another password|update my password|pick … password|set … new password": "change password",
    "expire|expires|run out|runs out|valid until": "status expire password",
    # access
    "get … into|put me|add me|be added|let me in|join|get … access|need access|i need|i'd need|want access": "request access group",
    "give|grant|add|let|put|make … member": "grant access group add",
    "take … out|remove|kick|revoke|withdraw|drop … from|throw … out": "revoke remove access group",
    "belong|belongs|member of|which groups|what groups|what … access|which shares|my access|get at": "list groups access",
    "who owns|owner of|owners of|in charge of|responsible for|which groups exist|groups exist|groups are there|all groups|all the groups": "show group owner",
    "folder|share|shared drive|drive|permission|permissions|rights": "access group",
    # tickets
    "raise … ticket|raise … issue|raise … problem|file a|log a|report": "open ticket",
    "issue|incident|case|request number": "ticket",
    "problem|broken|fault": "problem ticket",
    "note|tell them|add to ticket|remark": "comment ticket",
    "any news|news on|where are we|working on|progress|happened with|my tickets|tickets": "status ticket",
    "open … again|re-open|closed too early|not solved|not fixed|not resolved": "reopen ticket",
    "solved|fixed|resolved|works now|be closed": "close ticket",
    # people
    "look up|who is|find|reach|contact": "find person people",
    "my mobile number|my phone number|my number|my mobile is|my phone is|new extension|my extension|my e-mail|my email|my mail|phone number is|job title|contact details|my title|my address": "update own contact phone",
    "phone number|e-mail address|email address|telephone|extension": "find phone mail contact",
    "username|user name|signed in as|logged in as|my … profile|which account|who am i": "whoami account signed",
    # policies
    "whole|entire|full|document|print|let me read": "show policy document",
    "policies|rule|rules|guideline|guidelines|handbook": "policy",
}


@cache
def _patterns() -> list[tuple[re.Pattern[str], tuple[str, ...]]]:
    compiled = []
    for ways, words in _WAYS.items():
        parts = [
            r"\s+(?:\S+\s+){0,3}?".join(re.escape(piece.strip()) for piece in way.split("…"))
            for way in ways.split("|")
        ]
        compiled.append((re.compile(rf"(?<![\w'])(?:{'|'.join(parts)})(?![\w'])"), tuple(words.split())))
    return compiled


@cache
def expand(text: str) -> tuple[str, ...]:
    """Words that mean the same as something in ``text``."""
    folded = fold(text)
    found: list[str] = []
    for pattern, words in _patterns():
        if pattern.search(folded):
            found += words
    return tuple(dict.fromkeys(found))
