"""Conversion of Alpaca's JSON objects to domain values.

An unknown status is logged and converted to one that is safe: an order stays open, an account may not trade.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from rebal_tui.broker.alpaca import json_values
from rebal_tui.broker.alpaca.json_values import Json, Malformed
from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.cash import Journal, JournalStatus
from rebal_tui.domain.orders import Order, OrderRequest, OrderStatus, Side
from rebal_tui.domain.quantities import Money, Qty, money_text, qty_text
from rebal_tui.domain.sessions import NEW_YORK, Session

log = logging.getLogger(__name__)

US_EQUITY = "us_equity"
CRYPTO = "crypto"
_CASH_ACCOUNT = "1"
_REASONS = {
    "pattern_day_trading": Restriction.PATTERN_DAY_TRADER,
    "ach_return": Restriction.ACH_RETURN,
    "position_to_equity_ratio": Restriction.POSITION_TO_EQUITY_RATIO,
    "short_position": Restriction.SHORT_POSITION,
    "crypto_position": Restriction.CRYPTO_POSITION,
    "crypto": Restriction.CRYPTO,
    "options": Restriction.OPTIONS,
}
_JOURNAL_STATUSES = {
    "deleted": JournalStatus.CANCELED,
    "correct": JournalStatus.CANCELED,
    "activity_created": JournalStatus.EXECUTED,
}
"""Statuses that the API has and the domain does not. `activity_created` follows `executed` and is where the journal
stays; `correct` cancels a journal, which a new one with its own id replaces."""


def account_name(data: Json) -> str:
    """The client's name where the API gives one, else the account's name or number, else its id."""
    for part, names in (("identity", ("given_name", "family_name")), ("contact", ("name",))):
        inner = data.get(part)
        if isinstance(inner, dict):
            found = " ".join(json_values.text_of(inner, name, "").strip() for name in names).strip()
            if found:
                return json_values.displayable(found)
    for name in ("account_name", "name", "account_number"):
        text = json_values.text_of(data, name, "").strip()
        if text:
            return json_values.displayable(text)
    return json_values.id_of(data)


def account_status(data: Json) -> AccountStatus:
    """The account's status; an unknown one becomes a status that may not trade."""
    text = json_values.text_of(data, "status")
    try:
        return AccountStatus(text)
    except ValueError:
        log.warning("unknown account status %r of %s", text, json_values.id_of(data))
        return AccountStatus.ACTION_REQUIRED


def account(data: Json, trading: Json | None, positions: Iterable[Json]) -> Account:
    """An account, from its account object, its trading account (None when there is none yet) and its positions.

    `unsettled` of the account is the cash that cannot be withdrawn, less the cash that open buys reserve (R-30).
    """
    held, foreign = _positions(positions)
    restrictions = set(_restrictions(trading)) if trading else set()
    restrictions |= foreign
    cash = json_values.money(trading, "cash") if trading else Money(0)
    status = account_status(trading) if trading and trading.get("status") else account_status(data)
    return Account(
        id=json_values.id_of(data),
        account_number=json_values.displayable(json_values.text_of(data, "account_number", "")),
        name=account_name(data),
        status=status,
        cash=cash,
        unsettled=_unsettled(trading, cash) if trading else Money(0),
        restrictions=frozenset(restrictions),
        positions=held,
        created_at=json_values.timestamp(data, "created_at"),
    )


def _unsettled(trading: Json, cash: Money) -> Money:
    withdrawable = json_values.money_or_none(trading, "cash_withdrawable")
    if withdrawable is None or cash <= 0:
        return Money(0)
    buying_power = json_values.money_or_none(trading, "buying_power")
    plain = str(trading.get("multiplier", _CASH_ACCOUNT)) == _CASH_ACCOUNT
    reserved = max(0, cash - buying_power) if plain and buying_power is not None else 0
    return Money(min(cash, max(0, cash - withdrawable - reserved)))


