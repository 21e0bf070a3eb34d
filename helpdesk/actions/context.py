"""What plugin code is handed: the same systems, open for reading or, while carrying out, for writing."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from helpdesk.actions.prepare import Prepared
from helpdesk.errors import HelpdeskError, PluginFailure, Unreachable
from helpdesk.events import Change, Observation
from helpdesk.handles import ReadDirectory, ReadMail, ReadTickets, WriteDirectory, WriteMail, WriteTickets
from helpdesk.identity import Actor, Person
from helpdesk.lanes import waited
from helpdesk.mail import Mail
from helpdesk.plugin import (
    Context,
    Preview,
    ReadContext,
)
from helpdesk.ports import Clock, Directory, DirectoryReader, DirectorySession, Tickets
from helpdesk.secrets import Secret

if TYPE_CHECKING:
    from helpdesk.actions.ending import Ending


@dataclass(slots=True)
class Systems:
    """The systems that plugin code may reach, and where it finds its own settings.

    Attributes:
        password_set: told whose password was set anew, or whose lock was lifted, once the directory took it; it
            raises nothing.
        ending: looks after what ends by itself. mail: ``None`` where none is configured.
    """

    directory: Directory
    tickets: Tickets
    clock: Clock
    settings: Callable[[str], Mapping[str, Any]]
    cache_dir: Callable[[str], Path]
    password_set: Callable[[Person], None] | None = None
    ending: Ending | None = None
    mail: Mail | None = None

    async def accepts(self, person: Person, password: Secret) -> Literal["yes", "must-change", "no"]:
        return await waited(self.directory.accepts, person, password)

    def reading(
        self,
        prepared: Prepared,
        reader: DirectoryReader,
        report: Callable[[str], None],
        *,
        actor: Actor | None = None,
        case: str = "",
        before: Preview | None = None,
        receipt: tuple[Observation, ...] = (),
        result: Any = None,
        new_secret: Secret | None = None,
        begun: datetime | None = None,
    ) -> ReadContext:
        return ReadContext(
            directory=ReadDirectory(reader, prepared.people, prepared.groups),
            tickets=ReadTickets(self.tickets),
            mail=ReadMail(self.mail),
            before=before,
            receipt=receipt,
            result=result,
            new_secret=new_secret,
            begun=begun,
            **self._common(prepared, report, actor, case),
        )

    def writing(
        self,
        prepared: Prepared,
        session: DirectorySession,
        report: Callable[[str], None],
        *,
        case: str,
        before: Preview,
        look: DirectoryReader | None = None,
        request: str = "",
    ) -> Context:
        return Context(
            directory=WriteDirectory(
                session, prepared.people, prepared.groups, look=look, password_set=self.password_set
            ),
            tickets=WriteTickets(self.tickets),
            mail=WriteMail(self.mail),
            before=before,
            request=request,
            **self._common(prepared, report, None, case),
        )

    def _common(
        self, prepared: Prepared, report: Callable[[str], None], actor: Actor | None, case: str
    ) -> dict[str, Any]:
        plugin = prepared.spec.plugin
        return {
            "actor": actor or prepared.requester,
            "key": prepared.call.key,
            "settings": self.settings(plugin),
            "cache_dir": self.cache_dir(plugin),
            "now": self.clock,
            "accepts": self.accepts,
            "report": report,
            "case": case,
        }


async def call_plugin(
    name: str,
    function: Callable[..., Any],
    context: ReadContext,
    keywords: Mapping[str, Any],
    deadline: float,
) -> Any:
    """Run one function of a plugin, plain or async, with a deadline in seconds.

    Raises:
        HelpdeskError: whatever the plugin said. PluginFailure: it broke. Unreachable: it took too long.
    """
    try:
        if inspect.iscoroutinefunction(function):
            async with asyncio.timeout(deadline):
                return await _awaited(function, context, keywords)
        return await asyncio.wait_for(asyncio.to_thread(_called, function, context, keywords), deadline)
    except HelpdeskError:
        raise
    except TimeoutError:
        raise Unreachable(
            f"{name} did not finish within {deadline:.0f} seconds.", maybe_applied=True
        ) from None
    except Exception as error:
        raise PluginFailure(
            f"The plugin of {name} broke: {type(error).__name__}.",
            hint="helpdesk doctor shows more; tell whoever looks after the plugin.",
        ) from error


class Exited(Exception):
    """A plugin called ``sys.exit``: it breaks the plugin, not the program."""


async def _awaited(function: Callable[..., Any], context: ReadContext, keywords: Mapping[str, Any]) -> Any:
    try:
        return await function(context, **keywords)
    except SystemExit as error:
        raise Exited from error


def _called(function: Callable[..., Any], context: ReadContext, keywords: Mapping[str, Any]) -> Any:
    try:
        return function(context, **keywords)
    except SystemExit as error:
        raise Exited from error


def observed(name: str, seen: Any) -> list[Observation]:
    """What a plugin's ``verify`` returned. Raises PluginFailure when it is no list of observations."""
    if not isinstance(seen, (list, tuple)) or not all(isinstance(one, Observation) for one in seen):
        raise PluginFailure(f"What {name} read back is not a list of observations.")
    if not all(isinstance(getattr(one, f.name), str) for one in seen for f in fields(one)):
        raise PluginFailure(f"{name} read back something that is not text.")
    return list(seen)


def previewed(name: str, preview: Any) -> Preview:
    """What a plugin's ``preview`` returned. Raises PluginFailure when it is none that can be sealed."""
    if not isinstance(preview, Preview):
        raise PluginFailure(f"The preview of {name} is not a preview.")
    changes, state = tuple(preview.changes), dict(preview.state)
    texts = [preview.summary, *preview.warnings, *state, *state.values()]
    if not all(isinstance(change, Change) for change in changes):
        raise PluginFailure(f"The preview of {name} holds something that is no change.")
    texts += [getattr(change, f.name) for change in changes for f in fields(change)]
    if not all(isinstance(text, str) for text in texts):
        raise PluginFailure(f"The preview of {name} holds something that is not text.")
    return replace(preview, changes=changes, state=state)
