"""Prepared view models for snapshots of the screens."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from rebal_tui.domain.decisions import Check, Decision, LineReason, Outcome, Plan, PlanLine, Verdict
from rebal_tui.domain.orders import Fill, Order, OrderStatus, Side, SkippedOrder, SkipReason
from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import NANO, Money, Percent, Price, Qty, Value, parse_money
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.services.view_models.desk import (
    AccountView,
    DeskRow,
    DriftPoint,
    HoldingView,
    PreviewView,
)
from rebal_tui.services.view_models.runs import RunRow, RunView, RunWeight, TimelineEvent
from rebal_tui.services.view_models.standing import Standing, Tile
from rebal_tui.services.view_models.status import StatusLine

NOW = datetime(2026, 3, 16, 14, 42, 15, tzinfo=UTC)
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
)
MODELS = (("p1", "Balanced"), ("p2", "Growth"), ("p3", "Income 40/60"), ("p4", "All Weather"))
HOLDINGS = (
    ("VTI", 4000, 4542),
    ("VXUS", 2000, 1880),
    ("BND", 2000, 1702),
    ("BNDX", 1000, 911),
    ("VNQ", 500, 472),
    ("GLD", 300, 315),
)
PROFILE = ((1084, "outside"), (903, "near"), (640, "inside"), (None, "none"), (210, "inside"), (0, "blocked"))


def dollars(text: str) -> Money:
    return parse_money(text)


def status(**changes: object) -> StatusLine:
    line = StatusLine(
        "demo",
        "SIMULATED ×600",
        NOW,
        "OPEN · rebalancing until 15:30, 4 h 48 m left",
        NOW + timedelta(minutes=3),
        3,
        2,
        False,
        False,
    )
    return replace(line, **changes)  # type: ignore[arg-type]


def desk_row(index: int, client: str | None = None) -> DeskRow:
    used, kind = PROFILE[index % len(PROFILE)]
    used = None if used is None else max(used - index * 7 % 190, 0)
    standing = Standing(kind) if used is not None else Standing.NONE
    if standing is Standing.OUTSIDE and used is not None and used <= 1000:
        standing = Standing.NEAR
    tiles = {Tile.ALL}
    tiles |= {Tile.OUTSIDE} if standing is Standing.OUTSIDE else set()
    tiles |= {Tile.NEAR} if standing is Standing.NEAR else set()
    tiles |= {Tile.BLOCKED} if standing is Standing.BLOCKED else set()
    state = {"outside": "runs 10:45", "blocked": "blocked: ACH returned"}.get(standing.value, "inside")
    model = MODELS[index % 4]
    return DeskRow(
        account_id=f"{(index * 2654435761) % 2**32:08x}-0000-4000-8000-{index:012x}",
        account_number=f"9{index:08d}",
        client=client or NAMES[index % len(NAMES)],
        portfolio_id=model[0],
        portfolio=model[1],
        equity=Money((50_000_00 + index * 987_653_21 % 900_000_00) * NANO // 100),
        cash=Money((1_200_00 + index * 37_911 % 40_000_00) * NANO // 100),
        worst=("SPY", "QQQ", "BND", "VXUS")[index % 4],
        drift_bp=(-1 if index % 3 else 1) * (0 if used is None else used // 2),
        band_used=used,
        standing=standing,
        tiles=frozenset(tiles),
        state=state,
        last_rebalanced=None if index % 7 == 6 else date(2026, 1 + index % 3, 2 + index % 25),
        exception=standing is Standing.BLOCKED,
    )


def decision(account_id: str, portfolio_id: str = "p1") -> Decision:
    checks = (
        Check("portfolio_active", Verdict.PASS, "Balanced is active", "R-12.1"),
        Check("account_open", Verdict.PASS, "ACTIVE, no restriction", "R-12.2"),
        Check("nothing_open", Verdict.PASS, "no run and no open order", "R-12.3"),
        Check("quota", Verdict.PASS, "no system run today", "R-11"),
        Check("prices", Verdict.PASS, "6 of 6 fresh, oldest 3 s", "R-12.5"),
        Check("eligible", Verdict.PASS, "6 of 6 assets", "R-12.6"),
        Check("cooldown", Verdict.NO, "ended 09 Jan, 7 days after 02 Jan", "R-14.3"),
        Check("calendar", Verdict.NO, "monthly on the 15th: next Wed 15 Apr", "R-14.4"),
        Check("drift_band", Verdict.FIRES, "VTI 45.42 against 40.00 ± 5.00: drift +5.42 is beyond 5.00", "R-14.5"),
        Check("invest_cash", Verdict.NO, "not asked", "R-14.7"),
    )
    return Decision(
        account_id,
        portfolio_id,
        "s1",
        NOW,
        "2026-03-16",
        Outcome.FULL_REBALANCE,
        "VTI has drifted +5.42 points, its band is ±5.00.",
        checks,
    )


def account_view(row: DeskRow) -> AccountView:
    holdings = tuple(
        HoldingView(
            symbol,
            Qty(10 * NANO),
            Money(row.equity * actual // 10_000),
            Percent(target),
            actual,
            actual - target,
            max(target - 500, target * 8 // 10),
            min(target + 500, target * 12 // 10),
            "",
        )
        for symbol, target, actual in HOLDINGS
    )
    history = tuple(
        DriftPoint(NOW - timedelta(days=90 - day), 180 + (day % 31) * 30 + day % 5 * 11, day % 31 == 30)
        for day in range(90)
    )
    made = decision(row.account_id, row.portfolio_id)
    return AccountView(
        row.account_id,
        row.account_number,
        row.client,
        row.portfolio_id,
        row.portfolio,
        row.equity,
        row.cash,
        Money(row.equity // 50),
        holdings,
        "±5 pp · ±20 % · monthly on the 15th · cooldown 7 d",
        replace(made, at=NOW - timedelta(days=3), outcome=Outcome.NONE, reason="Every holding is inside its band."),
        made,
        "A full rebalance is made at the next evaluation, today at 10:45.",
        history,
        Money(row.cash // 2),
        ("an ACH deposit was returned",) if row.exception else (),
    )


def plan(row: DeskRow) -> Plan:
    weights = Weights(tuple(AssetWeight(symbol, Percent(target)) for symbol, target, _ in HOLDINGS), Percent(200))
    lines = []
    for symbol, target, actual in HOLDINGS:
        gap = Money(row.equity * (target - actual) // 10_000)
        side = Side.BUY if gap > 0 else Side.SELL
        small = symbol == "GLD"
        lines.append(
            PlanLine(
                symbol,
                Percent(target),
                Qty(7 * NANO),
                Price(213_450_000_000),
                Value(row.equity * actual // 10_000 * NANO),
                Value(row.equity * target // 10_000 * NANO),
                None if small else side,
                gap if side is Side.BUY and not small else None,
                Qty(abs(gap) * NANO // 213_450_000_000) if side is Side.SELL and not small else None,
                Money(abs(gap)),
                LineReason.ORDER_LESS_THAN_MIN_NOTIONAL
                if small
                else LineReason.BELOW_TARGET
                if side is Side.BUY
                else LineReason.ABOVE_TARGET,
                f"{actual / 100:.2f} % held, {target / 100:.2f} % wanted",
            )
        )
    skipped = (
        SkippedOrder("GLD", Side.SELL, dollars("0.84"), SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL, "0.84 is below 1.00"),
    )
    return Plan(
        RunType.FULL_REBALANCE,
        weights,
        Value(row.equity * NANO),
        row.cash,
        Money(row.equity // 50),
        row.cash,
        (1, 1),
        tuple(lines),
        skipped,
    )


def run_row(index: int, desk: DeskRow) -> RunRow:
    state = tuple(RunStatus)[(index * 3 + 1) % 8]
    total = 0 if state is RunStatus.QUEUED else 6
    return RunRow(
        f"{(index * 40503 + 77) % 2**32:08x}-1111-4000-8000-{index:012x}",
        tuple(RunType)[index % 3],
        state,
        RunPhase.SELLING if state is RunStatus.IN_PROGRESS else RunPhase.DONE,
        desk.account_id,
        desk.account_number,
        desk.client,
        desk.portfolio_id,
        desk.portfolio,
        NOW - timedelta(minutes=index * 7),
        NOW,
        "2026-03-16",
        "system" if index % 4 else "api",
        2 if state is RunStatus.IN_PROGRESS else total,
        total,
        Money(desk.equity // 9) if total else Money(0),
        index % 5 // 4,
        False,
    )


def run_view(row: RunRow, desk: DeskRow) -> RunView:
    made = plan(desk)
    orders = []
    fills = []
    for number, (line, (symbol, _, _)) in enumerate(zip(made.lines, HOLDINGS, strict=True)):
        if line.side is None:
            continue
        filled = number % 3 != 2
        client_id = f"{row.id[:8]}-{symbol}"
        orders.append(
            Order(
                f"o{number}",
                client_id,
                row.account_id,
                symbol,
                line.side,
                OrderStatus.FILLED if filled else OrderStatus.PARTIALLY_FILLED,
                line.notional,
                line.qty,
                Qty(3 * NANO),
                Price(213_450_000_000),
                NOW,
                NOW,
                NOW,
                NOW if filled else None,
            )
        )
        amount = Money(line.wanted if filled else line.wanted * 3 // 8)
        fills.append(
            Fill(
                f"e{number}",
                f"o{number}",
                client_id,
                row.account_id,
                symbol,
                line.side,
                Qty(3 * NANO),
                Price(213_450_000_000),
                amount,
                NOW,
                "2026-03-17",
            )
        )
    failed = replace(orders[1], status=OrderStatus.REJECTED, reject_reason="insufficient buying power")
    run = Run(
        row.id,
        row.account_id,
        row.portfolio_id,
        "s1",
        RunType(row.type),
        None,
        InitiatedFrom(row.initiated_from),
        RunStatus(row.status),
        RunPhase(row.phase),
        Approval.NOT_NEEDED,
        None,
        made.weights,
        row.session,
        made.cash_target,
        False,
        row.created_at,
        NOW,
        NOW,
        None,
        None,
    )
    timeline = (
        TimelineEvent(row.created_at, "QUEUED", "by the evaluation of 10:45"),
        TimelineEvent(NOW, "selling", "2 orders sent"),
        TimelineEvent(NOW, "buying", "3 orders sent from booked cash"),
        TimelineEvent(NOW, row.status, "5 of 6 filled, 1 skipped"),
    )
    weights = tuple(RunWeight(s, Percent(t), a, t + 3 if row.done else None) for s, t, a in HOLDINGS)
    text = json.dumps(
        {"id": row.id, "type": row.type, "status": row.status, "orders": [], "name": row.client}, indent=2
    )
    return RunView(
        run,
        row.client,
        row.account_number,
        row.portfolio,
        made,
        tuple(orders),
        (failed,),
        made.skipped_orders,
        tuple(fills),
        timeline,
        weights,
        decision(row.account_id),
        text,
    )


def preview(row: DeskRow) -> PreviewView:
    before = (*tuple((symbol, actual) for symbol, _, actual in HOLDINGS), ("cash", 178))
    after = (*tuple((symbol, target) for symbol, target, _ in HOLDINGS), ("cash", 200))
    return PreviewView(
        row.account_id,
        row.client,
        row.portfolio,
        plan(row),
        "VTI has drifted +5.42 points, its band is ±5.00.",
        Money(row.equity // 9),
        Money(row.equity // 50),
        before,
        after,
        NOW,
    )
