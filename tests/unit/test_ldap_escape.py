"""Filters and DNs say what was typed, whatever was typed (D5)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.connectors.ldap.ber import elements, only
from helpdesk.connectors.ldap.escape import (
    NotADn,
    filled,
    filter_and,
    filter_contains,
    filter_equal,
    filter_or,
    first_value,
    folded,
    is_below,
    looks_like_dn,
    parsed,
    rdn_value,
    same_dn,
)
from helpdesk.connectors.ldap.messages import encoded, search_request

pytestmark = pytest.mark.req("D5")

_NASTY = st.text(
    st.one_of(st.sampled_from('*()\\\0&|!=~<>,+;"# \n\u202eaé漢'), st.characters(exclude_categories=["Cs"])),
    min_size=1,
    max_size=30,
)


def _on_the_wire(filter: str) -> tuple[int, bytes]:
    """The filter as the server gets it: what counts is the bytes, not the text."""
    request = encoded(1, search_request("dc=x", "BASE", filter, ["1.1"], 0, 0))
    _, (_, search) = elements(only(request))
    return list(elements(search))[6]


def _parts(content: bytes) -> list[bytes]:
    return [part for _, part in elements(content)]


@given(_NASTY)
@settings(max_examples=800, deadline=None)
def test_a_filter_asks_for_what_was_typed(value: str) -> None:
    tag, content = _on_the_wire(filter_equal("uid", value))
    assert tag == 0xA3  # equality, and nothing else
    assert _parts(content) == [b"uid", value.encode()]


@given(_NASTY, _NASTY)
@settings(max_examples=400, deadline=None)
def test_parts_stay_apart(one: str, other: str) -> None:
    either = filter_or([filter_contains("cn", one), filter_equal("mail", other)])
    tag, content = _on_the_wire(filter_and([filter_equal("objectClass", "person"), either]))
    assert tag == 0xA0
    (_, person), (_, both) = elements(content)
    assert _parts(person) == [b"objectClass", b"person"]
    (substring, contains), (equality, equal) = elements(both)
    assert (substring, equality) == (0xA4, 0xA3)
    assert list(elements(_parts(contains)[1])) == [(0x81, one.encode())]
    assert _parts(equal) == [b"mail", other.encode()]


@given(st.binary(min_size=1, max_size=20))
def test_octets_are_octets(value: bytes) -> None:
    assert _parts(_on_the_wire(filter_equal("objectGUID", value))[1]) == [b"objectGUID", value]


@given(_NASTY)
@settings(max_examples=1500, deadline=None)
def test_a_value_in_a_dn_is_read_back(value: str) -> None:
    dn = f"uid={rdn_value(value)},ou=people,dc=corp"
    assert parsed(dn) == ((("uid", value),), (("ou", "people"),), (("dc", "corp"),))
    assert first_value(dn) == value
    assert len(folded(dn)) == 3
    assert is_below(dn, "OU=People,DC=corp")


@given(_NASTY)
def test_a_template_keeps_its_places(value: str) -> None:
    dn = filled("uid={login},ou=people,dc=corp", value)
    assert parsed(dn)[1:] == ((("ou", "people"),), (("dc", "corp"),))


@pytest.mark.parametrize("attribute", ["", "uid)(cn", "u id", "uid=", "*", "1a", "é"])
def test_an_attribute_is_a_name(attribute: str) -> None:
    with pytest.raises(ValueError, match="not an attribute name"):
        filter_equal(attribute, "x")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("uid=ana,ou=people", "UID=ANA, OU=People", True),
        ("cn=Lovelace\\2C Ada,o=x", "cn=Lovelace\\, Ada,o=x", True),
        ("cn=a+sn=b,o=x", "sn=b+cn=a,o=x", True),
        ("uid=ana,ou=people", "uid=ana,ou=persons", False),
        ("uid=ana\\,ou=people", "uid=ana,ou=people", False),
        ("uid=a  b,o=x", "uid=a b,o=x", True),
    ],
)
def test_spellings_of_one_dn(one: str, other: str, same: bool) -> None:
    assert same_dn(one, other) is same


@pytest.mark.parametrize("text", ["ana", "", "=x", "a b=c", "uid=a\\", "uid", ",", "uid=a,,o=x"])
def test_what_is_no_dn(text: str) -> None:
    assert not looks_like_dn(text)
    if text:
        with pytest.raises(NotADn):
            parsed(text)
