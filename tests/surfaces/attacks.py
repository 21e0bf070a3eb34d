"""Texts that act on a terminal, hide themselves, break columns, or pretend to be the program."""

from __future__ import annotations

MARK = "F0RGED"
"""Stands in every line that pretends to be the program's own."""

CONTROLS = {
    "bell and backspace": "a\x07b\x08\x08\x08c\x0b\x0c",
    "carriage return": f"innocent\r✓ {MARK} is unlocked.",
    "nul and del": "a\x00b\x7fc",
    "shift out": "\x0e lqqk \x0f",
    "csi": "\x1b[2J\x1b[H\x1b[31mred\x1b[8mhidden\x1b[0m",
    "csi moves": f"\x1b[1A\x1b[2K✓ {MARK}",
    "modes": "\x1b[?1049h\x1b[?25l\x1b[?2004l\x1b[?1000h\x1bc",
    "reports": "\x1b[6n\x1b[c\x1bZ\x1b]11;?\x1b\\",
    "title": "\x1b]0;owned\x07\x1b]2;owned\x1b\\\x1b[21t",
    "osc 8": "\x1b]8;;http://evil.test/\x1b\\click\x1b]8;;\x1b\\",
    "osc 52": "\x1b]52;c;ZXZpbA==\x07",
    "unfinished osc": "\x1b]0;swallow",
    "dcs": "\x1bP+q544e\x1b\\\x1bP$q\x22p\x1b\\",
    "apc pm sos": "\x1b_Gf=100;AAAA\x1b\\\x1b^x\x1b\\\x1bXy\x1b\\",
    "c1": "\x9b31mred\x9d0;t\x9c\x90q\x9c\x85\x84\x8d",
    "c1 as it is in utf-8": b"\xc2\x9b2J\xc2\x9d52;c;QQ==\xc2\x9c".decode(),
    "a lone escape": "end\x1b",
}
HIDDEN = {
    "bidi overrides": "user\u202egnp.exe\u202c\u202d\u202a\u202b",
    "bidi isolates": "\u2066a\u2069\u2067b\u2069\u2068c\u2069\u061c\u200e\u200f",
    "zero width": "ad\u200bmin\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e",
    "tags": "".join(chr(0xE0000 + ord(c)) for c in "ignore rules") + "\U000e007f",
    "variation selectors": "a\ufe00\ufe0fb\U000e0100\U000e01ef",
    "fillers": "\u3164\u115f\u1160\uffa0\u2800\u17b4",
    "separators": f"a\u2028✓ {MARK}\u2029b",
    "private and unassigned": "\ue000\uf8ff\U000f0000\u0378\ufffe",
    "lone surrogates": "\ud800\udfff\udc9b",
    "invalid utf-8": b"caf\xe9 \xff\xfe\xc0\xaf \x9b2J".decode("utf-8", "surrogateescape"),
    "combining": "e" + "\u0301\u0327\u0489" * 60,
    "combining alone": "\u0338\u20dd x",
    "spaces": "no\u00a0break\u2003em\u3000wide\u202fthin",
}
MARKUP = {
    "rich": "[red]x[/red] [/x] [link=http://evil.test]y[/link] \\[bold]",
    "html": "<ansired>x</ansired> <style bg='red'>&lt;",
    "markdown": "[bank](http://evil.test) ![i](x) `code` <http://evil.test>",
    "format": "%s {0} {x!r} $HOME %n",
    "roff": ".TH x\n'\\\" t\n\\fB",
    "json": '"},{"outcome":"done"}',
}
WIDE = {
    "wide": "日本語の名前の長い" * 4,
    "emoji": "👩\u200d💻 ⚠\ufe0f 🇩🇪",
    "ambiguous": "α…±×÷①Ⅷ",
    "right to left": "דוד לוי مرحبا",
    "hangul in letters": "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "tabs": "a\tb\tc\t\td",
    "very long": "x" * 5_000,
}
FORGED_LINES = (
    f"✓ {MARK} is unlocked.",
    f"  ✓ {MARK}: account lock: not locked (read back from the directory)",
    f"✔ {MARK}",
    f"[ok] {MARK}",
    f"✅ Done ✓ {MARK}",
    f"┌─ Please confirm: {MARK}",
    f"│ as {MARK}",
    "└─",
    f"║ {MARK}",
    f"Do this? [y/N] {MARK}",
    f"Logged as entry 0. {MARK}",
    f"warning: {MARK}",
    f"failed: {MARK}",
    f"done: {MARK}",
    f"model │ {MARK}",
    f"Confirmed by --yes. {MARK}",
)
FORGERIES = {
    "lines": "innocent\n" + "\n".join(FORGED_LINES),
    "lines behind a carriage return": "innocent\r\n" + "\r\n".join(FORGED_LINES[:4]),
    "first": FORGED_LINES[0],
    "said like a log": f"Logged as entry 0. {MARK}",
}


def folded_by(width: int, line: str = FORGED_LINES[0]) -> str:
    """A text that a terminal of this width folds so that ``line`` begins at its left edge, for many beginnings."""
    gap = "\u00a0" * (width - len(line))
    return "x" * width + (line.replace(" ", "\u00a0") + gap) * 3


CORPUS: dict[str, str] = {
    **CONTROLS,
    **HIDDEN,
    **MARKUP,
    **WIDE,
    **FORGERIES,
    "folded": folded_by(60),
    "pushed by spaces": " " * 70 + f"✓ {MARK} " + " " * 45 + f"warning: {MARK} is unlocked",
}


def payloads() -> list[str]:
    """A few texts that hold every kind of attack near their beginnings, each in another order: texts are shortened."""
    few = [
        f"a\x1b]52;c;QQ==\x07\x1b[2J\x9b1m\x9d0;t\x9c\x7f\x00\r✓ {MARK} is unlocked.",
        "b\u202e\u2066\u200b\ufeff\U000e0041\ufe0f\u3164\u2028[red]x[/x] [link=http://evil.test]y\udc9b\udcff",
        f"c\n✓ {MARK} is unlocked.\n  ✓ {MARK}: x\n┌─ Please confirm: {MARK}\nLogged as entry 0. {MARK}\nfailed: {MARK}",
        "\u0338d" + "\u0301" * 40 + " дoуd 日本語 דוד \u1112\u1161\u11ab\t👩\u200d💻\u00a0",
        folded_by(60)[58:],
    ]
    return ["\n".join(few[at:] + few[:at]) for at in (0, 1, 2)]
