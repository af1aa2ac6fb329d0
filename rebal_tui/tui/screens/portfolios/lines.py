"""Details of a portfolio, and the impact of a change, as lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rebal_tui.domain.portfolios import CalendarCondition, Condition, PortfolioUpdate
from rebal_tui.domain.text import count_text, day_text
from rebal_tui.engine.trace_text import condition_text, condition_words
from rebal_tui.services.view_models.accounts import AccountRow
from rebal_tui.services.view_models.portfolios import Impact, PortfolioView
from rebal_tui.tui import formats
from rebal_tui.tui.screens.portfolios.columns import BARRED_GLYPH, has_barred, review_text, shares_of, status_segment
from rebal_tui.tui.screens.shared.marks import STOPPED
from rebal_tui.tui.screens.shared.status_styles import glyph
from rebal_tui.tui.segments import Line, heading, paragraph, table_line
from rebal_tui.tui.widgets import bars
from rebal_tui.tui.widgets.lines import Builder

UPDATE_TEXT = "when weights or conditions change"
"""The condition *on update* in words."""

MIN_SUBSCRIBERS = 3
DENSE_WIDTH, DENSE_GAP, DENSE_LINES = 25, 2, 4
"""Layout with several weights on a line: least width of a weight in cells, cells between two weights, and the number of
lines that should be enough for all weights."""


def portfolio_lines(view: PortfolioView) -> Builder:
    """Build the details of a portfolio for a panel, with as many subscribers as fit."""
    facts = portfolio_facts(view)

    def build(width: int, height: int) -> Sequence[Line]:
        top = [*facts(width, height), ()]
        return [*top, *_subscribers(view, width, max(height - len(top) - 2, MIN_SUBSCRIBERS))]

    return build


def portfolio_facts(view: PortfolioView) -> Builder:
    """Build the details of a portfolio without its subscribers."""

    def build(width: int, _height: int) -> Sequence[Line]:
        name = paragraph(view.row.name, width, "title")
        return [*name, *_head(view, width), (), *_weights(view, width), (), *_conditions(view, width)]

    return build


def dense_facts(view: PortfolioView) -> Builder:
    """Build the details of a portfolio without its name, with several weights on a line."""

    def build(width: int, _height: int) -> Sequence[Line]:
        needed = -(-len(shares_of(view.row.weights)) // DENSE_LINES)
        per_line = max(min(width // DENSE_WIDTH, needed), 1)
        return [*_head(view, width), *_weights(view, width, per_line), *_conditions(view, width)]

    return build


def subscribers_heading(view: PortfolioView, shown: int) -> Builder:
    """Build the heading above the `shown` subscribers with the largest drift."""

    def build(width: int, _height: int) -> Sequence[Line]:
        count = len(view.subscribers)
        total = formats.value(view.row.assets_under_model)
        few = f"{shown:,} of " if shown < count else ""
        note = f"{few}{count_text(count, 'account')}, ${total}, worst first" if count else ""
        return [heading("Subscribers", width, note)]

    return build


def _head(view: PortfolioView, width: int) -> list[Line]:
    row = view.row
    facts = f"  review {review_text(row)}  id {formats.short_id(row.id)}"
    lines: list[Line] = [(status_segment(row.status), (facts, "muted"))]
    for culprit in view.culprits:
        lines.extend(paragraph(f"{BARRED_GLYPH if has_barred(row) else STOPPED} {culprit}", width, "bad"))
    if row.status == "needs_adjustment" and not view.culprits:
        again = ", ".join(view.eligible_again) or "All its assets"
        text = f"{again} can be bought again. Nothing trades until r reactivates the portfolio."
        lines.extend(paragraph(text, width, "warn"))
    elif row.status == "needs_adjustment":
        text = (
            "Nothing trades until the portfolio is active again: e edits the weights, r reactivates it when all assets "
            "can be bought."
        )
        lines.extend(paragraph(text, width, "warn"))
    elif has_barred(row):
        text = f"Nothing trades after the next evaluation that needs {', '.join(row.barred)}: e edits the weights."
        lines.extend(paragraph(text, width, "warn"))
    if row.description:
        lines.extend(paragraph(row.description, width, "muted"))
    return lines


def _weights(view: PortfolioView, width: int, per_line: int = 1) -> list[Line]:
    """The weights with their bars, `per_line` of them on each line."""
    shares = shares_of(view.row.weights)
    most = max((share for _, share in shares), default=1)
    size = max((width - (per_line - 1) * DENSE_GAP) // per_line - 20, 4)
    one_line: list[Line] = []
    lines: list[Line] = [
        heading("Weights", width, f"{count_text(len(view.row.weights.assets), 'asset')}, in %"),
        bars.weights_bar(shares, width),
    ]
    for index, (symbol, share) in enumerate(shares):
        style = "muted" if symbol == "cash" else "bad" if symbol in view.row.barred else "title"
        cells = [
            (f"{BARRED_GLYPH} {symbol}" if symbol in view.row.barred else symbol, 8, "left", style),
            (formats.percent(share), 7, "right", ""),
            (bars.bar(share, most, size), size, "left", "rule" if symbol == "cash" else "accent-bar"),
        ]
        one_line.append((bars.weight_mark(index, symbol), (" ", ""), *table_line(cells)))
    for first in range(0, len(one_line), per_line):
        parts = one_line[first : first + per_line]
        gaps = [*[((" " * DENSE_GAP, ""),)] * (len(parts) - 1), ()]
        lines.append(tuple(segment for part, gap in zip(parts, gaps, strict=True) for segment in (*part, *gap)))
    return lines


def _conditions(view: PortfolioView, width: int) -> list[Line]:
    row = view.row
    lines: list[Line] = [
        heading("Conditions", width),
        *condition_lines(row.conditions, view.next_dates, row.cooldown_days, width),
    ]
    return lines


def condition_lines(conditions: Sequence[Condition], dates: Sequence[date], cooldown: int, width: int) -> list[Line]:
    """Return the conditions in words; `dates` are the next dates of the calendar condition, `cooldown` is in days."""
    lines: list[Line] = []
    for condition in conditions:
        if isinstance(condition, CalendarCondition):
            lines.append(((f"◇ {condition_text(condition)}", ""),))
            lines.extend(paragraph(dates_text(dates), width, "muted", indent=2))
        elif isinstance(condition, PortfolioUpdate):
            lines.extend(paragraph(f"◆ {UPDATE_TEXT}", width, ""))
        else:
            limit = condition_words(condition).replace(" pp", " percentage points")
            lines.extend(paragraph(f"■ drift beyond {limit}", width, ""))
    if not conditions:
        text = "No conditions: only first rebalances, cash investments and manual runs."
        lines.extend(paragraph(text, width, "muted"))
    lines.extend(paragraph(f"◷ {cooldown_text(cooldown)}", width, ""))
    return lines


def dates_text(dates: Sequence[date]) -> str:
    """Return `next Mon 16 Mar 2026 · Wed 15 Apr 2026`; without dates, that the condition has no date in the next two
    years.
    """
    return f"next {' · '.join(day_text(day) for day in dates)}" if dates else "no such day in the next 2 years"


def cooldown_text(days: int) -> str:
    """Describe a cooldown of `days` days in words."""
    if days == 0:
        return "no cooldown: rebalances can follow at once"
    return f"cooldown {count_text(days, 'day')} after each full rebalance"


def _subscribers(view: PortfolioView, width: int, room: int) -> list[Line]:
    everyone = view.subscribers
    total = formats.value(view.row.assets_under_model)
    note = f"{count_text(len(everyone), 'account')}, ${total}" if everyone else ""
    lines: list[Line] = [heading("Subscribers", width, note)]
    if not everyone:
        lines.append((("No subscribers.", "muted"),))
    shown = everyone if len(everyone) <= room else everyone[: room - 1]
    lines.extend(_subscriber(row, width) for row in shown)
    if len(shown) < len(everyone):
        lines.append(((f"… {len(everyone) - len(shown):,} more, enter shows them with their drift", "muted"),))
    return lines


def _subscriber(row: AccountRow, width: int) -> Line:
    money = 15
    mark, style = glyph(row)
    cells = [
        (mark, 1, "left", style),
        (row.client, max(width - money - 3, 6), "left", ""),
        (formats.money(row.equity), money, "right", ""),
    ]
    return table_line(cells)


def impact_facts(impact: Impact, *, changed: bool = True) -> list[tuple[str, str]]:
    """Return the figures of an impact as (label, figure) pairs. With `changed`, the number of accounts outside their
    bands is given as `before → after`.
    """
    outside = outside_text(impact.outside_after, banded=impact.banded_after)
    before = outside_text(impact.outside_before, banded=impact.banded_before)
    compared = changed and (impact.banded_before or impact.banded_after)
    return [
        ("subscribers", f"{impact.subscribers:,}"),
        ("outside their bands", f"{before} → {outside}" if compared else outside),
        ("would trade", count_text(impact.trading, "account")),
        ("resulting orders", f"{impact.orders:,}"),
        ("turnover", f"${formats.money(impact.turnover)}"),
        *([("have a run already", with_run_text(impact.with_run))] if impact.with_run else []),
        ("waiting for cooldown", f"{impact.cooling:,}"),
        *([("on a calendar day", calendar_text(impact))] if impact.on_calendar_day else []),
        *([("blocked", f"{impact.blocked:,}")] if impact.blocked else []),
        ("unable to check", f"{impact.unable:,}"),
    ]


def with_run_text(count: int) -> str:
    """Return how many accounts have an unfinished run, and that no other run begins before it ends."""
    return f"{count_text(count, 'account')}; a new run only after it ends"


def outside_text(count: int, *, banded: bool) -> str:
    """Return how many accounts are outside a band; `no band` if the portfolio has no drift band."""
    return f"{count:,}" if banded else "no band"


def calendar_text(impact: Impact) -> str:
    """Return how many accounts wait for the day of the calendar condition before they trade, and the first such day."""
    when = f", from {day_text(impact.next_calendar_day)}" if impact.next_calendar_day is not None else ""
    return f"{impact.on_calendar_day:,}{when}"


def impact_text(impact: Impact) -> str:
    """Return an impact as text for a confirmation."""
    width = max(len(name) for name, _ in impact_facts(impact))
    return "\n".join(f"{name.ljust(width)}   {figure}" for name, figure in impact_facts(impact))


COUNTED_ANEW = "Orders of an account that has a run already are counted as if it had none, not in addition to that run."
NO_CONDITION = "Without a rebalance condition, only new cash follows the weights; holdings change by a manual run."


def impact_lines(impact: Impact, what: str, *, changed: bool) -> Builder:
    """Build the figures of an impact; `what` describes the change."""

    def build(width: int, _height: int) -> Sequence[Line]:
        notes = [what, "At current prices; nothing is sent or saved."]
        notes += [NO_CONDITION] * (not impact.conditioned) + [COUNTED_ANEW] * (impact.with_run > 0)
        lines: list[Line] = [*paragraph(" ".join(notes), width, "muted"), ()]
        facts = impact_facts(impact, changed=changed)
        size = max(len(fact) for fact, _ in facts)
        lines.extend(((fact.ljust(size), "muted"), ("   ", ""), (figure, "title")) for fact, figure in facts)
        named = heading("Accounts concerned", width, _concerned_text(impact))
        compared = before_after(impact, width, changed=changed)
        return [*lines, *([(), *compared] if compared else []), (), named]

    return build


def _concerned_text(impact: Impact) -> str:
    """How many accounts an impact lists, and that the others are outside no band, neither before nor after it."""
    if not impact.affected:
        return ""
    listed, others = len(impact.affected), impact.subscribers - len(impact.affected)
    rest = f" · {count_text(others, 'other')} not outside" if others else ""
    return f"{count_text(listed, 'account')}{rest} · enter opens one"


def before_after(impact: Impact, width: int, *, changed: bool = True) -> list[Line]:
    """Return two bars on one scale: the subscribers that are outside a band now, and those after the change.

    Without `changed`, return only the first bar; without a drift band, no lines.
    """
    size = min(max(width - 16, 10), 60)
    lines: list[Line] = []
    if not (impact.banded_before or (changed and impact.banded_after)):
        return lines
    now = ("outside now", impact.outside_before, impact.banded_before)
    after = ("outside after", impact.outside_after, impact.banded_after)
    for name, count, banded in (now, after) if changed else (now,):
        if not banded:
            lines.append(((name.ljust(14), "muted"), ("no band", "muted")))
            continue
        track = bars.bar(count, max(impact.subscribers, 1), size).replace(" ", "░")
        lines.append(((name.ljust(14), "muted"), (track, "bad-bar" if count else "rule")))
    return lines


def names_text(names: Sequence[str], of: int) -> str:
    """Return the names, and how many of the `of` names in all are left out: `Ng, Ada; Ruiz, Ana and 4 more`."""
    more = of - len(names)
    return f"{'; '.join(names)} and {more:,} more" if more else "; ".join(names)
