"""Events as text on standard error. Every line says whose words it holds (T1, T3, L3)."""

from __future__ import annotations

from typing import TextIO

from helpdesk.events import (
    Answered,
    Change,
    Confirmation,
    Event,
    ModelFinished,
    ModelSaid,
    Previewed,
    Progress,
    Proposed,
    Question,
    Said,
    Warned,
)
from helpdesk.surfaces.columns import cells, fold, pieces
from helpdesk.surfaces.look import TAB, Look, clean
from helpdesk.surfaces.output import put
from helpdesk.text import look_alikes

MODEL = "model │ "
"""Stands in front of every line of a model's words on the screen, and of nothing else."""
_WIPE = "\r\x1b[K"
untrusted = clean
"""Cleaned text that can draw neither the frame of a confirmation nor the mark of a receipt (T1, T3)."""


class Teller:
    """Writes what is going on. A model's words stand behind a mark that nothing else uses.

    Args:
        quiet: only warnings, questions and the model's words. verbose: progress also off a terminal.
    """

    def __init__(self, out: TextIO, look: Look, *, quiet: bool = False, verbose: bool = False) -> None:
        self._out = out
        self._look = look
        self._quiet = quiet
        self._verbose = verbose
        self._status = False
        self._in_prose = False
        self._word, self._column = "", 0
        self._held: list[str] | None = None

    def tell(self, event: Event) -> None:
        match event:
            case Said(text):
                self.line(untrusted(text, one_line=False).replace("\n", "\n  "))
            case ModelSaid(text):
                self._prose(text)
            case ModelFinished(unproven):
                self._end_prose()
                if unproven:
                    self.line("(the model's words above are not proven by any receipt)", "yellow")
            case Proposed(action, arguments):
                if self._verbose:
                    given = ", ".join(f"{name}={value}" for name, value in arguments.items())
                    self.line(untrusted(f"Found: {action} {given}".rstrip()), "dim")
            case Progress(_, text):
                self._progress(untrusted(text))
            case Warned(text, hint):
                more = f" ({untrusted(hint)})" if hint else ""
                self.line(f"warning: {untrusted(text)}{more}", "yellow")
            case Answered(result):
                from helpdesk.surfaces.render import result_lines

                for line in result_lines(result, self._look):
                    self.line(line)
            case Previewed():
                pass  # the confirmation shows the same changes
            case _:
                pass  # results are for whoever asked for them

    def line(self, text: str, style: str = "") -> None:
        """One line, or several, that the caller has cleaned already."""
        self.settle()
        if self._held is not None:
            self._held.append(text)
            return
        shown = "\n".join(self._look.lines(self._look.fit(text)))
        self._write((self._look.paint(shown, style) if style else shown) + "\n")

    def settle(self) -> None:
        """Take the progress line away and end the model's line, so that a new line can begin."""
        self._end_prose()
        if self._status:
            self._status = False
            self._write(_WIPE)

    def hold(self) -> None:
        """Keep lines back while another screen is shown."""
        self._held = []

    def release(self) -> None:
        held, self._held = self._held or [], None
        for text in held:
            self.line(text)

    def _progress(self, text: str) -> None:
        if self._look.moves and not self._quiet and self._held is None:
            self._end_prose()
            shown = pieces(self._look.fit(f"· {text}"), max(self._look.width - 2, 10))[0]
            self._write(f"{_WIPE}{self._look.paint(shown, 'dim')}")
            self._status = True
        elif self._verbose:
            self.line(f"· {text}")

    def _prose(self, text: str) -> None:
        if self._status:
            self.settle()
        for i, part in enumerate(text.split("\n")):
            if i:
                self._end_prose()
            if part:
                self._labelled(self._look.fit(untrusted(part.expandtabs(TAB))))

    def _labelled(self, text: str) -> None:
        """A piece of a line of the model's; the terminal must not fold it, or a line would have no label (L3)."""
        if not self._in_prose:
            self._begin_label()
        if not self._look.moves:
            self._write(text)
            return
        *words, self._word = (self._word + text).split(" ")
        for word in words:
            self._put_word(f"{word} ")

    def _put_word(self, word: str) -> None:
        room = self._look.width - cells(MODEL) - 1  # for the space behind the last word
        if self._column and self._column + cells(word.rstrip(" ")) > room:
            self._write("\n")
            self._begin_label()
        first, *more = pieces(word, max(room, 1))
        for piece in (first, *more):
            if piece is not first:
                self._write("\n")
                self._begin_label()
            self._write(piece)
            self._column += cells(piece)

    def _begin_label(self) -> None:
        self._write(self._look.paint(self._look.fit(MODEL), "blue"))
        self._in_prose, self._column = True, 0

    def _end_prose(self) -> None:
        if self._in_prose:
            if self._word:
                self._put_word(self._word)
            self._in_prose, self._word = False, ""
            self._write("\n")

    def _write(self, text: str) -> None:
        try:
            put(self._out, text)
        except OSError:  # a closed pipe or terminal, a full disk
            self._quiet = True  # nobody reads it; the work goes on, to an outcome that is logged


def change_line(change: Change) -> str:
    """One change with its real values, cleaned: "finance-share: member ana: no → yes"."""
    before, after = untrusted(change.before) or "nothing", untrusted(change.after) or "nothing"
    return f"{untrusted(change.target)}: {untrusted(change.what)}: {before} → {after}"


def confirmation_lines(confirmation: Confirmation, look: Look) -> list[str]:
    """The area of a confirmation: a frame at the left edge, where no other text can begin (T3).

    Everything in it comes from the canonical call and from the live system (L3); each text is one line.
    """
    lines = [f"┌─ {look.paint(f'Please confirm: {untrusted(confirmation.action)}', 'bold')}"]
    inside = [untrusted(confirmation.summary), f"as {untrusted(confirmation.actor)}"]
    inside += [f"- {change_line(change)}" for change in confirmation.changes]
    inside += [f"! {untrusted(warning)}" for warning in confirmation.warnings]
    if confirmation.approvers:
        who = " or ".join(untrusted(name) for name in confirmation.approvers)
        inside.append(f"it then waits for {who}")
    inside += [f"! {untrusted(note)}" for note in name_warnings(confirmation)]
    for text in inside:
        first, *more = fold(text, max(look.width - 6, 20))
        lines += [f"│ {first}", *(f"│     {part}" for part in more)]
    lines.append("└─")
    return lines


def name_warnings(confirmation: Confirmation) -> list[str]:
    """What names are in it that pass for others, each told once (T3)."""
    named = [confirmation.target, confirmation.actor, *confirmation.approvers]
    for change in confirmation.changes:
        named += [change.target, change.what, change.before, change.after]
    return [*dict.fromkeys(note for text in (confirmation.summary, *named) for note in look_alikes(text))]


def question_lines(question: Question) -> list[str]:
    """A question with its numbered choices."""
    lines = [untrusted(question.text)]
    for number, choice in enumerate(question.choices, 1):
        lines.append(f"  {number}) {untrusted(choice.label)}")
    return lines
