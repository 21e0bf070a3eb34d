"""What people say about the conversation itself: cancel, skip, "what do you mean?", "say that again", yes and no.

Each is known by its form as a whole. Whatever is not surely one of them is an answer or a request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

from helpdesk.conversation.words import fold, is_cancel, is_everyday, tokens
from helpdesk.events import Choice

Form: TypeAlias = Literal["", "cancel", "everything", "explain", "repeat", "skip"]

_EVERYTHING = re.compile(
    r"(?:(?:no|ok|okay|please|just|wait),? )*(?:cancel|stop|abort|forget|drop|leave) (?:about )?"
    r"(?:everything|all(?: of (?:it|them|this|that))?|the lot|(?:them )?both(?: of them)?|them all|the whole thing)"
)
_CANCEL = re.compile(
    r"(?:(?:no|ok|okay|please|just|wait|actually|hm+)[,.]? )*(?:i (?:have |'ve |i've )?changed my mind|i'?ve changed my mind|"
    r"i don'?t want (?:it|that|this|to)(?: any ?more)?|(?:let'?s )?not do (?:it|that|this)|don'?t do (?:it|that|this)|don'?t|"
    r"cancel (?:the|this|that|my) request|never mind(?: that| it| this)?|forget (?:the|this|that) (?:request|one))"
)
_ONE_OF = re.compile(
    r"(?:(?:no|ok|okay|please|just|wait),? )*(?:cancel|drop|forget|skip|leave(?: out)?) (?:about )?(?:the )?"
    r"(?P<which>first|second|third|last|other|next|1st|2nd|3rd)(?: (?:one|request|thing|part))?"
)
_EXPLAIN = re.compile(
    r"\?+|(?:(?:sorry|hm+|huh|wait|ok|so|but|and),? )*(?:what do you mean(?: by (?:that|this))?|what does (?:that|this|it) mean|"
    r"(?:why|what) (?:do|are|would|did) you (?:ask|asking|need|want)(?: (?:me )?(?:that|this|it|to know(?: that| this)?|for|from me))*|"
    r"what (?:is|'s) (?:that|this|it)(?: for| about)?|what'?s (?:that|this)(?: for| about)?|why|what for|why (?:that|this)|huh|"
    r"i (?:do not|don'?t) (?:understand|get it|know(?: (?:that|it|what (?:you mean|to (?:say|answer|type))))?)|no idea|not sure|"
    r"(?:please )?explain(?: (?:that|this|it|please|the question))*|help|help me|"
    r"(?:what|which)(?: (?:are|ones|choices|options|groups|people|answers))*(?: (?:can|could|should|do|may) i (?:say|answer|type|choose|put|pick|have))?"
    r"(?: are there| do i have)?(?<!what)(?<!which)|what (?:can|should|do) i (?:say|answer|type|put)(?: here)?|give me an example|for example|such as)"
)
_REPEAT = re.compile(
    r"(?:(?:sorry|please|can you|could you|would you|what),? )*(?:(?:please )?(?:say|repeat|tell me|show me|read|ask)(?: me)? (?:that|it|this|the question|the last one|what you said)"
    r"(?: (?:again|once more|one more time|to me|please|for me))*|repeat|again|once more|come again|pardon(?: me)?|i (?:did not|didn'?t) (?:hear|catch|get) "
    r"(?:that|it|you)|what (?:did you say|was that|was the question|did you ask))(?: please)?|what|sorry|pardon"
)
_SKIP = re.compile(
    r"(?:(?:no|ok|okay|please|just|let'?s|you can),? )*(?:skip|pass|skip (?:it|that|this)(?: one)?|skip (?:the|this) question|leave (?:it|that|this) (?:out|empty|blank|open)|"
    r"(?:it |that )?does ?n[o']t matter|(?:i )?do ?n[o']t care|don'?t care|no preference|(?:no|without)(?: a)? (?:reason|value|answer)|next(?: question)?|"
    r"nothing|whatever|leave out)"
)
_YES = re.compile(
    r"(?:(?:well|actually|hm+|oh|ah|so)[,.]? )*(?:(?:y|ye|yes|yeah|yep|yup|yea|sure|ok|okay|certainly|absolutely|definitely|exactly|correct|right|agreed|perfect|fine|"
    r"of course|go ahead|go on|go for it|please do|do it|do that|do so|make it so|that'?s (?:right|correct|it|fine|ok|okay|good)|that is (?:right|correct|it|fine)|"
    r"sounds good|looks good|i (?:agree|do|confirm)|confirm(?:ed)?|with pleasure|affirmative)(?:[,.! ]+|$))+(?:please|thanks|thank you)?"
)
_NO = re.compile(
    r"(?:(?:well|actually|hm+|oh|ah|so|sorry|wait|ok|okay)[,.]? )*(?:(?:n|no|nope|nah|never|no way|not now|not yet|not really|rather not|better not|please don'?t|don'?t|don'?t do (?:it|that)|do not|"
    r"i'?d rather not|that'?s (?:wrong|not right|not it)|that is (?:wrong|not right)|wrong|incorrect|negative|leave it|not that|no need)"
    r"(?:[,.! ]+|$))+(?:please|thanks|thank you)?"
)
_ORDINALS = {
    "first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5, "5th": 5,
    "sixth": 6, "6th": 6, "seventh": 7, "7th": 7, "eighth": 8, "8th": 8, "ninth": 9, "9th": 9, "tenth": 10,
    "10th": 10, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "last": -1,
}  # fmt: skip
_NUMBERED = re.compile(
    r"(?:(?:i (?:mean|meant|want|take|choose|pick)|take|choose|pick|it'?s|it is|that would be|yes|yeah|no|option|choice|answer|number|no\.|#|the)[,.]?\s*)*"
    rf"(?P<n>\d{{1,3}}|{'|'.join(_ORDINALS)})(?:[.)]|(?: (?:one|option|choice|of (?:them|these|those)))?)?(?: please)?"
)


def form(text: str) -> Form:
    """What ``text`` says about the conversation; "" when it is an answer or a request."""
    said = _bare(text)
    if _EVERYTHING.fullmatch(said):
        return "everything"
    if is_cancel(text) or _CANCEL.fullmatch(said):
        return "cancel"
    if text.strip() and _EXPLAIN.fullmatch(said or text.strip()):
        return "explain"
    if _REPEAT.fullmatch(said):
        return "repeat"
    return "skip" if _SKIP.fullmatch(said) else ""


def one_of(text: str) -> int:
    """Which of several requests shall be dropped, counted from 1; -1 for the last one, 0 for none."""
    match = _ONE_OF.fullmatch(_bare(text))
    if match is None:
        return 0
    return {"other": 2, "next": 2}.get(match["which"]) or _ORDINALS[match["which"]]


def agreement(text: str) -> bool | None:
    """Yes or no in whatever words; ``None`` when it is neither, or both, or has a condition in it.

    What ends as a question asks back: "ok?" agrees to nothing (L5).
    """
    said = _bare(text)
    if _YES.fullmatch(said):
        return None if "?" in fold(text) or "？" in text else True
    return False if _NO.fullmatch(said) else None


def pick(text: str, choices: Sequence[Choice]) -> Choice | None:
    """The one choice that an answer means: its value or label, its number, or words that only it has."""
    said = fold(text.strip())
    exact = [c for c in choices if said in (fold(c.value), fold(c.label))]
    if exact:
        return exact[0]
    match = _NUMBERED.fullmatch(_bare(text))
    if match is not None:
        number = _ORDINALS.get(match["n"]) or int(match["n"])
        real = [c for c in choices if c.value != "none"] if number < 0 else list(choices)
        return real[number if number < 0 else number - 1] if number <= len(real) and number and real else None
    by_value = {c.value: c for c in choices}
    if by_value.keys() >= {"yes", "no"}:
        agreed = agreement(text)
        if agreed is not None:
            return by_value["yes" if agreed else "no"]
    if "none" in by_value and _NONE_OF.fullmatch(_bare(text)):
        return by_value["none"]
    spoken = set(tokens(text)) - {"the", "one", "please", "with", "from"}
    only = [c for c in choices if spoken and spoken <= {*tokens(c.label), *tokens(c.value)}]
    return only[0] if len(only) == 1 and not is_everyday(" ".join(spoken)) else None


_NONE_OF = re.compile(
    r"(?:no,? )?(?:none|neither|none of (?:these|them|those|the above)|not (?:one|any) of (?:these|them|those)|"
    r"(?:something|somebody|someone) else|another(?: one)?|nobody|no one)|no|nope"
)


def _bare(text: str) -> str:
    return fold(text).strip().strip(" .!,;:").rstrip("?").strip()
