"""Prepared view models for snapshots of the screens: accounts, previews, status. Plans and traces are the engine's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.decisions import Decision, Outcome, Plan
from rebal_tui.domain.orders import Order
from rebal_tui.domain.portfolios import (
    AssetWeight,
    BandType,
    CalendarCondition,
    CalendarType,
    Condition,
    DriftBand,
    Portfolio,
    PortfolioStatus,
    Subscription,
    Weights,
)
from rebal_tui.domain.quantities import (
    NANO,
    Money,
    Percent,
    Qty,
    market_value,
    parse_money,
    parse_percent,
    parse_price,
    value_cents,
)
from rebal_tui.domain.sessions import NEW_YORK, Session
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import plan_full_rebalance
from rebal_tui.engine.schedule import Schedule
from rebal_tui.engine.shares import planned_shares
from rebal_tui.engine.situation import Situation
from rebal_tui.engine.trade_status import StatusContext, trade_status
from rebal_tui.market.sessions import TradingCalendar, build_sessions
from rebal_tui.services.view_models.desk import (
    AccountView,
    DeskRow,
    DriftPoint,
    FirmView,
    HoldingView,
    PreviewView,
)
from rebal_tui.services.view_models.plan_figures import plan_figures
from rebal_tui.services.view_models.standing import STATUS_TILES, Tile, short_status
from rebal_tui.services.view_models.status import StatusLine

NOW = datetime(2026, 3, 16, 14, 42, 15, tzinfo=UTC)
DAY = date(2026, 3, 16)
SESSION = Session(
    DAY,
    datetime(2026, 3, 16, 9, 30, tzinfo=NEW_YORK),
    datetime(2026, 3, 16, 16, tzinfo=NEW_YORK),
    date(2026, 3, 17),
    date(2026, 3, 17),
)
CALENDAR = TradingCalendar(build_sessions(date(2025, 1, 1), date(2027, 12, 31)))
SCHEDULE = Schedule(CALENDAR, lambda session: session.open)
NAMES = (
    "Ruiz, Ana",
    "Okafor, B.",
    "Lindqvist Family Trust",
    "Chen, Wei",
    "Moreau, Claire",
    "Novak, P.",
    "Haddad, Layla",
    "Svensson, Erik",
    "O'Brien, Maeve",
    "Tanaka, Hiro",
    "Kowalski, Jan",
    "Fernández, Luz",
    "Ruiz, Ana (IRA)",
    "Okafor, Chidi",
    "Hartmann, Julia",
    "Chen, Lily",
    "Moreau, Paul",
    "Novak, Petra",
    "Haddad, Omar",
    "Svensson, Karin",
    "O'Brien, Sean",
    "Tanaka, Yuki",
    "Kowalski, Ewa",
    "Fernández, Marta",
    "Ruiz, Mateo",
    "Okafor, Ngozi",
    "Patel, Anjali",
    "Wu, Grace",
    "Dubois, Henri",
    "Ivanova, Olga",
    "Haddad, Nadia",
    "Lindgren, Maja",
    "Murphy, Declan",
    "Sato, Kenji",
    "Reyes, Carmen",
    "Bauer, Stefan",
    "Ruiz, Elena",
    "Okafor Trust",
    "Keller, Anton",
    "Rossi, Giulia",
)
MODELS = (("p1", "Balanced"), ("p2", "Growth"), ("p3", "Income 40/60"), ("p4", "All Weather"))
YEARLY = ("p5", "Yearly 60/40")
"""The portfolio without drift bands."""
SYMBOLS = {
    "p1": ("SPY", "VXUS", "BND", "BNDX", "VNQ", "GLD"),
    "p2": ("QQQ", "VXUS", "BND", "BNDX", "VNQ", "GLD"),
    "p3": ("BND", "VTI", "VXUS", "BNDX", "VNQ", "GLD"),
    "p4": ("VXUS", "VTI", "BND", "BNDX", "VNQ", "GLD"),
    "p5": ("VTI", "VXUS", "BND", "BNDX", "VNQ", "GLD"),
}
"""The assets of each portfolio, in the order of `TARGETS`."""
TARGETS = (4000, 2000, 2000, 1000, 500, 300)
CASH_TARGET = 200
DRIFTS = (542, -120, -298, -89)
"""Drifts at a band usage of 108.4 %, in hundredths of a percent of equity, of the first four assets. The first has the
largest usage, the fifth takes the rest."""
OVERWEIGHT = parse_money("0.84")
"""What the last asset is above its target, and cash below: too little for an order."""
SPARE = 16
"""Billionths of a share that the first and last asset have beyond their drift: worth more than what is cut from the
other quantities, so that a difference from a target, rounded down, is not a cent less than it should be."""
FULL_USAGE = 1084
PRICES = {
    "SPY": "562.84",
    "QQQ": "487.66",
    "VTI": "282.60",
    "VXUS": "59.62",
    "BND": "72.53",
    "BNDX": "49.18",
    "VNQ": "88.55",
    "GLD": "242.34",
}
PROFILE = ((1084, "outside"), (903, "near"), (640, "inside"), (None, "none"), (210, "inside"), (310, "blocked"))
REBALANCED = {
    12: date(2026, 3, 12), 16: date(2026, 3, 13), 21: date(2026, 3, 11), 24: date(2026, 3, 13),
}  # fmt: skip
"""The days of the completed full rebalances among the runs, by the index of the account."""
RUNNING = {10: "selling", 28: "buying"}
"""What the unfinished runs do, by the index of the account."""
UNBANDED_USAGE = 372
"""What the drifts of an account without drift bands would use of them."""


def status(**changes: object) -> StatusLine:
    line = StatusLine(
        "demo",
        "SIMULATED ×600",
        NOW,
        "OPEN · rebalancing until 15:30, 4 h 47 m left",
        NOW + timedelta(minutes=3),
        3,
        2,
        0,
        False,
        False,
    )
    return replace(line, **changes)  # type: ignore[arg-type]


def session_on(day: date) -> date:
    """The last session on or before a day."""
    found = CALENDAR.on_or_before(day)
    assert found is not None
    return found.day


def drifts_at(usage: int) -> tuple[int, ...]:
    """The drift of each asset at a largest band usage in tenths of a percent; below 0, the opposite drifts."""
    scaled = [int(drift * usage / FULL_USAGE) for drift in DRIFTS]
    return (*scaled, -sum(scaled), 0)


def desk_row(index: int, client: str | None = None) -> DeskRow:
    profile, kind = PROFILE[index % len(PROFILE)]
    used = None if profile is None else max(profile - index * 3 % 190, 0)
    tiles = {Tile.ALL}
    if used is not None and used > 1000:
        tiles.add(Tile.OUTSIDE)
    elif used is not None and used >= 800:
        tiles.add(Tile.NEAR)
    first = index % 7 == 6 and kind != "blocked"
    tiles |= {Tile.FIRST} if first else set()
    model = YEARLY if used is None else MODELS[index % 4]
    equity = (50_000_00 + index * 987_653_21 % 900_000_00) * NANO // 100
    sign = -1 if index % 3 else 1
    banded, drifted = used is not None, date(2026, 1 + index % 2, 2 + index % 25)
    last = None if index % 7 == 6 else session_on(drifted) if banded else date(2025, 12, 31)
    row = DeskRow(
        account_id=f"{(index * 2654435761) % 2**32:08x}-0000-4000-8000-{index:012x}",
        account_number=f"9{index:08d}",
        client=client or NAMES[index % len(NAMES)],
        portfolio_id=model[0],
        portfolio=model[1],
        equity=Money(equity),
        cash=_cash(equity),
        worst=SYMBOLS[model[0]][0],
        drift_bp=drifts_at(sign * (UNBANDED_USAGE if used is None else used))[0],
        band_used=used,
        status=StatusKind.NEEDS_YOU if kind == "blocked" else StatusKind.IN_RANGE,
        tiles=frozenset(tiles),
        state=RUNNING.get(index, "ACH return"),
        last_rebalanced=REBALANCED.get(index, last),
        year=NOW.year,
    )
    found = decision(row).status
    assert found is not None
    text = short_status(found.kind, found.waits_for, found.first_trade_at, NOW, traded=False, banded=banded)
    own = next(tile for tile, status in STATUS_TILES.items() if status is found.kind)
    state = row.state if found.kind is StatusKind.NEEDS_YOU or index in RUNNING else text
    return replace(row, status=found.kind, tiles=row.tiles | {own}, state=state)


def firm(rows: Sequence[DeskRow], orders: Sequence[Order] = (), traded: Money = Money(0)) -> FirmView:
    """The totals of some rows, with their working orders and what they traded today."""
    outside = [row for row in rows if Tile.OUTSIDE in row.tiles]
    return FirmView(
        equity=Money(sum(row.equity for row in rows)),
        cash=Money(sum(row.cash for row in rows)),
        outside=len(outside),
        outside_equity=Money(sum(row.equity for row in outside)),
        working_orders=len(orders),
        working=Money(sum(_unfilled(order) for order in orders)),
        traded_today=traded,
        next_evaluation="10:45",
    )


def _unfilled(order: Order) -> int:
    """What an order has still to trade, in the units of a `Money`; its fill is at its asset's price."""
    price = parse_price(PRICES[order.symbol])
    if order.qty is None:
        return (order.notional or 0) - order.filled_qty * price // NANO
    return (order.qty - order.filled_qty) * price // NANO


