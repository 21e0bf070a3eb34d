"""Checking a proof out of a log with nothing but the public key: no log, no network, no secret."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from helpdesk.errors import Failed, UsageError
from helpdesk.gate.audit_chain import FORM, commitment
from helpdesk.gate.audit_proofs import SCHEMA
from helpdesk.gate.checkpoint import Checkpoint, opened
from helpdesk.gate.keys import PublicKey
from helpdesk.gate.merkle import consistent, includes, leaf_hash


@dataclass(frozen=True, slots=True)
class Proved:
    """What a proof shows.

    Attributes:
        kind: "inclusion" or "consistency". size: entries under the checkpoint. signed: when it was signed, UTC.
        entry: the entry's own document. personal: values that were told with it, and fit what it committed to.
        old_size: with "consistency": how many entries the older checkpoint has.
    """

    kind: str
    size: int
    signed: datetime
    entry: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, Any] = field(default_factory=dict)
    old_size: int = 0


def check_proof(text: str, key: PublicKey, kept: str | None = None) -> Proved:
    """Check a proof document.

    Args:
        kept: a checkpoint of one's own. The proof must be about exactly that one: for "consistency" it is the
            older of the two.

    Raises:
        UsageError: it is no proof. Failed: it proves nothing.
    """
    document = _document(text)
    checkpoint = _opened(document["checkpoint"], key)
    if document["kind"] == "inclusion":
        proved = _inclusion(document, checkpoint)
        about = checkpoint
    else:
        about = _opened(document["old"], key)
        proved = _consistency(document, about, checkpoint)
    if kept is not None:
        mine = _opened(kept, key)
        if (mine.size, mine.root) != (about.size, about.root):
            raise _bad(
                f"it is about a checkpoint over {about.size} entries, and yours, over {mine.size}, is another one"
            )
    return proved


def _inclusion(document: dict[str, Any], checkpoint: Checkpoint) -> Proved:
    index, entry = document["index"], document["entry"]
    leaf = leaf_hash(entry.encode("utf-8", "surrogatepass"))
    if document["size"] != checkpoint.size or _bytes(document["leaf"]) != leaf:
        raise _bad("its parts do not belong together")
    if not includes(leaf, index, checkpoint.size, _path(document), checkpoint.root):
        raise _bad("the entry is not under the signed checkpoint")
    try:
        inner = json.loads(entry)
    except ValueError:
        inner = None
    if not isinstance(inner, dict) or inner.get("form") != FORM or inner.get("seq") != index + 1:
        raise _bad("what is under the checkpoint is no entry of a log")
    personal = _personal(document.get("personal", {}), inner.get("personal"))
    return Proved("inclusion", checkpoint.size, checkpoint.time, inner, personal)


def _consistency(document: dict[str, Any], old: Checkpoint, new: Checkpoint) -> Proved:
    if (document["old_size"], document["size"]) != (old.size, new.size):
        raise _bad("its parts do not belong together")
    if not consistent(old.size, old.root, new.size, new.root, _path(document)):
        raise _bad("the newer checkpoint does not continue the older one")
    return Proved("consistency", new.size, new.time, old_size=old.size)


def _personal(told: Any, committed: Any) -> dict[str, Any]:
    """Values whose commitments stand in the entry."""
    found: dict[str, Any] = {}
    if not isinstance(told, dict) or not isinstance(committed, dict):
        raise _bad("its personal values cannot be read")
    for name, opening in told.items():
        try:
            salt, value = _bytes(opening["salt"]), opening["value"]
            fits = commitment(name, salt, value) == committed.get(name)
            found[name] = json.loads(value)
        except (TypeError, KeyError, ValueError) as error:
            raise _bad(f"its {name} cannot be read") from error
        if not fits:
            raise _bad(f"the {name} it tells is not the one that was logged")
    return found


_TYPES = {
    "inclusion": {"entry": str, "leaf": str, "index": int, "size": int, "path": list, "checkpoint": str},
    "consistency": {"old": str, "old_size": int, "size": int, "path": list, "checkpoint": str},
}


def _document(text: str) -> dict[str, Any]:
    """Raises UsageError when it is none."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _no_proof("it is no JSON") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise _no_proof(f"its schema is not {SCHEMA}")
    types = _TYPES.get(str(document.get("kind")))
    if types is None:
        raise _no_proof("it is of no kind that this version knows")
    for name, kind in types.items():
        if type(document.get(name)) is not kind:
            raise _no_proof(f"its {name} is missing, or is something else")
    return document


def _path(document: dict[str, Any]) -> list[bytes]:
    return [_bytes(step) for step in document["path"]]


def _bytes(text: Any) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (TypeError, ValueError) as error:
        raise _bad("its hashes cannot be read") from error


def _opened(note: str, key: PublicKey) -> Checkpoint:
    try:
        return opened(note, key)
    except ValueError as error:
        raise _bad(str(error)) from error


def _bad(why: str) -> Failed:
    return Failed(
        f"The proof does not hold: {why}.",
        hint="Ask for a new proof, and for the host's host.pub.",
        code="proof",
    )


def _no_proof(why: str) -> UsageError:
    return UsageError(
        f"The file is no proof: {why}.", hint="helpdesk log show ENTRY --proof makes one.", code="no-proof"
    )
