"""Does a model's prose claim that something was done? Only a receipt may say so (L10)."""

from __future__ import annotations

import re

from helpdesk.conversation.words import fold

_VERBS = (
    r"(?:re)?set|unlocked|locked|changed|updated|modified|added|removed|deleted|granted|given|revoked|disabled|"
    r"(?:re-?)?enabled|(?:re-?|de)?activated|opened|created|closed|resolved|fixed|completed|carried out|processed|"
    r"submitted|sent|assigned|approved|done|executed|performed|applied|scheduled|restored|registered|"
    r"taken care of|sorted|handled|arranged|made|put|saved|issued|generated|logged"
)
_CLAIM = re.compile(
    rf"\b(?:i|we)(?:'ve| have)? (?:just |now |already |successfully |also )*(?:{_VERBS})\b|"
    rf"\b(?:has|have|had) (?:now |just |already |successfully )*been (?:now |just |already |successfully )*(?:{_VERBS})\b|"
    rf"\b(?:is|are|was|were|'s|'re) (?:now |just |already |all |successfully )+(?:{_VERBS}|set|open|active|closed|a member|in the group)\b|"
    rf"\b(?:is|are|'s|'re) (?:{_VERBS}) (?:now|again|already)\b|"
    rf"\b(?:was|were) (?:{_VERBS})\b|\bsuccess(?:fully|ful)?\b|"
    r"(?:^|[.!?:]\s+|\n)\W*(?:all )?(?:done|completed?|finished|fixed|sorted)\b\W|"
    r"\byou(?:'re| are) (?:now |all )+(?:a member|in|set|able|unlocked|part)\b|"
    r"\byou (?:now|can now) (?:have|access|sign|log|use|reach)\b|"
    r"\b(?:your|the|his|her|their) (?:request|change|ticket|account|password|access) (?:went through|is (?:complete|done|ready|live))\b|"
    r"\b(?:confirmed|verified) (?:that|by)\b|[✅✔☑]"
)
_NOT = re.compile(
    r"\b(?:not|n't|never|cannot|unable|failed to|nothing|no change|if|once|after|when|until|before|would|will be|to be)\b"
)


def claims_completion(prose: str) -> bool:
    """Whether some sentence of ``prose`` says that something has been done. Errs towards yes."""
    text = fold(prose)
    for match in _CLAIM.finditer(text + " "):
        start = max(text.rfind(mark, 0, match.start()) for mark in (". ", "! ", "? ", "\n", "; ")) + 1
        lead = text[max(start, 0) : match.start()]
        if not _NOT.search(lead) and not _NOT.search(match.group()):
            return True
    return False
