"""The sells and buys of plans, as effects of a confirmation."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.desk import PreviewView
from rebal_tui.services.view_models.plan_figures import lines_total
from rebal_tui.tui import formats
from rebal_tui.tui.questions import Effect

FILES_MODE = "FILES"
"""The mode of a files book, as the status line shows it; its orders go to a trade list."""


def plan_effects(previews: Sequence[PreviewView], mode: str = "") -> list[Effect]:
    """Return the sells and the buys of all plans together, in dollars; for a single plan,
    also its cash before and after.
    """
    bought = lines_total(line for preview in previews for line in preview.plan.buys)
    sold = lines_total(line for preview in previews for line in preview.plan.sells)
    sells = sum(len(preview.plan.sells) for preview in previews)
    buys = sum(len(preview.plan.buys) for preview in previews)
    one, several = (
        ("is added to the trade list", "are added to the trade list") if mode == FILES_MODE else ("is sent", "are sent")
    )
    effects = [
        Effect(f"{count_text(count, noun)} {one if count == 1 else several}", f"${formats.money(amount)}")
        for count, noun, amount in ((sells, "sell", sold), (buys, "buy", bought))
        if count
    ]
    if not effects:
        effects = [Effect("No order is sent")]
    if len(previews) == 1:
        only = previews[0]
        effects.append(Effect("Cash", f"${formats.money(only.cash)} → ${formats.money(only.cash_after)}"))
    return effects
