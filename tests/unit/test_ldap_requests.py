"""The requests that are written here are, byte for byte, the ones that ldap3 writes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ldap3.operation.add import add_operation
from ldap3.operation.extended import extended_operation
from ldap3.operation.modify import modify_operation
from ldap3.operation.search import search_operation
from ldap3.protocol.convert import build_controls_list
from ldap3.protocol.rfc4511 import (
    AuthenticationChoice,
    BindRequest,
    LDAPMessage,
    MessageID,
    ProtocolOp,
    Simple,
    Version,
)
from ldap3.utils.asn1 import encode  # type: ignore[attr-defined]

from helpdesk.connectors.ldap import requests
from helpdesk.connectors.ldap.controls import PASSWORD_POLICY_REQUEST, assertion, page
from helpdesk.connectors.ldap.escape import (
    filter_and,
    filter_contains,
    filter_equal,
    filter_not,
    filter_or,
    filter_present,
)

CONTROLS = [[], [PASSWORD_POLICY_REQUEST], [assertion("entryUUID", b"x-1"), page(300, b"\0cookie")]]
ATTRIBUTES = st.sampled_from(["uid", "entryUUID", "pwdReset", "1.2.3.4"])
ITEMS = st.one_of(
    st.builds(filter_equal, ATTRIBUTES, st.text(max_size=30) | st.binary(max_size=30)),
    st.builds(
        lambda a, v: filter_equal(a, v, rule="1.2.840.113556.1.4.1941"), ATTRIBUTES, st.text(max_size=9)
    ),
    st.builds(filter_contains, ATTRIBUTES, st.text(min_size=1, max_size=30)),
    st.builds(filter_present, ATTRIBUTES),
)
FILTERS = st.recursive(
    ITEMS,
    lambda inner: st.one_of(
        st.builds(filter_and, st.lists(inner, min_size=1, max_size=40)),
        st.builds(filter_or, st.lists(inner, min_size=1, max_size=40)),
        st.builds(filter_not, inner),
    ),
    max_leaves=40,
)


def by_ldap3(serial: int, name: str, operation: Any, controls: list[Any]) -> bytes:
    message = LDAPMessage()
    message["messageID"] = MessageID(serial)
    message["protocolOp"] = ProtocolOp().setComponentByName(name, operation)
    if controls:
        message["controls"] = build_controls_list(controls)
    return bytes(encode(message))


@pytest.mark.req("D5")
@given(FILTERS, st.sampled_from(["BASE", "LEVEL", "SUBTREE"]), st.sampled_from([0, 1, 127, 128, 300, 5000]))
@settings(max_examples=150, deadline=None)
def test_a_search_is_the_one_that_ldap3_writes(filter: str, scope: Any, limit: int) -> None:
    wanted = ["uid", "memberOf"]
    theirs = search_operation("dc=ö,dc=x", filter, scope, "NEVER", wanted, limit, 0, False, False, False)
    for controls in CONTROLS:
        ours = requests.message(7, requests.search("dc=ö,dc=x", scope, filter, wanted, limit, 0), controls)
        assert ours == by_ldap3(7, "searchRequest", theirs, controls)


@given(st.text(max_size=200), st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_a_bind_is_the_one_that_ldap3_writes(dn: str, password: str) -> None:
    theirs = BindRequest()
    theirs["version"], theirs["name"] = Version(3), dn
    secret = Simple(password.encode())
    theirs["authentication"] = AuthenticationChoice().setComponentByName("simple", secret)
    for controls in CONTROLS:
        ours = requests.message(9, requests.bind(dn, password), controls)
        assert ours == by_ldap3(9, "bindRequest", theirs, controls)


@given(st.text(max_size=20), st.lists(st.text(max_size=200) | st.binary(max_size=300), max_size=4))
@settings(max_examples=100, deadline=None)
def test_a_modify_is_the_one_that_ldap3_writes(dn: str, values: list[str | bytes]) -> None:
    changes: requests.Changes = {
        "mail": [("MODIFY_REPLACE", values)],
        "member": [("MODIFY_ADD", ["uid=a"]), ("MODIFY_DELETE", ["uid=b"])],
    }
    theirs = modify_operation(dn, changes, False)
    for controls in CONTROLS:
        ours = requests.message(2**31 - 1, requests.modify(dn, changes), controls)
        assert ours == by_ldap3(2**31 - 1, "modifyRequest", theirs, controls)


@given(st.text(max_size=20), st.lists(st.text(max_size=200) | st.binary(max_size=300), max_size=4))
@settings(max_examples=100, deadline=None)
def test_an_add_is_the_one_that_ldap3_writes(dn: str, values: list[str | bytes]) -> None:
    attributes: dict[str, list[str | bytes]] = {"objectClass": ["top", "person"], "mail": values}
    theirs = add_operation(dn, attributes, False)
    ours = requests.message(7, requests.add(dn, attributes), [])
    assert ours == by_ldap3(7, "addRequest", theirs, [])


@pytest.mark.parametrize("value", [None, b"", b"\x30\x00", b"x" * 70_000])
def test_an_extended_request_is_the_one_that_ldap3_writes(value: bytes | None) -> None:
    oid = "1.3.6.1.4.1.4203.1.11.1"
    theirs = by_ldap3(300, "extendedReq", extended_operation(oid, value), [])
    assert requests.message(300, requests.extended(oid, value), []) == theirs


@pytest.mark.parametrize("filter", ["", "uid=x", "(uid=x", "(&)", "(uid=x))", "(!(a=b)(c=d))", "(uid=(x)"])
def test_what_is_no_filter_is_not_written(filter: str) -> None:
    with pytest.raises(ValueError, match="filter"):
        requests.search("dc=x", "BASE", filter, [], 0, 0)
