"""The administrator's file wins where it may decide, and nothing goes on when it cannot be trusted."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from helpdesk import platform
from helpdesk.errors import ConfigError
from tests.unit.config_world import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    if os.geteuid() != 0:  # only root can make a file of root's; who owns it is proven with root below
        monkeypatch.setattr(platform, "trusted_owner", lambda path: "")
    return Machine(tmp_path / "machine")


def test_it_wins_over_flags_variables_and_files_in_its_five_sections(machine: Machine) -> None:
    file = machine.manage(
        """
        [directory]
        url = "ldaps://managed.example.com"
        [roles]
        helpdesk = ["managed"]
        [authorization]
        policies = "managed.cedar"
        [llm]
        may_see = []
        [session]
        idle = "5m"
        """
    )
    machine.user(
        """
        [directory]
        url = "ldaps://own.example.com"
        [roles]
        helpdesk = ["own"]
        [authorization]
        policies = "own.cedar"
        [session]
        idle = "1h"
        absolute = "2h"
        """
    )
    config = machine.load(
        {"HELPDESK_SESSION_IDLE": "1h", "HELPDESK_LLM_MAY_SEE": "people"},
        {"directory.url": "ldaps://flag.example.com", "llm.may_see": ["people"]},
    )
    assert config.directory.url == "ldaps://managed.example.com"
    assert config.roles == {"helpdesk": ("managed",)}
    assert config.authorization.policies == file.parent / "managed.cedar"
    assert config.llm.may_see == ()
    assert (config.session.idle, config.session.absolute) == (timedelta(minutes=5), timedelta(hours=2))
    for name in ("directory.url", "roles.helpdesk", "authorization.policies", "llm.may_see", "session.idle"):
        assert config.origin(name) == str(file)


def test_directory_roles_and_rules_are_taken_whole(machine: Machine) -> None:
    """No certificate authority, role or look-up account of the person's own is mixed in."""
    managed = machine.manage('[directory]\nurl = "ldaps://a"\n[roles]\nhelpdesk = "desk"')
    own = machine.user('[directory]\nca_file = "/tmp/own.pem"\n[roles]\nprivileged = "nobody"')
    config = machine.load({"HELPDESK_DIRECTORY_BIND_DN": "cn=me"})
    assert config.directory.ca_file is None
    assert config.directory.bind_dn == ""
    assert config.roles == {"helpdesk": ("desk",)}
    assert config.warnings == (
        f"[directory] from the environment is not used: {managed} decides all of it.",
        f"[directory] from {own} is not used: {managed} decides all of it.",
        f"[roles] from {own} is not used: {managed} decides all of it.",
    )


@pytest.mark.req("R9")
def test_limits_and_services_are_taken_whole(machine: Machine) -> None:
    """Nobody loosens a limit, or gives a script more to do, beside what the administrator wrote."""
    managed = machine.manage(
        '[limits]\nwrong_passwords = 3\n[services.nightly]\nlogin = "svc"\nactions = ["people.find"]'
    )
    own = machine.user(
        "[limits]\nwrong_passwords = 99\nchanges_per_actor = 99999\n"
        '[services.nightly]\nlogin = "svc"\nactions = ["password.reset"]\n'
        '[services.other]\nlogin = "me"\nactions = ["password.reset"]'
    )
    config = machine.load({"HELPDESK_LIMITS_WRONG_PASSWORDS": "99"})
    assert (config.limits.wrong_passwords, config.limits.changes_per_actor) == (3, 2000)
    assert [service.actions for service in config.services.values()] == [("people.find",)]
    assert [warning for warning in config.warnings if str(own) in warning] == [
        f"[limits] from {own} is not used: {managed} decides all of it.",
        f"[services] from {own} is not used: {managed} decides all of it.",
    ]


