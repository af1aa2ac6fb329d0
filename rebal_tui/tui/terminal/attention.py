"""Notifications by the terminal (such as a pop-up of the desktop); where these are not supported, its bell."""

from __future__ import annotations

from collections.abc import Mapping

from rebal_tui.tui.text import printable

BELL = "\a"
MAX_CHARACTERS = 160
_OSC_9 = ("iTerm.app", "WezTerm", "ghostty")
"""Values of TERM_PROGRAM for terminals that show the text of the control sequence OSC 9 as a notification."""


def attention(text: str, environment: Mapping[str, str]) -> str:
    """Return the control sequence that makes a terminal show a text as a notification.

    `environment` has the environment variables that identify the terminal. A multiplexer (tmux, screen) does not pass
    notifications on, and an unknown terminal may print them, so both get the bell. The text is sent without control
    characters, with commas for semicolons (which separate the fields of a notification), and cut to 160 characters.
    """
    shown = printable(text).replace(";", ",")[:MAX_CHARACTERS]
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "TMUX" in environment or term.startswith(("screen", "tmux")):
        return BELL
    if program in _OSC_9:
        return f"\x1b]9;{shown}{BELL}"
    if term == "xterm-kitty":
        return f"\x1b]99;;{shown}\x1b\\"
    if term.startswith(("rxvt-unicode", "foot")):
        return f"\x1b]777;notify;rebal-tui;{shown}\x1b\\"
    return BELL
