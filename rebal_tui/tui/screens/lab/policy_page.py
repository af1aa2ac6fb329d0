"""Page of one policy: its results next to those of the portfolio's policy, its weights over time, and its trades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from rebal_tui.domain.text import count_text
from rebal_tui.tui.screens.lab.charts import short_own
from rebal_tui.tui.screens.lab.words import MORE_OF_POLICY, cut
from rebal_tui.tui.segments import Line, TextSegment, fit, heading, paragraph

if TYPE_CHECKING:
    from rebal_tui.lab.backtest import Backtest
    from rebal_tui.lab.paths import Path
    from rebal_tui.lab.policies import Policy
    from rebal_tui.services.backtest.comparison import Comparison

_LABEL = 19
"""Width in cells of a symbol and the figures of its axis."""
_ROWS = 7
"""Height of an asset's chart in lines; odd, so that the target is on the middle line."""


def policy_lines(found: Comparison, number: int, verified: str, width: int) -> list[Line]:
    """Build the page of the policy in row `number`, compared with the portfolio's own policy.

    Shows figures, weights with bands and rebalances, and trades. `verified` is the result of verifying the policy by
    simulation in a book, or empty.
    """
    backtest = found.backtest
    outcome, own, name = found.outcome(number), backtest.own, short_own(found.subject)
    lines: list[Line] = [
        *paragraph(outcome.policy.description, width, "title"),
        (("", ""),),
        *_figures(found, number, width),
    ]
    if verified:
        lines += [(("", ""),), *paragraph(verified, width, "good" if verified.startswith("Verified") else "bad")]
    path = backtest.path(outcome)
    yours = path if outcome is own else backtest.path(own)
    size, length = max(width - _LABEL - 1, 20), backtest.history.length
    places = [min((column + 1) * length // size, length) - 1 for column in range(size)]
    legend = f"• this policy  · {name}  ┄ its bands  ─ target  ┃ rebalances"
    fits = cell_len(f"Weights over time    {legend}") <= width
    lines += [(("", ""),), heading("Weights over time", width, legend if fits else "")]
    lines += () if fits else paragraph(legend, width, "muted")
    for row, weight in enumerate(backtest.weights.assets):
        target = weight.percent / 10_000
        series = [[float(shares[row][place]) for place in places] for shares in (path.shares, yours.shares)]
        lines += _chart(weight.symbol, target, _band(outcome.policy, target), series, outcome is own)
    marks = {int(event) * size // length for event in path.rebalances}
    lines.append(((" " * _LABEL, ""), ("".join("┃" if column in marks else " " for column in range(size)), "accent")))
    first, last = f"{backtest.history.days[0]}", f"{backtest.history.days[-1]}"
    lines.append(((" " * _LABEL + first + last.rjust(max(size - len(first), 1)), "muted"),))
    return [*lines, (("", ""),), *_trades(backtest, path, yours, name, width)]


def policy_note(found: Comparison, number: int, width: int, height: int) -> Sequence[Line]:
    """Build the policy in row `number` in words, and what the mark and the interval of its row mean; in `height` lines
    at most.
    """
    around, edge = found.around[number] if found.around else None, ""
    if around is not None and found.rows[number].edge:
        edge = f"^ On an edge: at {around.bands} the return is another one."
    texts = found.outcome(number).policy.summary, _interval_text(found, number), edge
    return cut(paragraph(" ".join(filter(None, texts)), width), width, height, MORE_OF_POLICY)


def _interval_text(found: Comparison, number: int) -> str:
    """The interval of a policy's return less that of the portfolio's own policy, in words; empty until it is known."""
    row = found.rows[number]
    if row.own or row.low is None or row.high is None:
        return ""
    bounds = f"{1e4 * row.low:+.0f} … {1e4 * row.high:+.0f} bp"
    return f"Return a year vs {short_own(found.subject)}: {bounds} in 95 of 100 resampled histories."


def _figures(found: Comparison, number: int, width: int) -> list[Line]:
    figures, own = found.outcome(number).figures, found.backtest.own.figures
    outside = "outside sample's bands" if found.subject.sample else "outside your bands"
    lines: list[Line] = [((f"{'':<24}{'this policy':>14}{short_own(found.subject):>14}", "muted"),)]
    for name, ours, yours in (
        ("rebalances", f"{figures.rebalances:,}", f"{own.rebalances:,}"),
        ("trades", f"{figures.trades:,}", f"{own.trades:,}"),
        ("turnover", f"{100 * figures.turnover:.2f} %/y", f"{100 * own.turnover:.2f} %/y"),
        ("rms deviation", f"{100 * figures.rms:.2f}", f"{100 * own.rms:.2f}"),
        ("95 % of sessions within", f"{100 * figures.p95:.2f}", f"{100 * own.p95:.2f}"),
        ("worst deviation", f"{100 * figures.worst:.2f}", f"{100 * own.worst:.2f}"),
        (outside, f"{100 * figures.outside:.2f} %", f"{100 * own.outside:.2f} %"),
        ("longest time outside", *(count_text(one.longest_outside, "session") for one in (figures, own))),
        ("return", f"{100 * figures.annual_return:.2f} %/y", f"{100 * own.annual_return:.2f} %/y"),
        ("volatility", f"{100 * figures.volatility:.2f} %/y", f"{100 * own.volatility:.2f} %/y"),
        ("worst year to the mix", _points(figures.worst_year), _points(own.worst_year)),
        ("cash drag", f"{100 * figures.cash_drag:.2f} %/y", f"{100 * own.cash_drag:.2f} %/y"),
    ):
        lines.append(((f"{name:<24}", "muted"), (f"{ours:>14}", "title"), (f"{yours:>14}", "")))
    around = found.around[number] if found.around else None
    if around is not None:
        edge = found.rows[number].edge
        text = (
            f"With {around.bands} instead: return {100 * around.low_return:.2f} to "
            f"{100 * around.high_return:.2f} %/y, turnover {100 * around.low_turnover:.1f} to "
            f"{100 * around.high_turnover:.1f} %/y{'. Its return stands on an edge.' if edge else '.'}"
        )
        lines += paragraph(text, width, "warn" if edge else "")
    row = found.rows[number]
    if (interval := _interval_text(found, number)) and row.low is not None and row.high is not None:
        zero = "0 is among them." if row.low <= 0 <= row.high else "0 is not among them."
        lines += paragraph(f"{interval} {zero}", width)
    return lines


def _points(fraction: float | None) -> str:
    return "none" if fraction is None else f"{100 * fraction:+.2f} pp"


def _band(policy: Policy, target: float) -> float | None:
    """The tighter band of an asset, as a fraction of equity; None without bands."""
    bands = [] if policy.absolute is None else [policy.absolute / 10_000]
    bands += [] if policy.relative is None else [policy.relative / 10_000 * target]
    return min(bands, default=None)


def _chart(symbol: str, target: float, band: float | None, series: Sequence[Sequence[float]], own: bool) -> list[Line]:
    """Chart of an asset's share of equity over time, for this policy, and for the portfolio's policy unless this is its
    `own`.
    """
    shares, yours = series
    farthest = max(abs(share - target) for each in series for share in each)
    reach = max(farthest, (band or 0) * 1.05, 0.001)
    half = _ROWS // 2

    def level(share: float) -> int:
        return round((share - target) / reach * half)

    edges = set() if band is None else {level(target + band), level(target - band)}
    rows: list[Line] = []
    for at in range(half, -half - 1, -1):
        segments: list[TextSegment] = []
        for share, other in zip(shares, yours, strict=True):
            if level(share) == at:
                mark = ("•", "title")
            elif level(other) == at and not own:
                mark = ("·", "accent")
            else:
                mark = ("─", "rule") if at == 0 else ("┄", "rule") if at in edges else (" ", "")
            if segments and segments[-1][1] == mark[1]:
                segments[-1] = (segments[-1][0] + mark[0], mark[1])
            else:
                segments.append(mark)
        labeled = at in (half, 0, -half)
        figure = f"{100 * (target + at / half * reach):7.1f}  " if labeled else " " * 9
        rows.append(((fit(symbol if at == 0 else "", 10), "title"), (figure, "muted"), *segments))
    return rows


def _trades(backtest: Backtest, path: Path, yours: Path, name: str, width: int) -> list[Line]:
    """Every trade after the first purchase: its day, the percent of equity sold, and the weights before the trade.

    Trades on a day on which the portfolio's own policy trades too are noted; `name` is the word for that policy.
    """
    symbols = backtest.weights.symbols
    own = set(yours.events.tolist())
    lines: list[Line] = [heading("Trades after the first purchase", width, f"{len(path.events):,}")]
    names = "".join(f"{symbol:>9.8}" for symbol in symbols)
    lines.append(((f"{'day':<12}{'sold %':>8}  {names}", "muted"), ("  weights before", "muted")))
    if not len(path.events):
        lines.append((("none", ""),))
    for number, event in enumerate(path.events.tolist()):
        weights = "".join(f"{100 * float(share):9.2f}" for share in path.shares[:, event])
        sold = 100 * float(path.sold[number] / path.equity[event])
        notes = "  " + (f"also {name}" if event in own and path is not yours else "")
        notes += "" if path.full[number] else "excess cash invested"
        lines.append(((f"{backtest.history.days[event]!s:<12}", ""), (f"{sold:8.2f}  {weights}", ""), (notes, "muted")))
    return lines
