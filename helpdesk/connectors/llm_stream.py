"""From bytes to text and tool calls: server-sent events and chat completion chunks, whatever arrives (L8).

Nothing here touches a network, so that it can be fed damaged streams by the thousand. Text survives
damage; calls do not: a stream that was cut, or held anything unreadable, yields no call at all.

Sources: the WHATWG HTML standard, "Server-sent events", section 9.2; the OpenAI chat completions API.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from helpdesk.ports import Ended, TextPiece, ToolCall
from helpdesk.text import Untrusted

MAX_LINE = 1_000_000
"""Bytes of one line; a longer one is dropped and counts as damage."""
MAX_CALLS = 16
MAX_ARGUMENTS = 64_000
"""Characters of one call's arguments."""
_FINISHED = {"stop": "stop", "tool_calls": "tool_calls", "function_call": "tool_calls", "length": "length"}


@dataclass(slots=True)
class EventDecoder:
    """Splits bytes into the ``data`` of server-sent events.

    Attributes:
        damaged: something could not be read as UTF-8, or a line was longer than :data:`MAX_LINE`.
    """

    damaged: bool = False
    _rest: bytearray = field(default_factory=bytearray)
    _data: list[str] = field(default_factory=list)
    _size: int = 0
    _skipping: bool = False
    _after_cr: bool = False

    def feed(self, chunk: bytes) -> list[str]:
        """The events that ``chunk`` completes, oldest first."""
        if not chunk:
            return []
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r")
        self._rest += chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = bytes(self._rest).split(b"\n") if b"\n" in chunk or b"\r" in chunk else [self._rest]
        self._rest = bytearray(rest)
        events = [event for line in lines if (event := self._line(line)) is not None]
        if len(self._rest) > MAX_LINE:
            self._rest.clear()
            self._skipping = self.damaged = True
        return events

    def end(self) -> list[str]:
        """The event that no blank line ended: servers often leave the last one out."""
        last = [event for event in (self._line(bytes(self._rest)), self._line(b"")) if event is not None]
        self._rest.clear()
        return last

    def _line(self, line: bytes | bytearray) -> str | None:
        if self._skipping:
            self._skipping = False
            return None
        if not line:
            data, self._data, self._size = self._data, [], 0
            return "\n".join(data) if data else None
        if line.startswith(b":"):
            return None
        name, _, value = line.partition(b":")
        if name != b"data":
            self._other(bytes(name))
            return None
        self._size += len(value)
        if self._size > MAX_LINE:
            self.damaged = True
            return None
        self._data.append(self._text(bytes(value.removeprefix(b" "))))
        return None

    def _other(self, name: bytes) -> None:
        """Fields the standard names are passed over; anything else is no event stream."""
        if name not in (b"event", b"id", b"retry"):
            self.damaged = True

    def _text(self, value: bytes) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            self.damaged = True
            return value.decode(errors="replace")


@dataclass(slots=True)
class _Building:
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class ReplyAssembler:
    """Puts chat completion chunks together.

    Attributes:
        damaged: a chunk could not be read, so that no call of this reply may run.
        done: the server said that the reply is complete.
    """

    damaged: bool = False
    done: bool = False
    reason: str = ""
    _calls: dict[int, _Building] = field(default_factory=dict)

    def chunk(self, data: str) -> list[TextPiece]:
        """Take one event; returns the text in it."""
        if data.strip() == "[DONE]":
            self.done = True
            return []
        return self.document(_parsed(data), streamed=True)

    def document(self, document: Any, *, streamed: bool) -> list[TextPiece]:
        """Take one chunk, or the whole reply of a server that does not stream."""
        choices = document.get("choices") if isinstance(document, dict) else None
        if not isinstance(choices, list) or document.get("error"):
            self.damaged = True
            return []
        if not choices:
            return []  # a chunk with usage figures only
        choice = choices[0]
        part = choice.get("delta" if streamed else "message") if isinstance(choice, dict) else None
        if not isinstance(part, dict):
            part = {}
            self.damaged = self.damaged or not isinstance(choice, dict)
        self._finish(choice.get("finish_reason") if isinstance(choice, dict) else None)
        self._take_calls(part.get("tool_calls"))
        text = part.get("content")
        return [TextPiece(Untrusted(_storable(text)))] if isinstance(text, str) and text else []

    def _finish(self, reason: Any) -> None:
        if reason is None:
            return
        self.reason = _FINISHED.get(reason, "stop") if isinstance(reason, str) else ""
        self.damaged = self.damaged or not self.reason

    def _take_calls(self, calls: Any) -> None:
        if calls is None:
            return
        if not isinstance(calls, list):
            self.damaged = True
            return
        for call in calls:
            function = call.get("function") if isinstance(call, dict) else None
            if not isinstance(function, dict):
                self.damaged = True
                continue
            self._take_call(call, function)

    def _take_call(self, call: dict[str, Any], function: dict[str, Any]) -> None:
        index = self._index(call)
        name, arguments, id = function.get("name"), function.get("arguments"), call.get("id")
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments)
        if any(not isinstance(part, (str, type(None))) for part in (name, arguments, id)) or index is None:
            self.damaged = True
            return
        building = self._calls.setdefault(index, _Building())
        building.id = building.id or (id or "")
        building.name += name or ""
        building.arguments += arguments or ""
        if len(building.arguments) > MAX_ARGUMENTS or len(building.name) > 200:
            building.arguments = ""
            self.damaged = True

    def _index(self, call: dict[str, Any]) -> int | None:
        """Which call a piece belongs to; some servers leave the index out, others give every call the same."""
        index, id = call.get("index"), call.get("id")
        if index is None:
            last = max(self._calls, default=-1)
            index = last + 1 if id or last < 0 else last
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < MAX_CALLS:
            return None
        building = self._calls.get(index)
        if building and id and building.id and building.id != id:
            index = next((i for i, b in self._calls.items() if b.id == id), max(self._calls) + 1)
        return index if index < MAX_CALLS else None

    def end(self, *, damaged: bool = False) -> Ended:
        """How the reply ended. Calls come out only of a whole, undamaged reply that says it is complete."""
        whole = self.done or bool(self.reason)
        if not whole or damaged or self.damaged:
            return Ended("cut")
        if self.reason == "length":
            return Ended("length")
        calls = tuple(
            ToolCall(building.id or f"call_{index}", building.name, building.arguments)
            for index, building in sorted(self._calls.items())
        )
        if any(not call.name for call in calls):
            return Ended("cut")
        return Ended("tool_calls" if calls else "stop", calls)


def _parsed(data: str) -> Any:
    """The JSON of one event, ``None`` when it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _storable(text: str) -> str:
    """Text without lone surrogates, which ``\\ud800`` in JSON would smuggle in."""
    return text.encode("utf-8", "replace").decode()
