"""Commands that read the assets of the market."""

from __future__ import annotations

from collections.abc import Iterator

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.text import count_text, fold
from rebal_tui.plain.session import Listed, Session, counted
from rebal_tui.plain.speech import NONE, dollars, label, percent, spoken, when
from rebal_tui.plain.texts import LATEST
from rebal_tui.services.view_models.market import AssetRow, AssetView
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import market_queries
from rebal_tui.tui.screens.market.lines import columns, states


async def assets(session: Session, text: str) -> None:
    """List the assets whose symbol or name contains `text`, with their prices; all assets if it is empty."""
    found = (await session.ask(market_queries.market_snapshot)).assets
    rows = [row for row in found if fold(text) in fold(f"{row.symbol} {row.name}")]
    session.listed = Listed(rows, columns(), len(found), "asset", "assets")
    head = counted(len(rows), "asset", len(found))
    session.write_list(head, len(rows), lambda at: _line(rows[at]))


async def asset(session: Session, text: str) -> None:
    """Write an asset's price, state, the portfolios that target it and the accounts that hold it.

    `text` is its symbol.
    """
    if not text:
        raise Invalid("Type the symbol of an asset, such as: asset SPY")
    session.write(_text(await session.ask(market_queries.asset_view, text.upper())))


def _line(row: AssetRow) -> str:
    used = f"in {count_text(row.portfolios, 'portfolio')} and {count_text(row.accounts, 'account')}"
    return label(row.symbol, f"{row.name}, {_price(row)}, {_state(row)}, {used}")


def _price(row: AssetRow) -> str:
    if row.price is None:
        return "no price"
    change = f", {formats.drift(row.change_bp)} % since the last close" if row.change_bp is not None else ""
    return f"price ${formats.price(row.price)}{change}"


def _state(row: AssetRow) -> str:
    return ", ".join(states(row)) or "tradable"


def _text(view: AssetView) -> Iterator[str]:
    row = view.row
    yield label("Asset", f"{row.symbol}, {row.name}")
    yield label("Price", f"{_price(row)}{f', of {when(row.price_at)}' if row.price_at else ''}")
    yield label("State", _state(row))
    if row.hold:
        yield label("On hold", row.hold)
    yield f"In {count_text(row.portfolios, 'portfolio')}."
    for name, weight in view.portfolios:
        yield label(f"Weight in {spoken(name)}", percent(weight))
    yield f"Held by {count_text(row.accounts, 'account')}{_largest(view)}."
    for holder in view.holders[:LATEST]:
        yield label(
            holder.client,
            f"{formats.qty(holder.qty)} shares, {dollars(holder.value)}, actual {percent(holder.actual_bp)}, target "
            f"{NONE if holder.target is None else percent(holder.target)}, portfolio {holder.portfolio or NONE}",
        )


def _largest(view: AssetView) -> str:
    return f", the largest {LATEST}" if view.row.accounts > LATEST else ""
