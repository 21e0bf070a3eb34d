"""Who is there: signing in and out, and that nothing of one person is left on the screen for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import ContentSwitcher

from helpdesk.events import Said, Warned
from helpdesk.ports import SignedIn
from helpdesk.surfaces.tui.blocks import Words
from helpdesk.surfaces.tui.pane import Pane
from helpdesk.surfaces.tui.panes.ask import AskPane
from helpdesk.surfaces.tui.reader import Reader
from helpdesk.surfaces.tui.top import Tabs, Top
from helpdesk.surfaces.tui.watch import Watch

if TYPE_CHECKING:
    from helpdesk.surfaces.tui.app import HelpdeskApp
    from helpdesk.surfaces.tui.interaction import OnScreen


class Presence:
    """Notices who is signed in, for one app."""

    def __init__(self, app: HelpdeskApp) -> None:
        self._app = app
        self._whose = ""

    async def sign_in(self, interaction: OnScreen) -> None:
        """Sign in now, as somebody else too. Raises NotSignedIn, Unreachable, Cancelled."""
        who = await self._app.desk.login(interaction)
        await self.arrived(who)
        interaction.emit(Said(f"You are signed in as {who.actor.person.name}."))
        for notice in who.actor.notices:
            interaction.emit(Warned(notice))

    async def sign_out(self, _: OnScreen) -> None:
        await self._app.desk.logout()
        await self._forget()
        self._whose = ""
        self._app.feed.add(Words("You are signed out."))

    async def is_another(self, interaction: OnScreen) -> bool:
        """After a sign-in has ended, ask who is there; somebody else does not go on with what was begun."""
        if not self._whose:
            return False
        interaction.emit(Said("You are not signed in any more: sign in to go on."))
        who = await self._app.desk.signed_in(interaction)
        if not await self.arrived(who):
            return False
        name = who.actor.person.name
        self._app.feed.add(Words(f"{name} is signed in now. What was begun before was not done."))
        return True

    async def arrived(self, who: SignedIn) -> bool:
        """Somebody signed in: where it was somebody else before, nothing of theirs stays on the screen."""
        before, self._whose = self._whose, who.actor.person.id
        if before in ("", self._whose):
            return False
        await self._forget()
        return True

    async def changed(self) -> None:
        """The sign-in of the desk is another one than before some work began."""
        app = self._app
        if (who := app.desk.present) is not None:
            await self.arrived(who)
        app.query_one("#top", Top).refresh()
        app.news.forget()
        app.query_one("#tabs", Tabs).mark("Requests", 0)
        app.query_one("#watch", Watch).look_again()
        for pane in app.query(Pane):
            pane.signed_in_changed()
        if app.pane is not None:
            app.pane.shown()

    async def _forget(self) -> None:
        """Take everything off the screen that somebody was shown."""
        app = self._app
        app.names.forget()
        app.news.forget()
        app.clear_notifications()
        if any(reader.display for reader in app.query(Reader)):
            app.reader.action_close()
        shown = app.pane
        for pane in app.query(Pane):
            if not isinstance(pane, AskPane):
                await pane.remove()
        app.query_one(AskPane).forget()
        if shown is not None and not isinstance(shown, AskPane):
            app.query_one("#panes", ContentSwitcher).current = None
            await app.action_pane("ask")
