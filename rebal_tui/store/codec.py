"""The one codec between rows and domain values."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.orders import Order, OrderStatus, Side
from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import Money, Percent, Qty
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


@lru_cache(maxsize=1_024)
def weights_of_blob(content: bytes) -> Weights:
    """The weights that a part holds. Raises `ValueError` when it holds none."""
    try:
        return from_weights(zlib.decompress(content).decode())
    except (zlib.error, KeyError, TypeError) as error:
        raise ValueError(f"no weights: {error}") from error


def to_positions(positions: Iterable[tuple[int, int]]) -> bytes:
    """Holdings as (asset key, billionths of shares): all keys in 32 bits, then all quantities in 64, little-endian."""
    held = sorted(positions)
    return struct.pack(f"<{len(held)}i{len(held)}q", *(key for key, _ in held), *(qty for _, qty in held))


def from_positions(packed: bytes) -> list[tuple[int, Qty]]:
    """Holdings by asset key. Raises `ValueError` for what `to_positions` did not make."""
    count, rest = divmod(len(packed), 12)
    if rest:
        raise ValueError(f"{len(packed)} bytes hold no positions")
    values = struct.unpack(f"<{count}i{count}q", packed)
    return [(key, Qty(qty)) for key, qty in zip(values[:count], values[count:], strict=True)]


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
    "runs.phase, runs.approval, runs.reason, weights.content, runs.session, runs.cash_target, runs.cancel_requested, "
    "runs.created_at, runs.updated_at, runs.started_at, runs.completed_at, runs.canceled_at"
)
RUN_TABLES = (
    "runs JOIN accounts ON accounts.key = runs.account LEFT JOIN portfolios ON portfolios.key = runs.portfolio "
    "LEFT JOIN subscriptions ON subscriptions.key = runs.subscription JOIN parts weights ON weights.key = runs.weights"
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
        weights=weights_of_blob(row[11]),
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
