"""``log verify | checkpoint | prove | check-proof``: what shows that the log is whole, here and elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpdesk.surfaces.cli.invocation import Invocation, current
from helpdesk.surfaces.cli.log_progress import counting
from helpdesk.surfaces.log_words import altered, known_outside, whole

if TYPE_CHECKING:
    from helpdesk.gate.proof_check import Proved
    from helpdesk.gate.shipping_told import Delivery

KEPT_HELP = "A checkpoint that was kept elsewhere."


def verify(
    checkpoint: Annotated[str, typer.Option("--checkpoint", help=KEPT_HELP, metavar="FILE")] = "",
    since: Annotated[
        str,
        typer.Option(
            "--since",
            help="A checkpoint that was kept elsewhere; check only what came after it.",
            metavar="CHECKPOINT",
        ),
    ] = "",
) -> int:
    """Check the whole log: every entry, their order, and the signed checkpoint.

    With a checkpoint that was kept elsewhere, the log must continue it; of a file with several, the newest
    counts. Where the log is sent outside, it is said how far it is known there. Exit code 1 when something was
    altered; the first bad entry is named.
    """
    from helpdesk.errors import Exit, UsageError
    from helpdesk.surfaces.look import clean

    run = current()
    if checkpoint and since:
        raise UsageError("--since and --checkpoint do not go together.", hint="Give one of the two.")
    kept = None
    for name, flag in ((checkpoint, "--checkpoint"), (since, "--since")):
        kept = kept_in(name, flag) if name else kept
    with counting(run, "Checking the log") as tell:
        found = run.desk.audit.verify(checkpoint=kept, since=bool(since), tell=tell)
    outside = _outside(run)
    document = {**found.plain(), "outside": [one.plain() for one in outside]}
    if found.ok:
        return run.answer(
            document, [f"{run.look.paint('✓', 'green')} {whole(found)}", *map(clean, known_outside(outside))]
        )
    run.complain(
        [
            f"{run.error_look.paint('failed:', 'red')} {clean(altered(found))}",
            *map(clean, known_outside(outside)),
        ]
    )
    if run.flags.json:
        run.document(document)
    return Exit.FAILED


def _outside(run: Invocation) -> list[Delivery]:
    """How far the places outside know the log, after they got what they can be given now.

    Where that cannot be read it is told, and the check of the log itself still counts.
    """
    from helpdesk.errors import HelpdeskError
    from helpdesk.events import Warned

    shipping = run.desk.shipping
    if not shipping:
        return []
    shipping.flush()
    try:
        return shipping.deliveries()
    except HelpdeskError as error:
        run.teller.tell(Warned(f"What is known outside cannot be said. {error.message}", error.hint))
        return []


def checkpoint() -> int:
    """Print the signed checkpoint; kept elsewhere, it shows later that nothing was taken away."""
    run = current()
    note = run.desk.audit.checkpoint()
    return run.answer({"schema": "helpdesk.checkpoint/1", "checkpoint": note}, note.rstrip().split("\n"))


def prove(
    old: Annotated[
        str,
        typer.Argument(help="The checkpoint that was kept.", show_default=False, metavar="OLD-CHECKPOINT"),
    ],
) -> int:
    """Print the proof that the log only grew since a checkpoint that was kept elsewhere.

    It is one JSON document; helpdesk log check-proof checks it, anywhere, with the public key alone.
    """
    run = current()
    run.document(run.desk.audit.prove_continues(text_of(old, "The checkpoint")))
    return 0


def check_proof(
    file: Annotated[str, typer.Argument(help="The proof; - is standard input.", show_default=False)],
    key: Annotated[
        str,
        typer.Option("--key", help="The host's public key, host.pub.", show_default=False, metavar="PUBLIC"),
    ],
    checkpoint: Annotated[str, typer.Option("--checkpoint", help=KEPT_HELP, metavar="FILE")] = "",
) -> int:
    """Check a proof with the public key alone: no log, no directory and no configuration is needed.

    With a checkpoint of your own, the proof must be about that one. Exit code 1 when it does not hold.
    """
    from pathlib import Path

    from helpdesk.gate.keys import read_public
    from helpdesk.gate.proof_check import check_proof as checked

    run = current()
    kept = text_of(checkpoint, "--checkpoint") if checkpoint else None
    proved = checked(text_of(file, "The proof"), read_public(Path(key)), kept)
    return run.answer(_document(proved), [f"{run.look.paint('✓', 'green')} {line}" for line in _told(proved)])


def _document(proved: Proved) -> dict[str, Any]:
    document: dict[str, Any] = {
        "schema": "helpdesk.proof-check/1",
        "ok": True,
        "kind": proved.kind,
        "size": proved.size,
        "signed": proved.signed.isoformat(),
    }
    if proved.kind == "inclusion":
        return {**document, "entry": dict(proved.entry), "personal": dict(proved.personal)}
    return {**document, "old_size": proved.old_size}


def _told(proved: Proved) -> list[str]:
    from helpdesk.surfaces.look import clean

    signed = f"signed {clean(proved.signed.isoformat())}"
    if proved.kind == "consistency":
        return [f"The log of {proved.size} entries, {signed}, continues the one of {proved.old_size}."]
    entry = proved.entry
    lines = [
        f"Entry {entry['seq']} ({clean(entry.get('kind', ''))}, {clean(entry.get('time', ''))}) is one of the "
        f"{proved.size} entries of a log, {signed}."
    ]
    return lines + [f"{clean(name)}: {clean(value)}" for name, value in proved.personal.items()]


def kept_in(name: str, what: str) -> str:
    """The newest checkpoint in a file, or in standard input for ``-``. Raises UsageError: it holds none."""
    from helpdesk.errors import UsageError
    from helpdesk.gate.checkpoint import is_note, newest_in

    note = newest_in(text_of(name, what))
    if not is_note(note):
        raise UsageError(
            f"{what} {name} is no checkpoint, so the log was not checked against it.",
            hint="Give a file that helpdesk log checkpoint was written to, or one from where checkpoints are sent.",
        )
    return note


def text_of(name: str, what: str) -> str:
    """The text of a file, or of standard input for ``-``. Raises UsageError."""
    import sys

    from helpdesk.errors import UsageError

    try:
        if name == "-":
            return sys.stdin.read()
        with open(name, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
        raise UsageError(f"{what} {name} cannot be read: {why}.") from error
