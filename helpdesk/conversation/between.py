"""Another sentence in the middle of a request: whether it is one, and the way to answer it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping

from helpdesk.conversation import answers, phrases, talk
from helpdesk.conversation.amending import contrast, is_order
from helpdesk.conversation.clues import Clues
from helpdesk.conversation.questions import confirmation_explained
from helpdesk.conversation.routing import Router
from helpdesk.conversation.words import fold, tokens
from helpdesk.events import Confirmation
from helpdesk.spec import ActionSpec

_ORDER = re.compile(
    rf"^\W*(?:(?:please|first|wait|hold on|one moment|before that|and|but|also|ok|okay|actually|can you|could you)\b[\s,]*)*{talk.ORDERS}\s+\w",
    re.IGNORECASE,
)
_WISH = re.compile(r"^\W*(?:i|we)(?:'d| would)? (?:also )?(?:need|want|like)\b", re.IGNORECASE)
LEAST = 3
"""Words of a question that no action answers, for it to be a question of its own."""


class Aside:
    """See :class:`helpdesk.conversation.listener.Between`."""

    def __init__(
        self, router: Router, specs: Mapping[str, ActionSpec], answer: Callable[[str], Awaitable[None]]
    ) -> None:
        self._router = router
        self._specs = specs
        self._answer = answer

    def is_request(self, words: str, asked: ActionSpec | None) -> bool:
        """By its form and its route; one about the very action that is being filled is an answer to it."""
        if talk.kind(words) in answers.KINDS or phrases.is_own_lock(words):
            return True
        said = tokens(words)
        asks = Clues.of(words).asks
        if len(said) < 2 or not (asks or _ORDER.match(fold(words)) or _WISH.match(fold(words))):
            return False
        route = self._router.route(words)
        spec = route.spec or (route.which[0] if route.which else None)
        if spec is None:
            return asks and words.rstrip().endswith("?") and len(said) >= LEAST
        return asked is None or spec.name != asked.name

    def corrects(self, words: str, action: str) -> bool:
        """Whether ``words`` correct an argument of the action that is to be confirmed."""
        said = contrast(words, self._specs.get(action))
        return said is not None and not is_order(said.right)

    async def answer(self, words: str) -> None:
        await self._answer(words)

    def explain(self, confirmation: Confirmation) -> str:
        return confirmation_explained(confirmation, self._specs.get(confirmation.action))
