"""The demo's story on a directory that it did not make: own people, own names, configured by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ldap3 import MODIFY_ADD

from helpdesk.app import Desk
from helpdesk.demo.company import policies
from helpdesk.demo.record import Record
from helpdesk.demo.story import Answers, Cast, Player
from helpdesk.errors import UsageError
from helpdesk.events import Confirmation, Confirmed, Event, Question
from helpdesk.secrets import Secret
from tests.servers.slapd import Slapd

DISABLED = b"000001010000Z"


class AtTerminal:
    """A person of the test's own who agrees to what they are shown; the demo's people cannot come here."""

    def __init__(self, desk: Desk, player: Player, answers: Answers) -> None:
        self.record = Record()
        self.told: list[Secret] = []
        self.confirmations: list[Confirmation] = []
        self._answers = answers

    def emit(self, event: Event) -> None:
        self.record.event(event)

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        self.confirmations.append(confirmation)
        return Confirmed(confirmation.digest, "person")

    async def ask(self, question: Question) -> str:
        answer = self._answer(question)
        assert isinstance(answer, str), f"{question.name} is a secret and was asked in the open"
        return answer

    async def ask_secret(self, question: Question) -> Secret:
        answer = self._answer(question)
        assert isinstance(answer, Secret)
        return answer

    def _answer(self, question: Question) -> str | Secret:
        if question.name not in self._answers:
            raise UsageError(f"no answer to {question.text}", hint=question.flag)
        return self._answers[question.name]

    def ensure_can_reveal(self) -> None:
        return

    async def reveal(self, secret: Secret, label: str) -> None:
        self.told.append(secret)


class RootsEye:
    """The witness: raw attributes as the server's root sees them, none of the connector's code."""

    def __init__(self, server: Slapd, dns: Mapping[str, str]) -> None:
        self._server = server
        self._dns = dns

    def _values(self, login: str, attribute: str) -> list[bytes]:
        return self._server.read(self._dns[login]).get(attribute, [])

    def locked(self, login: str) -> bool:
        values = self._values(login, "pwdAccountLockedTime")
        return bool(values) and values[0] != DISABLED

    def enabled(self, login: str) -> bool:
        return DISABLED not in self._values(login, "pwdAccountLockedTime")

    def must_change(self, login: str) -> bool:
        return b"TRUE" in self._values(login, "pwdReset")

    def member(self, login: str, group: str) -> bool:
        layout = self._server.layout
        entry = self._server.read(layout.group_dn(group))
        members = [value.decode() for value in entry.get(layout.member_attribute, [])]
        ids = [self._server.read(dn).get("entryUUID") for dn in members]  # one DN can be written in many ways
        return self._values(login, "entryUUID") in ids

    def phone(self, login: str) -> str:
        values = self._values(login, "telephoneNumber")
        return values[0].decode() if values else ""


def settle(
    server: Slapd, names: Sequence[tuple[str, str]], group: str, folder: Path
) -> tuple[Cast, RootsEye]:
    """Seven people, their groups and the policy documents; logins and names are the caller's."""
    tags = ("locked", "desk", "admin", "requester", "owner", "forgetful", "absent")
    players = {
        tag: Player(login, name, Secret(f"{tag} sails at dawn {len(login)}"))
        for tag, (login, name) in zip(tags, names, strict=True)
    }
    dns = {
        player.login: server.add_person(player.login, player.password.expose(), name=player.name)
        for player in players.values()
    }
    join(server, server.layout.service_desk, dns[players["desk"].login])
    join(server, "keyholders", dns[players["admin"].login])
    owner = dns[players["owner"].login]
    server.add_group(group, owner=owner, members=[owner])
    documents = folder / "documents"
    documents.mkdir(parents=True)
    for name, content in policies():
        (documents / name).write_bytes(content)
    cast = Cast(
        **players,
        group=group,
        phone="+44 20 7946 0" + str(len(group)).zfill(3),
        new_password=Secret("Nine-grey-Herons-fly-2"),
        policies=documents,
    )
    return cast, RootsEye(server, dns)


def join(server: Slapd, group: str, dn: str) -> None:
    """Make someone a member of a group that may or may not be there."""
    layout = server.layout
    if not server.read(layout.group_dn(group)):
        server.add_group(group, members=[dn])
        return
    server.modify(layout.group_dn(group), {layout.member_attribute: [(MODIFY_ADD, [dn])]})


def configuration(server: Slapd, cast: Cast) -> str:
    """config.toml as an administrator writes it; the look-up account's password is in the environment."""
    keys = server.directory_config()
    if "bind_password" in keys:
        keys["bind_password"] = "env:LOOKUP_PASSWORD"
    directory = "\n".join(f"{name} = {json.dumps(value)}" for name, value in keys.items())
    return f"""
[directory]
{directory}
[roles]
helpdesk = [{json.dumps(server.layout.service_desk)}]
privileged = ["keyholders"]
[policy]
sources = [{json.dumps(str(cast.policies))}]
[requests]
shared = true
[session]
store = "none"
"""
