"""The stream decoder fed with damage: no crash, and no call that was not wholly sent (L8)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from helpdesk.connectors.llm_stream import MAX_LINE, EventDecoder, ReplyAssembler
from helpdesk.ports import Ended
from tests.servers.model_server import DONE, call_stream, delta

ARGUMENTS = '{"person": "bo", "group": "finance-share", "reason": "Jürgens Büro – quarter close 👍"}'
STREAM = b"".join(
    [
        delta(content="One moment, "),
        delta(content="Jürgen … "),
        *call_stream(("access__grant", ARGUMENTS), ("access__list", '{"person": "bo"}'), split=7),
    ]
)


def decode(stream: bytes, sizes: Callable[[], int] = lambda: 4096) -> tuple[str, Ended]:
    events, reply, text, at = EventDecoder(), ReplyAssembler(), "", 0
    while at < len(stream):
        size = sizes()
        for event in events.feed(stream[at : at + size]):
            text += "".join(piece.text for piece in reply.chunk(event))
        at += size
    for event in events.end():
        text += "".join(piece.text for piece in reply.chunk(event))
    return text, reply.end(damaged=events.damaged)


WHOLE = decode(STREAM)


def test_the_undamaged_stream_holds_both_calls() -> None:
    text, ended = WHOLE
    assert text == "One moment, Jürgen … "
    assert [(c.name, c.arguments) for c in ended.calls] == [
        ("access__grant", ARGUMENTS),
        ("access__list", '{"person": "bo"}'),
    ]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_the_reply_does_not_depend_on_how_it_is_cut_into_pieces_or_on_line_ends(newline: bytes) -> None:
    stream = STREAM.replace(b"\n", newline)
    for size in (1, 2, 3, 7, 64, 100_000):
        assert decode(stream, lambda size=size: size) == WHOLE  # type: ignore[misc]


@pytest.mark.req("L8")
def test_a_stream_cut_anywhere_yields_all_of_its_calls_or_none() -> None:
    for at in range(len(STREAM)):
        _, ended = decode(STREAM[:at])
        assert ended.calls in ((), WHOLE[1].calls), at
        if not ended.calls:
            assert ended.reason == "cut"


def _drop(stream: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(stream))
    del stream[at : at + dice.randrange(1, 40)]


def _flip(stream: bytearray, dice: random.Random) -> None:
    stream[dice.randrange(len(stream))] ^= 1 << dice.randrange(8)


def _insert(stream: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(stream))
    stream[at:at] = dice.choice(NOISE) * dice.randrange(1, 4)


def _repeat(stream: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(stream))
    stream[at:at] = stream[at : at + dice.randrange(1, 200)]


def _cut(stream: bytearray, dice: random.Random) -> None:
    del stream[dice.randrange(1, len(stream)) :]


def _swap_lines(stream: bytearray, dice: random.Random) -> None:
    lines = bytes(stream).split(b"\n\n")
    dice.shuffle(lines)
    stream[:] = b"\n\n".join(lines)


NOISE = [
    b"\xff\xfe", b"\x00", b"\r", b"\n", b"\n\n", b"data: ", b"data: null\n\n", b"data: []\n\n", b'data: {"choices": [null]}\n\n',
    b'data: {"choices": [{"delta": {"tool_calls": [{"index": -1}]}}]}\n\n', b'data: {"choices":[{"delta":{"tool_calls":{}}}]}\n\n',
    b'data: {"choices": [{"delta": {"tool_calls": [{"index": 1e99, "function": {"name": 1}}]}}]}\n\n', b"\xed\xa0\x80", b'"', b"}", b"{",
    b'data: {"choices": [{"delta": {"content": 7}, "finish_reason": ["stop"]}]}\n\n', b": ping\n", b"event: x\n", b"<html>",
]  # fmt: skip
MUTATIONS = [_drop, _flip, _insert, _repeat, _cut, _swap_lines]


@pytest.mark.req("L8")
def test_10000_damaged_streams_never_crash_and_never_yield_a_partial_call() -> None:
    """A partial call would be one whose arguments are no longer whole JSON objects."""
    dice = random.Random(20_261_124)
    cut = 0
    for _ in range(10_000):
        stream = bytearray(STREAM)
        for _ in range(dice.randrange(1, 4)):
            dice.choice(MUTATIONS)(stream, dice)
            if not stream:
                break
        text, ended = decode(bytes(stream), lambda: dice.randrange(1, 400))
        text.encode()
        assert ended.reason in ("stop", "tool_calls", "length", "cut")
        cut += ended.reason == "cut"
        assert not (ended.reason in ("cut", "length") and ended.calls)
        assert all(call.name for call in ended.calls)
    assert cut > 5_000, "the mutations do damage"


@pytest.mark.req("L8")
def test_one_lost_or_unreadable_event_among_the_pieces_of_a_call_costs_the_calls() -> None:
    """A missing piece cannot be seen; an unreadable one can, and must not be passed over."""
    events = STREAM.split(b"\n\n")
    for at in range(3, len(events) - 3):
        damaged = [*events[:at], events[at][:-3], *events[at + 1 :]]
        assert decode(b"\n\n".join(damaged))[1] == Ended("cut"), at


@pytest.mark.req("L7")
def test_one_endless_line_or_event_or_argument_is_bounded() -> None:
    events = EventDecoder()
    for _ in range(100):
        assert events.feed(b"x" * 100_000) == []
    assert events.damaged
    assert len(events._rest) <= MAX_LINE + 100_000
    events = EventDecoder()
    for _ in range(100):
        assert events.feed(b"data: " + b"x" * 100_000 + b"\n") == []
    assert events.damaged
    assert sum(map(len, events._data)) <= MAX_LINE
    reply = ReplyAssembler()
    piece = json.dumps(
        {
            "choices": [
                {
                    "delta": {
                        "tool_calls": [{"index": 0, "function": {"name": "a", "arguments": "x" * 10_000}}]
                    }
                }
            ]
        }
    )
    for _ in range(100):
        reply.chunk(piece)
    reply.chunk(json.dumps({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}))
    assert reply.end() == Ended("cut")


def test_a_thousand_calls_are_too_many() -> None:
    calls = [("a__b", "{}")] * 1_000
    assert decode(b"".join(call_stream(*calls)))[1] == Ended("cut")


def test_usage_only_chunks_and_comments_are_no_damage() -> None:
    stream = (
        b": hi\n\n"
        + delta(content="Hi")
        + delta(finish="stop")
        + b'data: {"choices": [], "usage": {}}\n\n'
        + DONE
    )
    assert decode(stream) == ("Hi", Ended("stop"))
