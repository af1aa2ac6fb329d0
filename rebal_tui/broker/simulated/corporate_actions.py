"""Corporate actions at the simulated broker: carried out at once, for every holder in one transaction (R-54)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from rebal_tui.broker.failures import BrokerRefused, RefusalCode
from rebal_tui.broker.simulated.accounts import relabel_assets
from rebal_tui.broker.simulated.events import emit_action, emit_asset, emit_cash
from rebal_tui.broker.simulated.execution import Execution
from rebal_tui.broker.simulated.ledger import add_shares, post
from rebal_tui.broker.simulated.ports import Ids, Sessions, Writer
from rebal_tui.broker.simulated.timestamps import day_of, to_micros
from rebal_tui.broker.simulated.working_order import load
from rebal_tui.domain.action_effects import Holding, Terms, effect_of
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction
from rebal_tui.domain.orders import OrderStatus
from rebal_tui.domain.quantities import MAX_NANO, Price, Qty

CANCELED_BY_ACTION = "canceled for a corporate action"
_ENDING = (ActionKind.CASH_MERGER, ActionKind.STOCK_MERGER, ActionKind.DELISTING)


class _Listed(NamedTuple):
    """The data of an asset that this module needs: its integer key, whether fractions of a share can be held, and its
    exchange.
    """

    n: int
    fractionable: int
    exchange: str


class ActionService:
    """Carries out corporate actions. Each method works inside its caller's transaction. Times (`at`) are in
    microseconds since 1970 UTC.
    """

    def __init__(self, execution: Execution, sessions: Sessions, ids: Ids) -> None:
        self._execution = execution
        self._sessions = sessions
        self._ids = ids

    def carry_out(self, tx: Writer, action: CorporateAction, at: int) -> str:
        """Carry out an action for every holder at the time `at`, and return its id. Raises `BrokerRefused`."""
        asset = _active_asset(tx, action.symbol)
        if asset is None:
            raise BrokerRefused(RefusalCode.NOT_FOUND, f"no such active asset: {action.symbol}")
        terms = self._terms(tx, action, asset)
        entitled = self._entitled(tx, asset.n, at)
        (n,) = tx.execute("SELECT coalesce(max(n), 0) + 1 FROM sim_actions").fetchone()
        identity = self._ids(f"corporate action:{n}")
        canceled = load(tx.execute, "o.asset = ? AND o.open = 1", (asset.n,))
        for order in canceled:
            order.end(tx, OrderStatus.CANCELED, at, CANCELED_BY_ACTION)
        new = self._new_asset(tx, action, asset, at)
        holders = tx.execute(
            "SELECT p.account, p.qty, p.avg_entry_price FROM sim_positions AS p WHERE p.asset = ? ORDER BY p.account",
            (asset.n,),
        ).fetchall()
        held = {
            account: Holding(Qty(qty), average, entitled.get(account, Qty(qty))) for account, qty, average in holders
        }
        if action.kind is ActionKind.CASH_DIVIDEND:
            gone = {account: qty for account, qty in entitled.items() if account not in held and qty > 0}
            held |= {account: Holding(Qty(0), None, qty) for account, qty in gone.items()}
        _record(tx, (n, identity, asset.n, new, at, len(held), len(canceled)), terms)
        for account, holding in sorted(held.items()):
            _apply(tx, (n, identity), (account, asset.n, new), terms, holding, at)
        if action.kind in _ENDING:
            tx.execute("UPDATE sim_assets SET status = 'inactive', tradable = 0 WHERE n = ?", (asset.n,))
            relabel_assets(tx)
            emit_asset(tx, at, asset.n)
        emit_action(tx, at, asset.n, n)
        return identity

    def _terms(self, tx: Writer, action: CorporateAction, asset: _Listed) -> Terms:
        """The action with the market's prices. Raises `BrokerRefused` when it cannot be carried out at these prices."""
        quote = self._execution.quote(action.symbol)
        terms = Terms(action, quote.price if quote else None, bool(asset.fractionable), None, bool(asset.fractionable))
        if action.kind is ActionKind.SPIN_OFF:
            if terms.price is None:
                raise BrokerRefused(RefusalCode.NO_PRICE, f"no price for {action.symbol}")
            if terms.price_factor <= 0:
                raise BrokerRefused(
                    RefusalCode.REJECTED, "price: expected price × ratio below the asset's price before the spin-off"
                )
            terms = replace(terms, new_price=action.price)
        after = terms.price_after
        if after is not None and after > MAX_NANO:
            raise BrokerRefused(RefusalCode.REJECTED, "ratio: the price after it would exceed $9,000,000,000")
        if action.kind is ActionKind.STOCK_MERGER:
            known = self._execution.quote(action.new)
            first = action.price or (_first_price(terms.price, action.rate) if terms.price else None)
            terms = replace(terms, new_price=known.price if known else first)
        if action.new_symbol is not None and (listed := _active_asset(tx, action.new_symbol)) is not None:
            terms = replace(terms, new_fractionable=bool(listed.fractionable))
        in_shares = action.kind in (ActionKind.SPIN_OFF, ActionKind.STOCK_MERGER)
        if in_shares and not terms.new_fractionable and terms.new_price is None:
            raise BrokerRefused(RefusalCode.NO_PRICE, f"no price for the fractions of {action.new}")
        if action.kind in (ActionKind.SPLIT, ActionKind.STOCK_DIVIDEND) and not terms.fractionable and not terms.price:
            raise BrokerRefused(RefusalCode.NO_PRICE, f"no price for the fractions of {action.symbol}")
        return terms

    def _new_asset(self, tx: Writer, action: CorporateAction, asset: _Listed, at: int) -> int | None:
        """The integer key of the asset that holders receive, which is added if it is not stored; None when they receive
        none.

        For a change of symbol, this method renames the asset instead.
        """
        if action.new_symbol is None:
            return None
        listed = _active_asset(tx, action.new_symbol)
        if action.kind is ActionKind.SYMBOL_CHANGE:
            if listed is not None:
                raise BrokerRefused(
                    RefusalCode.REJECTED, f"new_symbol: another active asset has the symbol {action.new_symbol}"
                )
            tx.execute("UPDATE sim_assets SET symbol = ' ' || ? || ' ' || id WHERE n = ?", (action.new, asset.n))
            relabel_assets(tx)
            emit_asset(tx, at, asset.n)
            return None
        if listed is not None:
            return listed.n
        identity = self._ids(f"asset:{action.new}:{at}")
        created = tx.execute(
            "INSERT INTO sim_assets (id, symbol, name, exchange, status, tradable, fractionable)"
            " VALUES (?, ?, ?, ?, ?, 1, ?)",
            (identity, f" {action.new} {identity}", action.new, asset.exchange, AssetStatus.ACTIVE, asset.fractionable),
        ).lastrowid
        relabel_assets(tx)
        emit_asset(tx, at, int(created or 0))
        return int(created or 0)

    def _entitled(self, tx: Writer, asset: int, at: int) -> Mapping[int, Qty]:
        """The shares that each account held at the open of the session, adjusted for the day's splits and stock
        dividends.

        Only accounts whose shares have changed since the open are included.
        """
        session = self._sessions.session(day_of(at))
        if session is None or at < to_micros(session.open):
            return {}
        rows = tx.execute(
            "SELECT account, sum(change) FROM ("
            "SELECT o.account, CASE o.side WHEN 'buy' THEN f.qty ELSE -f.qty END AS change FROM sim_fills AS f"
            " JOIN sim_orders AS o ON o.n = f.order_n WHERE o.asset = ?1 AND f.at >= ?2"
            " UNION ALL SELECT account, qty FROM sim_shares WHERE asset = ?1 AND kind = 'brought_in' AND at >= ?2"
            " UNION ALL SELECT h.account, h.qty - h.held FROM sim_action_holders AS h JOIN sim_actions AS a"
            " ON a.n = h.action WHERE a.asset = ?1 AND a.at >= ?2"
            " UNION ALL SELECT h.account, h.received FROM sim_action_holders AS h JOIN sim_actions AS a"
            " ON a.n = h.action WHERE a.new_asset = ?1 AND a.at >= ?2) GROUP BY account",
            (asset, to_micros(session.open)),
        ).fetchall()
        if not rows:
            return {}
        factor = Fraction(1)
        for kind, ratio in tx.execute(
            "SELECT kind, ratio FROM sim_actions WHERE asset = ? AND at >= ? AND kind IN ('split', 'stock_dividend')",
            (asset, to_micros(session.open)),
        ).fetchall():
            factor *= Fraction(ratio) + (1 if kind == ActionKind.STOCK_DIVIDEND else 0)
        held = dict(tx.execute("SELECT account, qty FROM sim_positions WHERE asset = ?", (asset,)).fetchall())
        return {account: Qty(max(0, int((held.get(account, 0) - change) * factor))) for account, change in rows}


