"""Who is bound, who is meant, and nobody else."""

from __future__ import annotations

import random
import secrets
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import ldap3
import pytest

from helpdesk.connectors.ldap.directory import LdapDirectory
from helpdesk.connectors.ldap.escape import rdn_value
from helpdesk.connectors.ldap.settings import Timeouts
from helpdesk.errors import (
    Ambiguous,
    BadCredentials,
    Failed,
    HelpdeskError,
    MustChangePassword,
    NotFound,
    Refused,
    Stale,
    Unreachable,
)
from helpdesk.identity import Person
from helpdesk.secrets import Secret
from tests.integration.ldap_world import directory, of_slapd
from tests.servers.certificates import Authority
from tests.servers.fake_ldap import BIND, Directory, FakeLdap, Reply, Request, bound, done, found, referred
from tests.servers.layouts import PEOPLE
from tests.servers.packages import slapd_or_skip
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.servers

PASSWORD = Secret("Right-Horse-77")
NOTHING = ["", " ", "\t\n", "\u00a0\u3000", "\u00ad\u200b", "\ufeff", "\0", "ana\0"]
DN = "uid=ana,dc=fake,dc=test"
IDS = ["5f0c2a5e-6f3b-4b43-9d51-0a5bb6f1a001", "5f0c2a5e-6f3b-4b43-9d51-0a5bb6f1a002"]


def ana(dn: str = DN, login: str = "ana", id: str = IDS[0]) -> Reply:
    return found(dn, {"uid": [login], "cn": ["Ana"], "entryUUID": [id]})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


def serve(authority: Authority, handler: Directory) -> FakeLdap:
    return FakeLdap(handler, certificate=authority.issue("127.0.0.1"))


# ── D4 ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("D4")
@pytest.mark.parametrize("nothing", NOTHING)
def test_nothing_never_reaches_a_server_that_would_take_it(slapd_people: Slapd, nothing: str) -> None:
    name = f"d4{secrets.token_hex(4)}"
    slapd_people.add_person(name, PASSWORD.expose())
    one = of_slapd(slapd_people)
    by_template = of_slapd(slapd_people, login_dn="uid={login},ou=people,dc=corp,dc=test")
    for where in (one, by_template):
        for login, password in ((name, nothing), (nothing, PASSWORD.expose()), (nothing, nothing)):
            with pytest.raises(BadCredentials):
                where.sign_in(login, Secret(password))
    person = one.look_up().person(name)
    assert one.accepts(person, Secret(nothing)) == "no"


@pytest.mark.req("D4")
def test_the_server_would_indeed_take_it(slapd_people: Slapd) -> None:
    """The control: this slapd lets a bind without a password succeed."""
    tls = ldap3.Tls(validate=2, ca_certs_file=slapd_people.ca_file)
    server = ldap3.Server("127.0.0.1", slapd_people.tls_port, use_ssl=True, tls=tls, get_info=ldap3.NONE)
    connection = ldap3.Connection(server, "", "whatever")
    assert connection.bind()
    connection.unbind()


@pytest.mark.req("D4")
@pytest.mark.parametrize("who", ["", "dn:", "dn:uid=bo,dc=fake,dc=test", "u:ana", "dn:not a dn"])
def test_a_bind_that_binds_somebody_else_is_no_sign_in(authority: Authority, who: str) -> None:
    with serve(authority, Directory([ana()], who=who)) as server:
        one = directory(server.url, str(authority.file))
        with pytest.raises(BadCredentials):
            one.sign_in("ana", PASSWORD)
        assert one.accepts(Person(IDS[0], DN, "ana", "Ana"), PASSWORD) == "no"