def test_other_sections_are_not_its_to_decide(machine: Machine) -> None:
    file = machine.manage("[network]\nproxy = 'http://proxy.example.com'")
    config = machine.load()
    assert config.network.proxy == ""
    assert config.warnings == (
        f"{file}: [network] is not used there; that file decides directory, roles, authorization, llm, session, limits, services, log, store, worker, mail, notices, approvals.",
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[directory]\nurll = 'a'", "did you mean url?"),
        ("[sesion]\nidle = '1m'", "nobody knows the section [sesion]; did you mean session?"),
        ("[authorisation]\npolicies = 'a'", "did you mean authorization?"),
        ("idle = '1m'", "stands outside any section"),
        ("[session\n", "is not valid TOML"),
        ("[session]\nidle = 'x'", "[session] idle must be a time"),
    ],
)
def test_a_slip_in_it_is_an_error(machine: Machine, text: str, what: str) -> None:
    machine.manage(text)
    with pytest.raises(ConfigError) as caught:
        machine.load()
    assert what in caught.value.message
    assert str(machine.managed) in caught.value.message


def _others_may_write(file: Path) -> None:
    file.chmod(0o666)


def _group_may_write(file: Path) -> None:
    file.chmod(0o664)


def _folder_open(file: Path) -> None:
    file.parent.chmod(0o777)


def _a_link(file: Path) -> None:
    real = file.with_name("real.toml")
    file.rename(real)
    file.symlink_to(real)


def _dangling_link(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.with_name("nowhere.toml"))


def _someone_elses(file: Path) -> None:
    os.chown(file, 12345, 12345)


def _folder_someone_elses(file: Path) -> None:
    os.chown(file.parent, 12345, 12345)


@pytest.mark.req("S7")
@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can make a file of root's, to spoil one thing at a time"
)
@pytest.mark.parametrize(
    "spoil",
    [
        _others_may_write,
        _group_may_write,
        _folder_open,
        _a_link,
        _dangling_link,
        _someone_elses,
        _folder_someone_elses,
    ],
)
def test_an_untrusted_file_is_refused_and_nothing_goes_on(
    machine: Machine, spoil: Callable[[Path], None]
) -> None:
    file = machine.manage("[session]\nidle = '5m'")
    assert machine.load().session.idle == timedelta(minutes=5)
    spoil(file)
    with pytest.raises(ConfigError, match="cannot be trusted, so nothing is done") as caught:
        machine.load()
    assert caught.value.code == "managed-untrusted"
    assert caught.value.hint


@pytest.mark.req("S7")
def test_a_persons_own_file_in_its_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As any person, root included: an owner who is not root is not trusted."""
    machine = Machine(tmp_path / "machine")
    file = machine.manage("[session]\nidle = '5m'")
    if os.geteuid() == 0:
        os.chown(file, 12345, 12345)
    with pytest.raises(ConfigError, match="is not owned by root"):
        machine.load()


class TestTheDemo:
    """The demo's company keeps to itself: nothing of the real one reaches it, and it reaches nothing."""

    def test_no_setting_of_the_company_reaches_it(self, machine: Machine) -> None:
        machine.manage("[directory]\nurl = 'ldaps://a'\n[roles]\nhelpdesk = 'desk'\n[llm]\nmay_see = []")
        machine.system("[roles]\nprivileged = 'admins'")
        machine.user("[directory]\nkind = 'embedded'\n[roles]\nhelpdesk = 'lamps'", profile="demo")
        config = machine.load({"HELPDESK_DIRECTORY_URL": "ldaps://b"}, profile="demo")
        assert (config.directory.kind, config.directory.url) == ("embedded", "")
        assert config.roles == {"helpdesk": ("lamps",)}
        assert config.llm.may_see == ()

    def test_it_cannot_be_pointed_at_a_real_directory(self, machine: Machine) -> None:
        machine.user("[directory]\nurl = 'ldaps://a'", profile="demo")
        with pytest.raises(ConfigError, match="only works with its own embedded directory"):
            machine.load(profile="demo")
