"""Conversion between table rows and domain values."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.orders import Order, OrderStatus, Side
from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import Money, Percent, Price, Qty
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import epoch_micros, from_epoch_micros
from rebal_tui.store.rows import select_list


def to_time(at: datetime) -> int:
    """Microseconds since 1970 UTC of a timezone-aware timestamp."""
    return epoch_micros(at)


def from_time(micros: int) -> datetime:
    return from_epoch_micros(micros)


def to_time_or_none(at: datetime | None) -> int | None:
    return None if at is None else to_time(at)


def from_time_or_none(micros: int | None) -> datetime | None:
    return None if micros is None else from_time(micros)


def from_day(text: str | None) -> date | None:
    """A day from a text such as `2026-03-16`; None for None."""
    return None if text is None else date.fromisoformat(text)


def dump(value: Any) -> str:
    """Compact JSON with sorted keys."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def to_weights(weights: Weights) -> str:
    return dump({"cash": weights.cash, "assets": [[w.symbol, w.percent] for w in weights.assets]})


def from_weights(text: str) -> Weights:
    raw = json.loads(text)
    return Weights(
        tuple(AssetWeight(symbol, Percent(percent)) for symbol, percent in raw["assets"]), Percent(raw["cash"])
    )


@lru_cache(maxsize=1_024)
def weights_of_blob(content: bytes) -> Weights:
    """The weights stored in a blob. Raises `ValueError` when the content is not weights."""
    try:
        return from_weights(zlib.decompress(content).decode())
    except (zlib.error, KeyError, TypeError) as error:
        raise ValueError(f"unreadable weights: {error}") from error


def to_positions(positions: Iterable[tuple[int, int]]) -> bytes:
    """Pack holdings into bytes; they are given as (asset key, billionths of a share).

    The sorted keys come first, in 32 bits each, then the quantities, in 64 bits each, little-endian.
    """
    held = sorted(positions)
    return struct.pack(f"<{len(held)}i{len(held)}q", *(key for key, _ in held), *(qty for _, qty in held))


def from_positions(packed: bytes) -> list[tuple[int, Qty]]:
    """Unpack holdings into (asset key, shares). Raises `ValueError` for a length that `to_positions` never produces."""
    count, rest = divmod(len(packed), 12)
    if rest:
        raise ValueError(f"{len(packed)} bytes are not packed positions")
    values = struct.unpack(f"<{count}i{count}q", packed)
    return [(key, Qty(qty)) for key, qty in zip(values[:count], values[count:], strict=True)]


class AssetRow(NamedTuple):
    """An asset as stored: price in billionths of a dollar, price time in microseconds."""

    id: str
    symbol: str
    name: str
    exchange: str
    status: str
    tradable: int
    fractionable: int
    price: Price | None
    price_at: int | None


ASSET_COLUMNS = select_list(AssetRow)


def to_asset(row: Sequence[Any]) -> Asset:
    """An asset from a row with the columns `ASSET_COLUMNS`."""
    found = AssetRow._make(row)
    return Asset(
        found.id, found.symbol, found.name, found.exchange, AssetStatus(found.status), bool(found.tradable),
        bool(found.fractionable), found.price, from_time_or_none(found.price_at),
    )  # fmt: skip


def asset_values(asset: Asset) -> AssetRow:
    """The row that stores an asset."""
    return AssetRow(
        asset.id, asset.symbol, asset.name, asset.exchange, asset.status.value, int(asset.tradable),
        int(asset.fractionable), asset.price, to_time_or_none(asset.price_at),
    )  # fmt: skip


def to_restrictions(text: str) -> frozenset[Restriction]:
    return frozenset(Restriction(name) for name in text.split(",") if name)


def restrictions_text(restrictions: frozenset[Restriction]) -> str:
    return ",".join(sorted(restrictions))


class AccountRow(NamedTuple):
    """An account as read: money in billionths, the broker's blocks as names joined by commas."""

    key: int
    id: str
    number: str
    name: str
    status: str
    cash: int
    unsettled: int
    restrictions: str
    created_at: int


ACCOUNT_COLUMNS = select_list(AccountRow)


def to_account(row: Sequence[Any], positions: tuple[Position, ...]) -> Account:
    """An account from a row with the columns `ACCOUNT_COLUMNS` and its positions."""
    found = AccountRow._make(row)
    return Account(
        found.id, found.number, found.name, AccountStatus(found.status), Money(found.cash), Money(found.unsettled),
        to_restrictions(found.restrictions), positions, from_time(found.created_at),
    )  # fmt: skip


