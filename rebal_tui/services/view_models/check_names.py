"""Display names of the checks of a decision, for screens and reports."""

from __future__ import annotations

_NAMES = {
    "portfolio_status": "portfolio",
    "quota": "one run a session",
    "unfinished": "undone sells",
    "in_cooldown": "cooldown",
    "record": "stored decision",
}
"""Names of checks that have another one than their code in words."""


def check_name(code: str) -> str:
    """`one run a session` for `quota`; another check is called by its code in words."""
    return _NAMES.get(code, code.replace("_", " "))