def _restrictions(trading: Json) -> Iterable[Restriction]:
    if json_values.flag(trading, "trading_blocked") or json_values.flag(trading, "trade_suspended_by_user"):
        yield Restriction.TRADING_BLOCKED
    if json_values.flag(trading, "account_blocked"):
        yield Restriction.ACCOUNT_BLOCKED
    if json_values.flag(trading, "pattern_day_trader"):
        yield Restriction.PATTERN_DAY_TRADER
    configured = trading.get("admin_configurations")
    reasons = configured.get("restrict_to_liquidation_reasons") if isinstance(configured, dict) else None
    if isinstance(reasons, dict):
        for name, on in reasons.items():
            if on is True:
                known = (restriction for word, restriction in _REASONS.items() if word in name)
                yield next(known, Restriction.UNSPECIFIED)
    elif reasons:
        yield Restriction.UNSPECIFIED


def _positions(positions: Iterable[Json]) -> tuple[tuple[Position, ...], set[Restriction]]:
    """The long positions in US equities, and the restrictions that any other position puts on the account (R-40).

    Two assets with the same symbol are two positions. Raises `Malformed` for two rows of one asset, because these may
    be two lots, or one position reported twice.
    """
    held: list[Position] = []
    foreign: set[Restriction] = set()
    seen: set[str] = set()
    for data in positions:
        qty = json_values.qty(data, "qty")
        name = asset_id(data) or json_values.text_of(data, "symbol")
        if name in seen:
            raise Malformed(f"two positions in {json_values.text_of(data, 'symbol')} ({name})")
        seen.add(name)
        asset_class = json_values.text_of(data, "asset_class", US_EQUITY)
        short = qty < 0 or data.get("side") == "short"
        if asset_class != US_EQUITY or short:
            log.warning("the position in %s is not a long position in a US equity", json_values.text_of(data, "symbol"))
            if short:
                foreign.add(Restriction.SHORT_POSITION)
            if asset_class == CRYPTO:
                foreign.add(Restriction.CRYPTO_POSITION)
            elif not short:
                foreign.add(Restriction.UNSPECIFIED)
        elif qty > 0:
            held.append(
                Position(
                    json_values.text_of(data, "symbol"),
                    qty,
                    json_values.price_or_none(data, "avg_entry_price"),
                    asset_id(data),
                    _available(data, qty),
                )
            )
    return tuple(held), foreign


def _available(data: Json, qty: Qty) -> Qty:
    """The shares of a position that may be sold; all shares (`qty`) if the API gives no number."""
    available = json_values.qty_or_none(data, "qty_available")
    return qty if available is None else Qty(max(0, min(qty, available)))


def asset_id(data: Json) -> str | None:
    """The id of the asset of a position or an order, None where the object has none."""
    return None if data.get("asset_id") is None else json_values.id_of(data, "asset_id")


def asset(data: Json) -> Asset | None:
    """A US equity, None for an asset of any other class. It has no price, because prices come from another endpoint."""
    if json_values.text_of(data, "class", json_values.text_of(data, "asset_class", US_EQUITY)) != US_EQUITY:
        return None
    active = json_values.text_of(data, "status") == AssetStatus.ACTIVE
    return Asset(
        id=json_values.id_of(data),
        symbol=json_values.displayable(json_values.text_of(data, "symbol"), 30),
        name=json_values.displayable(json_values.text_of(data, "name", "")),
        exchange=json_values.displayable(json_values.text_of(data, "exchange", ""), 30),
        status=AssetStatus.ACTIVE if active else AssetStatus.INACTIVE,
        tradable=json_values.flag(data, "tradable"),
        fractionable=json_values.flag(data, "fractionable"),
    )


def order_body(request: OrderRequest) -> dict[str, str]:
    """The JSON body that places a market day order, with decimals as text."""
    body = {
        "symbol": request.symbol,
        "side": request.side.value,
        "type": "market",
        "time_in_force": "day",
        "client_order_id": request.client_order_id,
    }
    if request.notional is not None:
        body["notional"] = money_text(request.notional)
    if request.qty is not None:
        body["qty"] = qty_text(request.qty)
    return body


