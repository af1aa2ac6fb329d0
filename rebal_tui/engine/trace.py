"""The trace of an evaluation in progress: the checks made so far, in order."""

from __future__ import annotations

from typing import NoReturn

from rebal_tui.domain.decisions import Check, Verdict


class Stop(Exception):
    """Ends an evaluation: a prerequisite failed, and its check is the last of the trace."""


class Trace:
    def __init__(self) -> None:
        self.checks: list[Check] = []

    def note(self, check: str, verdict: Verdict, detail: str, rule: str) -> None:
        self.checks.append(Check(check, verdict, detail, rule))

    def require(self, check: str, holds: bool, pass_detail: str, fail_detail: str, rule: str) -> None:
        if not holds:
            self.stop(check, fail_detail, rule)
        self.note(check, Verdict.PASS, pass_detail, rule)

    def stop(self, check: str, detail: str, rule: str) -> NoReturn:
        self.note(check, Verdict.FAIL, detail, rule)
        raise Stop

    @property
    def last(self) -> Check:
        return self.checks[-1]
