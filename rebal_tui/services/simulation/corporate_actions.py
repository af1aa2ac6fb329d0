"""Corporate actions in a simulated market: broker, prices and book change in one transaction (R-54)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rebal_tui.broker.failures import BrokerRefused, RefusalCode
from rebal_tui.domain.action_effects import Terms
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.corporate_actions import ActionKind, ActionReport, CorporateAction
from rebal_tui.domain.errors import BrokenInvariant, Conflict, Fault
from rebal_tui.domain.quantities import Price, Qty
from rebal_tui.services.advisory.cash import sandbox
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.market_state import save_market_state
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.runs.asset_holds import explain_move
from rebal_tui.store import assets, corporate_actions


@dataclass(frozen=True, slots=True)
class ActionPreview:
    """What a corporate action would affect: the number of accounts with the asset, their shares, and the portfolios.

    `price` is the asset's price now, `price_after` its price after the action; None without a price.
    """

    action: CorporateAction
    accounts: int
    shares: Qty
    portfolios: tuple[str, ...]
    price: Price | None
    price_after: Price | None


def preview_corporate_action(book: Book, action: CorporateAction) -> ActionPreview:
    """What a corporate action would affect. Changes nothing.

    Raises `Conflict` with a real broker and for an unknown, inactive or ambiguous symbol.
    """
    sandbox(book)
    asset = book.assets.get(action.symbol)
    if asset is None:
        raise Conflict([Fault("symbol", f"unknown asset {action.symbol}")])
    if asset.status is not AssetStatus.ACTIVE:
        raise Conflict([Fault("symbol", f"asset {action.symbol} is not active")])
    new = book.assets.get(action.new_symbol) if action.new_symbol is not None else None
    if action.kind is ActionKind.SYMBOL_CHANGE and new is not None and new.status is AssetStatus.ACTIVE:
        raise Conflict([Fault("new_symbol", f"another active asset has the symbol {action.new}")])
    held = corporate_actions.positions(book.database, asset.id)
    terms = Terms(action, asset.price, asset.fractionable)
    return ActionPreview(
        action=action,
        accounts=len(held),
        shares=Qty(sum(held.values())),
        portfolios=tuple(sorted(p.name for p in book.portfolios.values() if action.symbol in p.weights)),
        price=asset.price,
        price_after=terms.price_after,
    )


def apply_corporate_action(book: Book, action: CorporateAction) -> ActionReport:
    """Apply a corporate action now to broker, prices, price history, accounts and audit trail, all or nothing.

    Raises `Conflict` with a real broker, for an unknown or inactive symbol, and when the broker refuses.
    """
    sync(book)
    preview_corporate_action(book, action)
    controls, now = sandbox(book), book.now()
    prices = _prices_after(book, action)
    with book.write() as tx:
        try:
            identity = controls.corporate_action(action, now)
        except BrokerRefused as refusal:
            raise Conflict(_refusal_faults(refusal)) from refusal
        if book.feed is not None:
            for symbol, price in prices.items():
                book.feed.reprice(symbol, price)
        sync(book)
        quotes = book.feed.quotes() if book.feed is not None else {}
        changed = {symbol: quotes[symbol] for symbol in prices if symbol in quotes}
        assets.save_prices(tx, ((symbol, quote.price, quote.at) for symbol, quote in changed.items()))
        save_market_state(book, now)
        _explain(book, action)
        book.apply_prices(changed)
    report = corporate_actions.report_of(book.database, identity)
    if report is None:
        raise BrokenInvariant(f"corporate action {identity} was not applied")
    return report


def _explain(book: Book, action: CorporateAction) -> None:
    """Let the action explain the move of its asset's price, so that the jump guard does not hold the asset (R-55)."""
    day, factor = book.today(), Terms(action, None, True).price_factor
    if action.kind.explains_any_move:
        explain_move(book, action.symbol, day)
        return
    book.reference_prices.adjust(action.symbol, factor)
    reference = book.reference_prices.of(action.symbol, day)
    if reference is not None:
        explain_move(book, action.symbol, day, reference)


def _prices_after(book: Book, action: CorporateAction) -> Mapping[str, Price]:
    """The prices that an action changes or sets, by symbol."""
    quotes = book.feed.quotes() if book.feed is not None else {}
    quote = quotes.get(action.symbol)
    before = quote.price if quote is not None else None
    after = Terms(action, before, True).price_after
    prices = {action.symbol: after} if after is not None and after != before else {}
    if action.kind is ActionKind.SPIN_OFF and action.price is not None:
        prices[action.new] = action.price
    if action.kind is ActionKind.STOCK_MERGER and action.new not in quotes:
        first = action.price or (Price(max(1, round(before / action.rate))) if before else None)
        if first is not None:
            prices[action.new] = first
    return prices


def _refusal_faults(refusal: BrokerRefused) -> list[Fault]:
    place, separator, text = refusal.message.partition(": ")
    if separator and place in ("ratio", "amount", "new_symbol", "price", "symbol"):
        return [Fault(place, text)]
    return [Fault("symbol" if refusal.code in (RefusalCode.NOT_FOUND, RefusalCode.NO_PRICE) else "", refusal.message)]


def preview_row(book: Book, row: Mapping[str, str]) -> ActionPreview:
    """`preview_corporate_action` of an action given as texts by field. Raises `Invalid` for a malformed field."""
    from rebal_tui.services.parsing.corporate_action import read_action_row

    return preview_corporate_action(book, read_action_row(row))


def apply_row(book: Book, row: Mapping[str, str]) -> ActionReport:
    """`apply_corporate_action` of an action given as texts by field. Raises `Invalid` for a malformed field."""
    from rebal_tui.services.parsing.corporate_action import read_action_row

    return apply_corporate_action(book, read_action_row(row))
