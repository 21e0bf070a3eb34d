"""What plugin code is handed: the same systems, open for reading or, while carrying out, for writing."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from helpdesk.actions.prepare import Prepared
from helpdesk.errors import HelpdeskError, PluginFailure, Unreachable
from helpdesk.identity import Actor, Person
from helpdesk.plugin import (
    Context,
    Preview,
    ReadContext,
    ReadDirectory,
    ReadTickets,
    WriteDirectory,
    WriteTickets,
)
from helpdesk.ports import Clock, Directory, DirectoryReader, DirectorySession, Tickets
from helpdesk.secrets import Secret


@dataclass(slots=True)
class Systems:
    """The systems that plugin code may reach, and where it finds its own settings."""

    directory: Directory
    tickets: Tickets
    clock: Clock
    settings: Callable[[str], Mapping[str, Any]]
    cache_dir: Callable[[str], Path]

    async def accepts(self, person: Person, password: Secret) -> Literal["yes", "must-change", "no"]:
        return await asyncio.to_thread(self.directory.accepts, person, password)

    def reading(
        self,
        prepared: Prepared,
        reader: DirectoryReader,
        report: Callable[[str], None],
        *,
        actor: Actor | None = None,
        case: str = "",
        before: Preview | None = None,
        result: Any = None,
        new_secret: Secret | None = None,
    ) -> ReadContext:
        return ReadContext(
            directory=ReadDirectory(reader, prepared.people, prepared.groups),
            tickets=ReadTickets(self.tickets),
            before=before,
            result=result,
            new_secret=new_secret,
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
    ) -> Context:
        return Context(
            directory=WriteDirectory(session, prepared.people, prepared.groups),
            tickets=WriteTickets(self.tickets),
            before=before,
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
            return await asyncio.wait_for(function(context, **keywords), deadline)
        return await asyncio.wait_for(asyncio.to_thread(function, context, **keywords), deadline)
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
