"""The lists that the shell completes from: private, bounded, dated, and free of what could harm a screen."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from helpdesk.actions.words import GROUPS, KEPT_DAYS, PEOPLE, Words
from helpdesk.events import Outcome, Result
from helpdesk.spec import ActionSpec, Parameter


def spec(name: str, plugin: str, *parameters: Parameter) -> ActionSpec:
    return ActionSpec(name, plugin, "1", "Does it.", "", "low", False, "desk", parameters)


GRANT = spec(
    "badge.grant",
    "badge",
    Parameter("person", "login", True),
    Parameter("zone", "choice", True, choices=("lab", "roof")),
    Parameter("group", "group", False),
    Parameter("night", "boolean", False),
    Parameter("pin", "secret", False),
)


@pytest.mark.req("CLI-32")
def test_a_sites_own_action_is_listed_with_its_values_and_flags(tmp_path: Path) -> None:
    words = Words(tmp_path)
    words.actions([GRANT, spec("password.reset", "password")])
    assert words.read("actions")[1] == ["badge.grant", "password.reset"]
    assert words.read("flags.badge.grant")[1] == [
        ". people",
        ". choice:lab|roof",
        "--person people",
        "--zone choice:lab|roof",
        "--group groups",
        "--night switch",
        "--no-night switch",
        "--pin-file files",
    ]
    assert not (words.folder / "flags.password.reset").exists()  # the script knows it
    words.actions([])
    assert not (words.folder / "flags.badge.grant").exists()


@pytest.mark.req("S7")
def test_the_lists_are_private_and_dated(tmp_path: Path) -> None:
    words = Words(tmp_path / "cache")
    words.people(["ana"])
    assert stat.S_IMODE((words.folder / "people").stat().st_mode) == 0o600
    assert stat.S_IMODE(words.folder.stat().st_mode) == 0o700
    assert abs(words.read("people")[0] - time.time()) < 60


def test_what_a_result_named_and_found_is_kept(tmp_path: Path) -> None:
    words = Words(tmp_path)
    arguments = {"person": "ana", "group": "vpn", "zone": "lab"}
    data = [{"login": "bo", "groups": ["staff"]}, {"group": "finance"}, "text"]
    words.saw(Result(Outcome.DONE, "badge.grant", "Done.", arguments, data=data), GRANT)
    assert words.read("people")[1] == ["ana", "bo"]
    assert words.read("groups")[1] == ["vpn", "staff", "finance"]


def test_a_list_holds_so_many_names_and_the_latest_stay(tmp_path: Path) -> None:
    words = Words(tmp_path)
    words.people(f"p{i}" for i in range(PEOPLE))
    words.people(["late", "p3"])
    kept = words.read("people")[1]
    assert len(kept) == PEOPLE
    assert kept[-2:] == ["late", "p3"]
    assert "p0" not in kept
    words.groups(f"g{i}" for i in range(GROUPS + 5))
    assert len(words.read("groups")[1]) == GROUPS


@pytest.mark.req("T1")
@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31m", "\u202eana", "--yes", "#x", " ana", "x" * 200, ""])
def test_a_name_that_could_do_something_is_left_out(tmp_path: Path, name: str) -> None:
    words = Words(tmp_path)
    words.people([name, "ana"])
    assert words.read("people")[1] == ["ana"]


def test_names_not_seen_for_long_are_gone(tmp_path: Path) -> None:
    words = Words(tmp_path)
    words.people(["old"])
    file = words.folder / "people"
    file.write_text(f"# {int(time.time()) - (KEPT_DAYS + 1) * 86400}\nold\n")
    words.people(["new"])
    assert words.read("people")[1] == ["new"]


def test_a_list_that_is_fresh_and_complete_is_not_written_again(tmp_path: Path) -> None:
    words = Words(tmp_path)
    words.people(["ana", "bo"])
    before = (words.folder / "people").stat().st_ino
    words.people(["ana"])
    assert (words.folder / "people").stat().st_ino == before


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "words").symlink_to(tmp_path / "elsewhere")
    Words(tmp_path).people(["ana"])
    assert not (tmp_path / "elsewhere").exists()
