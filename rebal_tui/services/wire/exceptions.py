"""Exceptions, assets on hold and guards in JSON; Alpaca's API has none of these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rebal_tui.domain.quantities import money_text, percent_text, price_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.guard_options import Guards
from rebal_tui.services.view_models.exceptions import ExceptionView
from rebal_tui.services.wire.shapes import time_text
from rebal_tui.store.asset_holds import AssetHold

if TYPE_CHECKING:
    from rebal_tui.services.wire.models import market, rebalancing


def exception_json(one: ExceptionView) -> rebalancing.BookException:
    """An exception; the ids that do not apply are null."""
    return {
        "kind": one.kind,
        "account_id": one.account_id,
        "symbol": one.symbol,
        "portfolio_id": one.portfolio_id,
        "run_id": one.run_id,
        "accounts": one.accounts,
        "since": time_text(one.since),
        "text": one.text,
        "blocks": one.blocks,
        "remedy": one.remedy,
    }


def asset_hold_json(hold: AssetHold) -> rebalancing.AssetHold:
    """An asset on hold."""
    return {
        "symbol": hold.symbol,
        "since": time_text(hold.at),
        "last_close": price_text(hold.last_close),
        "price": price_text(hold.price),
        "ratio": hold.ratio,
        "looks_like": hold.looks_like,
        "reason": hold.reason,
    }


def asset_holds(book: Book) -> list[rebalancing.AssetHold]:
    """Every asset on hold, the longest hold first."""
    return [asset_hold_json(hold) for hold in book.asset_holds.values()]


def guards_json(guards: Guards) -> market.Guards:
    """The guards of a book; a limit of 0 is not checked."""
    return {
        "jump_guard": guards.jump_guard,
        "jump_limit": percent_text(guards.jump_limit),
        "surge_guard": guards.surge_guard,
        "surge_limit": percent_text(guards.surge_limit),
        "surge_order_limit": money_text(guards.surge_order_limit),
        "surge_run_limit": money_text(guards.surge_run_limit),
    }
