"""The figures of the dashboard, kept up to date: what was counted once is not counted again."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from helpdesk.errors import Cancelled
from helpdesk.gate.audit_filter import Filter
from helpdesk.gate.audit_report import Report, report
from helpdesk.gate.audit_search import FORGETTING
from helpdesk.gate.audit_stats import Reckoning
from helpdesk.surfaces.report_words import group_arguments

if TYPE_CHECKING:
    from helpdesk.app import Desk

_PAGE = 1000


class Reckoned:
    """Counts the log from some days ago on; blocking, in one thread at a time.

    Args:
        days: so many days back; 0 is everything.

    Attributes:
        read: how many entries were taken in.
    """

    def __init__(self, desk: Desk, days: int) -> None:
        self._desk = desk
        self.days = days
        specs = desk.catalog.specs
        self._reads = {spec.name for spec in specs if spec.reads}
        self._groups = group_arguments(specs)
        self._reckoning = Reckoning(self._reads)
        self._stopped = threading.Event()
        self.read = 0

    def stop(self) -> None:
        """Whoever counts ends with Cancelled, soon."""
        self._stopped.set()

    def stale(self) -> bool:
        """Whether something was logged since it was counted. Raises LogUnavailable."""
        return self._newest() != self._reckoning.last

    def count(self) -> Report:
        """Take in what was logged since, and add it up. Raises LogUnavailable, Cancelled."""
        now = self._desk.clock()
        since = now - timedelta(days=self.days) if self.days else None
        if self._newest() < self._reckoning.last:  # another log stands there now
            self._reckoning, self.read = Reckoning(self._reads), 0
        if since is not None and not self._reckoning.last:
            # where nothing is that new, the next entry is
            self._reckoning.last = max(min(self._desk.log_search.begins(since) - 1, self._newest()), 0)
        if self._take_in():  # names were erased that stand in what was taken in before
            self._reckoning, self.read = Reckoning(self._reads), 0
            return self.count()
        return report(self._reckoning.asks(now), Filter(since=since), self._groups)

    def _take_in(self) -> bool:
        """Whether names were erased while somebody counted, or since."""
        known = self._reckoning.last if self.read else self._newest()
        erased = False
        while page := self._desk.audit.entries(self._reckoning.last, _PAGE):
            for entry in page:
                self._reckoning.add(entry)
                erased = erased or (entry.kind in FORGETTING and entry.seq > known)
            self.read += len(page)
            if self._stopped.is_set():
                raise Cancelled("The count was stopped.")
        return erased

    def _newest(self) -> int:
        newest = self._desk.audit.entries(limit=1, newest_first=True)
        return newest[0].seq if newest else 0
