"""Bytes from a server that is broken or hostile: an error of ours, never a crash."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.connectors.ldap import messages
from helpdesk.connectors.ldap.ber import Malformed, elements, only, tlv
from helpdesk.connectors.ldap.controls import PolicyAnswer, decoded_policy, next_page, page
from helpdesk.connectors.ldap.messages import Answer, answer, encoded, entry, received
from helpdesk.connectors.ldap.openldap import _moment
from tests.servers.fake_ldap import found, result


def _wire(reply: tuple[int, bytes], serial: int = 7, more: bytes = b"") -> bytes:
    return tlv(0x30, tlv(0x02, bytes([serial])) + tlv(*reply) + more)


@given(st.integers(0, 255), st.binary(max_size=70000))
@settings(max_examples=60)
def test_what_is_written_is_read_again(tag: int, content: bytes) -> None:
    assert only(tlv(tag, content), tag) == content
    assert list(elements(tlv(tag, content) * 2)) == [(tag, content)] * 2


@pytest.mark.req("L8")
@given(st.binary(max_size=200))
@settings(max_examples=3000, deadline=None)
def test_noise_is_malformed_and_nothing_worse(noise: bytes) -> None:
    for read in (received, lambda value: list(elements(value)), only):
        try:
            read(noise)
        except ValueError:
            continue
    assert isinstance(decoded_policy(noise), PolicyAnswer)
    assert isinstance(next_page(noise), bytes)


@pytest.mark.req("L8")
@given(st.data())
@settings(max_examples=600, deadline=None)
def test_a_bent_answer_is_malformed_and_nothing_worse(data: st.DataObject) -> None:
    whole = data.draw(
        st.sampled_from(
            [
                _wire(result(0x61, 49, "no")),
                _wire(found("uid=ana,dc=x", {"uid": ["ana"], "cn": ["A", "B"]})),
                _wire(result(0x78, 0, more=tlv(0x8B, b"dn:uid=ana"))),
            ]
        )
    )
    bent = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        bent[data.draw(st.integers(0, len(bent) - 1))] = data.draw(st.integers(0, 255))
    try:
        message = received(bytes(bent))
        (entry if message.kind == messages.ENTRY else answer)(message)
    except ValueError:
        return


@pytest.mark.parametrize("length", [b"\x80", b"\x85\0\0\0\0\1", b"\x82\1", b"\xff"])
def test_lengths_that_ldap_does_not_allow(length: bytes) -> None:
    with pytest.raises(Malformed):
        list(elements(b"\x30" + length))


def test_an_answer_is_taken_apart() -> None:
    control = tlv(0x30, tlv(0x04, b"1.3.6.1.4.1.42.2.27.8.5.1") + tlv(0x04, b"\x30\x03\x81\x01\x06"))
    got = answer(received(_wire(result(0x78, 19, "no", tlv(0x8B, b"value")), more=tlv(0xA0, control))))
    assert got == Answer(19, "no", PolicyAnswer("too-short"), b"value")


def test_an_entry_is_taken_apart() -> None:
    got = entry(received(_wire(found("uid=ana,dc=x", {"UID": ["ana"], "x": [b"\xff\0"], "empty": []}))))
    assert (got.dn, got.text("uid"), got.values("X"), got.text("empty")) == (
        "uid=ana,dc=x",
        "ana",
        (b"\xff\0",),
        "",
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (b"\x30\x00", PolicyAnswer()),
        (b"\x30\x03\x81\x01\x01", PolicyAnswer("locked")),
        (b"\x30\x03\x81\x01\x63", PolicyAnswer()),
        (b"\x30\x06\xa0\x04\x80\x02\x0e\x10", PolicyAnswer(expires_in=3600)),
        (b"\x30\x08\xa0\x03\x81\x01\x02\x81\x01\x02", PolicyAnswer("change-after-reset", grace_left=2)),
    ],
)
def test_the_password_policys_answer(value: bytes, told: PolicyAnswer) -> None:
    assert decoded_policy(value) == told


@pytest.mark.parametrize(("size", "cookie"), [(1, b""), (127, b"x"), (128, b"y" * 200), (500, b"\0")])
def test_a_page_is_asked_for_as_the_answer_is_read(size: int, cookie: bytes) -> None:
    _, critical, value = page(size, cookie)
    assert not critical
    assert value is not None
    assert next_page(value) == cookie
    assert int.from_bytes(next(iter(elements(only(value))))[1], "big", signed=True) == size


@pytest.mark.req("S1")
def test_a_request_that_cannot_be_written_does_not_quote_the_password() -> None:
    bind = messages.bind_request("uid=ana", "Canary-Password")
    with pytest.raises(ValueError, match="cannot be written") as told:
        encoded(-1, bind)  # no message has such a number
    assert "Canary" not in repr(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("20261124214000Z", "2026-11-24T21:40:00+00:00"),
        ("20261124214000.123456Z", "2026-11-24T21:40:00+00:00"),
        ("000001010000Z", None),
        ("", None),
        ("tomorrow", None),
    ],
)
def test_times(text: str, iso: str | None) -> None:
    moment = _moment(text)
    assert (moment.isoformat() if moment else None) == iso
