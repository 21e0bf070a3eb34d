"""The shipped actions as specs, with example phrases written for these tests alone."""

from __future__ import annotations

from typing import Any

from helpdesk.spec import ActionSpec, Parameter

PERSON = Parameter("person", "login", True, "whose account")
GROUP = Parameter("group", "group", True, "which group")
TICKET = Parameter("id", "text", True, "the ticket's number")


def spec(name: str, summary: str, *parameters: Parameter, reads: bool = False, **more: Any) -> ActionSpec:
    return ActionSpec(
        name=name,
        plugin=name.partition(".")[0],
        plugin_version="1",
        summary=summary,
        description=more.pop("description", ""),
        risk=more.pop("risk", "low"),
        reads=reads,
        about=more.pop("about", "desk"),
        parameters=parameters,
        **more,
    )


DIRECTORY = ("directory",)
SPECS: tuple[ActionSpec, ...] = (
    spec(
        "password.change",
        "Choose a new password for your own account.",
        Parameter("new", "secret", True, "the new password"),
        about="self",
        needs=DIRECTORY,
        while_must_change=True,
        examples=("change my password", "I want to choose another password"),
    ),
    spec(
        "password.reset",
        "Give someone a temporary password, which they must change at the next sign-in.",
        PERSON,
        Parameter("unlock", "boolean", False, "lift the lock too", True),
        about="person",
        risk="high",
        needs=DIRECTORY,
        reveals=True,
        examples=("reset the password of omar", "omar does not know his password any more"),
    ),
    spec(
        "password.unlock",
        "Lift the lock that too many wrong passwords put on an account.",
        PERSON,
        about="person",
        needs=DIRECTORY,
        examples=("unlock omar", "omar is locked"),
    ),
    spec(
        "password.status",
        "Say whether an account is locked, and when its password expires.",
        Parameter("person", "login", False, "whose account; your own when left out"),
        reads=True,
        about="self",
        needs=DIRECTORY,
        examples=("why am I locked out", "when must I change my password", "is omar locked"),
    ),
    spec(
        "account.disable",
        "Disable an account, so that nobody can sign in with it.",
        PERSON,
        Parameter("reason", "text", False, "why"),
        about="person",
        risk="high",
        needs=DIRECTORY,
        examples=("disable omar", "omar has left"),
    ),
    spec(
        "account.enable",
        "Enable a disabled account again.",
        PERSON,
        about="person",
        risk="high",
        needs=DIRECTORY,
        examples=("enable omar", "omar has returned"),
    ),
    spec(
        "access.list",
        "List the groups a person is in, and so what they can reach.",
        Parameter("person", "login", False, "whose groups; your own when left out"),
        reads=True,
        needs=DIRECTORY,
        examples=("my groups", "which groups is omar in"),
    ),
    spec(
        "access.request",
        "Ask for access to a group for yourself; its owner decides.",
        GROUP,
        Parameter("reason", "text", False, "what you need it for"),
        Parameter("until", "date", False, "last day of the access"),
        about="group",
        needs=DIRECTORY,
        examples=("I need access to lab-share", "get me into lab-share for the audit"),
    ),
    spec(
        "access.grant",
        "Add a person to a group.",
        PERSON,
        GROUP,
        Parameter("reason", "text", False, "what they need it for"),
        about="group",
        needs=DIRECTORY,
        examples=("add omar to lab-share", "give omar access to lab-share"),
    ),
    spec(
        "access.revoke",
        "Take a person out of a group.",
        PERSON,
        GROUP,
        about="group",
        needs=DIRECTORY,
        examples=("remove omar from lab-share", "omar must not reach lab-share any more"),
    ),
    spec(
        "policy.search",
        "Find what the company's policies say, with file, heading and line.",
        Parameter("question", "text", True, "the question"),
        reads=True,
        examples=("what does the policy say about visitors", "how long are backups kept"),
    ),
    spec(
        "policy.show",
        "Show a whole policy document.",
        Parameter("document", "text", True, "its file name or title"),
        reads=True,
        examples=("show the visitor policy", "read the whole backup policy"),
    ),
    spec(
        "ticket.open",
        "Open a ticket for people of the service desk.",
        Parameter("subject", "text", True, "what it is about, in a few words"),
        Parameter("body", "text", False, "the details", ""),
        needs=("tickets",),
        examples=("open a ticket: the lift is stuck", "my keyboard is broken"),
    ),
    spec(
        "ticket.comment",
        "Add a comment to a ticket.",
        TICKET,
        Parameter("text", "text", True, "the comment"),
        needs=("tickets",),
        examples=("add to ticket T-1: it is urgent",),
    ),
    spec(
        "ticket.status",
        "Say how a ticket stands, or list yours.",
        Parameter("id", "text", False, "the ticket's number; all of yours when left out"),
        reads=True,
        needs=("tickets",),
        examples=("how does ticket T-1 stand", "my open tickets"),
    ),
    spec("ticket.close", "Close a ticket.", TICKET, needs=("tickets",), examples=("close ticket T-1",)),
    spec(
        "ticket.reopen",
        "Open a closed ticket again.",
        TICKET,
        needs=("tickets",),
        examples=("reopen ticket T-1", "T-1 is not solved after all, open it again"),
    ),
    spec(
        "people.whoami",
        "Say who you are signed in as.",
        reads=True,
        about="self",
        needs=DIRECTORY,
        examples=("who am I",),
    ),
    spec(
        "people.find",
        "Find a person by name, login or mail.",
        Parameter("words", "text", True, "a part of the name"),
        reads=True,
        needs=DIRECTORY,
        examples=("who is omar", "find omar", "the phone number of omar"),
    ),
    spec(
        "people.update",
        "Change your own contact data: phone, mail or job title.",
        Parameter("phone", "text", False, "telephone number"),
        Parameter("mail", "text", False, "mail address"),
        Parameter("title", "text", False, "job title"),
        about="self",
        needs=DIRECTORY,
        examples=("my phone number is now 555 1234", "update my job title"),
    ),
)
