"""A real OpenLDAP server for a test session, and the root's hand in its data."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from ldap3 import BASE, NONE, SAFE_SYNC, Connection, Server, Tls

from tests.servers.certificates import Authority
from tests.servers.layouts import CLOSED, PEOPLE, STAFF, Layout
from tests.servers.packages import SlapdProgram, slapd_or_skip

_DEADLINE = 20.0
_TRIES = 4


def ssha(password: str) -> str:
    """A salted hash as OpenLDAP stores it."""
    salt = os.urandom(8)
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


class Slapd:
    """slapd on loopback with an own certificate authority, password policy and delegated rights.

    Args:
        folder: empty; data, configuration and log go there.
    """

    def __init__(self, layout: Layout, folder: Path, program: SlapdProgram) -> None:
        self.layout = layout
        self.folder = folder
        self.authority = Authority(folder / "tls", f"Authority of {layout.name}")
        self.lookup_password = secrets.token_urlsafe(12)
        self._root_password = secrets.token_urlsafe(12)
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self.port = self.tls_port = 0
        (folder / "db").mkdir(mode=0o700)
        (folder / "slapd.conf").touch(mode=0o600)
        (folder / "slapd.conf").write_text(self._configuration())
        self._start_somewhere()
        try:
            self._seed()
        except BaseException:
            self.stop()
            raise

    # ── where it is ───────────────────────────────────────────────────────────────────────────

    @property
    def url(self) -> str:
        """How this layout's clients reach it."""
        return self.ldap_url if self.layout.plain_port_only else self.ldaps_url

    @property
    def ldap_url(self) -> str:
        return f"ldap://{self.layout.host}:{self.port}"

    @property
    def ldaps_url(self) -> str:
        return f"ldaps://{self.layout.host}:{self.tls_port}"

    @property
    def ca_file(self) -> str:
        return str(self.authority.file)

    @property
    def log(self) -> Path:
        return self.folder / "slapd.log"

    def directory_config(self) -> dict[str, str]:
        """The ``[directory]`` keys an administrator would write; ``bind_password`` in the clear."""
        config = {"kind": "ldap", "url": self.url, "ca_file": self.ca_file, **self.layout.configured}
        if not self.layout.anonymous and self.layout.lookup_account:
            config |= {"bind_dn": self.layout.lookup, "bind_password": self.lookup_password}
        return config

    # ── process ───────────────────────────────────────────────────────────────────────────────

    @property
    def pid(self) -> int:
        assert self._process is not None, "slapd is not running"
        return self._process.pid

    def _start_somewhere(self) -> None:
        """Start on free ports; another process may take one of them before slapd does."""
        for tries in range(_TRIES):
            self.port, self.tls_port = _free_ports(2)
            try:
                return self.start()
            except RuntimeError:
                if tries == _TRIES - 1:
                    raise
        return None

    def start(self) -> None:
        """Start on the same ports with the same data, and wait until it answers."""
        urls = f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port}"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._program.program), "-f", str(self.folder / "slapd.conf"), "-h", urls, "-d", "0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | self._program.environment,
            )
        deadline = time.monotonic() + _DEADLINE
        while not _listens(self.tls_port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                how = f"exit code {self._process.poll()}, ports {self.port} and {self.tls_port}"
                self.stop()
                raise RuntimeError(f"slapd did not start ({how}): {self.log.read_text()[-2000:]}")
            time.sleep(0.01)

    def stop(self, *, kill: bool = False) -> None:
        """End this very process; ``kill`` is the power cut."""
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(_DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_DEADLINE)

    # ── the root's hand ───────────────────────────────────────────────────────────────────────

    def root(self) -> Connection:
        """A verified connection bound as root; the caller unbinds it."""
        tls = Tls(validate=ssl.CERT_REQUIRED, version=ssl.PROTOCOL_TLS_CLIENT, ca_certs_file=self.ca_file)
        server = Server("127.0.0.1", self.tls_port, use_ssl=True, tls=tls, get_info=NONE, connect_timeout=5)
        connection = Connection(
            server, self.layout.root, self._root_password, client_strategy=SAFE_SYNC, receive_timeout=10
        )
        done, result, *_ = connection.bind()
        assert done, result
        return connection

    def add(self, dn: str, classes: Sequence[str], attributes: Mapping[str, object]) -> None:
        self._write("add", dn, list(classes), dict(attributes))

    def modify(self, dn: str, changes: Mapping[str, object]) -> None:
        """``changes`` as ldap3 takes them: ``{"mail": [(MODIFY_REPLACE, ["x"])]}``."""
        self._write("modify", dn, dict(changes))

    def delete(self, dn: str) -> None:
        self._write("delete", dn)

    def rename(self, dn: str, rdn: str) -> None:
        self._write("modify_dn", dn, rdn)

    def read(self, dn: str) -> dict[str, list[bytes]]:
        """Every attribute of one entry, operational ones too, as raw values; empty when it is gone."""
        connection = self.root()
        try:
            _, _, response, _ = connection.search(dn, "(objectClass=*)", BASE, attributes=["*", "+"])
            found = [item for item in response or [] if item["type"] == "searchResEntry"]
            return (
                {name: list(values) for name, values in found[0]["raw_attributes"].items()} if found else {}
            )
        finally:
            connection.unbind()

    def _write(self, method: str, *arguments: object) -> None:
        connection = self.root()
        try:
            done, result, *_ = getattr(connection, method)(*arguments)
            assert done, f"{method} {arguments[0]}: {result['description']} {result['message']}"
        finally:
            connection.unbind()

    def add_person(
        self,
        login: str,
        password: str,
        *,
        name: str = "",
        manager: str = "",
        employee_number: str = "",
        mail: str = "",
    ) -> str:
        """A person who may sign in; returns the DN. ``manager`` is a DN."""
        name = name or login.title()
        number = employee_number or str(secrets.randbelow(10**8))
        dn = self.layout.person_dn(login, name, number)
        attributes: dict[str, object] = {
            self.layout.login_attribute: login,
            "cn": self.layout.common_name(name, number),
            "sn": name.split()[-1],
            "displayName": name,
            "mail": mail or f"{login}@example.test",
            "employeeNumber": number,
            "userPassword": ssha(password),
        }
        if manager:
            attributes["manager"] = manager
        if self.layout.own_policy:
            attributes["pwdPolicySubentry"] = self.layout.policy
        self.add(dn, self.layout.person_classes, attributes)
        return dn

    def add_group(self, name: str, *, owner: str = "", members: Sequence[str] = ()) -> str:
        """A group of the layout's class; ``owner`` and ``members`` are DNs. Returns the DN."""
        dn = self.layout.group_dn(name)
        attributes: dict[str, object] = {"cn": name, self.layout.member_attribute: list(members)}
        if owner:
            attributes["owner"] = owner
        self.add(dn, [self.layout.group_class], attributes)
        return dn

    # ── what it begins with ───────────────────────────────────────────────────────────────────

    def _configuration(self) -> str:
        layout = self.layout
        served = self.authority.issue(*dict.fromkeys((layout.host, "127.0.0.1")))
        memberof = "moduleload memberof" if layout.memberof else ""
        include = "\n".join(
            f"include {self._program.schema}/{name}.schema" for name in ("core", "cosine", "inetorgperson")
        )
        return f"""{include}
{layout.schema}
modulepath {self._program.modules}
moduleload back_mdb
moduleload ppolicy
{memberof}
pidfile {self.folder}/slapd.pid
argsfile {self.folder}/slapd.args
TLSCACertificateFile {self.authority.file}
TLSCertificateFile {served.certificate}
TLSCertificateKeyFile {served.key}
TLSProtocolMin 3.3
security simple_bind=128
{"allow bind_anon_cred bind_anon_dn" if layout.lenient_binds else ""}
sizelimit size.soft=500 size.hard=5000
database mdb
suffix "{layout.suffix}"
rootdn "{layout.root}"
rootpw {self._root_password}
directory {self.folder}/db
maxsize 268435456
envflags nosync
index objectClass,entryUUID eq
index cn,{layout.login_attribute},{layout.member_attribute} eq
{"overlay memberof" if layout.memberof else ""}
overlay ppolicy
{"" if layout.own_policy else f'ppolicy_default "{layout.policy}"'}
{"ppolicy_hash_cleartext" if layout.hash_cleartext else ""}
ppolicy_use_lockout
{layout.rights()}"""

    def _seed(self) -> None:
        layout = self.layout
        classes, attributes = layout.root_entry
        self.add(layout.suffix, classes, attributes)
        made: set[str] = set()
        for unit in (layout.people_unit, layout.groups_unit, layout.policies_unit):
            names = unit.split(",")
            for depth in range(len(names) - 1, -1, -1):
                below = ",".join(names[depth:])
                if below not in made:
                    made.add(below)
                    self.add(f"{below},{layout.suffix}", ["organizationalUnit"], {})
        self._add_policy()
        if not layout.anonymous:
            self.add(
                layout.lookup,
                ["organizationalRole", "simpleSecurityObject"],
                {"userPassword": ssha(self.lookup_password)},
            )

    def _add_policy(self) -> None:
        layout = self.layout
        policy = {
            "pwdAttribute": "userPassword",
            "pwdCheckQuality": 2,
            "pwdMinLength": layout.min_length,
            "pwdInHistory": 3,
            "pwdLockout": "TRUE",
            "pwdMaxFailure": layout.max_failures,
            "pwdLockoutDuration": layout.lockout_seconds,
            "pwdFailureCountInterval": 600,
            "pwdMustChange": "TRUE",
            "pwdAllowUserChange": "TRUE",
            "pwdMaxAge": 7776000,
            "pwdExpireWarning": 1209600,
            "pwdGraceAuthNLimit": 0,
            "pwdSafeModify": "FALSE",
        }
        self.add(layout.policy, ["pwdPolicy", "device"], policy)


def _free_ports(count: int) -> list[int]:
    """Ports nobody has now, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _running(layout: Layout, factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    program = slapd_or_skip()
    server = Slapd(layout, factory.mktemp(f"slapd-{layout.name}"), program)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def slapd_people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """OpenLDAP in the usual layout, found by its address alone."""
    yield from _running(PEOPLE, tmp_path_factory)


@pytest.fixture(scope="session")
def slapd_staff(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """OpenLDAP in another company's layout."""
    yield from _running(STAFF, tmp_path_factory)


@pytest.fixture(scope="session")
def slapd_closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """OpenLDAP that tells nothing to anybody who is not signed in."""
    yield from _running(CLOSED, tmp_path_factory)