@pytest.mark.req("D4")
def test_an_entry_that_is_another_after_the_bind_is_no_sign_in(authority: Authority) -> None:
    handler = Directory([ana()])
    with serve(authority, handler) as server:
        one = directory(server.url, str(authority.file))
        assert one.sign_in("ana", PASSWORD).me.id == IDS[0]
        real, asked = handler.__call__, 0

        def swapped(request: object) -> Sequence[Reply] | None:
            nonlocal asked
            asked += 1
            handler.entries = [ana(id=IDS[0] if asked == 1 else IDS[1])]
            return real(request)  # type: ignore[arg-type]

        server._handler = swapped
        with pytest.raises(BadCredentials):
            one.sign_in("ana", PASSWORD)


# ── D6 ────────────────────────────────────────────────────────────────────────────────────────

_ELSEWHERE = referred("ldap://127.0.0.1:1/dc=fake,dc=test")


@pytest.mark.req("D6")
@pytest.mark.parametrize(
    ("entries", "after", "error"),
    [
        ([], [done()], NotFound),
        ([_ELSEWHERE], [done()], NotFound),
        ([], [done(10)], NotFound),
        ([ana(login="bo")], [done()], NotFound),
        ([ana(), ana("uid=ana,ou=x,dc=fake,dc=test", id=IDS[1])], [done()], Ambiguous),
        ([ana(), ana("uid=ana,ou=x,dc=fake,dc=test", id=IDS[1])], [done(4)], Ambiguous),
        ([found(DN, {"uid": ["ana"], "cn": ["Ana"]})], [done()], Failed),
        ([], [done(50)], Refused),
        ([], [done(32)], Refused),
        ([ana()] * 3, [done()], Unreachable),
    ],
    ids=[
        "none",
        "a referral",
        "all elsewhere",
        "another",
        "two",
        "two of more",
        "no id",
        "50",
        "32",
        "flood",
    ],
)
def test_exactly_one_entry_or_none(
    authority: Authority, entries: list[Reply], after: list[Reply], error: type[HelpdeskError]
) -> None:
    with serve(authority, Directory(entries, after)) as server:
        one = directory(server.url, str(authority.file))
        with pytest.raises(error):
            one.look_up().person("ana")
        with pytest.raises(BadCredentials if error is NotFound else error):
            one.sign_in("ana", PASSWORD)


@pytest.mark.req("D6")
def test_one_entry_beside_a_referral_is_one_entry(authority: Authority) -> None:
    with serve(authority, Directory([_ELSEWHERE, ana()])) as server:
        assert directory(server.url, str(authority.file)).sign_in("ana", PASSWORD).me.id == IDS[0]


# ── D5 ────────────────────────────────────────────────────────────────────────────────────────

_BITS = ["*", "(", ")", "\\", "\0", "&", "|", "!", "=", "~", "<", ">", ",", "+", ";", '"', "#", "/", " "]
_BITS += [
    "uid",
    "objectClass",
    ")(uid=*",
    "*)(|(cn=*",
    "\\2a",
    "\\",
    "ou=people",
    "é",
    "漢",
    "\u202e",
    "a",
    "Z",
]


def _names(count: int, seed: int) -> Iterator[str]:
    """Names as nobody has them, mostly of what has a meaning in filters and DNs."""
    generator = random.Random(seed)
    for _ in range(count):
        yield "".join(generator.choice(_BITS) for _ in range(generator.randint(1, 8)))


@pytest.mark.req("D5")
def test_ten_thousand_names_find_nobody_they_do_not_name(slapd_people: Slapd) -> None:
    reader = of_slapd(slapd_people).look_up()
    slapd_people.add_person("d5somebody", PASSWORD.expose())
    assert reader.person("d5somebody").login == "d5somebody"
    extra = []
    for name in _names(10_000, seed=5):
        try:
            extra.append((name, reader.person(name)))
        except NotFound:
            continue
    assert extra == []


