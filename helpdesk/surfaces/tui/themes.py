"""The app's own themes: one to look at all day, and one of high contrast. The terminal's own colours come with Textual."""

from __future__ import annotations

from textual.theme import Theme

DEFAULT = "helpdesk"
HIGH_CONTRAST = "helpdesk-high-contrast"
TERMINAL = "ansi-dark"
"""The sixteen colours of the terminal itself."""
CONFIGURED = {"helpdesk": DEFAULT, "high-contrast": HIGH_CONTRAST, "terminal": TERMINAL}
"""The themes as ``[ui] theme`` calls them."""

THEMES = (
    Theme(
        name=DEFAULT,
        primary="#7aa2f7",
        secondary="#9aa5ce",
        accent="#7dcfff",
        warning="#e0af68",
        error="#f7768e",
        success="#9ece6a",
        foreground="#d5daf0",
        background="#16161e",
        surface="#1a1b26",
        panel="#24283b",
        dark=True,
    ),
    Theme(
        name=HIGH_CONTRAST,
        primary="#ffffff",
        secondary="#ffffff",
        accent="#00ffff",
        warning="#ffff00",
        error="#ff8080",
        success="#00ff00",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#000000",
        dark=True,
        variables={"text-muted": "#ffffff", "border": "#ffffff", "footer-key-foreground": "#ffff00"},
    ),
)
