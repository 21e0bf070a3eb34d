"""What a ticket says: who asks, the matter in their words, and what was said and tried before."""

from __future__ import annotations

import hashlib

from helpdesk.plugin import InvalidArgument, Person

LONGEST_SUBJECT = 200
LONGEST_CASE = 60_000
"""Characters of a conversation; of a longer one the end is kept, where it broke off."""
_CONVERSATION = "── The conversation so far, and what was tried ──"


def one_line(subject: str) -> str:
    """The subject on one line. Raises InvalidArgument when it is too long for one."""
    line = " ".join(subject.split())
    if len(line) > LONGEST_SUBJECT:
        raise InvalidArgument(
            f"The subject is longer than {LONGEST_SUBJECT} characters.",
            hint="Say it in a few words, and the rest with --body.",
        )
    return line


def whole_body(requester: Person, body: str, case: str) -> str:
    """The text of a ticket. The queue knows its requester by an id, so the name stands in the text."""
    parts = [f"From {name_of(requester)}", body.strip()]
    if case.strip():
        cut = case if len(case) <= LONGEST_CASE else "…" + case[-LONGEST_CASE:]
        parts += [_CONVERSATION, cut.strip()]
    return "\n\n".join(part for part in parts if part)


def name_of(person: Person) -> str:
    """How people read a person's name in the queue."""
    return f"{person.name} ({person.login})" + (f", {person.mail}" if person.mail else "")


def mark(text: str) -> str:
    """A fingerprint by which a text is known again, however a queue keeps its white space."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