@pytest.mark.req("D5")
def test_odd_names_that_exist_are_found_and_nothing_else(slapd_people: Slapd) -> None:
    reader = of_slapd(slapd_people).look_up()
    member = slapd_people.add_person("d5member", PASSWORD.expose())
    wanted = {f"d5 {name.replace(chr(0), '')} x{number}" for number, name in enumerate(_names(40, seed=6))}
    for name in wanted:
        dn = f"cn={rdn_value(name)},{slapd_people.layout.groups_base}"
        slapd_people.add(dn, ["groupOfNames"], {"cn": name, "member": member})
    for name in wanted:
        group = reader.group(name)
        assert group == reader.group(group.dn)
        assert group.dn.lower().endswith(slapd_people.layout.groups_base)
    assert len(reader.groups_of(reader.person("d5member"))) == len(wanted)


@pytest.mark.req("D5")
def test_a_template_puts_every_name_in_its_place(slapd_people: Slapd) -> None:
    """``ana,ou=groups`` is a strange name, and no other place in the tree."""
    slapd_people.add_person("d5template", PASSWORD.expose())
    one = of_slapd(slapd_people, login_dn="uid={login},ou=people,dc=corp,dc=test")
    assert one.sign_in("d5template", PASSWORD).me.login == "d5template"
    for name in (
        "d5template,ou=people",
        "d5template+cn=x",
        "*",
        'a"b',
        "#x",
        "d5template\\",
        *_names(30, seed=7),
    ):
        with pytest.raises(BadCredentials):
            one.sign_in(name, PASSWORD)


# ── D7 ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("D7")
def test_a_renamed_person_is_the_same_one_and_their_old_name_is_nobody(slapd_people: Slapd) -> None:
    dn = slapd_people.add_person("d7old", PASSWORD.expose())
    session = of_slapd(slapd_people).sign_in("d7old", PASSWORD)
    before = session.me
    slapd_people.rename(dn, "uid=d7new")
    after = session.person_by_id(before.id)
    assert (after.id, after.login) == (before.id, "d7new")
    with pytest.raises(NotFound):
        session.person("d7old")
    with pytest.raises(Stale):
        session.update_contact(before, {"title": "Nobody"})
    assert session.person("d7new").title == ""


@pytest.mark.req("D7")
def test_two_login_names_are_one_person_with_one_name(slapd_people: Slapd) -> None:
    dn = slapd_people.add_person("d7main", PASSWORD.expose())
    slapd_people.modify(dn, {"uid": [(ldap3.MODIFY_ADD, ["a-d7alias"])]})
    one = of_slapd(slapd_people)
    main, alias = one.sign_in("d7main", PASSWORD).me, one.sign_in("a-d7alias", PASSWORD).me
    assert main == alias
    assert alias.login == "d7main"


# ── where nobody may search ───────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """The usual layout, where nobody may search before signing in."""
    layout = replace(PEOPLE, name="closed", anonymous=False)
    server = Slapd(layout, tmp_path_factory.mktemp("closed"), slapd_or_skip())
    try:
        yield server
    finally:
        server.stop()


def test_without_a_look_up_account_it_says_what_to_configure(closed: Slapd) -> None:
    closed.add_person("shy", PASSWORD.expose())
    one = directory(closed.url, closed.ca_file)
    with pytest.raises(Refused, match="before signing in") as told:
        one.sign_in("shy", PASSWORD)
    assert "login_dn" in told.value.hint
    with pytest.raises(Refused):
        one.look_up().person("shy")


def test_a_refused_look_up_account_is_tried_once(closed: Slapd) -> None:
    one = directory(
        closed.url, closed.ca_file, bind_dn=closed.layout.lookup, bind_password=Secret("wrong-one")
    )
    for _ in range(4):
        with pytest.raises(HelpdeskError, match="account for look-ups") as told:
            one.sign_in("shy", PASSWORD)
    assert "bind_password" in told.value.hint
    assert len(closed.read(closed.layout.lookup).get("pwdFailureTime", [])) == 1


