"""The catalog with the workflows in it. Nothing of a workflow is read here before one is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpdesk.actions.catalog import Catalog, cached_specs

if TYPE_CHECKING:
    from helpdesk.actions.whole import Whole
    from helpdesk.engine import Engine
    from helpdesk.plugin import Action, Plugin
    from helpdesk.spec import ActionSpec
    from helpdesk.workflows.model import Workflow
    from helpdesk.workflows.processes import FileProcesses

EngineOf = Callable[[], "Engine | None"]


def _no_engine() -> Engine | None:
    return None


def _nobody() -> None:
    """Nobody has to be woken."""


def catalog_of(cache_dir: Path, engine: EngineOf = _no_engine, wake: Callable[[], Any] = _nobody) -> Catalog:
    """The catalog, made anew when an installed package or a workflow file changed.

    Args:
        engine: gives the engine that runs are asked of; ``None`` where no worker is configured.
        wake: sees to it that a worker serves; blocking.
    """
    processes = InstalledProcesses(engine, wake)
    catalog = cached_specs(cache_dir, processes)
    processes.known = catalog
    return catalog


class InstalledProcesses:
    """:class:`helpdesk.actions.whole.Processes`, which reads workflow files when one is used."""

    def __init__(self, engine: EngineOf = _no_engine, wake: Callable[[], Any] = _nobody) -> None:
        self._engine = engine
        self._wake = wake
        self._made: FileProcesses | None = None
        self.known: Catalog | None = None

    def specs(self, plugin: Plugin, known: Sequence[ActionSpec]) -> tuple[list[ActionSpec], list[str]]:
        return self.files.specs(plugin, known)

    def action(self, plugin: Plugin, name: str) -> tuple[ActionSpec, Action[Any]]:
        return self.files.action(plugin, name)

    def whole(self, plugin: Plugin, name: str) -> Whole:
        return self.files.whole(plugin, name)

    @property
    def files(self) -> FileProcesses:
        from helpdesk.workflows.processes import FileProcesses

        if self._made is None:
            self._made = FileProcesses(self._engine, self._wake)
        if self.known is not None and not self._made.known:
            self._made.known = {spec.name: spec for spec in self.known.specs if not spec.process}
        return self._made


def workflow_of(catalog: Catalog, name: str) -> tuple[Workflow, ActionSpec]:
    """An installed workflow by its name. Raises NotFound, with the nearest; PluginFailure: its file is wrong by now."""
    from difflib import get_close_matches

    from helpdesk.errors import NotFound

    spec = next((one for one in catalog.specs if one.name == name and one.process), None)
    if spec is None:
        names = [one.name for one in catalog.specs if one.process]
        near = get_close_matches(name, names, n=2, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else "helpdesk workflow list"
        raise NotFound(f"There is no workflow {name!r}.", hint=hint, code="unknown-workflow")
    looks: Any = catalog.whole(spec)
    return looks.workflow, spec
