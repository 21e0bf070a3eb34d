"""Asking the person: one question at a time, and whatever they say to it besides an answer.

They may correct what was said before, answer another question or two at once, ask what is meant, skip, have it
repeated, cancel, or say something else altogether, after which the question stands where it stood.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from helpdesk.actions.call import Provenance
from helpdesk.conversation import talk
from helpdesk.conversation.amending import Contrast, amend, contrast
from helpdesk.conversation.forms import form, one_of, pick
from helpdesk.conversation.listener import CANCELLED, NONE, Listener
from helpdesk.conversation.live import day, named_in
from helpdesk.conversation.questions import choices_explained, explanation, question
from helpdesk.conversation.slots import Slots
from helpdesk.conversation.texts import REASONS, main_text
from helpdesk.conversation.understanding import understood
from helpdesk.conversation.vocabulary import Vocabulary, group_choices
from helpdesk.conversation.words import correction, fold, is_cancel_word
from helpdesk.errors import Cancelled, UsageError
from helpdesk.events import Choice, Question
from helpdesk.secrets import Secret
from helpdesk.spec import ActionSpec, Parameter

TRIES = 4
"""Answers to one question that cannot be used, before the conversation gives up."""
MOST = 20
"""Answers to one question, whatever they are."""
FEW = 20
"""Groups that are listed where one is asked for; more are left to be typed."""
_DATED = re.compile(
    r"^(?P<text>.+?)[,;]?\s+(?:and )?(?P<date>(?:until|till|through)\s+\S.*)$", re.IGNORECASE | re.DOTALL
)
_ONLY_DATE = re.compile(r"^(?:only )?(?:until|till|by|through|for)\s+\S+(?:\s+\S+){0,4}$", re.IGNORECASE)


@dataclass(slots=True)
class Asker:
    """What one request still needs, asked of the person; the answers go into ``slots``."""

    spec: ActionSpec
    slots: Slots
    vocabulary: Vocabulary
    listener: Listener
    today: date

    async def complete(self) -> dict[str, Secret]:
        """Ask for every argument that is missing or unsure; returns the secret ones.

        Raises:
            Cancelled: the person stopped, or no answer could be used.
            UsageError: nobody is there to ask; the message names the flag.
        """
        while (parameter := self._next()) is not None:
            await self.ask(parameter)
        if _says_nothing(self.spec, self.slots):
            await self._ask_which()
        await self._offer_reason()
        return await self.secrets()

    async def _offer_reason(self) -> None:
        """What somebody else will decide about may be told why; whoever has no reason to give leaves it out."""
        for parameter in self.spec.parameters:
            said = parameter.name in self.slots.arguments or parameter.name in self.slots.left_out
            if parameter.kind != "text" or parameter.name not in REASONS or parameter.required or said:
                continue
            try:
                await self.ask(parameter)
            except UsageError:  # nobody is there to say why, and it is no condition
                return

    def _next(self) -> Parameter | None:
        """The first argument that is open; a correction may have opened one again."""
        slots = self.slots
        return next(
            (
                p
                for p in self.spec.parameters
                if p.kind != "secret"
                and (p.name in slots.unsure or (p.required and p.name not in slots.arguments))
            ),
            None,
        )

    async def secrets(self) -> dict[str, Secret]:
        """Ask for the secret arguments; the word "cancel" cancels, and is nobody's secret. Errors as :meth:`complete`."""
        secrets = {}
        for parameter in self.spec.parameters:
            if parameter.kind == "secret" and parameter.required:
                asked = question(parameter, self.spec, (), secret=True)
                secret = await self.listener.ask_secret(asked)
                if is_cancel_word(secret.expose()):
                    raise Cancelled(CANCELLED)
                secrets[parameter.name] = secret
        return secrets

    async def ask(self, parameter: Parameter, choices: tuple[Choice, ...] = ()) -> None:
        """Ask for one argument until it has a value or is left out; an answer counts as the person's choice."""
        choices = choices or self.slots.unsure.get(parameter.name, ())
        if parameter.kind == "group" and not choices:
            groups = await self.vocabulary.groups()
            choices = group_choices(groups, most=FEW) if len(groups) <= FEW else ()
        if note := self.slots.notes.get(parameter.name):
            self.listener.say(note)
        useless = 0
        for _ in range(MOST):
            asked = question(parameter, self.spec, _with_way_out(choices))
            answer = await self.listener.ask(asked, risky=parameter.kind != "text")
            if not answer.strip() and asked.default == "":
                self.slots.leave_out(parameter.name)
                return
            if await self._about_the_talk(parameter, answer, choices):
                if self._is_settled(parameter):
                    return
                continue
            chosen = pick(answer, asked.choices) if asked.choices else None
            if chosen is not None and chosen.value == NONE:
                choices = ()
                continue
            if chosen is None and await self._other_than_asked(parameter, answer):
                if parameter.name in self.slots.arguments:
                    return
                choices = self.slots.unsure.get(parameter.name, choices)
                continue
            text = chosen.value if chosen is not None else self._value_in(parameter, answer)
            value, choices, note = await understood(parameter, text, self.vocabulary, choices, self.today)
            if value is not None:
                self.slots.put(parameter.name, value, Provenance.CHOSEN)
                return
            self.listener.say(note)
            useless += 1
            if useless == TRIES:
                break
        raise Cancelled(
            f"{self.spec.name} needs {parameter.name}, and no answer could be used; nothing was changed."
        )

    def _is_settled(self, parameter: Parameter) -> bool:
        slots = self.slots
        return parameter.name not in slots.unsure and (
            parameter.name in slots.arguments or not parameter.required
        )

    async def _about_the_talk(self, parameter: Parameter, answer: str, choices: Sequence[Choice]) -> bool:
        """Whether the answer was about the conversation itself; it has been seen to then. Raises Cancelled."""
        listener = self.listener
        said = form(answer)
        if listener.drops(answer):
            return True
        if said == "everything":
            listener.drop_all()
        if said in ("cancel", "everything") or one_of(answer):
            raise Cancelled(CANCELLED)
        if answer.startswith("/") and parameter.kind in ("login", "group"):
            raise Cancelled(CANCELLED, words=answer)
        if said == "explain":
            listener.say(await explanation(parameter, self.spec, choices, self.vocabulary))
        elif said == "skip":
            self._skip(parameter)
        return said in ("explain", "repeat", "skip")

    def _skip(self, parameter: Parameter) -> None:
        what = parameter.help or parameter.name.replace("_", " ")
        if parameter.required:
            self.listener.say(f"{self.spec.name} cannot do without it: {what}. Say cancel to stop.")
            return
        self.slots.leave_out(parameter.name)
        self.listener.say(f"Left out: {what}.")

    # ── what is no plain answer ───────────────────────────────────────────────────────────────

    async def _other_than_asked(self, parameter: Parameter, answer: str) -> bool:
        """Whether the answer corrected something, answered another question (too), or was a sentence of its own."""
        if await self._corrected(parameter, answer):
            return True
        if parameter.kind == "text":
            return await self._between_texts(parameter, answer)
        value, _, _ = await understood(parameter, answer, self.vocabulary, (), self.today)
        if value is not None:
            return False
        if await self.listener.aside(answer, self.spec):
            self._back()
            return True
        found = await named_in(answer, self.spec, self.vocabulary, self.today)
        self._take(found, parameter)
        return bool(found)

    async def _corrected(self, parameter: Parameter, answer: str) -> bool:
        said = contrast(answer, self.spec)
        if said is None or (
            parameter.kind == "text" and not await self._corrects_in_text(parameter, answer, said)
        ):
            return False
        if said.wrong and said.right and parameter.name not in self.slots.arguments:
            # "not ana, ana.b" to the question itself: the right one is the answer
            value, _, _ = await understood(parameter, said.right, self.vocabulary, (), self.today)
            if value is not None:
                self.slots.put(parameter.name, value, Provenance.CHOSEN)
                return True
        before = dict(self.slots.arguments)
        names = await amend(said, self.spec, self.slots, self.vocabulary, self.today)
        for name in names:
            value = self.slots.arguments.get(name)
            if name != parameter.name and value is not None and value != before.get(name):
                self.listener.say(f"{name} is now {value}.")
        return bool(names)

    async def _corrects_in_text(self, parameter: Parameter, answer: str, said: Contrast) -> bool:
        """Whether an answer to a free text is surely about another argument: nearly everything may be the text."""
        if said.name:
            return said.name != parameter.name
        if said.wrong:
            return fold(said.wrong) in {fold(str(value)) for value in self.slots.arguments.values()}
        if correction(answer) is None:
            return False
        return bool(await named_in(said.right, self.spec, self.vocabulary, self.today, bare=True))

    async def _between_texts(self, parameter: Parameter, answer: str) -> bool:
        """To a free text nearly everything is an answer, but a day alone, or a question, may be none."""
        dates = [p for p in self.spec.parameters if p.kind == "date"]
        if dates and _ONLY_DATE.match(answer.strip()) and (when := day(answer, self.today)):
            self._take({dates[0].name: when}, parameter)
            return True
        if self.spec.reads and parameter is main_text(self.spec):
            return False
        between = self.listener.between
        if between is None or not between.is_request(answer, self.spec):
            return False
        if not (parameter.name in REASONS and answer.rstrip().endswith("?")) and await agree(
            f"Is that your answer ({parameter.help or parameter.name}), or something else that you want?",
            "",
            ("it is my answer", "it is something else"),
            self.listener,
        ):
            self.slots.put(parameter.name, answer.strip(), Provenance.CHOSEN)
            return True
        await self.listener.aside(answer, self.spec)
        self._back()
        return True

    def _value_in(self, parameter: Parameter, answer: str) -> str:
        """The answer to a free text; a day at its end that another argument waits for goes there."""
        text = correction(answer) or answer
        dates = [
            p.name for p in self.spec.parameters if p.kind == "date" and p.name not in self.slots.arguments
        ]
        match = _DATED.match(text.strip()) if parameter.kind == "text" and dates else None
        if match is not None and (when := day(match["date"], self.today)):
            self._take({dates[0]: when}, parameter)
            return match["text"]
        return text

    def _take(self, found: dict[str, Any], asked: Parameter) -> None:
        for name, value in found.items():
            self.slots.put(name, value, Provenance.CHOSEN)
            if name != asked.name:
                self.listener.say(f"{name} is now {value}.")

    def _back(self) -> None:
        given = ", ".join(f"{name} {value}" for name, value in self.slots.arguments.items())
        self.listener.say(f"Back to {self.spec.name}{f' ({given})' if given else ''}.")

    # ── nothing was said ──────────────────────────────────────────────────────────────────────

    async def _ask_which(self) -> None:
        spec = self.spec
        open_ones = [p for p in spec.parameters if p.kind != "secret"]
        choices = tuple(Choice(p.name, p.help or p.name) for p in open_ones)
        flags = f"helpdesk do {spec.name} with {' or '.join(p.flag for p in open_ones)}"
        asked = Question("which", f"{spec.name}: what shall be changed?", flags, choices)
        parameter = spec.parameter(await choose(asked, self.listener))
        if parameter is not None:
            await self.ask(parameter)


