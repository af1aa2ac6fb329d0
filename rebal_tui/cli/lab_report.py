"""The result of `rebal-tui lab` as text."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.cli.tables import plain_table
from rebal_tui.lab.figures import DEFINITIONS, Figures
from rebal_tui.services.backtest.comparison import Comparison, PolicyRow
from rebal_tui.services.backtest.report import fan_sentences, labels, listed
from rebal_tui.services.backtest.verification import Verified, verification_text


def lab_text(found: Comparison, verified: Sequence[Verified], *, show_all: bool) -> str:
    """The report as text. `verified` has the policies whose backtest was compared with a replay of the same prices.

    Without `show_all`, only some of the policies are listed.
    """
    backtest, source, luck = found.backtest, found.subject.source, found.luck
    own = found.subject.own
    short = "sample" if found.subject.sample else own
    shown = listed(backtest, show_all=show_all)
    lines = [found.sentence, found.cheaper] if found.sentence else [found.cheaper]
    if luck is not None:
        lines += [*luck.selection.sentences(labels(backtest), own), luck.method]
    lines += fan_sentences(found.fans, f"{backtest.own.policy.label}, {own},")
    lines += ["", " · ".join(backtest.header), f"prices: {source.label}", *found.notes, *DEFINITIONS, ""]
    numbers = {outcome.policy: row for outcome, row in zip(backtest.outcomes, found.rows, strict=True)}
    years = backtest.history.years
    rows = [_row(outcome.figures, years, numbers[outcome.policy], short) for outcome in shown]
    lines.append(plain_table(_header(short), rows))
    hidden = len(backtest.outcomes) - len(shown)
    if hidden:
        why = "one listed has no higher turnover, rms or worst deviation, or rebalances alike; --all lists them."
        lines.append(f"{hidden} of {len(backtest.outcomes)} policies are left out: {why}")
    if found.edges:
        lines.append(
            f"^ {found.edges} of {len(backtest.outcomes)} policies stand on an edge: with one band narrower or wider "
            "by 1 point, or by 1 % of the target, the return is another one."
        )
    if verified:
        lines.append(verification_text(verified))
    return "\n".join(lines).rstrip("\n") + "\n"


def _header(own: str) -> tuple[str, ...]:
    return (
        "POLICY", "REBALANCES/Y", "TRADES/Y", "TURNOVER %/Y", "COST %/Y", "RMS", "P95", "WORST", "OUTSIDE %",
        "RETURN %/Y", f"BP VS {own.upper()}", "VOLATILITY %/Y",
    )  # fmt: skip


def _row(figures: Figures, years: float, row: PolicyRow, own: str) -> tuple[str, ...]:
    known = row.low is not None and row.high is not None and not row.own
    return (
        figures.policy.label + (f"  {own}" if row.own else ""),
        f"{figures.rebalances / years:.1f}",
        f"{figures.trades / years:.1f}",
        f"{100 * figures.turnover:.2f}",
        f"{100 * figures.cost:.3f}",
        f"{100 * figures.rms:.2f}",
        f"{100 * figures.p95:.2f}",
        f"{100 * figures.worst:.2f}",
        f"{100 * figures.outside:.2f}",
        f"{100 * figures.annual_return:.2f}{'^' if row.edge else ''}",
        f"{10_000 * (row.low or 0):+.0f} … {10_000 * (row.high or 0):+.0f}" if known else "",
        f"{100 * figures.volatility:.2f}",
    )
