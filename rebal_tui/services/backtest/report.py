"""The result of a comparison as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from rebal_tui.domain.quantities import percent_text
from rebal_tui.lab.backtest import Backtest, Outcome
from rebal_tui.lab.dominance import dominated, redundant
from rebal_tui.lab.fan import Fan
from rebal_tui.lab.figures import DEFINITIONS, Figures
from rebal_tui.lab.luck import Luck
from rebal_tui.lab.neighbors import Neighborhood
from rebal_tui.lab.policies import Policy
from rebal_tui.services.backtest.comparison import Comparison, Fans
from rebal_tui.services.backtest.verification import Verified


def listed(backtest: Backtest, *, show_all: bool) -> list[Outcome]:
    """The outcomes to list: that of the portfolio's own policy, then the others by turnover.

    Unless `show_all`, leaves out the policies that `redundant` marks: another one has no higher turnover, rms and worst
    drift.
    """
    flags = redundant(backtest.outcomes)
    others = [outcome for outcome, worse in zip(backtest.outcomes[1:], flags[1:], strict=True) if show_all or not worse]
    return [backtest.own, *sorted(others, key=lambda outcome: (outcome.figures.turnover, outcome.figures.rms))]


def labels(backtest: Backtest) -> tuple[str, ...]:
    """The label of each policy, in the order in which the backtest has them."""
    return tuple(outcome.policy.label for outcome in backtest.outcomes)


def report_text(found: Comparison, fmt: str) -> str:
    """The comparison as text in the format `csv` or `json`, with every policy and all fields."""
    if fmt == "csv":
        return lab_csv(found.backtest)
    return json.dumps(lab_json(found, ()), ensure_ascii=False, indent=2) + "\n"


def fan_sentences(fans: Fans, label: str) -> tuple[str, ...]:
    """The range of annual returns over all start days and over all calendar days, as sentences."""
    found = []
    for what, fan in (("Start day", fans.starts), ("Calendar day", fans.days)):
        if fan is not None:
            returns = 100 * fan.annual_return
            found.append(
                f"{what}: {label} earns {returns.min():.2f} to {returns.max():.2f} % a year over "
                f"{len(fan.labels):,} days, {1e4 * fan.spread:.0f} bp apart."
            )
    return tuple(found)


def lab_json(found: Comparison, verified: Sequence[Verified]) -> dict[str, Any]:
    """The comparison as JSON, with decimals as strings.

    Returns, drifts and other fractions are in percent; `final` is what $1 at the start has become.
    """
    fans = found.fans
    backtest, source = found.backtest, found.subject.source
    flags = dominated([outcome.figures for outcome in backtest.outcomes])
    history, around = backtest.history, found.around or (None,) * len(backtest.outcomes)
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
        "notes": list(found.notes),
        "definitions": list(DEFINITIONS),
        "cheaper": found.cheaper,
        "policies": [
            {
                **_policy_json(outcome.policy),
                **_cells(outcome.figures),
                "dominated": worse,
                "neighbors": None if near is None else _neighbors_json(near, outcome.figures),
                "dates": [day.isoformat() for day in outcome.days],
            }
            for outcome, worse, near in zip(backtest.outcomes, flags, around, strict=True)
        ],
        "luck": None if found.luck is None else _luck_json(found.luck, labels(backtest)),
        "start_days": None if fans.starts is None else _fan_json(fans.starts),
        "calendar_days": None if fans.days is None else _fan_json(fans.days),
        "verified": [
            {"policy": v.outcome.policy.label, "identical": v.identical, "difference": v.difference} for v in verified
        ],
    }


def _neighbors_json(around: Neighborhood, figures: Figures) -> dict[str, Any]:
    return {
        "return": [f"{100 * around.low_return:.4f}", f"{100 * around.high_return:.4f}"],
        "turnover": [f"{100 * around.low_turnover:.4f}", f"{100 * around.high_turnover:.4f}"],
        "edge": around.is_edge(figures),
    }


def _fan_json(fan: Fan) -> dict[str, Any]:
    """The annual return for each day, and how far apart the returns are in the whole history and in each year.

    All are in percent.
    """
    return {
        "from": fan.history.days[fan.first].isoformat(),
        "returns": {
            label: f"{100 * annual:.4f}" for label, annual in zip(fan.labels, fan.annual_return.tolist(), strict=True)
        },
        "spread": f"{100 * fan.spread:.4f}",
        "years": {str(year): f"{100 * spread:.4f}" for year, spread in fan.years()},
    }


def _luck_json(luck: Luck, labels: tuple[str, ...]) -> dict[str, Any]:
    """Intervals of 95 % of the differences from the first policy, in percent; rms in percentage points."""
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
    """The backtest as CSV, one row per policy."""
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
