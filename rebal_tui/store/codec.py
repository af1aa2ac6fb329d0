"""The one codec between rows and domain values."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.decisions import Check, LineReason, Plan, PlanLine, Verdict
from rebal_tui.domain.orders import Order, OrderStatus, Side, SkippedOrder, SkipReason
from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import Money, Percent, Price, Qty, Value
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import epoch_micros, from_epoch_micros


def to_time(at: datetime) -> int:
    """Microseconds since 1970 UTC of an aware moment."""
    return epoch_micros(at)


def from_time(micros: int) -> datetime:
    return from_epoch_micros(micros)


def to_time_or_none(at: datetime | None) -> int | None:
    return None if at is None else to_time(at)


def from_time_or_none(micros: int | None) -> datetime | None:
    return None if micros is None else from_time(micros)


def dump(value: Any) -> str:
    """Compact JSON in a stable order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def to_weights(weights: Weights) -> str:
    return dump({"cash": weights.cash, "assets": [[w.symbol, w.percent] for w in weights.assets]})


def from_weights(text: str) -> Weights:
    raw = json.loads(text)
    return Weights(
        tuple(AssetWeight(symbol, Percent(percent)) for symbol, percent in raw["assets"]), Percent(raw["cash"])
    )


def to_trace(trace: tuple[Check, ...]) -> str:
    return dump([[c.check, c.verdict, c.detail, c.rule] for c in trace])


def from_trace(text: str) -> tuple[Check, ...]:
    return tuple(Check(check, Verdict(verdict), detail, rule) for check, verdict, detail, rule in json.loads(text))


def to_plan(plan: Plan) -> str:
    """A plan as JSON; `skipped_orders` and the sides of its lines survive, so it can be carried on after a restart."""
    return dump(
        {
            "type": plan.type,
            "weights": to_weights(plan.weights),
            "equity": plan.equity,
            "cash": plan.cash,
            "cash_target": plan.cash_target,
            "budget": plan.budget,
            "scale": [str(part) for part in plan.scale],
            "amount": plan.amount,
            "lines": [
                [
                    x.symbol, x.target, x.held, x.price, x.value, x.target_value, x.side, x.notional, x.qty, x.wanted,
                    x.reason, x.detail,
                ]
                for x in plan.lines
            ],
            "skipped": [[s.symbol, s.side, s.notional, s.reason, s.reason_details] for s in plan.skipped_orders],
        }
    )  # fmt: skip


def from_plan(text: str) -> Plan:
    raw = json.loads(text)
    return Plan(
        type=RunType(raw["type"]),
        weights=from_weights(raw["weights"]),
        equity=Value(raw["equity"]),
        cash=Money(raw["cash"]),
        cash_target=Money(raw["cash_target"]),
        budget=Money(raw["budget"]),
        scale=(int(raw["scale"][0]), int(raw["scale"][1])),
        amount=None if raw["amount"] is None else Money(raw["amount"]),
        lines=tuple(_plan_line(line) for line in raw["lines"]),
        skipped_orders=tuple(
            SkippedOrder(symbol, Side(side) if side else None, notional, SkipReason(reason), details)
            for symbol, side, notional, reason, details in raw["skipped"]
        ),
    )


def _plan_line(raw: list[Any]) -> PlanLine:
    symbol, target, held, price, value, target_value, side, notional, qty, wanted, reason, detail = raw
    return PlanLine(
        symbol, Percent(target), Qty(held), None if price is None else Price(price), Value(value),
        Value(target_value), Side(side) if side else None, notional, qty, Money(wanted), LineReason(reason), detail,
    )  # fmt: skip


ASSET_COLUMNS = "id, symbol, name, exchange, status, tradable, fractionable, price, price_at"


def to_asset(row: tuple[Any, ...]) -> Asset:
    identity, symbol, name, exchange, status, tradable, fractionable, price, price_at = row
    return Asset(
        identity, symbol, name, exchange, AssetStatus(status), bool(tradable), bool(fractionable),
        price, from_time_or_none(price_at),
    )  # fmt: skip


def asset_values(asset: Asset) -> tuple[Any, ...]:
    return (
        asset.id, asset.symbol, asset.name, asset.exchange, asset.status.value, int(asset.tradable),
        int(asset.fractionable), asset.price, to_time_or_none(asset.price_at),
    )  # fmt: skip


def to_restrictions(text: str) -> frozenset[Restriction]:
    return frozenset(Restriction(name) for name in text.split(",") if name)


