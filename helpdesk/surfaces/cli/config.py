"""``config show`` and ``config path``: what is in use, and where it comes from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from helpdesk.surfaces.cli.commands import group
from helpdesk.surfaces.cli.invocation import current

SCHEMA = "helpdesk.config/1"
app = group("The settings, and where each of them comes from.")


@app.command("show")
def show(
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
) -> int:
    """Show every setting that is in use.

    Examples:

    helpdesk config show --origin

    helpdesk config show --json

    Secrets are shown as what they are in the files: references to where they are kept.
    """
    from helpdesk.config.shown import settings_of
    from helpdesk.surfaces.columns import table

    run = current()
    config = run.desk.config
    settings = settings_of(config)
    document = {
        "schema": SCHEMA,
        "settings": [
            {"name": name, "value": value, "origin": config.origin(name)} for name, value in settings.items()
        ],
        "warnings": list(config.warnings),
    }
    headers = ("key", "from", "value") if origin else ("key", "value")
    rows = [
        (name, config.origin(name), _shown(value)) if origin else (name, _shown(value))
        for name, value in settings.items()
    ]
    return run.answer(document, table(headers, rows, run.look))


@app.command("path")
def path() -> int:
    """Show which files are read, the strongest first, and where state and cache are.

    It needs no usable configuration.
    """
    from helpdesk.surfaces.columns import table

    run = current()
    places = run.paths
    named = run.environ.get("HELPDESK_CONFIG", "")
    files = [("managed", str(places.managed))]
    files += [("HELPDESK_CONFIG", named)] if named else []
    files += [("own", str(places.config_file))]
    files += [("system", str(file)) for file in places.system_configs]
    document: dict[str, Any] = {
        "schema": "helpdesk.config-path/1",
        "files": [{"what": what, "path": file, "exists": _exists(file)} for what, file in files],
        "state": str(places.state),
        "cache": str(places.cache),
    }
    rows = [(what, "is there" if _exists(file) else "not there", file) for what, file in files]
    rows += [("state", "folder", str(places.state)), ("cache", "folder", str(places.cache))]
    return run.answer(document, table(("what", "found", "path"), rows, run.look))


def _exists(file: str) -> bool:
    import os

    return os.path.exists(os.path.expanduser(file))


def _shown(value: Any) -> str:
    """A value as it would be written in the file; an empty one as a dash."""
    import json

    if value is None or value in ("", []):
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
