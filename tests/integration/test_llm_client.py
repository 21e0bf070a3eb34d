"""The model client against a real HTTP server on loopback that replays streams and misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpdesk.connectors.llm import ChatCompletions
from helpdesk.connectors.llm_reply import Limits
from helpdesk.errors import ConfigError, Unreachable
from helpdesk.ports import Ended, Message, TextPiece
from helpdesk.secrets import Secret
from tests.servers.certificates import Authority, Issued
from tests.servers.model_server import (
    DONE,
    Answer,
    ModelServer,
    delta,
    endless,
    event,
    failing,
    model_server,
    raw,
    text,
    tool_calls,
)

pytestmark = pytest.mark.servers
FAST = Limits(connect=2, first_byte=2, idle=1, total=5, retries=2, backoff=0.01, longest_pause=0.05)
KEY = "sk-canary-5512"
MESSAGES = [Message("system", "You help."), Message("user", "unlock bo")]
TOOL = {"type": "function", "function": {"name": "password__unlock", "parameters": {"type": "object"}}}


def complete(server: ModelServer | str, limits: Limits = FAST, **more: Any) -> tuple[str, Ended]:
    """One reply: its text and how it ended."""
    url = server if isinstance(server, str) else server.url

    async def work() -> tuple[str, Ended]:
        model = ChatCompletions(url, "tiny", Secret(KEY), limits=limits, **more)
        try:
            pieces = [piece async for piece in model.complete(MESSAGES, [TOOL])]
        finally:
            await model.close()
        *texts, ended = pieces
        assert isinstance(ended, Ended)
        assert all(isinstance(piece, TextPiece) for piece in texts)
        return "".join(piece.text for piece in texts if isinstance(piece, TextPiece)), ended

    return asyncio.run(work())


def calls_of(ended: Ended) -> list[tuple[str, str]]:
    return [(call.name, call.arguments) for call in ended.calls]


def test_a_streamed_reply_arrives_whole_and_the_request_is_a_chat_completion() -> None:
    with model_server(text("Good ", "morning, ", "Jürgen 👋")) as server:
        assert complete(server) == ("Good morning, Jürgen 👋", Ended("stop"))
    request = server.received[0]
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.document["messages"] == [
        {"role": "system", "content": "You help."},
        {"role": "user", "content": "unlock bo"},
    ]
    assert request.document["stream"] is True
    assert request.document["tools"] == [TOOL]
    assert request.document["max_tokens"] > 0


def test_two_calls_in_deltas_are_put_together_in_order() -> None:
    calls = (("password__unlock", '{"person": "bo"}'), ("access__list", '{"person": "bo"}'))
    with model_server(tool_calls(*calls, split=3)) as server:
        said, ended = complete(server)
    assert (said, ended.reason, calls_of(ended)) == ("", "tool_calls", list(calls))
    assert [call.id for call in ended.calls] == ["call-0", "call-1"]


def test_calls_without_an_index_and_calls_that_share_one() -> None:
    def one(id: str, name: str, **more: Any) -> bytes:
        return delta(tool_calls=[{"id": id, "function": {"name": name, "arguments": "{}"}, **more}])

    for extra in ({}, {"index": 0}):
        stream = [one("a", "first", **extra), one("b", "second", **extra), delta(finish="tool_calls")]
        with model_server(raw(*stream)) as server:
            assert calls_of(complete(server)[1]) == [("first", "{}"), ("second", "{}")]


def test_a_server_that_does_not_stream_is_understood() -> None:
    call = {"id": "x", "type": "function", "function": {"name": "a__b", "arguments": {"n": 1}}}
    whole = {
        "choices": [{"message": {"content": "Hi.", "tool_calls": [call]}, "finish_reason": "tool_calls"}]
    }
    with model_server(raw(json.dumps(whole).encode(), content_type="application/json")) as server:
        said, ended = complete(server)
    assert (said, calls_of(ended)) == ("Hi.", [("a__b", '{"n": 1}')])


def test_a_busy_server_is_tried_again_and_its_retry_after_is_capped() -> None:
    answers = (failing(429, retry_after="3600"), failing(503), text("There."))
    with model_server(*answers) as server:
        started = time.monotonic()
        assert complete(server)[0] == "There."
    assert len(server.received) == 3
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_that_stays_busy_is_unreachable_in_the_end(status: int) -> None:
    with model_server(failing(status)) as server, pytest.raises(Unreachable, match=str(status)):
        complete(server)
    assert len(server.received) == 1 + FAST.retries


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_an_error_that_waiting_does_not_mend_is_not_tried_again(status: int) -> None:
    with model_server(failing(status)) as server, pytest.raises(Unreachable) as caught:
        complete(server)
    assert len(server.received) == 1
    assert KEY not in str(caught.value) + caught.value.hint


def test_nobody_listening_is_unreachable_after_the_retries() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match="cannot be reached"):
        complete(f"http://127.0.0.1:{port}/v1")


def test_nothing_is_tried_again_once_something_was_received() -> None:
    with model_server(raw(delta(content="Half a"), hang_up=True), text("never")) as server:
        said, ended = complete(server)
    assert (said, ended, len(server.received)) == ("Half a", Ended("cut"), 1)


# ── S9 ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("S9")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_stays(status: int) -> None:
    with model_server(text("mine now")) as thief:
        elsewhere = failing(status, location=f"{thief.url}/chat/completions")
        with model_server(elsewhere) as server, pytest.raises(Unreachable, match="redirect"):
            complete(server)
    assert (len(server.received), thief.received) == (1, [])


@pytest.mark.req("S9")
def test_hostile_environment_neither_diverts_the_request_nor_adds_an_authority(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    with model_server(text("stolen")) as thief, model_server(text("Hello.")) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{thief.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert complete(server)[0] == "Hello."
        # the positive control: a client that believes its environment would have gone to the thief
        import httpx

        monkeypatch.delenv("SSL_CERT_FILE")
        with httpx.Client(trust_env=True) as believer:
            believer.post(f"{server.url}/chat/completions", json={})
    assert (len(server.received), len(thief.received)) == (1, 1)
    assert "authorization" not in thief.received[0].headers


@pytest.mark.req("S9")
@pytest.mark.parametrize("trust", ["system", "bundled"])
def test_an_authority_named_by_the_environment_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, trust: str
) -> None:
    from helpdesk.connectors.trust import verifying_context

    evil = Authority(tmp_path, "evil").file
    without = len(_loaded(lambda: verifying_context(trust)))  # type: ignore[arg-type]
    monkeypatch.setenv("SSL_CERT_FILE", str(evil))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert len(_loaded(lambda: verifying_context(trust))) == without  # type: ignore[arg-type]
    assert len(_loaded(_believing_context)) == 1  # the positive control
    named = verifying_context(ca_file=str(evil))
    assert len(named.get_ca_certs()) == 1


def _believing_context() -> Any:
    return ssl.create_default_context()


def _loaded(make: Callable[[], Any]) -> list[Any]:
    return list(make().get_ca_certs())


def _tls(issued: Issued) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    return context


def test_https_with_a_configured_authority_works(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with model_server(text("Hello."), tls=_tls(authority.issue("127.0.0.1"))) as server:
        assert complete(server, ca_file=str(authority.file))[0] == "Hello."


@pytest.mark.req("S9")
@pytest.mark.parametrize("lie", ["self-signed", "expired", "other host", "unknown authority"])
def test_a_lying_certificate_gets_neither_words_nor_key(tmp_path: Path, lie: str) -> None:
    authority, other = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    issued = {
        "self-signed": lambda: authority.issue("127.0.0.1", self_signed=True),
        "expired": lambda: authority.issue("127.0.0.1", expired=True),
        "other host": lambda: authority.issue("llm.example.org"),
        "unknown authority": lambda: other.issue("127.0.0.1"),
    }[lie]()
    with (
        model_server(text("stolen"), tls=_tls(issued)) as server,
        pytest.raises(Unreachable, match="certificate"),
    ):
        complete(server, ca_file=str(authority.file))
    assert server.received == []


@pytest.mark.req("S9")
@pytest.mark.parametrize(
    "url",
    [
        "http://llm.example.org/v1",
        "http://127.0.0.1.example.org/v1",
        "http://10.0.0.1/v1",
        "https://user:pass@llm.example.org/v1",
        "ftp://llm.example.org",
        "llm.example.org/v1",
        "https://llm.example.org/v1?key=1",
        "http://[bad/v1",
        "https:///v1",
    ],
)
def test_words_and_keys_go_to_https_or_loopback_only(url: str) -> None:
    with pytest.raises(ConfigError):
        ChatCompletions(url, "tiny", Secret(KEY))


@pytest.mark.parametrize("url", ["https://llm.example.org", "http://localhost:1/v1", "http://[::1]:1/v1"])
def test_addresses_that_are_accepted(url: str) -> None:
    assert ChatCompletions(url, "tiny").name == "tiny"


@pytest.mark.req("S2")
def test_the_key_is_in_no_repr() -> None:
    assert KEY not in repr(vars(ChatCompletions("https://llm.example.org", "tiny", Secret(KEY))))


# ── L7, L8 ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("L7")
def test_a_reply_of_100_megabytes_is_cut_at_the_cap_and_memory_does_not_grow() -> None:
    megabyte = [delta(content="x" * 1_000) * 1_000]
    with model_server(raw(*(megabyte * 100))) as server:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        said, ended = complete(server)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert ended == Ended("cut")
    assert len(said) < 5_000_000
    assert grown < 50_000  # KiB


@pytest.mark.req("L7")
@pytest.mark.parametrize("piece", [delta(content="on and on"), b": still here\n\n", b"data: ", b"x" * 65_536])
def test_an_endless_reply_ends_at_a_cap(piece: bytes) -> None:
    limits = Limits(first_byte=1, idle=1, total=2, retries=0, bytes=500_000)
    started = time.monotonic()
    with model_server(endless(piece)) as server:
        _, ended = complete(server, limits)
    assert ended == Ended("cut")
    assert time.monotonic() - started < 4


@pytest.mark.req("L7")
@pytest.mark.parametrize(
    ("piece", "pause"), [(b"d", 0.02), (b": ping\n\n", 0.02), (delta(content="."), 0.05)]
)
def test_a_drip_is_stopped_by_the_idle_or_the_total_time_out(piece: bytes, pause: float) -> None:
    limits = Limits(first_byte=0.3, idle=0.3, total=0.8, retries=0)
    started = time.monotonic()
    with model_server(endless(piece, pause)) as server:
        _, ended = complete(server, limits)
    assert ended == Ended("cut")
    assert time.monotonic() - started < 2.5


def test_a_silent_server_is_given_up_after_the_first_byte_time_out() -> None:
    limits = Limits(connect=0.1, first_byte=0.2, total=5, retries=2)
    with model_server(Answer(silent=True)) as server, pytest.raises(Unreachable, match="no answer"):
        complete(server, limits)
    assert len(server.received) == 1


@pytest.mark.req("L7")
@pytest.mark.parametrize(
    "answer", [Answer(silent=True), endless(delta(content="."), 0.02), endless(b"", 0.02)]
)
def test_cancelling_takes_less_than_a_second_and_leaves_the_server(answer: Answer) -> None:
    async def work(server: ModelServer) -> float:
        model = ChatCompletions(server.url, "tiny")
        task = asyncio.ensure_future(_drain(model))
        await asyncio.to_thread(server.asked.wait, 5)
        started = time.monotonic()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await model.close()
        return time.monotonic() - started

    with model_server(answer) as server:
        assert asyncio.run(work(server)) < 1
        assert server.left.wait(5)


async def _drain(model: ChatCompletions) -> None:
    async for _ in model.complete(MESSAGES, []):
        pass


@pytest.mark.req("L8")
@pytest.mark.parametrize(
    "stream",
    [
        [delta(content="Hi"), b"data: {not json\n\n", delta(finish="stop"), DONE],
        [delta(content="Hi"), b"data: \xff\xfe\n\n", delta(finish="stop"), DONE],
        [delta(content="Hi"), b"<html>busy</html>\n\n", delta(finish="stop"), DONE],
        [delta(content="Hi"), event({"error": {"message": "overloaded"}})],
        [delta(content="Hi"), event([1, 2]), delta(finish="stop")],
        [delta(content="Hi"), event({"choices": "x"}), delta(finish="stop")],
        [delta(content="Hi"), b"data: " + b"[" * 100_000 + b"\n\n", delta(finish="stop")],
        [delta(content="Hi")],
    ],
)
def test_damaged_streams_keep_their_text_and_end_as_cut(stream: list[bytes]) -> None:
    call = delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "x__y", "arguments": "{}"}}])
    with model_server(raw(call, *stream)) as server:
        said, ended = complete(server)
    assert said == "Hi"
    assert ended == Ended("cut")


def test_an_unasked_compressed_reply_is_refused() -> None:
    with (
        model_server(raw(b"\x1f\x8b", headers={"content-encoding": "gzip"})) as server,
        pytest.raises(Unreachable, match="compressed"),
    ):
        complete(server)


@pytest.mark.req("L8")
def test_lone_surrogates_do_not_come_through() -> None:
    with model_server(raw(b'data: {"choices":[{"delta":{"content":"a\\ud800b"}}]}\n\n', DONE)) as server:
        said, _ = complete(server)
    said.encode()