def _usage(row: DeskRow) -> int:
    """The band usage of a row with the sign of its largest drift."""
    used = UNBANDED_USAGE if row.band_used is None else row.band_used
    return used * (-1 if row.drift_bp < 0 else 1)


def assets_of(row: DeskRow) -> dict[str, Asset]:
    """The assets of the row's portfolio, with a price 3 seconds old."""
    return {
        symbol: Asset(
            f"id-{symbol}", symbol, symbol, "ARCA", AssetStatus.ACTIVE, True, True, parse_price(PRICES[symbol]),
            NOW - timedelta(seconds=3),
        )
        for symbol in SYMBOLS[row.portfolio_id]
    }  # fmt: skip


def weights_of(row: DeskRow) -> Weights:
    pairs = zip(SYMBOLS[row.portfolio_id], TARGETS, strict=True)
    return Weights(tuple(AssetWeight(symbol, Percent(target)) for symbol, target in pairs), Percent(CASH_TARGET))


def _quantities(equity: int, usage: int, symbols: tuple[str, ...], overweight: Money) -> dict[str, Qty]:
    """The shares of an account of `equity` whose largest band usage is `usage`."""
    held = {}
    for symbol, target, drift in zip(symbols, TARGETS, drifts_at(usage), strict=True):
        value = equity * (target + drift) // 10_000 + (overweight if symbol == symbols[-1] else 0)
        rounded = value * NANO // parse_price(PRICES[symbol])
        held[symbol] = Qty(rounded + SPARE if symbol in (symbols[0], symbols[-1]) else rounded)
    return held


