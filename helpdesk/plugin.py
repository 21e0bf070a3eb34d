"""The only module that a plugin author imports.

One typed function is the whole definition of an action. From its signature come the command with its
flags and help, the tool a model may propose, the form, and the step of a workflow::

    plugin = Plugin("coffee", needs=("directory",))

    @plugin.action(risk=Risk.LOW, examples=("brew me a coffee",))
    async def brew(ctx: Context, strength: Literal["mild", "strong"] = "mild") -> str:
        \"\"\"Start the machine on your floor.\"\"\"

    @brew.preview
    async def _(ctx: ReadContext, strength: str = "mild") -> Preview: ...

    @brew.verify
    async def _(ctx: ReadContext, strength: str = "mild") -> list[Observation]: ...

The program confirms, logs, deadlines and reads back; an author cannot forget to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Generic, Literal, NewType, TypeVar

from helpdesk.errors import (
    Ambiguous,
    Failed,
    HelpdeskError,
    InvalidArgument,
    NotFound,
    Refused,
    Stale,
    Unreachable,
)
from helpdesk.events import Change, Citation, Observation
from helpdesk.handles import ReadDirectory, ReadMail, ReadTickets, WriteDirectory, WriteMail, WriteTickets
from helpdesk.identity import AccountStatus, Actor, Group, PasswordRules, Person
from helpdesk.mail import State as LetterState
from helpdesk.ports import Ticket
from helpdesk.secrets import Secret, temporary_password
from helpdesk.staffing import LEFT, NewPerson
from helpdesk.text import Untrusted, local_time, shorten, visible

__all__ = [
    "API_VERSION",
    "LEFT",
    "NOT_YET",
    "ONLY_TAKEN",
    "AccountStatus",
    "Action",
    "Actor",
    "Ambiguous",
    "Answer",
    "Change",
    "Citation",
    "Context",
    "Failed",
    "Group",
    "GroupName",
    "HelpdeskError",
    "InvalidArgument",
    "LetterState",
    "Login",
    "NewPerson",
    "NotFound",
    "NotYet",
    "Observation",
    "Opposite",
    "PasswordRules",
    "Person",
    "Plugin",
    "Preview",
    "ReadContext",
    "Refused",
    "Risk",
    "Secret",
    "Stale",
    "Ticket",
    "Unreachable",
    "Untrusted",
    "local_time",
    "shorten",
    "visible",
]

API_VERSION: Final = 1

Login = NewType("Login", str)
"""A person's login name; completed and checked against the directory before an action sees it."""

GroupName = NewType("GroupName", str)
"""A group's name; completed and checked against the directory before an action sees it."""


class Risk(StrEnum):
    """How much harm a mistake does. ``HIGH`` asks for a fresh sign-in (R8)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Preview:
    """What an action would do, read from the live system.

    Attributes:
        summary: one sentence for the confirmation; no change at all means that there is nothing to do.
        state: facts that ``verify`` compares with, kept in the log's intent so that an interrupted
            action can still be read back; they are part of what the confirmation binds.
    """

    summary: str
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    state: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a read found: a sentence, its data for scripts, and its source as receipt."""

    message: str
    data: Any = None
    receipt: tuple[Observation, ...] = ()
    citations: tuple[Citation, ...] | None = None


@dataclass(frozen=True, slots=True)
class Opposite:
    """A call that takes a done one back. It goes through the door like any call: with every right asked again.

    Attributes:
        action: one of the same plugin's actions, in full ("access.revoke").
        arguments: plain values by name; people and groups are those of the call that is taken back,
        ids: and others that its preview's state named: each name with the id that it stood for.
    """

    action: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)


class NotYet:
    """The system took the change, but its effect cannot be read back yet; verify will be asked again."""


NOT_YET: Final = NotYet()
ONLY_TAKEN: Final = NotYet()
"""The system took it, and nobody can ever read it back there: verify is not asked again."""


@dataclass(slots=True)
class ReadContext:
    """What previews, read-backs and read-only actions get.

    Attributes:
        actor: who the action is for: the person who asked, also when an approver carries it out.
        directory: look-ups with the rights of whoever is bound.
        tickets: the ticket queue. mail: what is known of letters.
        key: the call's idempotency key.
        settings: the plugin's section of the configuration.
        cache_dir: a private folder for what can be rebuilt.
        case: what a handoff may carry: the conversation so far, redacted.
        before: in ``verify`` and ``undo``, the preview that was confirmed.
        receipt: in ``undo``, what was read back when it was done; it still is what is there.
        result: in ``verify``, what the action returned; ``None`` after a crash.
        new_secret: in ``verify``, the secret the action generated or was given; ``None`` after a crash.
        begun: in ``verify`` after a crash, when the interrupted action was logged; otherwise ``None``.
        accepts: whether a just-set password opens an account: the read-back of a reset.
    """

    actor: Actor
    directory: ReadDirectory
    tickets: ReadTickets
    key: str
    settings: Mapping[str, Any]
    cache_dir: Path
    now: Callable[[], datetime]
    accepts: Callable[[Person, Secret], Awaitable[Literal["yes", "must-change", "no"]]]
    report: Callable[[str], None]
    case: str = ""
    before: Preview | None = None
    receipt: tuple[Observation, ...] = ()
    result: Any = None
    new_secret: Secret | None = None
    begun: datetime | None = None
    mail: ReadMail = field(default_factory=lambda: ReadMail(None))

    def progress(self, text: str) -> None:
        """Tell the person what is going on, in a few words."""
        self.report(text)


