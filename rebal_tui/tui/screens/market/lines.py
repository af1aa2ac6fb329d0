"""Columns and details of assets, and the line about the simulation, in the Market section."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.quantities import Price
from rebal_tui.domain.text import count_text, fold
from rebal_tui.services.view_models.market import AssetRow, AssetView, MarketSnapshot
from rebal_tui.tui import formats
from rebal_tui.tui.keymap import BY_ID, key_text
from rebal_tui.tui.segments import Line, TextSegment, beside, heading, paragraph, table_line
from rebal_tui.tui.text import printable
from rebal_tui.tui.widgets import bars
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table_layout import Column

CHART_WIDTH = 11
"""Width in cells of a price trend in the list: that of its title."""
TWO_COLUMNS_MIN_WIDTH = 110
WORDS: dict[str, tuple[str, str]] = {
    "inactive": ("✗", "bad"),
    "not tradable": ("✗", "bad"),
    "halted": ("■", "bad"),
    "on hold": ("■", "bad"),
    "no price": ("?", "bad"),
    "whole shares only": ("▲", "warn"),
    "frozen": ("◌", "warn"),
}


def states(row: AssetRow) -> tuple[str, ...]:
    """Return the abnormal states of an asset, most severe first; empty if it trades normally."""
    found = (
        ("inactive", row.status != "active"),
        ("not tradable", not row.tradable),
        ("halted", row.halted),
        ("on hold", bool(row.hold)),
        ("no price", row.price is None),
        ("whole shares only", not row.fractionable),
        ("frozen", row.frozen),
    )
    return tuple(word for word, true in found if true)


def state_line(row: AssetRow) -> Line:
    """Return `● tradable`, or the abnormal states with the mark of the most severe one."""
    found = states(row)
    if not found:
        return (("● tradable", "good"),)
    mark, style = WORDS[found[0]]
    return ((f"{mark} {', '.join(found)}", style),)


def change_segment(change: int | None) -> TextSegment:
    """Return the change since the last close, such as `+1.24 %`, styled by sign; `–` for None.

    `change` is in hundredths of a percent.
    """
    if change is None:
        return ("–", "muted")
    return (f"{formats.drift(change)} %", "good" if change > 0 else "bad" if change < 0 else "muted")


def sampled(points: Sequence[Price], width: int) -> list[Price]:
    """Return at most `width` evenly spaced prices, including the last one."""
    if len(points) <= width:
        return list(points)
    return [points[(index + 1) * len(points) // width - 1] for index in range(width)]


def chart(points: Sequence[Price], width: int, height: int = 1) -> list[Line]:
    """Column chart of prices, scaled from the lowest to the highest; the newest is at the right edge.

    The chart is `width` cells wide and `height` lines high.
    """
    shown = sampled(points, width)
    if not shown:
        return [((" " * width, ""),) for _ in range(height)]
    low, high = min(shown), max(shown)
    steps = height * 8 - 1
    sizes = [1 + ((price - low) * steps // (high - low) if high > low else steps // 2) for price in shown]
    style = "good-bar" if shown[-1] > shown[0] else "bad-bar" if shown[-1] < shown[0] else "accent-bar"
    pad = " " * (width - len(shown))
    return [
        ((pad + "".join(bars.LEVELS[max(min(size - row * 8, 8), 0)] for size in sizes), style),)
        for row in range(height - 1, -1, -1)
    ]


def columns() -> tuple[Column[AssetRow], ...]:
    """Return the columns of the list. A narrow terminal hides the columns with the largest `priority` number first."""
    return (
        Column(
            "symbol",
            "Symbol",
            8,
            lambda row: ((row.symbol, "title"),),
            sort=lambda row: row.symbol,
            grow=1,
            max_width=8,
        ),
        Column(
            "name", "Name", 16, lambda row: row.name, sort=lambda row: fold(row.name), priority=4, grow=2, max_width=60
        ),
        Column(
            "price", "Price $", 10, lambda row: formats.price(row.price), "right", 0, lambda row: row.price or 0, True
        ),
        Column(
            "change",
            "Change",
            9,
            lambda row: (change_segment(row.change_bp),),
            "right",
            0,
            lambda row: row.change_bp or 0,
            True,
            unit="%",
        ),
        Column(
            "chart",
            "Price trend",
            CHART_WIDTH,
            lambda row: chart(row.trend, CHART_WIDTH)[0],
            priority=2,
            plain=lambda row: " ".join(formats.price(price).replace(",", "") for price in row.trend),
        ),
        Column(
            "state", "Status", 14, state_line, sort=lambda row: (not states(row), states(row)), grow=1, max_width=30
        ),
        Column(
            "portfolios",
            "Portfolios",
            10,
            lambda row: _count(row.portfolios),
            "right",
            3,
            lambda row: row.portfolios,
            True,
        ),
        Column("accounts", "Accounts", 8, lambda row: _count(row.accounts), "right", 1, lambda row: row.accounts, True),
    )


def _count(count: int) -> Line:
    return ((f"{count:,}", "") if count else ("·", "rule"),)


def search(row: AssetRow) -> str:
    """Return the text of a row in which the text filter searches."""
    return f"{row.symbol} {row.name} {' '.join(states(row)) or 'tradable'}"


def natural(row: AssetRow) -> tuple[bool, str]:
    """Sort key of the default order: assets with an abnormal state first; then by symbol."""
    return (not states(row), row.symbol)


def simulator_line(snapshot: MarketSnapshot | None, last: str, *, stopped: bool = False) -> Line:
    """Return the state of the simulation, the accounts outside a band, and `last`, a text about the effect of the
    user's last action on the market.

    `stopped`: simulated time is stopped because a form, question or preview is open.
    """
    if snapshot is None:
        return ((" Loading the market…", "muted"),)
    if snapshot.speed is None:
        pace: list[TextSegment] = [(" Time is not simulated", "muted")]
    elif snapshot.paused:
        pace = [(" ‖ simulation paused", "warn"), (f" (×{snapshot.speed:g})", "muted")]
    else:
        state = (" ‖ time stopped", "warn") if stopped else (" ▶ simulation", "good")
        pace = [state, (f" ×{snapshot.speed:g}", "accent")]
    style = "bad" if snapshot.outside else "good"
    mark = "■" if snapshot.outside else "●"
    outside = (
        f"{mark} {snapshot.outside:,} of {count_text(snapshot.subscribed, 'account')} outside a band",
        style,
    )
    last_effect: list[TextSegment] = [(" · ", "rule"), (printable(last), "")] if last else []
    return (*pace, (" · ", "rule"), outside, *last_effect)


def asset_lines(view: AssetView, *, simulated: bool, left: bool = False, whole: bool = False) -> Builder:
    """Build the details of an asset for a panel; `whole` lists all holders, in a second column if wide enough.

    If the market is `simulated`, the keys of the simulator are included; that of the accounts newly outside a band only
    if some `left` their bands.
    """

    def build(width: int, height: int) -> Sequence[Line]:
        if whole and width >= TWO_COLUMNS_MIN_WIDTH:
            half = (width - 3) // 2
            holders = _holders(view, width - 3 - half, None)
            return beside(_facts(view, half, 8, simulated=simulated, left=left), holders, half)
        top = _facts(view, width, 8 if height >= 36 else 4, simulated=simulated, left=left)
        room = None if whole else max(height - len(top) - 3, 3)
        return [*top, (), *_holders(view, width, room)]

    return build


def _facts(view: AssetView, width: int, height: int, *, simulated: bool, left: bool) -> list[Line]:
    row = view.row
    lines: list[Line] = [((row.symbol, "title"), ("  ", ""), state_line(row)[0])]
    if row.name and row.name != row.symbol:
        lines.extend(paragraph(row.name, width, "muted"))
    if row.hold:
        lines.extend(paragraph(f"{printable(row.hold)}. No automatic run trades it.", width, "bad"))
    at = f"  at {formats.timestamp(row.price_at)} NY" if row.price_at else ""
    change, style = change_segment(row.change_bp)
    since = "" if row.change_bp is None else " since the last close"
    lines.append(((formats.price(row.price), "title"), ("  ", ""), (change, style), (since, "muted")))
    if at:
        lines.append(((at.strip(), "muted"),))
    lines.append(())
    if len(row.trend) > 1:
        low, high = min(row.trend), max(row.trend)
        note = f"${formats.price(low)} – ${formats.price(high)}"
        lines += [heading("Latest prices", width, note), *chart(row.trend, width, height)]
    else:
        lines.append(heading("Latest prices", width))
        lines += paragraph("No price history yet; it begins with the next prices.", width, "muted")
    count = len(view.portfolios)
    lines += [(), heading("Portfolios", width, f"weight in {count_text(count, 'portfolio')}" if count else "")]
    lines += [
        table_line([(name, max(width - 9, 4), "left", ""), (f"{formats.percent(target)} %", 8, "right", "muted")])
        for name, target in view.portfolios
    ] or [(("It has a weight in no portfolio.", "muted"),)]
    if simulated:
        halt = "resume trading: orders can fill" if row.halted else "halt trading: orders wait"
        tradable = "make it untradable: sells only" if row.tradable else "make it tradable again"
        lines += [(), heading("Simulator", width)]
        for keys, text in (
            (_key("market.shock"), "change this price, or all prices"),
            (_key("market.halt"), halt),
            (_key("market.tradable"), tradable),
            *([(_key("market.left"), "show accounts newly outside a band")] if left else []),
            ("z  < >", "pause or resume; slower, faster"),
            (_key("market.step"), "advance to the next session"),
        ):
            lines.append(((keys.ljust(8), "key"), (text, "muted")))
    return lines


def _key(identity: str) -> str:
    """The default key of an action, as displayed."""
    return key_text(BY_ID[identity].keys)


def _holders(view: AssetView, width: int, room: int | None) -> list[Line]:
    held = view.holders
    lines: list[Line] = [
        heading("Held by", width, f"{count_text(view.row.accounts, 'account')}, in % of managed equity")
    ]
    if not held:
        return [*lines, (("No account holds it.", "muted"),)]
    shown = held if room is None or len(held) <= room else held[: max(room - 1, 1)]
    name = max(width - 12 - 13 - 2, 8)
    for one in shown:
        share = f"{formats.percent(one.actual_bp)} %"
        lines.append(
            table_line(
                [
                    (one.client, name, "left", ""),
                    (share, 10, "right", ""),
                    (f"${formats.money(one.value)}", 13, "right", "muted"),
                ]
            )
        )
    more = view.row.accounts - len(shown)
    if more > 0:
        lines.append(((f"… {more:,} more" + (", enter shows all" if room is not None else ""), "muted"),))
    return lines
