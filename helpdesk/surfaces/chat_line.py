"""The chat's input line: history that keeps no secrets, completion from live names, and several lines."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput

from helpdesk.conversation.vocabulary import DirectoryVocabulary
from helpdesk.conversation.words import without_secrets
from helpdesk.errors import HelpdeskError
from helpdesk.platform import private_file
from helpdesk.ports import SignedIn
from helpdesk.spec import ActionSpec
from helpdesk.surfaces.look import clean
from helpdesk.text import visible, whole

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

LEAST = 2
"""Characters of a name before people are looked up."""
MOST = 12


class QuietHistory(FileHistory):
    """Earlier turns, in a private file, without what looks like a password (S1).

    Args:
        keeps: whether a turn may be kept now; while a new password is due, a line could be one.
        cleaned: a turn as it may be kept.
    """

    def __init__(
        self,
        file: Path,
        keeps: Callable[[], bool] = lambda: True,
        cleaned: Callable[[str], str] = without_secrets,
    ) -> None:
        private_file(file)
        super().__init__(str(file))
        self._keeps, self._cleaned = keeps, cleaned

    def store_string(self, string: str) -> None:
        if self._keeps():
            super().store_string(whole(self._cleaned(string)))


class Harmless(Processor):
    """Shows a character that acts on a terminal, or shows nothing, as one that does neither; the text stays as it is.

    What was pasted, or stands in the history, is somebody's text too (T1).
    """

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        shown: StyleAndTextTuples = [
            (fragment[0], "".join(map(_harmless, fragment[1]))) for fragment in transformation_input.fragments
        ]
        return Transformation(shown)


def _harmless(character: str) -> str:
    """One character for one, so that the cursor stands where it should."""
    shown = visible(f"x{character}", one_line=True)[1:]
    return shown if len(shown) == 1 else "\ufffd"


class Names(Completer):
    """Completes commands, example sentences, groups and people; a directory that is down completes nothing."""

    def __init__(
        self,
        specs: Sequence[ActionSpec],
        commands: Iterable[tuple[str, str]],
        signed_in: Callable[[], SignedIn | None],
        slash: Callable[[str], Iterable[tuple[str, int, str]]] | None = None,
    ) -> None:
        self._sentences = sorted({example for spec in specs for example in spec.examples})
        self._commands = list(commands)
        self._signed_in = signed_in
        self._slash = slash
        self._vocabulary: tuple[SignedIn, DirectoryVocabulary] | None = None

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        """What needs no look-up."""
        text = document.text_before_cursor
        if text.startswith("/") and self._slash is not None:
            for word, start, what in self._slash(text):
                yield Completion(
                    visible(word, one_line=True), start, display_meta=visible(what, one_line=True)
                )
            return
        if text.startswith("/"):
            for name, what in self._commands:
                if name.startswith(text):
                    yield Completion(name, -len(text), display_meta=what)
            return
        if len(text) >= LEAST:
            for sentence in [s for s in self._sentences if s.startswith(text.lower())][:MOST]:
                yield Completion(visible(sentence, one_line=True), -len(text))

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        for completion in self.get_completions(document, complete_event):
            yield completion
        word = document.get_word_before_cursor(WORD=True)
        if document.text_before_cursor.startswith("/") or len(word) < LEAST:
            return
        for name, label in await self._names(word):
            yield Completion(
                visible(name, one_line=True), -len(word), display_meta=visible(label, one_line=True)
            )

    async def _names(self, word: str) -> list[tuple[str, str]]:
        vocabulary = self._live()
        if vocabulary is None:
            return []
        with suppress(HelpdeskError):  # completion is a convenience; the turn itself will say what is wrong
            groups = [g for g in await vocabulary.groups() if g.name.casefold().startswith(word.casefold())]
            people = await vocabulary.find_person(word)
            found = [(group.name, group.description or "group") for group in groups]
            return [*found, *((person.login, person.name) for person in people)][:MOST]
        return []

    def _live(self) -> DirectoryVocabulary | None:
        who = self._signed_in()
        if who is None or who.actor.must_change:
            return None
        if self._vocabulary is None or self._vocabulary[0] is not who:
            self._vocabulary = (who, DirectoryVocabulary(who))
        return self._vocabulary[1]


def line_session(
    history: Path,
    completer: Completer,
    toolbar: Callable[[], str],
    *,
    keeps: Callable[[], bool] = lambda: True,
    cleaned: Callable[[str], str] = without_secrets,
    source: Input | None = None,
    screen: Output | None = None,
) -> PromptSession[str]:
    """The input line. Enter sends; Alt+Enter, or a trailing backslash, begins another line.

    Args:
        history: a private file. toolbar: the line below. keeps: whether a turn may be kept now.
        cleaned: a turn as it may be kept. source, screen: other ends, for tests.
    """
    return PromptSession(
        message="› ",
        history=QuietHistory(history, keeps, cleaned),
        completer=completer,
        complete_while_typing=False,
        multiline=True,
        key_bindings=_keys(),
        prompt_continuation="  ",
        bottom_toolbar=lambda: clean(toolbar()),
        input_processors=[Harmless()],
        enable_history_search=True,
        mouse_support=False,
        input=source,
        output=screen,
    )


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            buffer.apply_completion(buffer.complete_state.current_completion)
        elif buffer.document.text_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.newline()
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline()

    return keys
