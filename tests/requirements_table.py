"""Which requirement is proved where: written into docs/security.md from the markers on the tests.

Run ``python -m tests.requirements_table`` after adding a marker; a test keeps the page current.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "security.md"
START, END = "<!-- requirements -->", "<!-- /requirements -->"
_MARK = re.compile(r"""mark\.req\(\s*((?:["'][\w-]+["'][,\s]*)+)\)""")

REQUIREMENTS: Mapping[str, str] = {
    "D1": "Certificate and host name are verified, TLS 1.2 or newer, no way to turn it off",
    "D2": "A StartTLS that fails ends the connection",
    "D3": "Referrals are never followed",
    "D4": "Empty and look-alike names and passwords are refused; the server confirms who is bound",
    "D5": "Filters and DNs are put together by escapers only",
    "D6": "Exactly one entry answers, or nothing happens",
    "D7": "Identity is the entry's permanent id, never a typed name",
    "D8": "Every call to the directory has time-outs; another address is tried",
    "D9": "Status and rights are read again before every write",
    "D10": "With the directory down, writes are refused and never queued in silence",
    "S1": "No secret in arguments, environment, log, prompts, history or tracebacks",
    "S2": "Secrets are masked, crash reports hold no variables",
    "S3": "Connections and the LDAP library's debug log never show a password",
    "S4": "A temporary password is random, shown once, and must be changed",
    "S5": "Databases and core dumps hold no secret",
    "S6": "Plaintext, null and environment-chosen keyrings are refused",
    "S7": "Files are private from their first moment; links and foreign owners are refused",
    "S8": "Without a terminal no password is read, unless from where a flag says",
    "S9": "The model's client trusts no proxy or certificate variable and follows no redirect",
    "T1": "One sanitiser stands before every screen",
    "T2": "Markup in untrusted text is text; links show their address",
    "T3": "A confirmation stands where no other text can, and ignores early keys",
    "L1": "Schema, rights, target and risk are decided outside of the model",
    "L2": "A target that the person did not type is theirs to choose",
    "L3": "The confirmation is drawn from the canonical call",
    "L4": "What is executed is what was previewed, on the state it was previewed on",
    "L5": "Nothing but the person, or a flag that names the action, confirms",
    "L6": "Unknown tools, arguments and ids are refused; identity is no argument",
    "L7": "Output, steps, time and tokens are capped",
    "L8": "Malformed and broken streams end in nothing, and run nothing",
    "L9": "Everything works without a model",
    "L10": "Only a receipt says done; prose that claims it is marked",
    "R1": "What cannot be logged does not happen",
    "R2": "A kill at any step loses nothing and repeats nothing",
    "R3": "One idempotency key, one effect",
    "R4": "Many writers, one chain",
    "R5": "Clocks that jump neither reorder nor extend anything",
    "R6": "Signals restore the terminal, and outcomes are recorded",
    "R7": "Batches report and resume row by row",
    "R8": "Sessions expire; risky actions need a fresh sign-in",
    "R9": "Rate limits; nobody's account can be locked through us",
    "A1": "Edits, deletions, insertions and reorderings of the log are found",
    "A2": "Truncation, replacement and resealing are found against an outside checkpoint",
    "A3": "Checkpoints are exported, with the lag shown",
    "A4": "Segments stay linked; RFC 6962 proofs hold",
    "A5": "Personal values are committed to, and nothing can forge a line",
    "P1": "Third-party plugins run in a subprocess",
    "P2": "Colliding names and wrong versions are refused",
    "P3": "Plugins run only when allowed, with the scopes they declare",
    "V1": "An approval binds the sealed request",
    "V2": "Nobody approves their own request, by any name",
    "V3": "The approver's right is checked when they approve and when it is carried out",
    "V4": "Two approvals, one effect",
    "V5": "Time-bound grants are revoked in time, crashes included",
    "V6": "A broker acts for whoever signed in, never for a supplied name",
    "V7": "Approvers sign in freshly, see the real change, and are not flooded",
    "I1": "Forgotten passwords need independent methods of proof",
    "I2": "Codes go to addresses that were registered before",
    "I3": "A recent change of contact data delays a reset",
    "I4": "Privileged accounts are never self-service",
    "I5": "A reset removes no second factor, and every address is told",
    "I6": "Unknown and known names get the same answer in the same time",
}


def proofs() -> dict[str, list[str]]:
    """Requirement → test files that carry its marker."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for listed in _MARK.findall(path.read_text("utf-8")):
            for id in re.findall(r"[\w-]+", listed):
                found.setdefault(id, set()).add(path.relative_to(ROOT / "tests").as_posix())
    return {id: sorted(paths) for id, paths in found.items()}


def table(proved: Mapping[str, Sequence[str]]) -> str:
    """The Markdown table."""
    lines = ["| ID | what holds | proved in tests/ |", "| --- | --- | --- |"]
    for id, what in REQUIREMENTS.items():
        where = ", ".join(proved.get(id, [])) or "not yet"
        lines.append(f"| {id} | {what} | {where} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """The security page with its table made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{table(proofs())}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