def test_a_template_signs_in_where_nobody_may_search(closed: Slapd) -> None:
    dn = closed.add_person("tom", PASSWORD.expose())
    one = directory(closed.url, closed.ca_file, login_dn="uid={login},ou=people,dc=corp,dc=test")
    session = one.sign_in("TOM", PASSWORD)
    assert (session.me.login, session.me.dn) == ("tom", dn)
    assert session.groups_of(session.me) == []
    with pytest.raises(BadCredentials):
        one.sign_in("tom", Secret("wrong-password"))
    with pytest.raises(BadCredentials):
        one.sign_in("nobody", PASSWORD)


def test_a_must_change_sign_in_that_may_read_nothing_becomes_somebody(closed: Slapd) -> None:
    dn = closed.add_person("uma", PASSWORD.expose())
    closed.modify(dn, {"pwdReset": [(ldap3.MODIFY_REPLACE, ["TRUE"])]})
    one = directory(closed.url, closed.ca_file, login_dn="uid={login},ou=people,dc=corp,dc=test")
    session = one.sign_in("uma", PASSWORD)
    assert session.must_change
    assert one.accepts(session.me, PASSWORD) == "must-change"
    with pytest.raises(MustChangePassword):
        session.person("uma")
    session.change_own_password(Secret("Another-Horse-78"))
    assert not session.must_change
    assert session.me == session.person("uma")
    assert session.me.id == closed.read(dn)["entryUUID"][0].decode()


# ── I6 ────────────────────────────────────────────────────────────────────────────────────────


def _probe(one: LdapDirectory, login: str) -> tuple[float, str]:
    begun = time.perf_counter()
    with pytest.raises(BadCredentials) as told:
        one.sign_in(login, Secret("a wrong password"))
    return time.perf_counter() - begun, f"{told.value.message}|{told.value.hint}|{told.value.code}"


def _z(some: Sequence[float], others: Sequence[float]) -> float:
    """Mann and Whitney's statistic, standardised: beyond ±2.58 for one in a hundred equal pairs."""
    order = sorted([(value, 0) for value in some] + [(value, 1) for value in others])
    ranks = sum(rank for rank, (_, which) in enumerate(order, 1) if which == 0)
    n, m = len(some), len(others)
    return (ranks - n * (n + m + 1) / 2) / ((n * m * (n + m + 1) / 12) ** 0.5)


@pytest.mark.req("I6")
def test_an_unknown_name_takes_as_long_as_a_wrong_password(slapd_people: Slapd) -> None:
    logins = [f"i6{number}x{secrets.token_hex(2)}" for number in range(30)]
    for login in logins:
        slapd_people.add_person(login, PASSWORD.expose())
    one = of_slapd(slapd_people, timeouts=Timeouts(refusal=0.05))
    _probe(one, "warm-up")
    known, unknown, words = [], [], set()
    for login in logins:
        for name, times in random.sample([(login, known), (f"no-{login}", unknown)], 2):
            seconds, said = _probe(one, name)
            times.append(seconds)
            words.add(said)
    assert len(words) == 1
    assert abs(_z(known, unknown)) < 3.3, (statistics.median(known), statistics.median(unknown))


@pytest.mark.req("I6")
@pytest.mark.parametrize(("refusal", "tells"), [(0.0, True), (0.05, False)], ids=["control", "as shipped"])
def test_a_slow_hash_does_not_show(authority: Authority, refusal: float, tells: bool) -> None:
    """A server that spends 20 ms on the passwords it knows, and nothing on names it does not."""

    class Hashing(Directory):
        def __call__(self, request: Request) -> Sequence[Reply] | None:
            if request.kind == BIND:
                time.sleep(0.02 if request.dn == DN else 0)
                return [bound(49)]
            return super().__call__(request)

    with serve(authority, Hashing([ana()])) as server:
        one = directory(server.url, str(authority.file), timeouts=Timeouts(refusal=refusal))
        _probe(one, "warm-up")
        pairs = [(_probe(one, "ana")[0], _probe(one, "nobody")[0]) for _ in range(20)]
    z = _z([known for known, _ in pairs], [unknown for _, unknown in pairs])
    assert (abs(z) > 3.3) is tells, z
