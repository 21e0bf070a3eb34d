"""Taking things back, and asking why, on slapd: other names, attributes and rights; root looks at what is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from ldap3 import MODIFY_REPLACE

from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.why import CallWhy, EntryWhy
from helpdesk.app import Desk
from helpdesk.demo.story import Cast, Player
from helpdesk.events import Outcome, Result
from helpdesk.ports import SignedIn
from tests.integration.story_world import AtTerminal, RootsEye, configuration, settle
from tests.integration.test_story_slapd import FIXTURES
from tests.servers.slapd import Slapd

_NUMBERS = count(1)
pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]


@dataclass
class Site:
    """A configured site, its people, and root's view of the directory."""

    desk: Desk
    cast: Cast
    witness: RootsEye
    server: Slapd

    def _with(self, player: Player, work: Callable[[SignedIn, AtTerminal], Any]) -> Any:
        async def whole() -> Any:
            at = AtTerminal(self.desk, player, {})
            signed_in = await self.desk.signed_in(at, login=player.login, password=player.password)
            return await work(signed_in, at)

        return asyncio.run(whole())

    def do(self, player: Player, action: str, **arguments: str) -> Result:
        call = Call(action, arguments, dict.fromkeys(arguments, Provenance.TYPED))
        found: Result = self._with(player, lambda who, at: self.desk.run(call, who, at))
        return found

    def approve(self, player: Player, request: str | None) -> Result:
        assert request is not None
        found: Result = self._with(player, lambda who, at: self.desk.approve(request, who, at))
        return found

    def undo(self, player: Player, entry: int | None) -> Result:
        assert entry is not None
        found: Result = self._with(player, lambda who, at: self.desk.undo(entry, who, at))
        return found

    def why(self, player: Player, action: str, **arguments: str) -> CallWhy:
        call = Call(action, arguments)
        found: CallWhy = self._with(player, lambda who, at: self.desk.why_call(call, who, at))
        return found

    def why_entry(self, player: Player, entry: int | None) -> EntryWhy:
        assert entry is not None
        found: EntryWhy = self._with(player, lambda who, _: self.desk.why_entry(entry, who))
        return found


@pytest.fixture(params=FIXTURES)
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    server: Slapd = request.getfixturevalue(request.param)
    names, group = FIXTURES[request.param]
    mark = f"u{next(_NUMBERS)}"  # the server is shared, and its people stay
    people = [(f"{mark}.{login}", name) for login, name in names]
    cast, witness = settle(server, people, f"{mark}-{group}", tmp_path)
    (tmp_path / "site.toml").write_text(configuration(server, cast))
    monkeypatch.setenv("LOOKUP_PASSWORD", server.lookup_password)
    environ = {
        "HOME": str(tmp_path / "home"),
        "HELPDESK_CONFIG": str(tmp_path / "site.toml"),
        "XDG_CONFIG_DIRS": str(tmp_path / "nothing"),
    }
    desk = Desk.open(environ=environ)
    yield Site(desk, cast, witness, server)
    desk.close()


@pytest.mark.req("D4", "D9", "L4", "L10", "R1")
def test_what_was_done_is_taken_back_and_explained(site: Site) -> None:
    cast, witness = site.cast, site.witness
    desk, owner, requester, absent = cast.desk, cast.owner, cast.requester, cast.absent

    refused = site.do(requester, "access.grant", person=absent.login, group=cast.group)
    assert refused.outcome is Outcome.REFUSED
    why = site.why(requester, "access.grant", person=absent.login, group=cast.group)
    assert (why.verdict, why.able) == ("denied", (f"{owner.name} ({owner.login})",))
    entry = site.why_entry(requester, refused.entry)
    assert entry.now is not None
    assert entry.now.verdict == "denied"

    asked = site.do(requester, "access.request", group=cast.group)
    granted = site.approve(owner, asked.request)
    assert (granted.outcome, witness.member(requester.login, cast.group)) == (Outcome.DONE, True)
    undone = site.undo(owner, granted.entry)
    assert (undone.outcome, undone.action) == (Outcome.DONE, "access.revoke"), undone
    assert not witness.member(requester.login, cast.group)
    redone = site.undo(owner, undone.entry)
    assert redone.outcome is Outcome.DONE, redone
    assert witness.member(requester.login, cast.group)
    assert site.undo(owner, granted.entry).error is not None

    disabled = site.do(desk, "account.disable", person=absent.login)
    assert (disabled.outcome, witness.enabled(absent.login)) == (Outcome.DONE, False)
    assert site.undo(desk, disabled.entry).outcome is Outcome.DONE
    assert witness.enabled(absent.login)

    before = witness.phone(requester.login)
    changed = site.do(requester, "people.update", phone=cast.phone)
    assert (changed.outcome, witness.phone(requester.login)) == (Outcome.DONE, cast.phone)
    assert site.undo(requester, changed.entry).outcome is Outcome.DONE
    assert witness.phone(requester.login) == before

    told = site.why_entry(requester, undone.entry)
    assert (told.undoes, told.undone_by, told.actor) == (granted.entry, redone.entry, owner.login)
    assert site.desk.audit.verify().ok


@pytest.mark.req("L4")
def test_what_root_changed_since_is_left_as_it_is(site: Site) -> None:
    cast, witness = site.cast, site.witness
    requester = cast.requester
    changed = site.do(requester, "people.update", phone=cast.phone)
    assert changed.outcome is Outcome.DONE
    site.server.modify(witness._dns[requester.login], {"telephoneNumber": [(MODIFY_REPLACE, ["+49 4711"])]})
    result = site.undo(requester, changed.entry)
    assert result.error is not None
    assert (result.outcome, result.error.code) == (Outcome.REFUSED, "moved")
    assert witness.phone(requester.login) == "+49 4711"
