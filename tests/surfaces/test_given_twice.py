"""One value in two places is a mistake that is named, whichever places they are."""

from __future__ import annotations

import pytest

from tests.surfaces.company import Company
from tests.surfaces.inside import inside


@pytest.mark.req("CLI-20")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("password.unlock", "bo", "--person", "mia"), "person was given twice: 'bo' after"),
        (("access.grant", "bo", "finance-share", "--person=mia"), "person was given twice: 'bo' after"),
        (
            ("access.grant", "bo", "--group=a", "finance-share"),
            "group was given twice: 'finance-share' after",
        ),
        (("password.unlock", "--person", "bo", "--person=mia"), "--person was given twice."),
        (("people.update", "--phone=1", "--phone=2", "--phone=3"), "--phone was given 3 times."),
    ],
)
def test_a_value_that_was_given_twice_is_called_that(
    words: tuple[str, ...], says: str, company: Company
) -> None:
    """The last one never wins in silence: a script that names two people changes neither."""
    for command in ("do", "why") if words[0] != "people.update" else ("do",):
        ran = inside(company, "--json", command, *words)
        assert ran.code == 2
        assert ran.document["error"]["code"] == "given-twice"
        assert ran.document["message"].startswith(says)
        assert "once" in ran.document["error"]["hint"]


def test_one_value_too_many_is_called_that_where_no_flag_was_given(company: Company) -> None:
    ran = inside(company, "do", "password.unlock", "bo", "mia")
    assert ran.code == 2
    assert "password.unlock takes no further value 'mia'" in ran.err