def _first_price(price: Price, rate: Fraction) -> Price:
    return Price(max(1, round(price / rate)))


def _active_asset(tx: Writer, symbol: str) -> _Listed | None:
    row = tx.execute(
        "SELECT n, fractionable, exchange FROM sim_assets WHERE symbol = ? AND status = 'active'", (symbol,)
    ).fetchone()
    return None if row is None else _Listed(*row)


def _record(tx: Writer, facts: tuple[int, str, int, int | None, int, int, int], terms: Terms) -> None:
    n, identity, asset, new, at, accounts, canceled = facts
    action = terms.action
    tx.execute(
        "INSERT INTO sim_actions (n, id, asset, kind, symbol, ratio, amount, new_symbol, price, new_asset,"
        " fractionable, new_fractionable, price_before, new_price, at, accounts, canceled_orders)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            n, identity, asset, action.kind, action.symbol, None if action.ratio is None else str(action.ratio),
            action.amount, action.new_symbol, action.price, new, terms.fractionable, terms.new_fractionable,
            terms.price, terms.new_price, at, accounts, canceled,
        ),
    )  # fmt: skip


def _apply(
    tx: Writer, of: tuple[int, str], keys: tuple[int, int, int | None], terms: Terms, held: Holding, at: int
) -> None:
    """Adjust one holder's positions, pay its cash, and store the event of both."""
    (n, identity), (account, asset, new) = of, keys
    effect = effect_of(terms, held)
    if effect.qty > MAX_NANO:
        raise BrokerRefused(RefusalCode.REJECTED, "a position holds at most 9,000,000,000 shares")
    if effect.qty:
        tx.execute(
            "UPDATE sim_positions SET qty = ?, avg_entry_price = ? WHERE account = ? AND asset = ?",
            (effect.qty, effect.average, account, asset),
        )
    else:
        tx.execute("DELETE FROM sim_positions WHERE account = ? AND asset = ?", (account, asset))
    if effect.received and new is not None:
        add_shares(tx, account, new, effect.received, effect.received_average)
    tx.execute(
        "INSERT INTO sim_action_holders (action, account, held, average, entitled, qty, received, paid)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (n, account, held.qty, held.average, held.entitled, effect.qty, effect.received, effect.paid),
    )
    if effect.paid:
        kind = CashKind.DIVIDEND if terms.action.kind is ActionKind.CASH_DIVIDEND else CashKind.CORPORATE_ACTION
        entry = post(tx, account, at, kind, effect.paid, day_of(at).isoformat(), identity)
        emit_cash(tx, at, account, entry)
    emit_action(tx, at, asset, n, account)
