"""The question before every account is evaluated, in the sections that can ask for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.evaluation_now import EvaluationNow
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import desk_queries, evaluation_queries
from rebal_tui.tui.questions import Effect, Item
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.screens.shared.plan_effects import FILES_MODE
from rebal_tui.tui.widgets.lines import Builder


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


def due_effects(now: EvaluationNow) -> list[Effect]:
    """Return how many runs of each type an evaluation would create or propose, or that none is due.

    With the turnover of each type if all runs are listed.
    """
    if not now.total:
        return [Effect("No run is due at current prices: no account would trade.")]
    proposed = now.reviewed or now.mode == FILES_MODE
    effects = []
    for kind, count in ((RunType.FULL_REBALANCE, now.rebalances), (RunType.INVEST_CASH, now.investments)):
        if not count:
            continue
        runs = f"{count_text(count, 'run')} of type {formats.words(kind)}"
        text = f"Proposes {runs} for review" if proposed else f"Creates {runs}"
        if len(now.runs) == now.total:
            turnover = Money(sum(run.turnover for run in now.runs if run.type is kind))
            effects.append(Effect(f"{text}, turnover", f"${formats.money(turnover)}"))
        else:
            effects.append(Effect(text))
    if len(now.runs) < now.total:
        effects.append(Effect(f"The first {len(now.runs):,} are listed"))
    return effects


def due_items(now: EvaluationNow, lines: Callable[[str], Awaitable[Builder]] | None = None) -> list[Item]:
    """Return an item for each listed run with its reason; `lines`, if given, fetches the plan of an account."""
    return [
        Item(
            run.account_id,
            run.client,
            f"{formats.words(run.type)}, {count_text(run.orders, 'order')}: {run.reason}",
            formats.money(run.turnover),
            lines=None if lines is None else partial(lines, run.account_id),
        )
        for run in now.runs
    ]


class EvaluatesAll(ListScreen):
    """A section with the action to evaluate every account."""

    def action_evaluate(self) -> None:
        self.host.work(self._ask_evaluate(), name="evaluate")

    async def _ask_evaluate(self) -> None:
        now = await self.host.ask(evaluation_queries.evaluation_now)
        if self.is_current:
            self.host.confirm_sending(
                "Evaluate every account now?",
                evaluate_text(now.mode, reviewed=now.reviewed),
                "Evaluate",
                lambda: self.run_job("evaluation"),
                "Evaluated",
                effects=due_effects(now),
                items=due_items(now, self._due_plan),
            )

    async def _due_plan(self, account_id: str) -> Builder:
        from rebal_tui.tui.screens.shared.plan_lines import preview_lines

        return preview_lines(await self.host.ask(desk_queries.preview, account_id))