@dataclass(slots=True)
class Context(ReadContext):
    """What an action gets while it is carried out.

    ``directory``, ``tickets`` and ``mail`` may write here; secrets leave through :meth:`reveal_once` only. ``request`` is the
    id of the approved request that it fulfils, or "".
    """

    directory: WriteDirectory
    tickets: WriteTickets
    request: str = ""
    revealed: list[tuple[Secret, str]] = field(default_factory=list)
    mail: WriteMail = field(default_factory=lambda: WriteMail(None))

    def new_password(self) -> Secret:
        """A temporary password from the operating system's generator (S4)."""
        self.new_secret = temporary_password()
        return self.new_secret

    def reveal_once(self, secret: Secret, label: str) -> None:
        """Hand a secret to the program, which shows it to the person once the outcome is known."""
        self.revealed.append((secret, label))


# ── definitions ───────────────────────────────────────────────────────────────────────────────

Function = Callable[..., Any]
_F = TypeVar("_F", bound=Function)

About = Literal["self", "person", "group", "desk"]
"""What authorization decides about: the actor's own account, the argument ``person``, ``group``, or neither."""

Allow = Literal["anyone", "helpdesk"]
"""An author's default and upper bound; the site's policy may tighten it and never loosen it."""


@dataclass(slots=True)
class Action(Generic[_F]):
    """One action of a plugin: the function, and beside it how to preview it and read it back."""

    name: str
    function: _F
    risk: Risk
    reads: bool
    examples: tuple[str, ...]
    about: About | None
    allow: Allow | None
    while_must_change: bool
    reveals: bool
    irreversible: bool
    no_undo: str = ""
    time_bound: bool = False
    preview_function: Function | None = None
    verify_function: Function | None = None
    undo_function: Function | None = None

    def preview(self, function: _F2) -> _F2:
        """Read what would change. Required for everything that writes."""
        self.preview_function = function
        return function

    def verify(self, function: _F2) -> _F2:
        """Read the effect back from the system of record. Required for everything that writes."""
        self.verify_function = function
        return function

    def undo(self, function: _F2) -> _F2:
        """Say how it is taken back: an :class:`Opposite`, or several, done in their order.

        It gets the arguments of the logged call, and in the context the state before and the receipt.
        """
        self.undo_function = function
        return function


_F2 = TypeVar("_F2", bound=Function)


class Plugin:
    """A set of actions that share a name.

    Args:
        name: the first half of every action's name; also the plugin's section of the configuration.
        needs: the systems its actions use ("directory", "tickets").
        version: goes into sealed requests: a request made with another version is not carried out.
        api: the version of this module that the plugin was written for.
        workflows: a folder of workflow files (``*.yaml``) that come with it; each becomes an action.
    """

    def __init__(
        self,
        name: str,
        *,
        needs: tuple[str, ...] = (),
        version: str = "1",
        api: int = API_VERSION,
        workflows: Path | None = None,
    ) -> None:
        self.name = name
        self.needs = needs
        self.version = version
        self.api = api
        self.workflows = workflows
        self.actions: dict[str, Action[Any]] = {}

    def action(
        self,
        *,
        name: str = "",
        risk: Risk = Risk.LOW,
        reads: bool = False,
        examples: tuple[str, ...] = (),
        about: About | None = None,
        allow: Allow | None = None,
        while_must_change: bool = False,
        reveals: bool = False,
        irreversible: bool = False,
        no_undo: str = "",
        time_bound: bool = False,
    ) -> Callable[[_F], Action[_F]]:
        """Define an action.

        Args:
            name: the second half of its name; the function's own when left out.
            risk: see :class:`Risk`.
            reads: it changes nothing; it is not previewed, confirmed or read back.
            examples: phrases people use to ask for it; they route words to the action.
            about: what authorization decides about; found from the arguments when left out.
            allow: who may, unless the site's policy says less; ``None`` leaves it to the site's policy.
            while_must_change: open to someone who must choose a new password first.
            reveals: it generates a secret, which needs a safe place to go before anything changes.
            irreversible: the person types the target's name to confirm.
            no_undo: why there is no undo, for whoever asks: "the old password is known to nobody".
            time_bound: what it gives can end by itself. It takes ``days: int | None = None`` and
                ``until: date | None = None``, which the program looks after: at the end it runs the one call that
                ``undo`` names. The action itself ignores them.
        """

        def define(function: _F) -> Action[_F]:
            short = name or function.__name__.rstrip("_")
            action = Action(
                name=f"{self.name}.{short}",
                function=function,
                risk=risk,
                reads=reads,
                examples=examples,
                about=about,
                allow=allow,
                while_must_change=while_must_change,
                reveals=reveals,
                irreversible=irreversible,
                no_undo=no_undo,
                time_bound=time_bound,
            )
            if action.name in self.actions:
                raise ValueError(f"{action.name} is defined twice")
            self.actions[action.name] = action
            return action

        return define
