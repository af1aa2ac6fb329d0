"""Cash and shares of the simulated broker's accounts.

Every movement of cash is a ledger entry with a counter-account; it also updates the balance of the account. Dollars and
shares are in billionths, times (`at`) in microseconds since 1970 UTC.
"""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple

from rebal_tui.broker.failures import BrokerRefused, RefusalCode
from rebal_tui.broker.simulated.events import emit_settlement
from rebal_tui.broker.simulated.fills import average_price
from rebal_tui.broker.simulated.ports import Query, Writer
from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.quantities import MAX_NANO, Money

_COUNTERS = {
    CashKind.OPENING: "bank",
    CashKind.DEPOSIT: "bank",
    CashKind.ACH_RETURN: "bank",
    CashKind.BUY: "market",
    CashKind.SELL: "market",
    CashKind.DIVIDEND: "market",
    CashKind.CORPORATE_ACTION: "market",
    CashKind.JOURNAL_IN: "firm",
    CashKind.JOURNAL_OUT: "firm",
}


def post(tx: Writer, account: int, at: int, kind: CashKind, amount: int, settles_on: str, reference: str) -> int:
    """Book one movement of cash; returns the integer key of its ledger entry.

    `amount` is below 0 for cash that leaves the account. Sale proceeds count as unsettled until the day `settles_on`
    (R-30). The counter-account is `bank` for deposits, `market` for trades and corporate actions, `firm` for journals.
    Raises `BrokerRefused` when the account would have more than 9,000,000,000 dollars.
    """
    cash, unsettled = tx.execute("SELECT cash, unsettled FROM sim_accounts WHERE n = ?", (account,)).fetchone()
    if cash + amount > MAX_NANO:
        raise BrokerRefused(RefusalCode.REJECTED, "an account holds at most 9,000,000,000 dollars")
    entry = tx.execute(
        "INSERT INTO sim_ledger (account, counter, at, kind, amount, settles_on, reference)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (account, _COUNTERS[kind], at, kind, amount, settles_on, reference),
    ).lastrowid
    if kind is CashKind.SELL and amount > 0:
        unsettled += amount
        tx.execute(
            "INSERT INTO sim_unsettled (account, settles_on, amount) VALUES (?, ?, ?)"
            " ON CONFLICT (settles_on, account) DO UPDATE SET amount = amount + excluded.amount",
            (account, settles_on, amount),
        )
    tx.execute("UPDATE sim_accounts SET cash = ?, unsettled = ? WHERE n = ?", (cash + amount, unsettled, account))
    return int(entry or 0)


def settle(tx: Writer, through: date, at: int) -> None:
    """Settle the sale proceeds due on or before `through`, with one event per account and settlement day."""
    day = through.isoformat()
    due = tx.execute(
        "SELECT account, amount FROM sim_unsettled WHERE settles_on <= ? ORDER BY settles_on, account",
        (day,),
    ).fetchall()
    tx.executemany(
        "UPDATE sim_accounts SET unsettled = unsettled - ? WHERE n = ?",
        [(amount, account) for account, amount in due],
    )
    for account, amount in due:
        emit_settlement(tx, at, account, amount)
    tx.execute("DELETE FROM sim_unsettled WHERE settles_on <= ?", (day,))


class AccountCash(NamedTuple):
    """The cash of an account, in billionths of a dollar.

    `unsettled` is the part of `cash` from sales that have not settled; `reserved` is the cash that open buys and
    outgoing journals reserve.
    """

    cash: int
    unsettled: int
    reserved: int

    @property
    def free(self) -> int:
        """Cash, settled or not, less what open buys and outgoing journals reserve, in billionths of a dollar.

        It is the buying power of R-2.
        """
        return self.cash - self.reserved

    @property
    def transferable(self) -> Money:
        """Settled cash less what open buys and outgoing journals reserve, in billionths of a dollar, never below zero
        (R-2).
        """
        return Money(max(0, self.free - self.unsettled))


def account_cash(query: Query, column: Literal["n", "id"], value: int | str) -> AccountCash:
    """The cash of the account with that integer key `n` or that `id`. Raises `BrokerRefused` (`NOT_FOUND`) if
    unknown.
    """
    for row in query(
        "SELECT cash, unsettled,"
        " (SELECT coalesce(sum(reserved_cash), 0) FROM sim_orders WHERE account = a.n AND open = 1)"
        " + (SELECT coalesce(sum(reserved), 0) FROM sim_journals WHERE account = a.n AND reserved > 0)"
        f" FROM sim_accounts AS a WHERE {column} = ?",
        (value,),
    ):
        return AccountCash._make(row)
    raise BrokerRefused(RefusalCode.NOT_FOUND, "no such account")


def free_cash(query: Query, account: int) -> int:
    """Cash of the account with this integer key, less what open buys and outgoing journals reserve.

    In billionths of a dollar; see `AccountCash.free`.
    """
    return account_cash(query, "n", account).free


def free_qty(tx: Writer, account: int, asset: int) -> int:
    """Shares of the account less those that open sells reserve, in billionths."""
    held = _position(tx, account, asset)[0]
    (reserved,) = tx.execute(
        "SELECT coalesce(sum(reserved_qty), 0) FROM sim_orders WHERE account = ? AND asset = ? AND open = 1",
        (account, asset),
    ).fetchone()
    return held - int(reserved)


def add_shares(tx: Writer, account: int, asset: int, qty: int, price: int | None) -> None:
    """Add shares to a position and update its average entry price.

    The average becomes unknown (None) if the shares held before or the added shares have no price. Raises
    `BrokerRefused` when the position would exceed 9,000,000,000 shares.
    """
    held, average = _position(tx, account, asset)
    if held + qty > MAX_NANO:
        raise BrokerRefused(RefusalCode.REJECTED, "a position holds at most 9,000,000,000 shares")
    if not held:
        average = price
    elif average is not None and price is not None:
        average = average_price([(held, average), (qty, price)])
    else:
        average = None
    tx.execute(
        "INSERT INTO sim_positions (account, asset, qty, avg_entry_price) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account, asset) DO UPDATE SET qty = excluded.qty, avg_entry_price = excluded.avg_entry_price",
        (account, asset, held + qty, average),
    )


def take_shares(tx: Writer, account: int, asset: int, qty: int) -> None:
    """Remove shares from a position; a position of 0 shares is deleted."""
    if _position(tx, account, asset)[0] == qty:
        tx.execute("DELETE FROM sim_positions WHERE account = ? AND asset = ?", (account, asset))
    else:
        tx.execute("UPDATE sim_positions SET qty = qty - ? WHERE account = ? AND asset = ?", (qty, account, asset))


def _position(tx: Writer, account: int, asset: int) -> tuple[int, int | None]:
    row: tuple[int, int | None] | None = tx.execute(
        "SELECT qty, avg_entry_price FROM sim_positions WHERE account = ? AND asset = ?", (account, asset)
    ).fetchone()
    return row or (0, None)
