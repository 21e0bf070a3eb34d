"""A server's result codes as the errors of the port, in plain sentences."""

from __future__ import annotations

from typing import NoReturn

from helpdesk.connectors.ldap.messages import Answer
from helpdesk.errors import Failed, PasswordRejected, Refused, Stale, Unreachable
from helpdesk.identity import PasswordRules
from helpdesk.text import shorten

OK = 0
SIZE_LIMIT = 4
NO_SUCH_ATTRIBUTE = 16
CONSTRAINT = 19
ALREADY_THERE = 20
NO_SUCH_ENTRY = 32
BAD_SYNTAX = 34
INAPPROPRIATE = 48
WRONG_CREDENTIALS = 49
NO_RIGHT = 50
UNWILLING = 53
CLASS_VIOLATION = 65
ENTRY_EXISTS = 68
ASSERTION_FAILED = 122

NOT_THE_SAME = "The account {} is no longer the one it was."


def said(answer: Answer) -> str:
    """The server's own words with its code, for the sentence's end; untrusted, so shortened and made visible."""
    words = shorten(answer.message.strip(" \0\n"), 120)
    return f"code {answer.code}" + (f", {words}" if words else "")


def refuse(answer: Answer, what: str, subject: str = "", *, group: bool = False) -> NoReturn:
    """Raise what a refused operation means.

    Args:
        what: what was tried, as the end of "you may not …".
        subject: the account or group that was to change, for :class:`Stale`.
        group: it was a group, which its owners may change.
    """
    code = answer.code
    if code == NO_RIGHT:
        raise Refused(
            f"The directory does not let you {what}.",
            hint=f"Somebody with that right can: {'an owner of the group' if group else 'the service desk'}.",
            code="directory-rights",
        )
    if code in {ASSERTION_FAILED, NO_SUCH_ENTRY}:
        raise Stale(NOT_THE_SAME.format(subject or "entry"), hint="Look again, then decide.")
    if code in {51, 52}:
        raise Unreachable("The directory is too busy to answer.", hint="Try again in a minute.")
    if code == 10:
        raise Failed(
            "This server of the directory takes no changes; it names another one, which is not followed.",
            hint="Set [directory] url to the server that takes changes.",
        )
    raise Failed(f"The directory refused to {what}: {said(answer)}.", hint="Show this to its administrators.")


def reject(answer: Answer, rules: PasswordRules, again: str = "") -> NoReturn:
    """Raise why a new password was not accepted.

    Args:
        again: when it may be changed, as people say it.
    """
    start = "The password was not accepted"
    error = answer.policy.error
    if error == "too-short":
        least = f": at least {rules.min_length} characters" if rules.min_length else ""
        raise PasswordRejected(f"{start}, too short{least}.", hint="Choose a longer one.")
    if error == "in-history":
        some = f": the last {rules.history} do not come back" if rules.history else ""
        raise PasswordRejected(f"{start}, used before{some}.", hint="Choose one that is new.")
    if error == "too-young":
        when = f": you may change it again after {again}" if again else ""
        raise PasswordRejected(
            f"{start}, too soon after the last change{when}.",
            hint="The service desk can set a temporary one before that.",
        )
    if error == "rules":  # Active Directory does not say which one
        least = f" (at least {rules.min_length} characters)" if rules.min_length else ""
        raise PasswordRejected(
            f"{start}: too short{least}, too simple, used before, or changed too recently{f' (until {again})' if again else ''}.",
            hint="Choose a longer one that is new, with letters, digits and signs.",
        )
    if error == "bad-quality":
        raise PasswordRejected(f"{start}: it is too simple.", hint="Mix letters, digits and signs.")
    if error == "too-long":
        raise PasswordRejected(f"{start}, too long.", hint="Choose a shorter one.")
    if error == "no-change-allowed":
        raise PasswordRejected(
            "The directory's rules do not let this password be changed.", hint="Ask the service desk."
        )
    if error == "must-supply-old" or answer.code == WRONG_CREDENTIALS:
        raise PasswordRejected(
            f"{start}: the present password is no longer the one you signed in with.",
            hint="Sign in again: helpdesk login",
        )
    if answer.code in {CONSTRAINT, UNWILLING}:
        raise PasswordRejected(f"{start}: {said(answer)}.", hint="Choose another one.")
    refuse(answer, "set this password")