def restrictions_text(restrictions: frozenset[Restriction]) -> str:
    return ",".join(sorted(restrictions))


ACCOUNT_COLUMNS = "key, id, number, name, status, cash, unsettled, restrictions, created_at"


def to_account(row: tuple[Any, ...], positions: tuple[Position, ...]) -> Account:
    _, identity, number, name, status, cash, unsettled, restrictions, created_at = row
    return Account(
        identity, number, name, AccountStatus(status), Money(cash), Money(unsettled),
        to_restrictions(restrictions), positions, from_time(created_at),
    )  # fmt: skip


RUN_COLUMNS = (
    "runs.id, accounts.id, portfolios.id, subscriptions.id, runs.type, runs.amount, runs.initiated_from, runs.status, "
    "runs.phase, runs.approval, runs.reason, runs.weights, runs.session, runs.cash_target, runs.cancel_requested, "
    "runs.created_at, runs.updated_at, runs.started_at, runs.completed_at, runs.canceled_at"
)
RUN_TABLES = (
    "runs JOIN accounts ON accounts.key = runs.account LEFT JOIN portfolios ON portfolios.key = runs.portfolio "
    "LEFT JOIN subscriptions ON subscriptions.key = runs.subscription"
)


def to_run(row: tuple[Any, ...]) -> Run:
    return Run(
        id=row[0],
        account_id=row[1],
        portfolio_id=row[2],
        subscription_id=row[3],
        type=RunType(row[4]),
        amount=row[5],
        initiated_from=InitiatedFrom(row[6]),
        status=RunStatus(row[7]),
        phase=RunPhase(row[8]),
        approval=Approval(row[9]),
        reason=row[10],
        weights=from_weights(row[11]),
        session=row[12],
        cash_target=row[13],
        cancel_requested=bool(row[14]),
        created_at=from_time(row[15]),
        updated_at=from_time(row[16]),
        started_at=from_time_or_none(row[17]),
        completed_at=from_time_or_none(row[18]),
        canceled_at=from_time_or_none(row[19]),
    )


ORDER_COLUMNS = (
    "runs.id, accounts.id, assets.symbol, o.line, o.side, o.notional, o.qty, o.status, o.broker_id, o.filled_qty, "
    "o.filled_avg_price, o.reject_reason, o.created_at, o.submitted_at, o.updated_at, o.filled_at, o.expired_at, "
    "o.canceled_at, o.failed_at"
)
ORDER_TABLES = (
    "orders o JOIN runs ON runs.key = o.run JOIN accounts ON accounts.key = runs.account "
    "JOIN assets ON assets.key = o.asset"
)
ORDER_ID_PREFIX = "rt-"


def client_order_id(run_id: str, line: int) -> str:
    """The id under which an order of a run is sent: the same after every restart, at most 48 characters."""
    return f"{ORDER_ID_PREFIX}{run_id.replace('-', '')}-{line}"


def parse_client_order_id(text: str) -> tuple[str, int] | None:
    """The run id and line of one of our orders; None for an order of other origin."""
    head, _, line = text.rpartition("-")
    digits = head.removeprefix(ORDER_ID_PREFIX)
    if not text.startswith(ORDER_ID_PREFIX) or len(digits) != 32 or not line.isdecimal():
        return None
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(parts), int(line)


def to_order(row: tuple[Any, ...]) -> Order:
    (
        run_id, account_id, symbol, line, side, notional, qty, status, broker_id, filled_qty, filled_avg_price,
        reject_reason, created_at, submitted_at, updated_at, filled_at, expired_at, canceled_at, failed_at,
    ) = row  # fmt: skip
    return Order(
        id=broker_id or "",
        client_order_id=client_order_id(run_id, line),
        account_id=account_id,
        symbol=symbol,
        side=Side(side),
        status=OrderStatus(status),
        notional=notional,
        qty=qty,
        filled_qty=Qty(filled_qty),
        filled_avg_price=filled_avg_price,
        created_at=from_time(created_at),
        updated_at=from_time(updated_at),
        submitted_at=from_time(submitted_at if submitted_at is not None else created_at),
        filled_at=from_time_or_none(filled_at),
        expired_at=from_time_or_none(expired_at),
        canceled_at=from_time_or_none(canceled_at),
        failed_at=from_time_or_none(failed_at),
        reject_reason=reject_reason,
    )
