"""Going on with a case: what was said, what was proposed last, and a request that was left half filled."""

from __future__ import annotations

import re
from datetime import date

from helpdesk.actions.call import Provenance
from helpdesk.actions.schema import parse_value
from helpdesk.conversation.case import Case, Kind, Memory, Stage
from helpdesk.conversation.clues import Clues
from helpdesk.conversation.live import live_clues
from helpdesk.conversation.routing import Router
from helpdesk.conversation.slots import Slots, fill
from helpdesk.conversation.talk import ORDERS
from helpdesk.conversation.transcript import CASE_LENGTH, Line, Transcript
from helpdesk.conversation.vocabulary import Vocabulary
from helpdesk.conversation.words import correction, fold, is_cancel
from helpdesk.errors import InvalidArgument
from helpdesk.events import Outcome, Result
from helpdesk.spec import ActionSpec
from helpdesk.text import local_time, shorten, visible


def transcript_lines(case: Case) -> list[Line]:
    """The conversation so far, as far as the case was not rewound to before it."""
    lines: list[Line] = []
    for line in case.visible:
        body = line.body
        if line.kind is Kind.PERSON:
            lines.append(Line("person", str(body["words"])))
        elif line.kind is Kind.MODEL:
            lines.append(Line("model", str(body["text"])))
        elif line.kind is Kind.SAID:
            lines.append(Line("host", f"nothing: {body['message']}", str(body["outcome"])))
        elif line.kind is Kind.RESULT:
            lines.append(Line("host", f"{body['action']}: {body['message']}", str(body["outcome"])))
    return lines


def result_of(case: Case) -> Result | None:
    """How the remembered call ended; ``None`` while it is half filled, or its end is not known."""
    ended = [step for step in case.steps if not step.hidden]
    if not ended or case.memory.stage != Stage.PROPOSED or ended[-1].action != case.memory.action:
        return None
    last = ended[-1]
    return Result(
        Outcome(last.outcome),
        last.action,
        last.message,
        dict(last.arguments),
        receipt=last.receipt,
        entry=last.entry,
        request=last.request or None,
        undoable=last.undoable,
    )


def slots_of(memory: Memory) -> Slots:
    """The arguments that were found already, each with where it came from."""
    provenance = {name: Provenance(value) for name, value in memory.provenance.items()}
    return Slots(dict(memory.arguments), provenance)


async def fills(
    words: str, spec: ActionSpec, slots: Slots, router: Router, vocabulary: Vocabulary, today: date
) -> bool:
    """Whether words answer what a half-filled request still needs; then they are in ``slots``.

    A sentence that is a request of its own answers nothing. A name counts when it is a live one, to the letter.
    """
    if is_cancel(words) or correction(words) is not None:
        return False
    clues = await live_clues(words, vocabulary)
    if _is_request(words, clues, spec, router):
        return False
    open_ones = [p for p in spec.parameters if p.kind != "secret" and p.name not in slots.arguments]
    found = await fill(spec, words, clues, vocabulary, today)
    told = {p.name for p in open_ones} & set(found.arguments)
    for name in told:
        slots.put(name, found.arguments[name], found.provenance[name])
    if told or found.unsure:
        for name, choices in found.unsure.items():
            slots.doubt(name, choices, found.notes.get(name, ""))
        return True
    plain = next((p for p in open_ones if p.required and p.kind not in ("login", "group")), None)
    if plain is None:
        return False
    try:
        slots.put(plain.name, parse_value(plain, words.strip()), Provenance.TYPED)
    except InvalidArgument:
        return False
    return True


def _is_request(words: str, clues: Clues, spec: ActionSpec, router: Router) -> bool:
    """Whether words ask for something else, in the form of an order or a question: no answer looks like that."""
    route = router.route(words, clues)
    if route.flow or not (route.spec or route.which):
        return bool(route.flow)
    same = spec in route.which or (route.spec is not None and route.spec.name == spec.name)
    return not same and (clues.asks or bool(_ORDER.match(fold(words))))


_ORDER = re.compile(rf"\W*(?:please |now |also |and |(?:can|could|would) you (?:please )?)*{ORDERS}\b")


def handoff_text(case: Case) -> str:
    """The case for the people who take it over: the goal, what was said and tried, what is known, what was done."""
    transcript = Transcript(transcript_lines(case))
    parts = [f"Case {case.id}: {case.goal}", transcript.case()]
    done = [step for step in case.steps if step.took_effect]
    if done:
        parts.append("What was done, by the log:")
        parts += [
            f"- {step.action}: {step.message} [{step.outcome}{f', entry {step.entry}' if step.entry else ''}]"
            for step in done
        ]
    facts = case.facts[-20:]
    if facts:
        parts.append("What was read from the systems:")
        parts += [
            f"- {fact.observation.target}: {fact.observation.what} is {shorten(fact.observation.observed, 200)}"
            f" ({local_time(fact.at)})"
            for fact in facts
        ]
    text = visible("\n".join(parts))
    return text if len(text) <= 2 * CASE_LENGTH else text[: 2 * CASE_LENGTH - 1] + "…"