def _with_way_out(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    return (*choices, Choice(NONE, "none of these")) if choices else ()


def _says_nothing(spec: ActionSpec, slots: Slots) -> bool:
    """A write whose arguments are all optional, and none is given: it would change nothing."""
    open_ones = [p for p in spec.parameters if p.kind != "secret"]
    return bool(
        not spec.reads
        and open_ones
        and not any(p.required for p in spec.parameters)
        and all(p.default is None for p in open_ones)
        and not slots.arguments
    )


async def choose(asked: Question, listener: Listener, *, sentences: bool = False) -> str:
    """The value of the choice the person made. Raises Cancelled and UsageError as :meth:`Asker.complete` does.

    Args:
        sentences: what is no choice but a sentence ends the question; Cancelled carries it in ``words``.
    """
    useless = 0
    for _ in range(MOST):
        answer = (await listener.ask(asked)).strip()
        if (chosen := pick(answer, asked.choices)) is not None:
            return chosen.value
        said = form(answer)
        if said == "everything":
            listener.drop_all()
        if said in ("cancel", "everything", "skip"):
            break
        if said == "explain":
            listener.say(choices_explained(asked))
        elif said != "repeat" and not listener.drops(answer):
            if answer.startswith("/") or (sentences and _is_sentence(answer)):
                raise Cancelled(CANCELLED, words=answer)
            listener.say("Please answer with one of the choices, or say cancel.")
            useless += 1
        if useless == TRIES:
            break
    raise Cancelled(CANCELLED)


def _is_sentence(answer: str) -> bool:
    return len(answer.split()) > 1 or bool(talk.kind(answer))


async def agree(
    text: str, flag: str, labels: Sequence[str], listener: Listener, *, name: str = "choice"
) -> bool:
    """A plain yes or no that confirms nothing but the question itself."""
    choices = (Choice("yes", labels[0]), Choice("no", labels[1]))
    return await choose(Question(name, text, flag, choices), listener, sentences=True) == "yes"
