"""Display names of the checks of a decision and of their verdicts, for screens and reports."""

from __future__ import annotations

from rebal_tui.domain.decisions import Verdict

_NAMES = {
    "portfolio_status": "portfolio",
    "quota": "one run a session",
    "unfinished": "undone sells",
    "in_cooldown": "cooldown",
    "record": "stored decision",
}
"""Names of checks that have another one than their code in words."""
VERDICT_WORDS: dict[Verdict, str] = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "not met",
    Verdict.FIRES: "due",
    Verdict.HOLDS_BACK: "waiting",
    Verdict.CANNOT: "impossible",
    Verdict.NO: "not due",
    Verdict.INFO: "note",
}


def verdict_word(code: str, verdict: Verdict) -> str:
    """The display name of the verdict of a check. That of a cooldown which keeps nothing back is `over`."""
    return "over" if code == "in_cooldown" and verdict is Verdict.NO else VERDICT_WORDS[verdict]


def check_name(code: str) -> str:
    """The display name of a check, such as `one run a session` for `quota`; for others, the code in words."""
    return _NAMES.get(code, code.replace("_", " "))
