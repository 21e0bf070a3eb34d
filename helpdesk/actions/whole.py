"""An action that is made of further calls: a workflow, which is a file and not a function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from helpdesk.actions.prepare import Prepared
from helpdesk.gate.authorization import Decision
from helpdesk.plugin import Action, Plugin, Preview
from helpdesk.ports import DirectoryReader, Interaction
from helpdesk.spec import ActionSpec


@dataclass(frozen=True, slots=True)
class Overview:
    """What a workflow would do, seen before it begins.

    Attributes:
        preview: the changes of every step; its ``state`` holds the plan that is agreed to.
        decisions: what the policy says about each step's call; none of them is a refusal.
    """

    preview: Preview
    decisions: tuple[Decision, ...] = ()


class Whole(Protocol):
    """Looks at all the calls that a workflow is made of."""

    async def look(
        self, runner: Any, prepared: Prepared, reader: DirectoryReader, interaction: Interaction
    ) -> Overview:
        """Prepare, authorise and preview every step.

        Args:
            runner: the one door.

        Raises:
            HelpdeskError: a step could not be run as things are, with the step and the reason.
        """

    def decide(
        self, own: Decision, overview: Overview, prepared: Prepared, reader: DirectoryReader
    ) -> Decision:
        """The decision about the whole: its own, and every step's; blocking. Raises Refused."""


class Processes(Protocol):
    """Makes actions out of the workflow files that come with a plugin."""

    def specs(self, plugin: Plugin, known: Sequence[ActionSpec]) -> tuple[list[ActionSpec], list[str]]:
        """The specs of its workflows, and a sentence for each file that is not used.

        Args:
            known: every action that is no workflow.
        """

    def action(self, plugin: Plugin, name: str) -> tuple[ActionSpec, Action[Any]]:
        """One workflow as an action. Raises PluginFailure: its file is not there any more, or wrong."""

    def whole(self, plugin: Plugin, name: str) -> Whole: ...
