"""Two directories that agree on nothing: names, units, attributes, group class, rights, transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ldap3.utils.dn import escape_rdn


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything that differs between two companies' OpenLDAP servers.

    Attributes:
        name: a short name for folders and messages.
        suffix: the base DN; ``root_entry`` are the classes and attributes of its own entry.
        people_unit, groups_unit, policies_unit: below the suffix, parents included.
        login_attribute: what people type to sign in. rdn: what their entry is named by.
        service_desk: the group whose members may reset, unlock, disable.
        desk_right: the right of the service desk on the account state ("manage" or "write").
        hash_cleartext: the server hashes a plainly written password.
        plain_port_only: clients reach it by ldap:// and StartTLS, else by ldaps://.
        anonymous: nobody needs to sign in to look people up; otherwise there is a look-up account.
        lenient_binds: binds without a password, or without a name, succeed as anonymous (D4).
        memberof: the server writes a person's groups into their entry.
        own_policy: every person names the policy that holds for them.
        host: the name by which clients reach it.
        configured: the keys an administrator must write in [directory] beside the address.
        lookup_account: where not anonymous, there is an account for look-ups.
        workers: the group whose members may add people, change their entries, and every group.
    """

    name: str
    suffix: str
    root_entry: tuple[tuple[str, ...], Mapping[str, str]]
    people_unit: str
    groups_unit: str
    policies_unit: str
    login_attribute: str
    rdn: Literal["login", "name-and-number"]
    person_classes: tuple[str, ...]
    group_class: Literal["groupOfNames", "groupOfUniqueNames"]
    member_attribute: Literal["member", "uniqueMember"]
    service_desk: str
    desk_right: Literal["manage", "write"]
    min_length: int
    max_failures: int
    lockout_seconds: int
    hash_cleartext: bool
    plain_port_only: bool
    anonymous: bool
    lenient_binds: bool
    memberof: bool
    own_policy: bool
    host: str
    configured: Mapping[str, Any] = field(default_factory=dict)
    schema: str = ""
    lookup_account: bool = True
    workers: str = "workers"

    @property
    def people_base(self) -> str:
        return f"{self.people_unit},{self.suffix}"

    @property
    def groups_base(self) -> str:
        return f"{self.groups_unit},{self.suffix}"

    @property
    def policy(self) -> str:
        """The DN of the password policy that holds for people."""
        return f"cn=standard,{self.policies_unit},{self.suffix}"

    @property
    def lookup(self) -> str:
        """The DN of the account that may look people up."""
        return f"cn=lookup,{self.suffix}"

    @property
    def root(self) -> str:
        return f"cn=root,{self.suffix}"

    def person_dn(self, login: str, name: str, number: str) -> str:
        rdn = (
            f"{self.login_attribute}={escape_rdn(login)}"
            if self.rdn == "login"
            else f"cn={escape_rdn(self.common_name(name, number))}"
        )
        return f"{rdn},{self.people_base}"

    def common_name(self, name: str, number: str) -> str:
        """The entry's cn; where entries are named by it, it holds a comma, as "Lovelace, Ada" would."""
        return name if self.rdn == "login" else f"{name}, {number}"

    def group_dn(self, name: str) -> str:
        return f"cn={escape_rdn(name)},{self.groups_base}"

    def rights(self) -> str:
        """The access rules of slapd.conf: the directory's own rights."""
        desk = f'group/{self.group_class}/{self.member_attribute}="{self.group_dn(self.service_desk)}"'
        workers = f'group/{self.group_class}/{self.member_attribute}="{self.group_dn(self.workers)}"'
        lookup = f'dn.base="{self.lookup}"'
        others = "read" if self.anonymous else "none"
        state = f"by {lookup} read by * none" if not self.anonymous else "by self read by * none"
        return f"""
access to attrs=userPassword
  by self =xw
  by {desk} =w
  by anonymous auth
  by * none
access to attrs=pwdReset,pwdAccountLockedTime,pwdFailureTime,pwdGraceUseTime
  by {desk} {self.desk_right}
  by {workers} {self.desk_right}
  {state}
access to attrs=pwdHistory
  by * none
access to dn.children="{self.groups_base}" attrs={self.member_attribute}
  by dnattr=owner write
  by {workers} write
  by dnattr={self.member_attribute} selfdelete
  by users read
  by * {others}
access to dn.children="{self.groups_base}" attrs=owner
  by {workers} write
  by users read
  by * {others}
access to dn.base="{self.people_base}" attrs=children
  by {workers} write
  by users read
  by * {others}
access to dn.children="{self.people_base}" attrs=entry,manager,employeeType
  by {workers} write
  by users read
  by * {others}
access to dn.children="{self.people_base}" attrs=mail,telephoneNumber,title
  by self write
  by {workers} write
  by users read
  by * {others}
access to *
  by users read
  by * {others}
"""


PEOPLE = Layout(
    name="people",
    suffix="dc=corp,dc=test",
    root_entry=(("dcObject", "organization"), {"dc": "corp", "o": "Corp"}),
    people_unit="ou=people",
    groups_unit="ou=groups",
    policies_unit="ou=policies",
    login_attribute="uid",
    rdn="login",
    person_classes=("inetOrgPerson",),
    group_class="groupOfNames",
    member_attribute="member",
    service_desk="helpdesk",
    desk_right="manage",
    min_length=10,
    max_failures=3,
    lockout_seconds=900,
    hash_cleartext=True,
    plain_port_only=False,
    anonymous=True,
    lenient_binds=True,
    memberof=True,
    own_policy=False,
    host="localhost",
)
"""Found without configuration: the address and the authority are enough."""

STAFF = Layout(
    name="staff",
    suffix="o=Example,c=DE",
    root_entry=(("organization",), {"o": "Example"}),
    people_unit="ou=staff,ou=eu",
    groups_unit="ou=teams,ou=eu",
    policies_unit="ou=rules",
    login_attribute="staffLogin",
    rdn="name-and-number",
    person_classes=("inetOrgPerson", "staffAccount"),
    group_class="groupOfUniqueNames",
    member_attribute="uniqueMember",
    service_desk="first-line",
    desk_right="write",
    min_length=12,
    max_failures=4,
    lockout_seconds=1800,
    hash_cleartext=False,
    plain_port_only=True,
    anonymous=False,
    lenient_binds=False,
    memberof=False,
    own_policy=True,
    host="127.0.0.1",
    configured={
        "people_base": "ou=staff,ou=eu,o=Example,c=DE",
        "groups_base": "ou=teams,ou=eu,o=Example,c=DE",
        "login_attribute": "staffLogin",
        "new_person_name": "cn={name}, {number}",
        "new_person_classes": ("inetOrgPerson", "staffAccount"),
        "new_person_attributes": ("pwdPolicySubentry=cn=standard,ou=rules,o=Example,c=DE",),
    },
    schema="""
attributetype ( 2.25.304957180425817234 NAME 'staffLogin' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 2.25.304957180425817235 NAME 'staffAccount' SUP top AUXILIARY MUST staffLogin )
""",
)
"""An administrator has to say where people are; nobody is told anything before signing in."""

CLOSED = replace(
    PEOPLE,
    name="closed",
    anonymous=False,
    lookup_account=False,
    lenient_binds=False,
    memberof=False,
    host="127.0.0.1",
    configured={"login_dn": "uid={login},ou=people,dc=corp,dc=test"},
)
"""Nobody may look anybody up before signing in, there is no account for it, and nobody sees their own lock."""
