"""A directory that tells nothing before a sign-in, reached by a template for DNs alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from helpdesk.connectors.ldap.directory import LdapDirectory, LdapSettings
from helpdesk.errors import BadCredentials, NotFound, NotSignedIn
from helpdesk.ports import DirectorySession
from helpdesk.secrets import Secret
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.servers
OLD, NEW, LATER = "Old-mill-by-the-sea-1", "New-mill-by-the-sea-2", "Later-mill-by-the-sea-3"


@pytest.fixture(scope="module")
def directory(slapd_closed: Slapd) -> LdapDirectory:
    desk = slapd_closed.add_person("desk", OLD, name="Desiree Desk")
    slapd_closed.add_group(slapd_closed.layout.service_desk, members=[desk])
    config = {name: value for name, value in slapd_closed.directory_config().items() if name != "kind"}
    return LdapDirectory(LdapSettings(**config), lambda: datetime.now(UTC))  # type: ignore[arg-type]


def sign_in(directory: LdapDirectory, login: str, password: str = OLD) -> DirectorySession:
    return directory.sign_in(login, Secret(password))


@pytest.mark.req("D4")
@pytest.mark.req("D7")
def test_the_template_finds_who_signs_in_and_their_id_is_the_entrys(
    directory: LdapDirectory, slapd_closed: Slapd
) -> None:
    dn = slapd_closed.add_person("alva", OLD, name="Alva Berg")
    me = sign_in(directory, "alva").me
    assert (me.login, me.name) == ("alva", "Alva Berg")
    assert me.id == slapd_closed.read(dn)["entryUUID"][0].decode()
    with pytest.raises(BadCredentials):
        sign_in(directory, "alva", "not the password")
    with pytest.raises(BadCredentials):
        sign_in(directory, "nobody-of-this-name")


@pytest.mark.req("S4")
def test_a_reset_is_proved_and_the_temporary_password_opens_its_own_change_only(
    directory: LdapDirectory, slapd_closed: Slapd
) -> None:
    slapd_closed.add_person("berit", OLD)
    desk = sign_in(directory, "desk")
    berit = desk.person("berit")
    desk.set_password(berit, Secret(NEW), must_change=True)
    assert directory.accepts(berit, Secret(NEW)) == "must-change"
    assert directory.accepts(berit, Secret(OLD)) == "no"
    session = sign_in(directory, "berit", NEW)
    assert session.must_change
    first = session.me
    session.change_own_password(Secret(LATER))
    assert session.me.id == berit.id
    assert directory.accepts(first, Secret(LATER)) == "yes"
    assert sign_in(directory, "berit", LATER).me.id == berit.id


@pytest.mark.req("D9")
@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_a_session_ends_with_its_account_although_nobody_may_see_the_lock(
    directory: LdapDirectory, slapd_closed: Slapd, how: str
) -> None:
    dn = slapd_closed.add_person(f"cilla-{how}", OLD)
    session, desk = sign_in(directory, f"cilla-{how}"), sign_in(directory, "desk")
    me = session.me
    assert session.status(me).enabled is True
    if how == "disabled":
        desk.set_enabled(desk.person(me.login), False)
    else:
        slapd_closed.delete(dn)
    with pytest.raises(NotSignedIn if how == "disabled" else NotFound):
        session.status(me)
    if how == "disabled":
        with pytest.raises(NotSignedIn):
            session.person(me.login)
