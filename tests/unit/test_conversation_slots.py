"""Values in sentences: days, reasons, numbers, choices; and what counts as typed."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from helpdesk.conversation.clues import Clues
from helpdesk.conversation.dates import find_date
from helpdesk.conversation.slots import fill
from helpdesk.conversation.vocabulary import DirectoryVocabulary, by_login, group_choices, near_groups
from helpdesk.conversation.words import correction, is_cancel, occurs, stands, without_secrets
from helpdesk.identity import Group
from helpdesk.spec import Parameter
from tests.unit.conversation_specs import SPECS, spec
from tests.unit.conversation_world import GROUPS, person, signed_in

TODAY = date(2026, 11, 24)  # a Tuesday
BY_NAME = {s.name: s for s in SPECS}


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("until 2026-12-01", "2026-12-01"),
        ("until friday", "2026-11-27"),
        ("until Tuesday please", "2026-12-01"),
        ("by next monday", "2026-11-30"),
        ("for 30 days", "2026-12-24"),
        ("for two weeks", "2026-12-08"),
        ("for a month", "2026-12-24"),
        ("for 3 months", "2027-02-24"),
        ("for a year", "2027-11-24"),
        ("until 5 december", "2026-12-05"),
        ("until December 5th", "2026-12-05"),
        ("until the 1st of march", "2027-03-01"),
        ("until 3 May 2027", "2027-05-03"),
        ("until the end of the month", "2026-11-30"),
        ("until the end of the quarter", "2026-12-31"),
        ("until end of year", "2026-12-31"),
        ("until end of the week", "2026-11-29"),
        ("until tomorrow", "2026-11-25"),
        ("2026-02-30", None),
        ("until 99999999-99-99", None),
        ("for 9999 years", None),
        ("may I keep it", None),
        ("friday is fine", None),
        ("", None),
    ],
)
def test_days(words: str, day: str | None) -> None:
    found = find_date(words, TODAY)
    assert (found.isoformat() if found else None) == day


def test_the_last_day_of_a_short_month() -> None:
    assert find_date("for a month", date(2027, 1, 31)) == date(2027, 2, 28)


def filled(action: str, words: str) -> dict[str, object]:
    clues = Clues.of(words, groups=[g.name for g in GROUPS])
    slots = asyncio.run(fill(BY_NAME[action], words, clues, DirectoryVocabulary(signed_in()), TODAY))
    return dict(slots.arguments)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("get me into finance-share for the quarter close", "the quarter close"),
        ("I need finance-share because we close the books", "we close the books"),
        ("access to finance-share so that I can do the audit.", "I can do the audit"),
        ("finance-share for two weeks because of the audit", "the audit"),
        ("finance-share for 30 days", None),
        ("access to finance-share", None),
    ],
)
def test_reasons(words: str, reason: str | None) -> None:
    assert filled("access.request", words).get("reason") == reason


def test_two_people_in_one_sentence_are_not_guessed_between() -> None:
    words = "bo asked me to unlock erik"
    clues = Clues.of(words, people=["bo", "erik"])
    slots = asyncio.run(
        fill(BY_NAME["password.unlock"], words, clues, DirectoryVocabulary(signed_in()), TODAY)
    )
    assert "person" not in slots.arguments
    assert {c.value for c in slots.unsure["person"]} == {"bo", "erik"}


def test_my_own_account_is_the_person_where_one_is_needed() -> None:
    assert filled("password.unlock", "unlock my account") == {"person": "ana"}
    assert filled("password.reset", "reset my password")["person"] == "ana"


MANY = spec(
    "desk.book",
    "Book a desk.",
    Parameter("days", "integer", False, "how many days"),
    Parameter("floor", "choice", True, "which floor", None, ("ground", "first", "second")),
    Parameter("screen", "boolean", False, "with a screen", True),
)


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("book a desk on the first floor for 3 days", {"days": 3, "floor": "first"}),
        ("book a desk, second, two weeks, without screen", {"days": 14, "floor": "second", "screen": False}),
        ("book a desk", {}),
        ("book a desk on the first or second floor", {}),
    ],
)
def test_numbers_choices_and_switches(words: str, arguments: dict[str, object]) -> None:
    slots = asyncio.run(fill(MANY, words, Clues.of(words), DirectoryVocabulary(signed_in()), TODAY))
    assert slots.arguments == arguments


@pytest.mark.req("L2")
@pytest.mark.parametrize(
    ("value", "said", "typed"),
    [
        ("bo", "please unlock Bo's account", True),
        ("bo", "please unlock bob", False),
        ("bo", "bo-admin needs help", False),
        ("finance-share", "into FINANCE-SHARE please", True),
        ("finance-share", "into finance share please", False),
        ("finance-share", "into finance-share-admins", False),
        ("the quarter close", "for the quarter close.", True),
        ("T-12", "what about t-12?", True),
        ("T-1", "what about t-12?", False),
        ("", "anything", False),
        ("…", "… what", False),
        ("bo", "", False),
        ("bо", "unlock bo", False),  # a Cyrillic о
    ],
)
def test_what_counts_as_typed(value: str, said: str, typed: bool) -> None:
    assert occurs(value, said) is typed


@pytest.mark.req("L2")
@pytest.mark.parametrize(
    ("name", "said", "there"),
    [
        ("bo", "please unlock Bo's account", True),
        ("bo", "unlock bo.", True),
        ("bo", "(bo)", True),
        ("bo", "unlock bo.admin", False),
        ("bo", "mail bo@example.org", False),
        ("R&D", "get me into R&D please", True),
        ("Finance Team", "get me into the finance team", True),
        ("Finance  Team", "get me into the finance team", False),
        ("finance-share_", "into finance-share_ please", False),
        ("finance-share.", "into finance-share.", False),
        ("bo\u200b", "unlock bo\u200b", False),
        ("ﬁnance", "into finance", False),
        ("\u212a2", "into k2", False),  # the sign for kelvin
        ("müller", "unlock Müller", True),
        ("", "anything", False),
    ],
)
def test_a_name_stands_only_as_it_is(name: str, said: str, there: bool) -> None:
    assert stands(name, said) is there


@pytest.mark.req("L2")
def test_a_login_inside_somebody_elses_name_is_not_what_was_typed() -> None:
    ines, other = person("ines", "Ines Calloway"), person("calloway", "Mel Calvert")
    both = [ines, other]
    assert by_login(ines, "unlock Ines Calloway", both)
    assert not by_login(other, "unlock Ines Calloway", both)
    assert by_login(other, "unlock calloway", both)
    assert by_login(other, "unlock Ines Calloway and calloway", both)


@pytest.mark.req("L2")
def test_a_choice_in_several_alphabets_says_so() -> None:
    alike = [Group("1", "cn=1", "finance-share"), Group("2", "cn=2", "finance-shаre", "Folders")]
    plain, odd = group_choices(alike)
    assert plain.label == "finance-share"
    assert "several alphabets: cyrillic, latin" in odd.label


def test_near_groups_are_resemblances_only() -> None:
    assert near_groups("finance share", GROUPS)[0].name == "finance-share"
    assert near_groups("zzz yyy", GROUPS) == []


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("no, I meant design-share", "design-share"),
        ("sorry, I meant bo", "bo"),
        ("make it engineering instead", "engineering"),
        ("no, design-share", "design-share"),
        ("design-share", None),
        ("no", None),
        ("I need access", None),
    ],
)
def test_corrections(words: str, value: str | None) -> None:
    assert correction(words) == value


@pytest.mark.parametrize("words", ["cancel", "Never mind!", "forget it", "no, stop", "nevermind, thanks"])
def test_ways_to_cancel(words: str) -> None:
    assert is_cancel(words)


@pytest.mark.parametrize("words", ["cancel my access to x", "stop the printer", "forgot my password", "no"])
def test_words_that_only_begin_like_a_cancel(words: str) -> None:
    assert not is_cancel(words)


@pytest.mark.req("S1")
@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("my password is Tr0ub4dor", "my password is [removed]"),
        ("password: hunter2, please", "password: [removed], please"),
        ('the new password is "pa ss"', "the new password is [removed]"),
        ("my passphrase is “four words with spaces”, see?", "my passphrase is [removed], see?"),
        ("pw: Tr0ub4dor and pwd=Tr0ub4dor", "pw: [removed] and pwd=[removed]"),
        ("my password: does it expire?", "my password: does it expire?"),
        ("my password is wrong", "my password is wrong"),
        ("my password is expired", "my password is expired"),
        ("reset the password of bo", "reset the password of bo"),
        ("my PIN = 4711", "my PIN = [removed]"),
    ],
)
def test_typed_passwords_are_removed(words: str, kept: str) -> None:
    assert without_secrets(words) == kept
