"""``store``: where requests and runs are kept. Its versions, backups, and putting one back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpdesk.surfaces.cli.commands import group
from helpdesk.surfaces.cli.invocation import Invocation, current

if TYPE_CHECKING:
    from helpdesk.app.restore import Restored
    from helpdesk.database import Standing

app = group("Where requests and runs are kept: look at it, bring it up to date, back it up, put it back.")
File = Annotated[str, typer.Argument(help="The file of the backup.", show_default=False, metavar="FILE")]


@app.command()
def status() -> int:
    """Show where requests are kept, the versions of their tables, and how many wait.

    Examples:

    helpdesk store status

    helpdesk store status --json
    """
    from helpdesk.surfaces.columns import table

    run = current()
    store = run.desk.store
    found = store.standing()
    usable = all(one.usable for one in found)
    pending = run.desk.requests.count_pending() if usable and any(one.version for one in found) else None
    document = {
        "schema": "helpdesk.store/1",
        "kind": store.kind,
        "place": store.place,
        "usable": usable,
        "pending": pending,
        "families": [_standing(one) for one in found],
    }
    rows = [(one.family, one.version or "none yet", one.known, _words(one)) for one in found]
    lines = [f"{'A file of this machine' if store.kind == 'sqlite' else 'Postgres'}: {store.place}"]
    lines += table(("tables", "version", "this program", "state"), rows, run.look)
    if pending is not None:
        lines.append(f"{pending} pending requests")
    return run.answer(document, lines, code=0 if usable else 1)


@app.command()
def migrate(
    grant: Annotated[
        str,
        typer.Option(
            "--grant",
            metavar="USER",
            help="A user of Postgres that gets the rights programs need.",
            show_default=False,
        ),
    ] = "",
) -> int:
    """Bring the tables to this program's version, in one transaction. It may be run again at any time.

    Run it as the owner of the tables. --grant USER gives another user of the database what clients and workers
    need, and no more: they add and read, and can neither rewrite nor delete what was decided.

    Examples:

    helpdesk store migrate

    helpdesk store migrate --grant helpdesk_app
    """
    run = current()
    run.changes_at_once("store migrate")
    desk = run.desk
    engine = desk.store.kind == "postgres"
    if engine:
        from helpdesk.app.storing import make_engine_tables

        make_engine_tables(desk)
    before = desk.store.migrate(grant)
    document = {
        "schema": "helpdesk.store-migrate/1",
        "place": desk.store.place,
        "changed": [{"family": one.family, "from": one.version, "to": one.known} for one in before],
        "engine": engine,
        "granted": grant or None,
    }
    lines = [
        f"{one.family}: version {one.known}, {f'was {one.version}' if one.version else 'new'}"
        for one in before
    ]
    lines = lines or ["Every table is of this program's version already."]
    if grant:
        from helpdesk.surfaces.look import clean

        lines.append(f"{clean(grant)} may use them.")
    return run.answer(document, lines)


@app.command()
def backup(
    file: File,
    with_key: Annotated[
        bool,
        typer.Option("--with-key", help="The host's private key too: the file can then sign as this host."),
    ] = False,
) -> int:
    """Write a backup of requests, runs, cases and the log to a new, private file, while everything goes on.

    Each part is copied as it stands at one moment, and checked. With Postgres the rows of requests and runs are those
    of one moment together. The host's private key is left out unless --with-key asks for it.

    Examples:

    helpdesk store backup /backup/helpdesk-2026-11-25.tar

    helpdesk store backup /backup/whole.tar --with-key
    """
    run = current()
    run.changes_at_once("store backup")
    from helpdesk.app.backup import back_up

    made = back_up(run.desk, Path(file).absolute(), with_key=with_key)
    size = sum(item.bytes for item in made.items)
    document = {
        "schema": "helpdesk.store-backup/1",
        "file": str(Path(file).absolute()),
        "made": made.made,
        "host": made.host,
        "store": made.store,
        "parts": [
            {"name": item.name, "kind": item.kind, "bytes": item.bytes, "digest": item.digest}
            for item in made.items
        ],
    }
    from helpdesk.surfaces.look import clean

    lines = [f"{len(made.items)} parts, {size:,} bytes: {clean(file)}"]
    if not with_key:
        lines.append(
            "The host's private key is not in it; keep the keys folder elsewhere, or use --with-key."
        )
    return run.answer(document, lines)


@app.command()
def restore(file: File) -> int:
    """Put a backup back, after every part of it was checked. No worker may serve the store meanwhile.

    What is here already is overwritten with --yes only; --dry-run shows what would be. The log that is here always stays,
    as it remembers what was carried out after the backup, so that nothing is carried out twice; and so does a
    directory or a ticket queue of this machine.

    Examples:

    helpdesk store restore /backup/helpdesk-2026-11-25.tar --dry-run

    helpdesk store restore /backup/helpdesk-2026-11-25.tar --yes
    """
    run = current()
    from helpdesk.app.restore import restore as put_back

    path = Path(file).absolute()
    done = put_back(run.desk, path, agreed=run.flags.yes, dry_run=run.flags.dry_run)
    return run.answer(_restored(path, done), _told(run, done))


# ── showing ───────────────────────────────────────────────────────────────────────────────────

_WAYS = {"new": "put here", "over": "put over what was here", "kept": "kept as it is here"}


def _restored(path: Path, done: Restored) -> dict[str, Any]:
    return {
        "schema": "helpdesk.store-restore/1",
        "file": str(path),
        "made": done.backup.made,
        "changed": done.entry is not None,
        "parts": [
            {"name": place.item.name, "kind": place.item.kind, "way": place.way} for place in done.places
        ],
        "entry": done.entry,
    }


def _told(run: Invocation, done: Restored) -> list[str]:
    from helpdesk.surfaces.columns import table

    rows = [(place.item.name, place.item.kind, _WAYS[place.way]) for place in done.places]
    lines = table(("part", "kind", "what happens to it"), rows, run.look)
    if done.entry is None:
        return [*lines, "Nothing was changed."]
    return [*lines, f"Put back as it was on {done.backup.made[:16]} UTC. Log entry {done.entry}."]


def _standing(one: Standing) -> dict[str, Any]:
    return {"family": one.family, "version": one.version, "known": one.known, "usable": one.usable}


def _words(one: Standing) -> str:
    if one.usable:
        return "as it should be" if one.version else "made when it is first used"
    return "of a newer program" if one.version > one.known else "helpdesk store migrate brings it up to date"