def _cash(equity: int, overweight: Money = OVERWEIGHT) -> Money:
    """The cash of an account of `equity`: about its cash target, so that the drifts are those of its assets only."""
    return Money(equity * CASH_TARGET // 10_000 - overweight)


def holdings_of(
    row: DeskRow, usage: int | None = None, deposit: Money = Money(0), overweight: Money = OVERWEIGHT
) -> Holdings:
    """The row's cash and shares; with `usage` at another drift, with `deposit` after one more deposit."""
    at = _usage(row) if usage is None else usage
    held = _quantities(row.equity, at, SYMBOLS[row.portfolio_id], overweight)
    return Holdings(Money(_cash(row.equity, overweight) + deposit), held, assets_of(row))


def conditions_of(row: DeskRow) -> tuple[Condition, ...]:
    calendar = CalendarCondition(CalendarType.ANNUALLY, "12-31")
    if row.band_used is None:
        return (calendar,)
    bands = ((BandType.ABSOLUTE, "5"), (BandType.RELATIVE, "20"))
    return (*(DriftBand(kind, parse_percent(percent)) for kind, percent in bands), calendar)


def decision(
    row: DeskRow, holdings: Holdings | None = None, at: datetime = NOW, upcoming: datetime | None = None
) -> Decision:
    """The decision of an evaluation of the row's account at `at`; with `holdings`, as it was then.

    `upcoming` is the next evaluation, 3 minutes later by default.
    """
    held = holdings or holdings_of(row)
    last = row.last_rebalanced
    born = datetime(2025, 6, 2, 14, tzinfo=UTC)
    account = Account(
        row.account_id, row.account_number, row.client, AccountStatus.ACTIVE, held.cash, Money(0),
        frozenset({Restriction.ACH_RETURN} if row.exception else ()),
        tuple(Position(symbol, qty) for symbol, qty in held.positions.items()), born,
    )  # fmt: skip
    portfolio = Portfolio(
        row.portfolio_id, row.portfolio, "", PortfolioStatus.ACTIVE, weights_of(row), 7, conditions_of(row), born, born,
        born,
    )  # fmt: skip
    rebalanced = None if last is None else datetime(last.year, last.month, last.day, 10, 30, tzinfo=NEW_YORK)
    subscription = Subscription("s1", row.account_id, row.portfolio_id, born, rebalanced)
    session = SESSION if at.date() == DAY else CALENDAR.session(at.date())
    assets = {symbol: replace(asset, price_at=at - timedelta(seconds=3)) for symbol, asset in held.assets.items()}
    open_run = "r1" if row.state in RUNNING.values() else None
    situation = Situation(at, session, "", account, portfolio, subscription, assets, open_run=open_run)
    made = evaluate(situation)
    context = StatusContext(SCHEDULE, upcoming or at + timedelta(minutes=3))
    return replace(made, status=trade_status(situation, context, decision=made))


def _history(row: DeskRow) -> tuple[DriftPoint, ...]:
    """Band usage at 90 sessions: it grows beyond 100 % until the last rebalance, and since then to today's.

    Without a cause that stops a rebalance it stays below 100 %, since the next evaluation would have traded.
    """
    last, points = row.last_rebalanced, []
    days = CALENDAR.days(DAY - timedelta(days=140), DAY - timedelta(days=1))[-90:]
    for index, day in enumerate(days):
        if last is None or day > last:
            since = sum(last is None or one > last for one in days) + 1
            used = min((row.band_used or 0) * (since - len(days) + index) // since, 985)
        else:
            used = max(1043 - sum(day < one <= last for one in days) * 14 - index % 5 * 4, 200)
        points.append(DriftPoint(datetime.combine(day, NOW.timetz()), used, day == last))
    return tuple(points)


def account_view(row: DeskRow) -> AccountView:
    """The row's account; the last evaluation found it halfway to its drift."""
    held, weights = holdings_of(row), weights_of(row)
    banded = row.band_used is not None
    views = []
    for symbol, target, off in zip(SYMBOLS[row.portfolio_id], TARGETS, drifts_at(_usage(row)), strict=True):
        views.append(
            HoldingView(
                symbol,
                held.positions[symbol],
                value_cents(market_value(held.positions[symbol], parse_price(PRICES[symbol]))),
                weights.of(symbol),
                target + off,
                off,
                max(target - 500, target * 8 // 10) if banded else None,
                min(target + 500, target * 12 // 10) if banded else None,
                "",
            )
        )
    made = decision(row)
    evaluated = NOW - timedelta(minutes=NOW.minute % 15, seconds=NOW.second)
    before = decision(row, holdings_of(row, _usage(row) // 2), evaluated)
    steps = {
        Outcome.BLOCKED: "Evaluation at 10:45; nothing trades until the broker lifts the block.",
        Outcome.NONE: "Evaluation at 10:45.",
    }
    return AccountView(
        row.account_id,
        row.account_number,
        row.client,
        row.portfolio_id,
        row.portfolio,
        row.equity,
        row.cash,
        Money(row.equity * CASH_TARGET // 10_000),
        tuple(views),
        f"{'±5 pp or ±20 % of target · ' if banded else ''}annually on 12-31 · cooldown 7 d",
        before if row.last_rebalanced else None,
        made,
        steps.get(made.outcome, "A full rebalance is made at the next evaluation, today at 10:45."),
        _history(row) if banded else (),
        row.cash,
        ("an ACH deposit was returned",) if row.exception else (),
        not row.tiles.isdisjoint((Tile.NEAR, Tile.OUTSIDE)),
        Money(0),
        cash_line=HoldingView("cash", Qty(0), row.cash, weights.cash, CASH_TARGET, 0, None, None, ""),
    )


def plan(row: DeskRow) -> Plan:
    """The full rebalance of the row's account at its current prices."""
    return plan_full_rebalance(holdings_of(row), weights_of(row))


def preview(row: DeskRow) -> PreviewView:
    """The plan of a rebalance now, with the reason if a condition is met."""
    made, now = plan(row), decision(row)
    figures = plan_figures(made)
    before, after = planned_shares(made)
    due = now.outcome is Outcome.FULL_REBALANCE
    return PreviewView(
        row.account_id,
        row.client,
        row.portfolio,
        made,
        now.reason if due else "No rebalance is due. If you rebalanced now:",
        figures.turnover,
        figures.cash,
        figures.cash_after,
        tuple(before.items()),
        tuple(after.items()),
        NOW,
    )