def order(data: Json, account_id: str) -> Order:
    """An order. An unknown status is read as open, so that the order is still monitored."""
    created = json_values.timestamp(data, "created_at")
    return Order(
        id=json_values.id_of(data),
        client_order_id=json_values.displayable(json_values.text_of(data, "client_order_id"), 128),
        account_id=account_id,
        symbol=json_values.text_of(data, "symbol"),
        side=_side(data),
        status=_order_status(data),
        notional=json_values.money_or_none(data, "notional"),
        qty=json_values.qty_or_none(data, "qty"),
        filled_qty=json_values.qty_or_none(data, "filled_qty") or Qty(0),
        filled_avg_price=json_values.price_or_none(data, "filled_avg_price"),
        created_at=created,
        updated_at=json_values.timestamp_or_none(data, "updated_at") or created,
        submitted_at=json_values.timestamp_or_none(data, "submitted_at") or created,
        filled_at=json_values.timestamp_or_none(data, "filled_at"),
        expired_at=json_values.timestamp_or_none(data, "expired_at"),
        canceled_at=json_values.timestamp_or_none(data, "canceled_at"),
        failed_at=json_values.timestamp_or_none(data, "failed_at"),
        reject_reason=json_values.text_of(data, "reject_reason", "") or None,
    )


def _side(data: Json) -> Side:
    text = json_values.text_of(data, "side")
    if text.startswith("sell"):
        return Side.SELL
    if text.startswith("buy"):
        return Side.BUY
    raise Malformed("side: expected buy or sell")


def _order_status(data: Json) -> OrderStatus:
    text = json_values.text_of(data, "status")
    try:
        return OrderStatus(text)
    except ValueError:
        log.warning("unknown order status %r of order %s", text, json_values.id_of(data))
        return OrderStatus.ACCEPTED


def journal(data: Json, firm_account: str, now: datetime) -> Journal:
    """A cash journal. The broker's id of the firm account is replaced by `FIRM_ACCOUNT`, a missing timestamp by `now`.

    Raises `Malformed` for a journal of shares or one without an amount.
    """
    amount = json_values.money_or_none(data, "net_amount") or json_values.money_or_none(data, "amount")
    if json_values.text_of(data, "entry_type", "JNLC") != "JNLC" or amount is None:
        raise Malformed("expected a cash journal with an amount")
    source, target = json_values.id_of(data, "from_account"), json_values.id_of(data, "to_account")
    made = json_values.timestamp_or_none(data, "created_at") or now
    return Journal(
        id=json_values.id_of(data),
        from_account=FIRM_ACCOUNT if source == firm_account else source,
        to_account=FIRM_ACCOUNT if target == firm_account else target,
        amount=Money(abs(amount)),
        status=journal_status(json_values.text_of(data, "status")),
        description=json_values.text_of(data, "description", ""),
        created_at=made,
        updated_at=json_values.timestamp_or_none(data, "updated_at") or now,
        reason=json_values.text_of(data, "error_message", "") or json_values.text_of(data, "reason", "") or None,
    )


def journal_status(text: str) -> JournalStatus:
    """The journal status for the API's `text`; an unknown one becomes pending."""
    try:
        return _JOURNAL_STATUSES.get(text) or JournalStatus(text)
    except ValueError:
        log.warning("unknown journal status %r", text)
        return JournalStatus.PENDING


def sessions(calendar: Iterable[Json]) -> list[Session]:
    """The sessions in the API's calendar, ascending; only the last one has no `next_day`. Raises `Malformed`."""
    days = sorted(calendar, key=lambda data: json_values.text_of(data, "date"))
    made: list[Session] = []
    for index, data in enumerate(days):
        following = days[index + 1] if index + 1 < len(days) else None
        day = _day(data, "date")
        settles = _day(data, "settlement_date") if data.get("settlement_date") else None
        after = _day(following, "date") if following else None
        made.append(
            Session(
                day=day,
                open=_at(day, json_values.text_of(data, "open")),
                close=_at(day, json_values.text_of(data, "close")),
                settles_on=settles or after or day + timedelta(days=1),
                next_day=after,
            )
        )
    return made


def _day(data: Json, name: str) -> date:
    try:
        return date.fromisoformat(json_values.text_of(data, name))
    except ValueError:
        raise Malformed(f"{name}: expected a date") from None


def _at(day: date, text: str) -> datetime:
    try:
        return datetime.combine(day, time.fromisoformat(text), NEW_YORK).astimezone(UTC)
    except ValueError:
        raise Malformed(f"expected a time such as 09:30, got {text!r}") from None