class _RunRecord(NamedTuple):
    """A run as read, with the ids of the rows that it refers to and the content of its weights."""

    id: str
    account_id: str
    portfolio_id: str | None
    subscription_id: str | None
    type: str
    amount: Money | None
    initiated_from: str
    status: str
    phase: str
    approval: str
    reason: str | None
    weights: bytes
    session: str
    cash_target: Money | None
    cancel_requested: int
    created_at: int
    updated_at: int
    started_at: int | None
    completed_at: int | None
    canceled_at: int | None


_RUN_EXPRESSIONS = {
    "account_id": "accounts.id", "portfolio_id": "portfolios.id", "subscription_id": "subscriptions.id",
    "weights": "weights.content",
}  # fmt: skip
RUN_COLUMNS = select_list(_RunRecord, _RUN_EXPRESSIONS, "runs")
RUN_TABLES = (
    "runs JOIN accounts ON accounts.key = runs.account LEFT JOIN portfolios ON portfolios.key = runs.portfolio "
    "LEFT JOIN subscriptions ON subscriptions.key = runs.subscription JOIN parts weights ON weights.key = runs.weights"
)


def to_run(row: Sequence[Any]) -> Run:
    """A run from a row with the columns `RUN_COLUMNS`."""
    found = _RunRecord._make(row)
    return Run(
        id=found.id,
        account_id=found.account_id,
        portfolio_id=found.portfolio_id,
        subscription_id=found.subscription_id,
        type=RunType(found.type),
        amount=found.amount,
        initiated_from=InitiatedFrom(found.initiated_from),
        status=RunStatus(found.status),
        phase=RunPhase(found.phase),
        approval=Approval(found.approval),
        reason=found.reason,
        weights=weights_of_blob(found.weights),
        session=found.session,
        cash_target=found.cash_target,
        cancel_requested=bool(found.cancel_requested),
        created_at=from_time(found.created_at),
        updated_at=from_time(found.updated_at),
        started_at=from_time_or_none(found.started_at),
        completed_at=from_time_or_none(found.completed_at),
        canceled_at=from_time_or_none(found.canceled_at),
    )


class _OrderRecord(NamedTuple):
    """An order of a run as read, with the ids of its run and account and its asset's symbol."""

    run_id: str
    account_id: str
    symbol: str
    line: int
    side: str
    notional: Money | None
    qty: Qty | None
    status: str
    broker_id: str | None
    filled_qty: int
    filled_avg_price: Price | None
    reject_reason: str | None
    created_at: int
    submitted_at: int | None
    updated_at: int
    filled_at: int | None
    expired_at: int | None
    canceled_at: int | None
    failed_at: int | None


_ORDER_EXPRESSIONS = {"run_id": "runs.id", "account_id": "accounts.id", "symbol": "assets.symbol"}
ORDER_COLUMNS = select_list(_OrderRecord, _ORDER_EXPRESSIONS, "o")
ORDER_TABLES = (
    "orders o JOIN runs ON runs.key = o.run JOIN accounts ON accounts.key = runs.account "
    "JOIN assets ON assets.key = o.asset"
)
ORDER_ID_PREFIX = "rt-"


def client_order_id(run_id: str, line: int) -> str:
    """The client order id of the order with a number (`line`) in a run; it is the same after every restart.

    It has at most 48 characters.
    """
    return f"{ORDER_ID_PREFIX}{run_id.replace('-', '')}-{line}"


def parse_client_order_id(text: str) -> tuple[str, int] | None:
    """The run id and the order's number in the run (`line`) from a client order id; None for an external order."""
    head, _, line = text.rpartition("-")
    digits = head.removeprefix(ORDER_ID_PREFIX)
    if not text.startswith(ORDER_ID_PREFIX) or len(digits) != 32 or not line.isdecimal():
        return None
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(parts), int(line)


def to_order(row: Sequence[Any]) -> Order:
    """An order from a row with the columns `ORDER_COLUMNS`."""
    found = _OrderRecord._make(row)
    return Order(
        id=found.broker_id or "",
        client_order_id=client_order_id(found.run_id, found.line),
        account_id=found.account_id,
        symbol=found.symbol,
        side=Side(found.side),
        status=OrderStatus(found.status),
        notional=found.notional,
        qty=found.qty,
        filled_qty=Qty(found.filled_qty),
        filled_avg_price=found.filled_avg_price,
        created_at=from_time(found.created_at),
        updated_at=from_time(found.updated_at),
        submitted_at=from_time(found.submitted_at if found.submitted_at is not None else found.created_at),
        filled_at=from_time_or_none(found.filled_at),
        expired_at=from_time_or_none(found.expired_at),
        canceled_at=from_time_or_none(found.canceled_at),
        failed_at=from_time_or_none(found.failed_at),
        reject_reason=found.reject_reason,
    )
