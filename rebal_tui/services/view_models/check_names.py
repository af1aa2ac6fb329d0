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
    """The display name of a check, such as `one run a session` for `quota`; for others, the code in words."""
    return _NAMES.get(code, code.replace("_", " "))
