"""A real slapd at its worst moments: gone, silent, referring elsewhere; and what it says in plain words."""

from __future__ import annotations

import contextlib
import gc
import logging
import re
import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ldap3
import pytest
from ldap3.utils import log as ldap3_log

from helpdesk.connectors.ldap.directory import LdapDirectory
from helpdesk.connectors.ldap.settings import Timeouts
from helpdesk.errors import (
    AccountDisabled,
    AccountLocked,
    BadCredentials,
    Failed,
    NotFound,
    PasswordRejected,
    Refused,
    Stale,
    Unreachable,
)
from helpdesk.identity import Person
from helpdesk.ports import DirectorySession
from helpdesk.secrets import Secret, temporary_password
from tests.integration.ldap_world import directory, of_slapd
from tests.integration.story_world import join
from tests.servers.capture import Capture
from tests.servers.layouts import PEOPLE, STAFF
from tests.servers.packages import slapd_or_skip
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.servers

PASSWORD = Secret("Right-Horse-77")
WRONG = Secret("Wrong-Horse-77")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """A server of these tests alone: they stop it, and put referrals into it."""
    server = Slapd(PEOPLE, tmp_path_factory.mktemp("own"), slapd_or_skip())
    desk = server.add_person("desk", PASSWORD.expose(), name="Desiree Desk")
    server.add_group(PEOPLE.service_desk, members=[desk])
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def staff(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """The other layout, whose account for look-ups may see locks."""
    server = Slapd(STAFF, tmp_path_factory.mktemp("staff"), slapd_or_skip())
    desk = server.add_person("desk", PASSWORD.expose(), name="Desiree Desk")
    server.add_group(STAFF.service_desk, members=[desk])
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def capture(own: Slapd) -> Iterator[Capture]:
    with Capture(own.tls_port) as proxy:
        yield proxy


@pytest.fixture
def through(own: Slapd, capture: Capture) -> LdapDirectory:
    """The directory, reached through a proxy that can cut the line."""
    url = f"ldaps://localhost:{capture.port}"
    return directory(url, own.ca_file, timeouts=Timeouts(connect=2, receive=2, total=4, refusal=0))


# ── D3 ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def elsewhere(own: Slapd) -> Iterator[socket.socket]:
    """Where a referral among the people points to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        url = f"ldap://127.0.0.1:{port}/uid=lured,ou=people,dc=corp,dc=test"
        own.add(
            "uid=lured,ou=people,dc=corp,dc=test",
            ["referral", "extensibleObject"],
            {"uid": "lured", "ref": url},
        )
        yield listener


@pytest.mark.req("D3")
def test_referrals_are_never_followed(own: Slapd, elsewhere: socket.socket) -> None:
    own.add_person("d3ana", PASSWORD.expose())
    one = of_slapd(own)
    with pytest.raises(BadCredentials):
        one.sign_in("lured", PASSWORD)
    with pytest.raises(BadCredentials):
        of_slapd(own, login_dn="uid={login},ou=people,dc=corp,dc=test").sign_in("lured", PASSWORD)
    lured = Person(
        "5f0c2a5e-6f3b-4b43-9d51-0a5bb6f1a001", "uid=lured,ou=people,dc=corp,dc=test", "lured", "L"
    )
    session = one.sign_in("d3ana", PASSWORD)
    for reader in (one.look_up(), session):
        with pytest.raises(NotFound):
            reader.person("lured")
        with pytest.raises(NotFound):
            reader.person_by_dn(lured.dn)
        with pytest.raises(NotFound):
            reader.status(lured)
        assert [person.login for person in reader.find_people("d3ana")] == ["d3ana"]
        assert reader.find_people("lured") == []
    assert one.accepts(lured, PASSWORD) == "no"
    for write in (
        lambda: session.update_contact(lured, {"title": "x"}),
        lambda: session.set_password(lured, temporary_password(), must_change=True),
        lambda: session.unlock(lured),
    ):
        with pytest.raises(Stale):
            write()
    assert select.select([elsewhere], [], [], 0)[0] == []


@pytest.mark.req("D3")
def test_a_client_that_follows_would_have_been_noticed(own: Slapd, elsewhere: socket.socket) -> None:
    """The control: ldap3 by itself goes where the referral points to."""
    connection = own.root()
    with contextlib.suppress(Exception):
        connection.server.connect_timeout = 1
        connection.receive_timeout = 1
        connection.search("uid=lured,ou=people,dc=corp,dc=test", "(objectClass=*)", "BASE")
    connection.unbind()
    assert select.select([elsewhere], [], [], 2)[0] == [elsewhere]
    elsewhere.accept()[0].close()


# ── lost lines ────────────────────────────────────────────────────────────────────────────────


def test_a_line_that_was_cut_comes_back(own: Slapd, through: LdapDirectory, capture: Capture) -> None:
    own.add_person("rita", PASSWORD.expose())
    session = through.sign_in("rita", PASSWORD)
    capture.cut()
    assert session.person("rita").id == session.me.id
    capture.cut()
    session.update_contact(session.me, {"title": "Again"})
    assert session.person("rita").title == "Again"
    capture.cut()
    assert through.look_up().person("rita").title == "Again"


@pytest.mark.req("R3")
def test_a_write_without_an_answer_may_have_happened_and_is_not_repeated(
    own: Slapd, through: LdapDirectory, capture: Capture
) -> None:
    dn = own.add_person("rob", PASSWORD.expose())
    own.add_group("r3-group", owner=dn, members=[dn])
    session = through.sign_in("rob", PASSWORD)
    group, connections = session.group("r3-group"), capture.connections
    with _answers_lost_after_reads(session, capture), pytest.raises(Unreachable) as told:
        session.remove_member(group, session.me)
    assert told.value.maybe_applied
    assert capture.connections == connections
    with _answers_lost_after_reads(session, capture), pytest.raises(Unreachable) as told:
        session.update_contact(session.me, {"title": "Applied"})
    assert told.value.maybe_applied
    assert own.read(dn)["title"] == [b"Applied"]  # and so it had


@contextlib.contextmanager
def _answers_lost_after_reads(session: DirectorySession, capture: Capture) -> Iterator[None]:
    """The server's answers are lost from the moment a write is sent."""
    link = session._link  # type: ignore[attr-defined]
    write = link.write

    def losing(do: object) -> object:
        capture.swallow = True
        return write(do)

    link.write = losing
    try:
        yield
    finally:
        link.write = write
        capture.swallow = False


def test_a_read_without_an_answer_changed_nothing(
    own: Slapd, through: LdapDirectory, capture: Capture
) -> None:
    own.add_person("ron", PASSWORD.expose())
    session = through.sign_in("ron", PASSWORD)
    capture.swallow = True
    with pytest.raises(Unreachable) as told:
        session.person("ron")
    assert not told.value.maybe_applied
    capture.swallow = False
    assert session.person("ron").login == "ron"


@pytest.mark.req("S6")
def test_a_stale_password_is_offered_once(own: Slapd, through: LdapDirectory, capture: Capture) -> None:
    """Somebody else changed it: the session must not lock its owner out by trying again."""
    dn = own.add_person("sam", PASSWORD.expose())
    session = through.sign_in("sam", PASSWORD)
    connection = own.root()
    connection.extend.standard.modify_password(dn, None, "Changed-Elsewhere-1")
    connection.unbind()
    capture.cut()
    for _ in range(5):
        with pytest.raises(BadCredentials, match="no longer accepts"):
            session.person("sam")
    with pytest.raises(BadCredentials):
        session.update_contact(session.me, {"title": "x"})
    assert len(own.read(dn)["pwdFailureTime"]) == 1


@pytest.mark.req("D10")
def test_a_server_that_is_gone_is_said_so_and_one_that_is_back_is_used(own: Slapd) -> None:
    dn = own.add_person("tess", PASSWORD.expose())
    one = of_slapd(own)
    session = one.sign_in("tess", PASSWORD)
    own.stop(kill=True)
    begun = time.monotonic()
    with pytest.raises(Unreachable):
        session.person("tess")
    with pytest.raises(Unreachable) as told:
        session.update_contact(session.me, {"title": "Hidden"})
    assert not told.value.maybe_applied
    with pytest.raises(Unreachable):
        one.sign_in("tess", PASSWORD)
    assert time.monotonic() - begun < 5
    own.start()
    assert session.person("tess").title == ""  # nothing was kept back and sent later
    assert "title" not in own.read(dn)


# ── S3 ────────────────────────────────────────────────────────────────────────────────────────


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage() + "\n"


@pytest.fixture
def everything_logged() -> Iterator[_Kept]:
    """ldap3 at its most talkative, and everybody else's debug log too."""
    kept = _Kept()
    root = logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    ldap3_log.set_library_log_activation_level(logging.DEBUG)
    ldap3_log.set_library_log_detail_level(ldap3_log.EXTENDED)
    try:
        yield kept
    finally:
        ldap3_log.set_library_log_detail_level(ldap3_log.OFF)
        root.setLevel(level)
        root.removeHandler(kept)


@pytest.mark.req("S3")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_log_holds_a_password(own: Slapd, everything_logged: _Kept) -> None:
    dn = own.add_person("vera", PASSWORD.expose())
    everything_logged.text = ""
    one = of_slapd(own)
    words = [PASSWORD, WRONG, Secret("Chosen-Horse-78"), Secret("Temporary-Horse-79"), Secret("short-1Q")]
    session, desk = one.sign_in("vera", PASSWORD), one.sign_in("desk", PASSWORD)
    with pytest.raises(BadCredentials):
        one.sign_in("vera", WRONG)
    with pytest.raises(PasswordRejected):
        session.change_own_password(words[4])
    session.change_own_password(words[2])
    desk.set_password(desk.person("vera"), words[3], must_change=True)
    assert one.accepts(session.me, words[3]) == "must-change"
    for word in words:
        assert word.expose() not in everything_logged.text
    connection = own.root()  # the control: ldap3's own way writes new passwords into this log
    connection.extend.standard.modify_password(dn, None, "Leaked-Horse-80")
    connection.unbind()
    assert "Leaked-Horse-80" in everything_logged.text


@pytest.mark.req("S3")
def test_nothing_that_is_kept_shows_a_password(own: Slapd) -> None:
    own.add_person("vito", "Unmistakable-Horse-81")
    session = of_slapd(own).sign_in("vito", Secret("Unmistakable-Horse-81"))
    session.person("vito")
    gc.collect()
    ours = [one for one in gc.get_objects() if str(type(one).__module__).startswith(("helpdesk.", "ldap3."))]
    assert any(one is session for one in ours)
    for one in ours:
        assert "Unmistakable-Horse-81" not in repr(one)
        assert "Unmistakable-Horse-81" not in repr(getattr(one, "__dict__", ""))


# ── plain sentences ───────────────────────────────────────────────────────────────────────────


def _desk(server: Slapd) -> DirectorySession:
    return of_slapd(server).sign_in("desk", PASSWORD)


def _locked_out(server: Slapd, login: str) -> LdapDirectory:
    one = of_slapd(server)
    for _ in range(server.layout.max_failures):
        with pytest.raises(BadCredentials):
            one.sign_in(login, WRONG)
    return one


def test_a_lock_says_when_it_ends_where_that_may_be_read(staff: Slapd) -> None:
    staff.add_person("lea", PASSWORD.expose())
    one = _locked_out(staff, "lea")
    with pytest.raises(AccountLocked) as told:
        one.sign_in("lea", PASSWORD)
    assert re.fullmatch(
        r"The account is locked until (\w+ )?\d\d:\d\d; the service desk can lift it\.", told.value.message
    )
    assert told.value.until is not None
    assert timedelta(0) < told.value.until - datetime.now(UTC) <= timedelta(seconds=STAFF.lockout_seconds)


def test_a_lock_whose_end_is_hidden_is_still_a_lock(own: Slapd) -> None:
    own.add_person("leo", PASSWORD.expose())
    with pytest.raises(AccountLocked, match=r"^The account is locked; the service desk can lift it") as told:
        _locked_out(own, "leo").sign_in("leo", PASSWORD)
    assert told.value.until is None


def test_disabled_is_not_locked(staff: Slapd) -> None:
    staff.add_person("dan", PASSWORD.expose())
    desk = _desk(staff)
    dan = desk.person("dan")
    desk.set_enabled(dan, False)
    status = desk.status(dan)
    assert (status.enabled, status.locked, status.locked_until) == (False, False, None)
    with pytest.raises(AccountDisabled):
        of_slapd(staff).sign_in("dan", PASSWORD)
    with pytest.raises(Failed, match="disabled, not locked"):
        desk.unlock(dan)
    desk.set_enabled(dan, True)
    desk.set_enabled(dan, True)
    assert of_slapd(staff).sign_in("dan", PASSWORD).me.id == dan.id


def test_enabling_lifts_no_lock(staff: Slapd) -> None:
    staff.add_person("eli", PASSWORD.expose())
    _locked_out(staff, "eli")
    desk = _desk(staff)
    desk.set_enabled(desk.person("eli"), True)
    assert desk.status(desk.person("eli")).locked is True


@pytest.mark.parametrize("which", ["own", "staff"])
def test_a_rejected_password_names_the_rule(which: str, request: pytest.FixtureRequest) -> None:
    server: Slapd = request.getfixturevalue(which)
    server.add_person("pru", PASSWORD.expose())
    session = of_slapd(server).sign_in("pru", PASSWORD)
    with pytest.raises(PasswordRejected) as told:
        session.change_own_password(Secret("short-1Q"))
    assert told.value.message == (
        f"The password was not accepted, too short: at least {server.layout.min_length} characters."
    )
    session.change_own_password(Secret("Second-Horse-78"))
    with pytest.raises(PasswordRejected, match="used before: the last 3 do not come back"):
        session.change_own_password(PASSWORD)
    server.modify(server.layout.policy, {"pwdMinAge": [(ldap3.MODIFY_REPLACE, [7200])]})
    try:
        with pytest.raises(PasswordRejected, match=r"you may change it again after (\w+ )?\d\d:\d\d\."):
            session.change_own_password(Secret("Third-Horse-79"))
    finally:
        server.modify(server.layout.policy, {"pwdMinAge": [(ldap3.MODIFY_DELETE, [])]})


def test_a_must_change_sign_in_is_told_the_rules_too(own: Slapd) -> None:
    dn = own.add_person("quin", PASSWORD.expose())
    own.modify(dn, {"pwdReset": [(ldap3.MODIFY_REPLACE, ["TRUE"])]})
    session = of_slapd(own).sign_in("quin", PASSWORD)
    assert session.must_change
    with pytest.raises(PasswordRejected, match="at least 10 characters"):
        session.change_own_password(Secret("short-1Q"))
    assert session.must_change


def test_a_password_that_ends_soon_is_announced(own: Slapd) -> None:
    own.add_person("kim", PASSWORD.expose())
    own.modify(own.layout.policy, {"pwdMaxAge": [(ldap3.MODIFY_REPLACE, [3 * 86400 + 600])]})
    try:
        assert of_slapd(own).sign_in("kim", PASSWORD).notices == ("Your password expires in 3 days.",)
    finally:
        own.modify(own.layout.policy, {"pwdMaxAge": [(ldap3.MODIFY_REPLACE, [7776000])]})


def test_grace_sign_ins_are_counted(own: Slapd) -> None:
    own.add_person("kai", PASSWORD.expose())
    grace = {"pwdMaxAge": [(ldap3.MODIFY_REPLACE, [1])], "pwdGraceAuthNLimit": [(ldap3.MODIFY_REPLACE, [3])]}
    own.modify(own.layout.policy, grace)
    try:
        deadline = time.monotonic() + 10
        notices: tuple[str, ...] = ()
        while not any("expired" in notice for notice in notices):
            assert time.monotonic() < deadline, notices
            notices = of_slapd(own).sign_in("kai", PASSWORD).notices
        assert notices == ("Your password has expired; 2 more sign-ins to change it in.",)
    finally:
        back = {
            "pwdMaxAge": [(ldap3.MODIFY_REPLACE, [7776000])],
            "pwdGraceAuthNLimit": [(ldap3.MODIFY_REPLACE, [0])],
        }
        own.modify(own.layout.policy, back)


def test_a_reset_is_hashed_by_the_server_and_must_be_changed(staff: Slapd) -> None:
    """This server does not hash what is written plainly: RFC 3062 is the only way that is safe."""
    dn = staff.add_person("ned", PASSWORD.expose())
    desk = _desk(staff)
    desk.set_password(desk.person("ned"), Secret("Temporary-Horse-79"), must_change=True)
    entry = staff.read(dn)
    assert entry["userPassword"][0].startswith(b"{")
    assert entry["pwdReset"] == [b"TRUE"]
    assert b"Temporary" not in b"".join(entry["userPassword"])


def test_a_reset_is_one_change_where_the_server_is_said_to_hash(own: Slapd) -> None:
    """This one hashes what is written plainly: password and flag change together, or neither does."""
    dn = own.add_person("nan", PASSWORD.expose())
    own.add_person("nan-desk", PASSWORD.expose())
    join(own, own.layout.service_desk, own.layout.person_dn("nan-desk", "Nan-Desk", "0"))
    directory = of_slapd(own, server_hashes=True)
    desk = directory.sign_in("nan-desk", PASSWORD)
    nan = desk.person("nan")
    with pytest.raises(PasswordRejected, match="too short"):
        desk.set_password(nan, Secret("short-1Q"), must_change=True)
    assert "pwdReset" not in own.read(dn)
    desk.set_password(nan, Secret("Temporary-Horse-79"), must_change=True)
    entry = own.read(dn)
    assert entry["pwdReset"] == [b"TRUE"]
    assert entry["userPassword"][0].startswith(b"{")
    assert b"Temporary" not in b"".join(entry["userPassword"])
    assert directory.accepts(nan, Secret("Temporary-Horse-79")) == "must-change"
    desk.close()
    directory.close()


def test_a_reset_that_could_not_be_finished_is_not_begun(tmp_path: Path) -> None:
    """This service desk may set passwords and not the flag: nothing changes."""
    layout = replace(PEOPLE, name="half", desk_right="read")  # type: ignore[arg-type]
    server = Slapd(layout, tmp_path, slapd_or_skip())
    try:
        server.add_group(layout.service_desk, members=[server.add_person("desk", PASSWORD.expose())])
        server.add_person("pat", PASSWORD.expose())
        desk = _desk(server)
        pat = desk.person("pat")
        with pytest.raises(Refused, match="choose a new password at the next sign-in") as told:
            desk.set_password(pat, Secret("Temporary-Horse-79"), must_change=True)
        assert told.value.code == "directory-rights"
        assert of_slapd(server).accepts(pat, PASSWORD) == "yes"
        desk.set_password(pat, Secret("Temporary-Horse-79"), must_change=False)
        assert of_slapd(server).accepts(pat, Secret("Temporary-Horse-79")) == "yes"
        desk.close()
    finally:
        server.stop()


# ── many at once ──────────────────────────────────────────────────────────────────────────────


def test_threads_that_share_a_session_get_their_own_answers(own: Slapd) -> None:
    logins = [f"thread{number}" for number in range(8)]
    for login in logins:
        own.add_person(login, PASSWORD.expose())
    one = of_slapd(own)
    session, reader = one.sign_in("desk", PASSWORD), one.look_up()

    def ask(login: str) -> list[tuple[str, str]]:
        asked = (session, reader)
        return [(login, asked[count % 2].person(login).login) for count in range(40)]

    with ThreadPoolExecutor(8) as pool:
        answers = [pair for pairs in pool.map(ask, logins) for pair in pairs]
    assert len(answers) == 320
    assert [pair for pair in answers if pair[0] != pair[1]] == []


# ── groups ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("which", ["own", "staff"])
def test_groups_in_groups_hold_their_members(which: str, request: pytest.FixtureRequest) -> None:
    server: Slapd = request.getfixturevalue(which)
    dn = server.add_person("zoe", PASSWORD.expose())
    inner = server.add_group("inner", members=[dn])
    outer = server.add_group("outer", members=[inner])
    server.add_group("outermost", members=[outer, outer.replace("outer", "outermost")])  # and itself
    session = of_slapd(server).sign_in("zoe", PASSWORD)
    assert [group.name for group in session.groups_of(session.me)] == ["inner", "outer", "outermost"]


@pytest.mark.req("R2")
def test_what_a_person_is_said_to_be_in_is_not_what_they_are_in(own: Slapd) -> None:
    """A server keeps ``memberOf`` beside the group's own list, and it may be behind: then the list counts."""
    rita = own.add_person("lena-two", PASSWORD.expose())
    boss = own.add_person("lena-boss", PASSWORD.expose())
    team = own.add_group("lena-team", members=[rita, boss], owner=boss)
    connection = own.root()
    session = of_slapd(own).sign_in("lena-boss", PASSWORD)
    person = session.person("lena-two")
    assert [group.name for group in session.groups_of(person)] == ["lena-team"]
    session.remove_member(session.group("lena-team"), person)
    relax = [("1.3.6.1.4.1.4203.666.5.12", True, None)]  # only so can it be written: it is the server's own
    connection.modify(rita, {"memberOf": [(ldap3.MODIFY_REPLACE, [team])]}, controls=relax)
    connection.modify(team, {"member": [(ldap3.MODIFY_REPLACE, [boss])]})
    connection.unbind()
    assert own.read(rita)["memberOf"] == [team.encode()], "the server says so still"
    assert own.read(team)["member"] == [boss.encode()]
    assert session.groups_of(person) == []


def test_many_groups_come_in_pages(own: Slapd) -> None:
    """More than the server gives at once to whoever does not ask for pages."""
    member = own.add_person("page", PASSWORD.expose())
    connection = own.root()
    for number in range(620):
        dn = f"cn=many-{number},{PEOPLE.groups_base}"
        connection.add(dn, ["groupOfNames"], {"cn": f"many-{number}", "member": [member]})
    connection.unbind()
    session = of_slapd(own).sign_in("page", PASSWORD)
    assert len({group.dn for group in session.groups_of(session.me)}) == 620
    assert len([group for group in session.groups() if group.name.startswith("many-")]) == 620
    assert len(session.groups(limit=501)) == 501


def test_what_the_directory_denies_is_its_own_right(own: Slapd) -> None:
    own.add_person("max", PASSWORD.expose())
    session = of_slapd(own).sign_in("max", PASSWORD)
    with pytest.raises(Refused, match="does not let you unlock desk") as told:
        session.unlock(session.person("desk"))
    assert told.value.code == "directory-rights"
    assert told.value.hint


def test_facts_tell_what_was_found(own: Slapd, staff: Slapd) -> None:
    facts = of_slapd(own).facts()
    assert (facts.kind, facts.base, facts.groups_base) == ("openldap", PEOPLE.suffix, PEOPLE.groups_base)
    assert facts.assertion_control
    assert facts.transport == "LDAPS"
    assert of_slapd(staff).facts().transport == "StartTLS"
    found = of_slapd(staff, people_base="", groups_base="").facts()
    assert (found.base, found.groups_base) == (STAFF.suffix, STAFF.groups_base)
