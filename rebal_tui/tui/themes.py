"""Color themes: dark, light, and one for color-blind users (Okabe–Ito palette)."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="rebal-dark",
    primary="#5b9bd5",
    secondary="#9aa7d0",
    accent="#d9b36c",
    warning="#e0af45",
    error="#e5686d",
    success="#6fbf8b",
    foreground="#d5dae1",
    background="#12161c",
    surface="#181d25",
    panel="#1f2630",
    dark=True,
)
LIGHT = Theme(
    name="rebal-light",
    primary="#1f5fa8",
    secondary="#5a5fa0",
    accent="#8a5a00",
    warning="#9a5b00",
    error="#b3202c",
    success="#1d7440",
    foreground="#1d232b",
    background="#fbfbf9",
    surface="#f2f2ee",
    panel="#e6e7e3",
    dark=False,
)
SAFE = Theme(
    name="rebal-safe",
    primary="#56b4e9",
    secondary="#cc79a7",
    accent="#f0e442",
    warning="#e69f00",
    error="#d55e00",
    success="#0fb58f",
    foreground="#e8e8e8",
    background="#101010",
    surface="#191919",
    panel="#242424",
    dark=True,
)
OWN = (DARK, LIGHT, SAFE)
CYCLE = (DARK.name, LIGHT.name, SAFE.name, "ansi-dark", "ansi-light")
_OF_THE_TERMINAL = {DARK.name: "ansi-dark", LIGHT.name: "ansi-light", SAFE.name: "ansi-dark"}


def for_terminal(name: str, color_system: str | None) -> str:
    """Return the theme to use on a terminal; `color_system` is the terminal's color system as Rich names it, or None.

    With only 16 colors, the theme with this name is replaced by one that uses the terminal's own colors: mixed colors,
    such as that of the line under the cursor, could look like other colors.
    """
    return _OF_THE_TERMINAL.get(name, name) if color_system in ("standard", "windows") else name


def chosen(setting: str, shown: str, color_system: str | None) -> str:
    """Return the theme that the user chose: `shown` if it was picked on the screen, else `setting`.

    If `shown` is only what the terminal requires in place of `setting`, or is unknown, the choice is `setting`.
    """
    return setting if shown not in CYCLE or shown == for_terminal(setting, color_system) else shown
