"""The result of `rebal-tui lab` as text, JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from rebal_tui.cli.tables import plain_table
from rebal_tui.domain.quantities import percent_text
from rebal_tui.lab.backtest import Backtest, Outcome
from rebal_tui.lab.dominance import dominated
from rebal_tui.lab.figures import DEFINITIONS, Figures
from rebal_tui.lab.luck import Luck
from rebal_tui.lab.policies import Policy
from rebal_tui.services.backtest.histories import Source
from rebal_tui.services.backtest.verification import Verified, verification_text

_HEADER = (
    "POLICY", "REBALANCES/Y", "TRADES/Y", "TURNOVER %/Y", "COST %/Y", "RMS", "P95", "WORST", "OUTSIDE %", "RETURN %/Y",
    "VOLATILITY %/Y",
)  # fmt: skip


def listed(backtest: Backtest, *, show_all: bool) -> list[Outcome]:
    """The outcomes to list: the portfolio's own, then the others by turnover.

    Unless all are shown, without those that are worse than another in everything, or rebalance on the same days.
    """
    flags = dominated([outcome.figures for outcome in backtest.outcomes])
    others = [outcome for outcome, worse in zip(backtest.outcomes[1:], flags[1:], strict=True) if show_all or not worse]
    found = [backtest.own, *sorted(others, key=lambda outcome: (outcome.figures.turnover, outcome.figures.rms))]
    if show_all:
        return found
    first = {outcome.days: outcome for outcome in reversed(found)}
    return [outcome for outcome in found if first[outcome.days] is outcome]


def lab_text(
    backtest: Backtest, source: Source, verified: Sequence[Verified], luck: Luck | None, *, show_all: bool
) -> str:  # fmt: skip
    """The report as text."""
    shown = listed(backtest, show_all=show_all)
    found = [] if luck is None else [luck.sentence, *luck.selection.sentences(_labels(backtest)), luck.method, ""]
    lines = [*found, f"{' · '.join(backtest.header)}", f"prices: {source.label}", *source.notes, *DEFINITIONS, ""]
    years = backtest.history.years
    rows = [_row(outcome.figures, years, "  yours" if outcome is backtest.own else "") for outcome in shown]
    lines.append(plain_table(_HEADER, rows))
    hidden = len(backtest.outcomes) - len(shown)
    if hidden:
        why = "are worse than another in everything or rebalance on the same days; --all lists them."
        lines.append(f"{hidden} of {len(backtest.outcomes)} policies {why}")
    if verified:
        lines.append(verification_text(verified))
    return "\n".join(lines).rstrip("\n") + "\n"


def _row(figures: Figures, years: float, mark: str) -> tuple[str, ...]:
    return (
        figures.policy.label + mark,
        f"{figures.rebalances / years:.1f}",
        f"{figures.trades / years:.1f}",
        f"{100 * figures.turnover:.2f}",
        f"{100 * figures.cost:.3f}",
        f"{100 * figures.rms:.2f}",
        f"{100 * figures.p95:.2f}",
        f"{100 * figures.worst:.2f}",
        f"{100 * figures.outside:.2f}",
        f"{100 * figures.annual_return:.2f}",
        f"{100 * figures.volatility:.2f}",
    )


def _labels(backtest: Backtest) -> tuple[str, ...]:
    return tuple(outcome.policy.label for outcome in backtest.outcomes)


def lab_json(
    backtest: Backtest, source: Source, verified: Sequence[Verified], luck: Luck | None
) -> dict[str, Any]:  # fmt: skip
    """The report as JSON, with decimals as strings: fractions and points as percent, equity for $1 at the start."""
    flags = dominated([outcome.figures for outcome in backtest.outcomes])
    history = backtest.history
    return {
        "portfolio": backtest.name,
        "weights": {
            **{weight.symbol: percent_text(weight.percent) for weight in backtest.weights.assets},
            **({"cash": percent_text(backtest.weights.cash)} if backtest.weights.cash else {}),
        },
        "prices": source.label,
        "basis": history.basis,
        "from": history.days[0].isoformat(),
        "to": history.days[-1].isoformat(),
        "sessions": history.length,
        "filled": "next close" if backtest.fill_delay else "same close",
        "cost_bp": f"{backtest.cost_bps:g}",
        "notes": list(source.notes),
        "definitions": list(DEFINITIONS),
        "policies": [
            {
                **_policy_json(outcome.policy),
                **_cells(outcome.figures),
                "dominated": worse,
                "dates": [day.isoformat() for day in outcome.days],
            }
            for outcome, worse in zip(backtest.outcomes, flags, strict=True)
        ],
        "luck": None if luck is None else _luck_json(luck, _labels(backtest)),
        "verified": [
            {"policy": v.outcome.policy.label, "identical": v.identical, "difference": v.difference} for v in verified
        ],
    }


def _luck_json(luck: Luck, labels: tuple[str, ...]) -> dict[str, Any]:
    """Intervals of 95 % of the differences to the first policy, as percent; rms in points."""
    best = luck.selection
    return {
        "sentence": luck.sentence,
        "method": luck.method,
        **{
            name: {
                "beyond_luck": measure.beyond_luck,
                "low": [f"{100 * bound:.4f}" for bound in measure.low.tolist()],
                "high": [f"{100 * bound:.4f}" for bound in measure.high.tolist()],
            }
            for name, measure in (
                ("return", luck.annual_return), ("turnover", luck.turnover), ("rms_deviation", luck.rms)
            )
        },
        "best": {
            "policy": labels[best.best],
            "tried": best.tried,
            "return_difference": f"{100 * best.best_difference:.4f}",
            "spa_p_value": f"{best.p_value:.4f}",
        },
        "first_half": {
            "policy": labels[best.chosen], "second_half_difference": f"{100 * best.later_difference:.4f}"
        },
    }  # fmt: skip


def lab_csv(backtest: Backtest) -> str:
    """One row per policy."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = [{**_policy_json(outcome.policy), **_cells(outcome.figures)} for outcome in backtest.outcomes]
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow("" if cell is None else cell for cell in row.values())
    return text.getvalue()


def _policy_json(policy: Policy) -> dict[str, Any]:
    return {
        "policy": policy.label,
        "absolute": None if policy.absolute is None else percent_text(policy.absolute),
        "relative": None if policy.relative is None else percent_text(policy.relative),
        "calendar": None if policy.calendar is None else f"{policy.calendar.sub_type} {policy.calendar.day}",
        "cooldown_days": policy.cooldown_days,
        "look": policy.look,
        "destination": policy.destination.value,
        "scope": policy.scope.value,
    }


def _cells(figures: Figures) -> dict[str, Any]:
    def percent(fraction: float | None) -> str | None:
        return None if fraction is None else f"{100 * fraction:.4f}"

    return {
        "rebalances": figures.rebalances,
        "trades": figures.trades,
        "turnover": percent(figures.turnover),
        "cost": percent(figures.cost),
        "rms_deviation": percent(figures.rms),
        "p95_deviation": percent(figures.p95),
        "worst_deviation": percent(figures.worst),
        "outside": percent(figures.outside),
        "longest_outside": figures.longest_outside,
        "return": percent(figures.annual_return),
        "volatility": percent(figures.volatility),
        "worst_year": percent(figures.worst_year),
        "cash_drag": percent(figures.cash_drag),
        "final": f"{figures.final:.8f}",
    }
