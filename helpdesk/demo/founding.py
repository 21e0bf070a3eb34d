"""Founding the company: its own profile with its own files, found again later, or begun anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from helpdesk.app import Desk
from helpdesk.app.embedded import NewGroup, NewPerson, embedded_directory, fill
from helpdesk.app.parts import utc_now
from helpdesk.config import LlmSettings
from helpdesk.config.load import DEMO
from helpdesk.demo.company import ADMINISTRATORS, AUDITORS, EMPLOYEES, NAME, SERVICE_DESK, TEAMS, policies
from helpdesk.demo.lockout import lock_out
from helpdesk.errors import Failed, HelpdeskError, Refused
from helpdesk.platform import Paths, paths, read_private, write_private
from helpdesk.ports import Clock, Directory

_MARK = "demo.json"
_MARKED = {"company": NAME}


@dataclass(frozen=True, slots=True)
class Company:
    """The demo's company on this machine.

    Attributes:
        new: it was founded just now.
        clock: now, in UTC.
    """

    places: Paths
    environ: Mapping[str, str]
    new: bool
    clock: Clock = utc_now

    @property
    def policies(self) -> Path:
        return self.places.config / "policies"

    def desk(self) -> Desk:
        """A desk of its own for everyone, without a language model whatever the site has."""
        opened = Desk.open(profile=DEMO, environ=self.environ)
        return Desk(replace(opened.config, llm=LlmSettings()), opened.paths, self.clock)

    def lock_out(self, login: str) -> None:
        """Have somebody mistype their password until the directory locks the account. Raises OutcomeUnknown."""
        directory = self.directory()
        try:
            lock_out(directory, login)
        finally:
            directory.close()

    def directory(self) -> Directory:
        """Its directory, opened anew, past every desk."""
        return embedded_directory(self.places, self.clock)


def found(environ: Mapping[str, str], *, keep_sessions: bool = True, clock: Clock = utc_now) -> Company:
    """Found the company in the profile "demo", or find it there.

    Args:
        keep_sessions: a sign-in may be kept in the system's keyring. clock: now, in UTC.

    Raises:
        Failed: the profile is somebody's own, or its files cannot be written.
    """
    places = paths(DEMO, environ)
    if not _is_marked(places):
        _ensure_free(places)
        write_private(places.state / _MARK, json.dumps(_MARKED).encode())
    if not places.config_file.exists():
        write_private(places.config_file, _configuration(keep_sessions).encode())
    for name, content in policies():
        if not (places.config / "policies" / name).exists():
            write_private(places.config / "policies" / name, content)
    people = [
        NewPerson(
            one.login,
            one.name,
            one.password,
            mail=one.mail,
            employee_number=one.number,
            phone=one.phone,
            title=one.title,
        )
        for one in EMPLOYEES
    ]
    groups = [NewGroup(team.name, team.description, team.owners, team.members) for team in TEAMS]
    return Company(places, environ, fill(places, clock, people, groups, SERVICE_DESK), clock)


def take_down(environ: Mapping[str, str]) -> bool:
    """Delete the company with everything that was done in it; false when there was none.

    Raises:
        Failed: the profile is somebody's own, a kept password stays in the keyring, or a file cannot be deleted.
    """
    places = paths(DEMO, environ)
    if not _is_marked(places):
        _ensure_free(places)
        return False
    _forget_session(environ)
    for folder in (places.cache, places.config, places.state):  # the mark goes last
        try:
            if folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            raise Failed(
                f"{folder} cannot be deleted: {error.strerror or error}.", hint="Delete it by hand."
            ) from error
    return True


def temporary(folder: Path) -> dict[str, str]:
    """An environment in which every file lies below ``folder``: nobody's own company is touched."""
    return {
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_CONFIG_DIRS": str(folder / "none"),
        "LOCALAPPDATA": str(folder / "local"),
        "APPDATA": str(folder / "roaming"),
    }


def require_demo(desk: Desk) -> None:
    """Raises Refused unless this is a desk of the demo's own company (L5)."""
    own = desk.paths.profile == DEMO and desk.config.directory.kind == "embedded"
    if not own or not _is_marked(desk.paths):
        raise Refused("The demo's people answer in the demo's own company only.", rule="demo-company")


def _forget_session(environ: Mapping[str, str]) -> None:
    """A broken configuration must not keep the company from being taken down; a password that stays must."""
    try:
        desk = Desk.open(profile=DEMO, environ=environ)
    except HelpdeskError:
        return
    desk.sessions.forget()


def _is_marked(places: Paths) -> bool:
    try:
        return bool(json.loads(read_private(places.state / _MARK)) == _MARKED)
    except FileNotFoundError:
        return False
    except ValueError:
        return False


def _ensure_free(places: Paths) -> None:
    for taken in (places.config_file, places.state / "directory.db"):
        if taken.exists() or taken.is_symlink():
            raise Failed(
                f"{taken} is there and was not made by helpdesk demo, so it is left alone.",
                hint="Move it away, then run: helpdesk demo",
                code="demo-taken",
            )


def _configuration(keep_sessions: bool) -> str:
    return f"""# The company of "helpdesk demo". Change what you like; helpdesk demo --reset begins anew.
[directory]
kind = "embedded"

[roles]
helpdesk = ["{SERVICE_DESK}"]
privileged = ["{ADMINISTRATORS}"]
auditor = ["{AUDITORS}"]

[policy]
sources = ["policies"]

[requests]
shared = true

[session]
store = "{"keyring" if keep_sessions else "none"}"
"""
