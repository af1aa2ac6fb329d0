"""The question before every account is evaluated, in the sections that can ask for it."""

from __future__ import annotations

from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.screens.shared.plan_effects import FILES_MODE


def evaluate_text(mode: str, *, reviewed: bool) -> str:
    """Return the explanation, for the confirmation, of what an evaluation does in a book of this mode.

    `reviewed`: the book requires review of every automatic run; an account's own setting counts first (R-67).
    """
    if mode == FILES_MODE:
        return (
            "Every subscription is evaluated now, at the newest prices that the book has. If its conditions are "
            "met, a run is proposed; nothing is added to a trade list before you approve it in Review."
        )
    if reviewed:
        return (
            "Every subscription is evaluated now at current prices, as in a scheduled evaluation. If its conditions "
            "are met, a run is proposed; no order is sent before you approve it in Review, except for an account whose "
            "own setting is no review."
        )
    return (
        "Every subscription is evaluated now at current prices, as in a scheduled evaluation. If its conditions "
        "are met, a run is created: its orders are sent at once, or after your approval where it awaits review."
    )


class EvaluatesAll(ListScreen):
    """A section with the action to evaluate every account."""

    def all_reviewed(self) -> bool:
        """Return whether the book requires review of every automatic run; False before the section is read."""
        raise NotImplementedError

    def action_evaluate(self) -> None:
        text = evaluate_text(self.host.mode_shown, reviewed=self.all_reviewed())
        self.host.confirm_sending(
            "Evaluate every account now?",
            text,
            "Evaluate",
            lambda: self.run_job("evaluation"),
            "Evaluated",
        )
