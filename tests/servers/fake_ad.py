"""A server that answers as Active Directory does, for one domain with a few people: what was measured on one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from helpdesk.connectors.ldap.ber import elements
from tests.servers.fake_ldap import (
    ADD,
    BIND,
    EXTENDED,
    MODIFY,
    SEARCH,
    Attributes,
    Reply,
    Request,
    added,
    bound,
    done,
    extended,
    found,
    modified,
)

DOMAIN = "DC=ad,DC=test"
ROOT = {
    "namingContexts": [DOMAIN, f"CN=Configuration,{DOMAIN}"],
    "defaultNamingContext": [DOMAIN],
    "supportedCapabilities": ["1.2.840.113556.1.4.800"],
    "supportedExtension": ["1.3.6.1.4.1.4203.1.11.3"],
}
_RULES = {
    "minPwdLength": ["10"],
    "pwdHistoryLength": ["24"],
    "lockoutThreshold": ["5"],
    "lockoutDuration": ["-18000000000"],
    "minPwdAge": ["-864000000000"],
    "maxPwdAge": ["-36288000000000"],
}
_SID = bytes([1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
ADMINS_SID = _SID + (512).to_bytes(4, "little")
_CHAIN = b"1.2.840.113556.1.4.1941"
_OPERATIONS = {0: "add", 1: "delete", 2: "replace"}


@dataclass
class User:
    """One account. ``code`` is the sub-code that a bind with the right password gets, if any."""

    login: str
    password: str
    code: str = ""
    control: int = 0x200
    locked_at: int = 0
    primary: int = 513
    last_set: int = 133500000000000000
    guid: uuid.UUID = field(default_factory=uuid.uuid4)
    mail: str = ""
    proxies: list[str] = field(default_factory=list)
    employment: str = ""
    manager: str = ""

    @property
    def dn(self) -> str:
        return f"CN={self.login},OU=staff,{DOMAIN}"

    def attributes(self) -> Attributes:
        return {
            "sAMAccountName": [self.login],
            "displayName": [self.login.title()],
            "objectGUID": [self.guid.bytes_le],
            "userAccountControl": [str(self.control)],
            "msDS-User-Account-Control-Computed": ["16" if self.locked_at else "0"],
            "lockoutTime": [str(self.locked_at)],
            "pwdLastSet": [str(self.last_set)],
            "badPwdCount": ["0"],
            "primaryGroupID": [str(self.primary)],
            "objectSid": [_SID + (1104).to_bytes(4, "little")],
            **({"mail": [self.mail]} if self.mail else {}),
            **({"proxyAddresses": list(self.proxies)} if self.proxies else {}),
            **({"employeeType": [self.employment]} if self.employment else {}),
            **({"manager": [self.manager]} if self.manager else {}),
        }


Change = tuple[str, str, list[bytes]]


@dataclass
class FakeAd:
    """A handler for :class:`tests.servers.fake_ldap.FakeLdap`.

    Attributes:
        changes: what was modified, by DN, as (operation, attribute, values).
        refusal: what every modify and add is answered with, where it is set. added: new entries.
        owner: who manages the group "vpn".
    """

    users: list[User]
    group_guid: uuid.UUID = field(default_factory=uuid.uuid4)
    changes: list[tuple[str, list[Change]]] = field(default_factory=list)
    refusal: Reply | None = None
    added: list[tuple[str, dict[str, list[bytes]]]] = field(default_factory=list)
    owner: str = ""
    _who: str = ""

    def __call__(self, request: Request) -> Sequence[Reply] | None:
        if request.kind == BIND:
            return [self._bind(request)]
        if request.kind == SEARCH:
            return self._search(request)
        if request.kind == MODIFY:
            return [self._modify(request)]
        if request.kind == ADD:
            return [self._add(request)]
        if request.kind == EXTENDED:
            return [extended(0, f"u:ADT\\{self._who}".encode())]
        return None

    def _bind(self, request: Request) -> Reply:
        self._who = ""
        user = next((one for one in self.users if request.dn in {one.dn, f"{one.login}@ad.test"}), None)
        code = user.code if user else "52e"
        if user and request.parts[2][1].decode() != user.password:
            code = "52e"
        if code or user is None:
            text = (
                f"80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {code}, v1db1"
            )
            return bound(49, text)
        self._who = user.login
        return bound()

    def _search(self, request: Request) -> Sequence[Reply]:
        base, content = request.dn, request.content
        if not base:
            return [found("", ROOT), done()]
        if not self._who:
            return [done(1, "000004DC: LdapErr: DSID-0C0906E8, comment: a successful bind must be completed")]
        if base == DOMAIN and request.parts[1][1] == b"\0":
            return [found(DOMAIN, _RULES), done()]
        if ADMINS_SID in content:
            group = {"sAMAccountName": ["Domain Admins"], "objectGUID": [uuid.uuid4().bytes_le]}
            return [found(f"CN=Domain Admins,{DOMAIN}", group), done()]
        if base == f"CN=vpn,{DOMAIN}" or b"managedBy" in content.split(b"sAMAccountName")[0]:
            held = {
                "sAMAccountName": ["vpn"],
                "objectGUID": [self.group_guid.bytes_le],
                "objectClass": ["group"],
                **({"managedBy": [self.owner]} if self.owner else {}),
            }
            return [found(f"CN=vpn,{DOMAIN}", held), done()]
        if _CHAIN in content:
            group = {
                "sAMAccountName": ["vpn"],
                "objectGUID": [self.group_guid.bytes_le],
                "objectClass": ["group"],
            }
            return [found(f"CN=vpn,{DOMAIN}", group), done()]
        wanted = [
            user
            for user in self.users
            if base == user.dn
            or (b"samaccountname\x04" + bytes([len(user.login)]) + user.login.encode()) in content.lower()
            or user.guid.bytes_le in content
            or any(one and one.encode() in content for one in (user.mail, *user.proxies))
        ]
        return [*(found(user.dn, user.attributes()) for user in wanted), done()]

    def _modify(self, request: Request) -> Reply:
        listed: list[Change] = []
        for _, change in elements(request.parts[1][1]):
            (_, operation), (_, attribute) = elements(change)
            (_, name), (_, values) = elements(attribute)
            octets = [value for _, value in elements(values)]
            listed.append((_OPERATIONS[operation[0]], name.decode(), octets))
        self.changes.append((request.dn, listed))
        if self.refusal is not None:
            return self.refusal
        if request.dn == f"CN=vpn,{DOMAIN}":
            return self._of_group(listed)
        user = next(one for one in self.users if one.dn == request.dn)
        for operation_, name_, octets in listed:
            if name_ == "unicodePwd" and operation_ != "delete":
                user.password = octets[0].decode("utf-16-le").strip('"')
            elif name_ == "lockoutTime":
                user.locked_at = int(octets[0])
            elif name_ == "userAccountControl":
                user.control = int(octets[0])
            elif name_ == "pwdLastSet":
                user.last_set = int(octets[0])
            elif name_ == "proxyAddresses":
                values = [value.decode() for value in octets]
                user.proxies = [one for one in user.proxies if one not in values]
                user.proxies += values if operation_ == "add" else []
            elif name_ == "employeeType":
                user.employment = octets[0].decode() if octets else ""
            elif name_ == "manager":
                user.manager = octets[0].decode() if octets else ""
        return modified()

    def _of_group(self, listed: list[Change]) -> Reply:
        """One manager at most, as managedBy is."""
        owner = self.owner
        for operation, name, octets in listed:
            assert name == "managedBy"
            value = octets[0].decode()
            if operation == "delete":
                if owner != value:
                    return modified(16)
                owner = ""
            elif owner:
                return modified(20)
            else:
                owner = value
        self.owner = owner
        return modified()

    def _add(self, request: Request) -> Reply:
        attributes: dict[str, list[bytes]] = {}
        for _, attribute in elements(request.parts[1][1]):
            (_, name), (_, values) = elements(attribute)
            attributes[name.decode()] = [value for _, value in elements(values)]
        if self.refusal is not None:
            return self.refusal
        if any(dn == request.dn for dn, _ in self.added):
            return added(68)
        self.added.append((request.dn, attributes))
        return added()
