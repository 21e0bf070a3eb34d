"""Active Directory's ways, as recorded on one; a fake server answers, so this proves the map, not the land."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from helpdesk.connectors.ldap.directory import LdapDirectory
from helpdesk.errors import (
    AccountDisabled,
    AccountLocked,
    BadCredentials,
    Failed,
    MustChangePassword,
    NotSignedIn,
    PasswordExpired,
    PasswordRejected,
    Refused,
)
from helpdesk.secrets import Secret
from tests.integration.ldap_world import directory
from tests.servers.certificates import Authority
from tests.servers.fake_ad import DOMAIN, FakeAd, User
from tests.servers.fake_ldap import FakeLdap, Reply, Request, done, found, modified

pytestmark = pytest.mark.servers

PASSWORD = Secret("Start-Pass-2026")
LOOKUP = "lookup"


@pytest.fixture
def ad() -> FakeAd:
    return FakeAd([User("ana", PASSWORD.expose()), User("hal", PASSWORD.expose()), User(LOOKUP, "Look-Up-1")])


@pytest.fixture
def server(ad: FakeAd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeLdap, str]]:
    authority = Authority(tmp_path_factory.mktemp("tls"))
    with FakeLdap(ad, certificate=authority.issue("127.0.0.1")) as fake:
        yield fake, str(authority.file)


@pytest.fixture
def one(ad: FakeAd, server: tuple[FakeLdap, str]) -> LdapDirectory:
    fake, ca_file = server
    account = f"CN={LOOKUP},OU=staff,{DOMAIN}"
    return directory(fake.url, ca_file, bind_dn=account, bind_password=Secret("Look-Up-1"))


def test_it_is_recognised_and_its_people_are_found(one: LdapDirectory, ad: FakeAd) -> None:
    assert (one.facts().kind, one.facts().base) == ("active-directory", DOMAIN)
    session = one.sign_in("ANA", PASSWORD)
    assert (session.me.login, session.me.name, session.me.id) == ("ana", "Ana", str(ad.users[0].guid))
    assert session.person_by_id(session.me.id) == session.me
    assert [group.name for group in session.groups_of(session.me)] == ["vpn"]


def test_a_primary_group_is_a_group_although_it_lists_nobody(one: LdapDirectory, ad: FakeAd) -> None:
    ad.users[0].primary = 512
    session = one.sign_in("ana", PASSWORD)
    assert [group.name for group in session.groups_of(session.me)] == ["Domain Admins", "vpn"]


def test_a_sign_in_by_principal_name_needs_no_account_for_look_ups(
    server: tuple[FakeLdap, str], ad: FakeAd
) -> None:
    fake, ca_file = server
    one = directory(fake.url, ca_file, login_dn="{login}@ad.test")
    assert one.sign_in("ana", PASSWORD).me.dn == ad.users[0].dn
    with pytest.raises(BadCredentials):
        one.sign_in("nobody", PASSWORD)
    with pytest.raises(Refused, match="before signing in"):
        one.look_up().person("ana")


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("775", AccountLocked, "locked"),
        ("533", AccountDisabled, "disabled"),
        ("701", AccountDisabled, "expired"),
        ("532", PasswordExpired, "password has expired"),
        ("773", MustChangePassword, "choose a new password"),
        ("52e", BadCredentials, "is wrong"),
        ("999", BadCredentials, "is wrong"),
    ],
)
def test_sub_codes_are_sentences(
    one: LdapDirectory, ad: FakeAd, code: str, error: type[NotSignedIn], words: str
) -> None:
    ad.users[0].code = code
    with pytest.raises(error, match=words) as told:
        one.sign_in("ana", PASSWORD)
    assert type(told.value) is error
    assert "data " not in told.value.message


def test_a_reset_sets_the_password_and_must_change_in_one_operation(one: LdapDirectory, ad: FakeAd) -> None:
    desk = one.sign_in("hal", PASSWORD)
    ana = desk.person("ana")
    desk.set_password(ana, Secret("Temp-Pass-4711"), must_change=True)
    (dn, changes), *others = ad.changes
    assert others == []
    assert dn == ana.dn
    assert changes == [
        ("replace", "unicodePwd", ['"Temp-Pass-4711"'.encode("utf-16-le")]),
        ("replace", "pwdLastSet", [b"0"]),
    ]
    assert desk.status(ana).must_change is True
    ad.users[0].code = "773"
    assert one.accepts(ana, Secret("Temp-Pass-4711")) == "must-change"
    assert one.accepts(ana, PASSWORD) == "no"


def test_an_own_change_gives_both_passwords(one: LdapDirectory, ad: FakeAd) -> None:
    session = one.sign_in("ana", PASSWORD)
    session.change_own_password(Secret("Fresh-Pass-99"))
    old, new = f'"{PASSWORD.expose()}"'.encode("utf-16-le"), '"Fresh-Pass-99"'.encode("utf-16-le")
    assert ad.changes == [(session.me.dn, [("delete", "unicodePwd", [old]), ("add", "unicodePwd", [new])])]
    assert session.person("hal").login == "hal"
    assert one.accepts(session.me, Secret("Fresh-Pass-99")) == "yes"


def test_unlocking_and_disabling(one: LdapDirectory, ad: FakeAd) -> None:
    desk = one.sign_in("hal", PASSWORD)
    ana = desk.person("ana")
    ad.users[0].locked_at = 133500000000000000
    assert desk.status(ana).locked is True
    desk.unlock(ana)
    assert ad.changes[-1] == (ana.dn, [("replace", "lockoutTime", [b"0"])])
    assert desk.status(ana).locked is False
    desk.set_enabled(ana, False)
    assert ad.changes[-1] == (ana.dn, [("replace", "userAccountControl", [b"514"])])
    assert desk.status(ana).enabled is False
    desk.set_enabled(ana, True)
    assert desk.status(ana).enabled is True
    count = len(ad.changes)
    desk.set_enabled(ana, True)
    assert len(ad.changes) == count


def test_the_rules_of_the_domain_are_read(one: LdapDirectory) -> None:
    session = one.sign_in("ana", PASSWORD)
    rules = session.password_rules(session.me)
    assert (rules.min_length, rules.history, rules.max_failures) == (10, 24, 5)
    assert (rules.lockout_seconds, rules.min_age_seconds) == (1800, 86400)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("0000052D: Constraint violation - check_password_restrictions: too short", "at least 10 characters"),
        (
            "00000056: Constraint violation - the old password is wrong",
            "no longer the one you signed in with",
        ),
    ],
)
def test_a_refused_password_is_explained(one: LdapDirectory, ad: FakeAd, message: str, words: str) -> None:
    session = one.sign_in("ana", PASSWORD)
    ad.refusal = modified(19, message)
    with pytest.raises(PasswordRejected, match=words) as told:
        session.change_own_password(Secret("Fresh-Pass-99"))
    assert "0000" not in told.value.message


def test_members_who_are_there_or_absent_already(one: LdapDirectory, ad: FakeAd) -> None:
    """Active Directory says 68 and 53 where others say 20 and 16; 53 is an error where it means something else."""
    session = one.sign_in("ana", PASSWORD)
    real = ad._search
    dn = f"CN=vpn,{DOMAIN}"
    members: list[str] = []

    def with_group(request: Request) -> Sequence[Reply]:
        if request.dn == dn:
            held = {
                "sAMAccountName": ["vpn"],
                "objectGUID": [ad.group_guid.bytes_le],
                "objectClass": ["group"],
            }
            return [found(dn, held | {"member": members}), done()]
        return real(request)

    ad._search = with_group  # type: ignore[method-assign]
    group = session.group(dn)
    ad.refusal = modified(68)
    session.add_member(group, session.me)
    ad.refusal = modified(53)
    session.remove_member(group, session.me)
    members.append(session.me.dn)
    with pytest.raises(Failed, match="refused to remove ana from vpn"):
        session.remove_member(session.group(dn), session.me)
