"""Where ``--reveal-to`` may lead: what the caller opened, or a new file, and never to a file of our own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpdesk.errors import UsageError
from helpdesk.secrets import Secret
from helpdesk.surfaces.reveal import Target
from tests.surfaces.company import PASSWORDS, Company

RESET = ("do", "password.reset", "ana", "--yes")


@pytest.mark.req("S4", "S5")
def test_a_descriptor_that_nobody_opened_is_none_of_ours_either(company: Company) -> None:
    """A database of the program's own has one of these numbers by the time the secret is written."""
    for number in range(3, 13):
        ran = company.run_as("bo", "--json", *RESET, "--reveal-to", f"fd:{number}")
        assert (ran.code, ran.document["outcome"]) == (2, "usage"), (number, ran.out, ran.err)
        assert "not open" in ran.err
    assert company.accepts("ana", PASSWORDS["ana"]) == "yes"
    assert company.run("log", "verify").code == 0


@pytest.mark.req("S4")
@pytest.mark.parametrize(
    "text", ["fd:", "fd:x", "fd:0", "fd:1", "fd:2", "fd:-3", "fd:³", "fd:99999999999999999999"]
)
def test_what_is_no_descriptor_of_the_callers_own_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Target(text).open()


@pytest.mark.req("S4")
def test_a_descriptor_for_reading_only_is_refused_and_left_alone() -> None:
    read, write = os.pipe()
    with pytest.raises(UsageError, match="reading only"):
        Target(f"fd:{read}").open()
    os.write(write, b"x")
    assert os.read(read, 1) == b"x"
    os.close(read)
    os.close(write)


@pytest.mark.req("S4")
def test_the_place_stays_the_callers_whatever_its_number_is_by_then(tmp_path: Path) -> None:
    read, write = os.pipe()
    target = Target(f"fd:{write}")
    other = os.open(tmp_path / "a database", os.O_RDWR | os.O_CREAT)
    os.dup2(other, write)  # the number names something else now
    target.write(Secret("canary"))
    target.close()
    assert os.read(read, 100) == b"canary\n"
    assert (tmp_path / "a database").read_bytes() == b""
    for descriptor in (read, write, other):
        os.close(descriptor)


@pytest.mark.req("S7")
def test_a_file_that_takes_the_name_meanwhile_gets_no_secret(tmp_path: Path) -> None:
    place = tmp_path / "secret"
    target = Target(str(place))
    target.open()
    place.rename(tmp_path / "moved")
    place.write_bytes(b"")
    target.write(Secret("canary"))
    target.close()
    assert place.read_bytes() == b""
    assert (tmp_path / "moved").read_bytes() == b"canary\n"
