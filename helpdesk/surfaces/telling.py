"""Events as text on standard error. Every line says whose words it holds (T1, T3, L3)."""

from __future__ import annotations

from typing import TextIO

from helpdesk.events import (
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
from helpdesk.surfaces.columns import wrap
from helpdesk.surfaces.look import Look, clean

MODEL = "model │ "
_FRAME = dict.fromkeys((*range(9472, 9600), 9168, 65372, 65512, *range(9115, 9140)), "|")
_FRAME |= {ord(character): "-" for character in "─━╌╍┄┅┈┉═╴╶╸╺"}
_FRAME |= {ord(character): "+" for character in "┌┐└┘├┤┬┴┼┏┓┗┛╭╮╯╰╔╗╚╝"}
"""Everything that could be taken for a piece of a confirmation's frame."""
_WIPE = "\r\x1b[K"


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
        shown = self._look.fit("\n".join(self._look.lines(text)))
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
            room = max(self._look.width - 4, 10)
            self._write(f"{_WIPE}{self._look.paint(self._look.fit(f'· {text[:room]}'), 'dim')}")
            self._status = True
        elif self._verbose:
            self.line(f"· {text}")

    def _prose(self, text: str) -> None:
        if self._status:
            self.settle()
        for i, part in enumerate(text.split("\n")):
            if i and self._in_prose:
                self._write("\n")
                self._in_prose = False
            if part:
                if not self._in_prose:
                    self._write(self._look.paint(self._look.fit(MODEL), "blue"))
                    self._in_prose = True
                self._write(self._look.fit(untrusted(part)))

    def _end_prose(self) -> None:
        if self._in_prose:
            self._in_prose = False
            self._write("\n")

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError:
            self._quiet = True  # nobody reads it; the work goes on


def untrusted(text: object, *, one_line: bool = True) -> str:
    """Cleaned text that cannot draw the frame of a confirmation, wherever the terminal wraps it (T3)."""
    return clean(text, one_line=one_line).translate(_FRAME)


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
    for text in inside:
        first, *more = wrap(text, max(look.width - 6, 20))
        lines += [f"│ {first}", *(f"│     {part}" for part in more)]
    lines.append("└─")
    return lines


def question_lines(question: Question) -> list[str]:
    """A question with its numbered choices."""
    lines = [untrusted(question.text)]
    for number, choice in enumerate(question.choices, 1):
        lines.append(f"  {number}) {untrusted(choice.label)}")
    return lines
