"""Active Directory's ways, as recorded on one; a fake server answers, so this proves the map, not the land."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from helpdesk.connectors.ldap.directory import LdapDirectory
from helpdesk.errors import (
    AccountDisabled,
    AccountLocked,
    BadCredentials,
    ConfigError,
    Failed,
    HelpdeskError,
    MustChangePassword,
    NotSignedIn,
    PasswordExpired,
    PasswordRejected,
    Refused,
    Stale,
)
from helpdesk.secrets import Secret
from helpdesk.staffing import NewPerson
from tests.integration.ldap_world import directory
from tests.servers.certificates import Authority
from tests.servers.fake_ad import DOMAIN, FakeAd, User
from tests.servers.fake_ldap import FakeLdap, Reply, Request, added, done, found, modified

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


# ── people who come, move and go ──────────────────────────────────────────────────────────────

NEW = NewPerson("nora", "Nora Newcomer", "nora@ad.test", "Buyer", "4711")


def with_place(server: tuple[FakeLdap, str], **more: Any) -> LdapDirectory:
    fake, ca_file = server
    account = f"CN={LOOKUP},OU=staff,{DOMAIN}"
    return directory(fake.url, ca_file, bind_dn=account, bind_password=Secret("Look-Up-1"), **more)


def test_a_newcomer_is_a_disabled_user(server: tuple[FakeLdap, str], ad: FakeAd) -> None:
    session = with_place(server, new_people_base=f"OU=staff,{DOMAIN}").sign_in("hal", PASSWORD)
    session.create_person(NEW)
    [(dn, attributes)] = ad.added
    assert dn == f"CN=Nora Newcomer,OU=staff,{DOMAIN}"
    assert attributes["objectClass"] == [b"top", b"person", b"organizationalPerson", b"user"]
    assert attributes["userAccountControl"] == [b"514"]
    assert (attributes["sAMAccountName"], attributes["mail"]) == ([b"nora"], [b"nora@ad.test"])
    assert (attributes["employeeNumber"], attributes["title"]) == ([b"4711"], [b"Buyer"])
    assert "unicodePwd" not in attributes
    with pytest.raises(Failed) as told:
        session.create_person(replace(NEW, login="other", mail="other@ad.test", employee_number=""))
    assert told.value.code == "taken"
    assert len(ad.added) == 1


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (added(50, "00000005: SecErr: DSID-03152870, problem 4003 (INSUFF_ACCESS_RIGHTS)"), Refused),
        (added(65, "0000207D: UpdErr: problem 6002 (OBJ_CLASS_VIOLATION)"), ConfigError),
        (added(53, "0000001F: SvcErr: problem 5003 (WILL_NOT_PERFORM)"), Failed),
    ],
)
def test_a_newcomer_that_is_refused_is_explained(
    server: tuple[FakeLdap, str], ad: FakeAd, refusal: Reply, error: type[HelpdeskError]
) -> None:
    session = with_place(server, new_people_base=f"OU=staff,{DOMAIN}").sign_in("hal", PASSWORD)
    ad.refusal = refusal
    with pytest.raises(error):
        session.create_person(NEW)


def test_aliases_are_proxy_addresses_in_small_letters(one: LdapDirectory, ad: FakeAd) -> None:
    ad.users[0].mail, ad.users[0].proxies = "ana@ad.test", ["SMTP:ana@ad.test", "x500:/o=AD"]
    session = one.sign_in("hal", PASSWORD)
    ana = session.person("ana")
    assert (ana.mail, ana.aliases) == ("ana@ad.test", ())
    session.add_alias(ana, "sales@ad.test")
    assert ad.changes[-1] == (ana.dn, [("add", "proxyAddresses", [b"smtp:sales@ad.test"])])
    assert session.person("ana").aliases == ("sales@ad.test",)
    with pytest.raises(Failed) as told:
        session.add_alias(session.person("hal"), "sales@ad.test")
    assert told.value.message
    session.remove_alias(ana, "sales@ad.test")
    assert ad.users[0].proxies == ["SMTP:ana@ad.test", "x500:/o=AD"]


def test_managers_and_marks_of_having_left(one: LdapDirectory, ad: FakeAd) -> None:
    session = one.sign_in("hal", PASSWORD)
    session.set_manager(session.person("ana"), session.me)
    assert session.person("ana").manager_dn == session.me.dn
    session.set_employment(session.person("ana"), "left")
    assert session.person("ana").employment == "left"
    session.set_manager(session.person("ana"), None)
    assert ad.changes[-1][1] == [("replace", "manager", [])]


def test_a_group_has_one_manager_who_hands_it_over_in_one_change(one: LdapDirectory, ad: FakeAd) -> None:
    session = one.sign_in("hal", PASSWORD)
    ana, group = session.person("ana"), None
    ad.owner = ana.dn
    group = session.group(f"CN=vpn,{DOMAIN}")
    assert group.owner_dns == (ana.dn,)
    with pytest.raises(Failed, match="one owner only"):
        session.hand_over(group, ana, session.me, stays=True)
    session.hand_over(group, ana, session.me)
    assert ad.owner == session.me.dn
    assert ad.changes[-1][1] == [
        ("delete", "managedBy", [ana.dn.encode()]),
        ("add", "managedBy", [session.me.dn.encode()]),
    ]
    with pytest.raises(Stale):
        session.hand_over(group, ana, session.me)
