"""``plugin list``: the plugins, their actions, and what is wrong with those that are not used."""

from __future__ import annotations

from helpdesk.surfaces.cli.commands import group
from helpdesk.surfaces.cli.invocation import current

SCHEMA = "helpdesk.plugins/1"
app = group("The plugins and their actions.")


@app.callback()
def plugin() -> None:
    """The plugins and their actions."""


@app.command("list")
def list_() -> int:
    """List the plugins with their actions, and say why a plugin is not used.

    Examples:

    helpdesk plugin list

    helpdesk plugin list --json
    """
    from helpdesk.surfaces.columns import table
    from helpdesk.surfaces.look import clean
    from helpdesk.workflows.installed import catalog_of

    run = current()
    catalog = catalog_of(run.paths.cache)
    actions = {
        info.name: [spec.name for spec in catalog.specs if spec.plugin == info.name]
        for info in catalog.plugins
    }
    document = {
        "schema": SCHEMA,
        "plugins": [
            {
                "name": info.name,
                "version": info.version,
                "distribution": info.distribution,
                "module": info.module,
                "actions": actions[info.name],
            }
            for info in catalog.plugins
        ],
        "problems": [{"plugin": p.plugin, "message": p.message} for p in catalog.problems],
    }
    rows = [
        (info.name, info.version, info.distribution, ", ".join(actions[info.name]))
        for info in catalog.plugins
    ]
    rows += [(problem.plugin, "-", "not used", problem.message) for problem in catalog.problems]
    lines = table(("plugin", "version", "from", "actions"), rows, run.look)
    if catalog.problems and not run.look.plain:
        names = ", ".join(sorted({clean(problem.plugin) for problem in catalog.problems}))
        lines.append(run.look.paint(f"Not used: {names}.", "yellow"))
    return run.answer(document, lines)
