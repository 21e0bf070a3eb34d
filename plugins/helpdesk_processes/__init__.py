"""The processes that come with the program: workflow files, each of them an action."""

from pathlib import Path

from helpdesk.plugin import Plugin

plugin = Plugin("process", workflows=Path(__file__).parent / "workflows")
