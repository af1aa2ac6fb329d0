"""Domain values that reach every branch of the API's shapes, and the JSON text written for them.

`python -m tests.services.wire.samples` records the JSON text again; `test_samples.py` compares.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.cash import Journal, JournalStatus
from rebal_tui.domain.decisions import Check, Decision, LineReason, Outcome, Plan, PlanLine, Verdict
from rebal_tui.domain.orders import Order, OrderStatus, Side, SkippedOrder, SkipReason
from rebal_tui.domain.portfolios import (
    AssetWeight,
    BandType,
    CalendarCondition,
    CalendarType,
    DriftBand,
    Portfolio,
    PortfolioStatus,
    PortfolioUpdate,
    Subscription,
    Weights,
)
from rebal_tui.domain.quantities import Money, Percent, Qty, Value, parse_money, parse_price, parse_qty
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunDetail, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import NEW_YORK, Session
from rebal_tui.domain.trade_status import StatusKind, TradeStatus, WaitsFor
from rebal_tui.services.advisory import cash, portfolios, subscriptions
from rebal_tui.services.book.book import Book
from rebal_tui.services.maintenance.export import EXPORTS, export_text
from rebal_tui.services.parsing.portfolio_input import parse_portfolio
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.simulation.sandbox import sandbox_json
from rebal_tui.services.wire import account_shapes, accounts, events, market, pages, shapes
from rebal_tui.services.wire.models import accounts as account_models
from rebal_tui.services.wire.models import market as market_models
from rebal_tui.services.wire.models import rebalancing
from tests.services.factories import advance, advance_to, set_price, simple_book

RECORDED = Path(__file__).with_name("samples.json")
AT = datetime(2026, 3, 4, 16, 36, 7, 53_482, UTC)
LATER = datetime(2026, 11, 28, 23, 59, 59, 0, timezone(timedelta(hours=-5)))
TEXT = 'Ünï "quoted" \\ \t\n\x1f </b> 漢字 🙂'
WEIGHTS = Weights((AssetWeight("SPY", Percent(6_050)), AssetWeight("BRK.B", Percent(3_450))), Percent(500))


def _order(status: OrderStatus, **changes: Any) -> Order:
    values: dict[str, Any] = {
        "id": "0d7c1c0a-4c7e-5a6b-8f0e-7a2f4f7e6b11", "client_order_id": "rt-1-1", "account_id": "a1", "symbol": "SPY",
        "side": Side.BUY, "notional": parse_money("30000"), "qty": None, "filled_qty": Qty(0),
        "filled_avg_price": None, "created_at": AT, "updated_at": LATER, "submitted_at": AT,
    }  # fmt: skip
    return Order(**{**values, "status": status, **changes})


ORDERS = {
    "filled": _order(
        OrderStatus.FILLED, filled_qty=parse_qty("72.865432211"), filled_avg_price=parse_price("411.72"), filled_at=AT
    ),
    "unanswered": _order(
        OrderStatus.PENDING_NEW, id="", symbol="XYZ", side=Side.SELL, notional=None, qty=parse_qty("0.000000001")
    ),
    "rejected": _order(
        OrderStatus.REJECTED, failed_at=LATER, canceled_at=AT, expired_at=AT, reject_reason=TEXT, notional=Money(1)
    ),
}
SKIPPED = {
    "whole": SkippedOrder("SPY", Side.SELL, parse_money("0.5"), SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL, TEXT),
    "bare": SkippedOrder("TLT", None, None, SkipReason.NO_PRICE, ""),
}
ASSETS = {
    "SPY": Asset("id-SPY", "SPY", TEXT, "ARCA", AssetStatus.ACTIVE, True, True, parse_price("417.8"), AT),
    "BRK.B": Asset("id-BRK", "BRK.B", "", "NOWHERE", AssetStatus.INACTIVE, False, False),
}
ACCOUNTS = {
    "holding": Account(
        "a1", "N-1", TEXT, AccountStatus.ACTIVE, parse_money("-12.345678901"), parse_money("1"), frozenset(),
        (Position("SPY", parse_qty("1.5"), parse_price("50")), Position("BRK.B", parse_qty("2"))), AT,
    ),
    "restricted": Account(
        "a2", "N-2", "B", AccountStatus.INACTIVE, Money(0), Money(0), frozenset(Restriction), (), LATER,
    ),
}  # fmt: skip
PORTFOLIOS = {
    "conditions": Portfolio(
        "p1", TEXT, TEXT, PortfolioStatus.NEEDS_ADJUSTMENT, WEIGHTS, 7,
        (
            DriftBand(BandType.ABSOLUTE, Percent(525)), DriftBand(BandType.RELATIVE, Percent(2_000)),
            CalendarCondition(CalendarType.WEEKLY, "Monday"), CalendarCondition(CalendarType.ANNUALLY, "02-29"),
            PortfolioUpdate(),
        ),
        AT, LATER, LATER, True,
    ),
    "plain": Portfolio(
        "p2", "P", "", PortfolioStatus.ACTIVE, Weights((AssetWeight("SPY", Percent(10_000)),)), 0, (), AT, AT, AT,
    ),
}  # fmt: skip
PLAN = Plan(
    RunType.FULL_REBALANCE, WEIGHTS, Value(50_300 * 10**18 + 1), parse_money("5"), Money(0), parse_money("0.01"),
    (2, 3),
    (
        PlanLine(
            "SPY", Percent(6_050), Qty(5), parse_price("400"), Value(1), Value(2), Side.BUY, parse_money("10"), None,
            Money(3), LineReason.BELOW_TARGET, TEXT,
        ),
        PlanLine(
            "TLT", Percent(0), Qty(5), None, Value(1), Value(2), None, None, parse_qty("1.5"), Money(3),
            LineReason.NO_PRICE, "",
        ),
    ),
    (SKIPPED["whole"],),
    parse_money("7"),
)  # fmt: skip
DECISIONS = {
    "planned": Decision(
        "a1", "p1", "s1", AT, "2026-03-04", Outcome.FULL_REBALANCE, TEXT,
        tuple(Check(f"check-{verdict}", verdict, TEXT, "R-12.5") for verdict in Verdict), PLAN,
        status=TradeStatus(StatusKind.WAITS, WaitsFor.COOLDOWN, LATER, TEXT, "cooldown ends Thu 26 Nov, a holiday"),
    ),
    "blocked": Decision("a1", "p1", "s1", LATER, "2026-11-28", Outcome.BLOCKED, "", ()),
}  # fmt: skip
JOURNALS = {
    status: Journal("j1", FIRM_ACCOUNT, "a1", parse_money("5"), status, TEXT, AT, LATER, reason)
    for status, reason in ((JournalStatus.EXECUTED, None), (JournalStatus.REJECTED, TEXT))
}
SESSION = Session(
    date(2026, 11, 27),
    datetime(2026, 11, 27, 9, 30, tzinfo=NEW_YORK),
    datetime(2026, 11, 27, 13, tzinfo=NEW_YORK),
    date(2026, 11, 30),
    date(2026, 11, 30),
)


def _run(kind: RunType, portfolio_id: str | None, **changes: Any) -> Run:
    values: dict[str, Any] = {
        "subscription_id": None, "amount": None, "initiated_from": InitiatedFrom.SYSTEM, "status": RunStatus.QUEUED,
        "phase": RunPhase.WAITING, "approval": Approval.NOT_NEEDED, "reason": None, "weights": WEIGHTS, "session": "",
        "cash_target": None, "cancel_requested": False, "created_at": AT, "updated_at": LATER,
    }  # fmt: skip
    return Run(**{**values, "id": "r1", "account_id": "a1", "portfolio_id": portfolio_id, "type": kind, **changes})


RUNS = {
    "whole": RunDetail(
        _run(
            RunType.PARTIAL_LIQUIDATION, "p1", amount=parse_money("12.5"), initiated_from=InitiatedFrom.API,
            status=RunStatus.CANCELED_MID_RUN, reason=TEXT, completed_at=AT, canceled_at=LATER,
        ),
        (ORDERS["filled"],), (ORDERS["rejected"],), tuple(SKIPPED.values()),
    ),
    "bare": RunDetail(_run(RunType.INVEST_CASH, None), (), (), ()),
}  # fmt: skip


def value_samples() -> dict[str, Any]:
    """The shapes of the domain values above, by shape and name."""
    ids = shapes.asset_ids(ASSETS)
    one, two = parse_money("1"), parse_money("2.5")
    made: dict[str, Mapping[str, Any]] = {
        "Order": {name: shapes.order_json(order, ids) for name, order in ORDERS.items()},
        "SkippedOrder": {name: shapes.skipped_json(order) for name, order in SKIPPED.items()},
        "RunRecord": {name: shapes.run_json(run, ids) for name, run in RUNS.items()},
        "Portfolio": {name: shapes.portfolio_json(portfolio) for name, portfolio in PORTFOLIOS.items()},
        "Subscription": {
            "new": shapes.subscription_json(Subscription("s1", "a1", "p1", AT)),
            "old": shapes.subscription_json(Subscription("s1", "a1", "p1", AT, LATER)),
        },
        "Decision": {name: shapes.decision_json(decision) for name, decision in DECISIONS.items()},
        "Asset": {name: shapes.asset_json(asset) for name, asset in ASSETS.items()},
        "CalendarDay": {"half": shapes.session_json(SESSION)},
        "AccountRecord": {n: account_shapes.account_json(a, ASSETS, one) for n, a in ACCOUNTS.items()},
        "TradingAccount": {n: account_shapes.trading_account_json(a, ASSETS, one, two) for n, a in ACCOUNTS.items()},
        "Position": {
            position.symbol: account_shapes.position_json(position, ASSETS[position.symbol], Qty(10**8))
            for position in ACCOUNTS["holding"].positions
        },
        "Journal": {str(status): account_shapes.journal_json(journal) for status, journal in JOURNALS.items()},
    }
    return {f"{shape} {name}": sample for shape, samples in made.items() for name, sample in samples.items()}


def eventful_book() -> Book:
    """A book that traded, moved cash, and took a withdrawal and a portfolio out of use."""
    book = simple_book(names="ab")
    advance_to(book, "2026-03-02 09:45")
    advance(book, 2)
    cash.deposit(book, "a", parse_money("1000"))
    cash.create_journal(book, "b", parse_money("12.5"), incoming=False, description='Ünï "q"', key="k")
    create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("25"))
    advance(book, 1)
    set_price(book, "SPY", "405.123456789")
    advance_to(book, "2026-03-03 10:00")
    subscriptions.unsubscribe(book, book.subscriptions["b"].id)
    weights = [{"type": "asset", "symbol": "GLD", "percent": "100"}]
    unused = portfolios.create_portfolio(book, parse_portfolio({"name": "Unused", "weights": weights}))
    portfolios.inactivate_portfolio(book, unused.id)
    return book


def book_samples(book: Book) -> dict[str, Any]:
    """The answers of the API about a book, by shape and name."""
    sources = {
        "rebalancer": events.REBALANCER, "trades": events.TRADES, "journals": events.JOURNALS,
        "accounts": events.ACCOUNTS, "activities": events.ACTIVITIES,
    }  # fmt: skip
    made: dict[str, Any] = {
        "Account a": accounts.account_shape(book, book.account("a")),
        "TradingAccount a": accounts.trading_account(book, "a"),
        "AllPositions all": accounts.all_positions(book),
        "Clock now": market.clock(book),
        "Sandbox now": sandbox_json(book),
        "Runs all": [*pages.page_of_runs(book, 10).items],
        "Subscriptions all": [*pages.page_of_subscriptions(book, 10).items],
    }
    for name, source in sources.items():
        made[f"Events {name}"] = [
            [event.seq, event.kind, event.data] for event in source.after(book, 0) if event.data is not None
        ]
    return made


def documented_keys() -> dict[str, list[str]]:
    """The keys that the OpenAPI document lists, by shape."""
    shapes = [shape for module in (rebalancing, account_models, market_models) for shape in vars(module).values()]
    return {
        shape.__name__: list(TypeAdapter(shape).json_schema(mode="serialization")["properties"])
        for shape in shapes
        if hasattr(shape, "__pydantic_config__")
    }


def texts() -> dict[str, str]:
    """Every sample as the JSON text that is written."""
    book = eventful_book()
    samples = {**value_samples(), **book_samples(book)}
    made = {name: json.dumps(sample, ensure_ascii=False) for name, sample in samples.items()}
    made["Document keys"] = json.dumps(documented_keys())
    made["Snapshots all"] = market.snapshots(book, ["SPY", "TLT", "XYZ"])
    return made | {f"Export {what}": export_text(book, what, "csv") for what in EXPORTS if what != "audit"}


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    RECORDED.write_text(json.dumps(texts(), ensure_ascii=False, indent=1) + "\n", "utf-8")
