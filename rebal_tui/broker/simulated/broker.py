"""The simulated broker: market, clearing and banks in the book's own file, and controls that cause events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta

from rebal_tui.broker.failures import BrokerRefused, RefusalCode
from rebal_tui.broker.protocol import AccountListing, BrokerEvent, OrderQuery
from rebal_tui.broker.simulated import records
from rebal_tui.broker.simulated.accounts import (
    account_number,
    asset_number,
    check_transfer,
    open_accounts,
    put_assets,
    read_account,
    read_accounts,
    read_assets,
    read_listing,
    relabel_assets,
    restrictions_text,
)
from rebal_tui.broker.simulated.corporate_actions import ActionService
from rebal_tui.broker.simulated.events import emit_account, emit_asset, emit_cash, read_events
from rebal_tui.broker.simulated.execution import Execution
from rebal_tui.broker.simulated.fills import FillModel
from rebal_tui.broker.simulated.invariants import find_violations, ledger_faults
from rebal_tui.broker.simulated.journals import JournalService, find_journal
from rebal_tui.broker.simulated.ledger import account_cash, add_shares, free_cash, post, settle
from rebal_tui.broker.simulated.orders import OrderService
from rebal_tui.broker.simulated.ports import Ids, PriceOf, Sessions, SqlRow, Tables, Writer
from rebal_tui.broker.simulated.timestamps import day_of, to_micros
from rebal_tui.broker.simulated.working_order import find_orders, load
from rebal_tui.domain.accounts import Account, AccountStatus, Restriction
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.cash import CashEntry, CashKind, Journal
from rebal_tui.domain.corporate_actions import CorporateAction
from rebal_tui.domain.orders import Order, OrderRequest
from rebal_tui.domain.quantities import MAX_NANO, Money, Price, Qty
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import display_text


class SimulatedBroker:
    """A broker in the book's own file (`Broker` and `SandboxControls`).

    Every call that changes something is one transaction, or part of the transaction of `batch`. So after a crash, the
    change is stored in full, with its events, or not at all. The tables must exist (`schema.create_tables`). `price`
    returns the latest quote of a symbol, `now` the simulated time for calls without a time argument, `ids` a UUID that
    depends only on the given name.
    """

    def __init__(
        self,
        tables: Tables,
        sessions: Sessions,
        price: PriceOf,
        now: Callable[[], datetime],
        ids: Ids,
        model: FillModel | None = None,
    ) -> None:
        model = model or FillModel()
        self._tables = tables
        self._sessions = sessions
        self._price = price
        self._now = now
        self._execution = Execution(model, ids, price)
        self._orders = OrderService(self._execution, sessions, ids)
        self._journals = JournalService(model, ids)
        self._actions = ActionService(self._execution, sessions, ids)

    def assets(self) -> Sequence[Asset]:
        """Every asset, ordered by symbol, with its latest price where it has one."""
        return read_assets(self._tables, self._price)

    def asset(self, name: str) -> Asset | None:
        """One asset by id or symbol, None when there is none; if several have the symbol, the active one."""
        named = [asset for asset in self.assets() if name in (asset.id, asset.symbol)]
        return min(named, key=lambda asset: (asset.id != name, asset.status is not AssetStatus.ACTIVE), default=None)

    def accounts(self) -> Sequence[Account]:
        """Every client account with its positions, in the order of opening."""
        return read_accounts(self._tables)

    def account_listing(self) -> AccountListing:
        """Every account as columns (see `AccountListing`)."""
        return read_listing(self._tables)

    def account(self, account_id: str) -> Account:
        """One account. Raises `BrokerRefused` (`NOT_FOUND`) if unknown."""
        return read_account(self._tables, account_id)

    def submit_order(self, request: OrderRequest) -> Order:
        """Place a market day order. Raises `BrokerRefused`; a refused order is not stored and its id stays free."""
        with self._tables.write() as tx:
            return self._orders.submit(tx, request, to_micros(self._now()))

    def batch(self) -> AbstractContextManager[object]:
        """A `with` block that is one transaction for all calls in it; a call that fails is rolled back alone."""
        return self._tables.write()

    def reading(self) -> AbstractContextManager[object]:
        """A `with` block without effect: every read returns at once."""
        return nullcontext()

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        """The order with that client order id, None when none was accepted."""
        found = load(self._tables.rows, "o.client_order_id = ? AND a.id = ?", (client_order_id, account_id))
        return found[0].order() if found else None

    def cancel_order(self, account_id: str, order_id: str) -> None:
        """Cancel, at once or after the fill model's latency. Raises `BrokerRefused` for a final or unknown order."""
        with self._tables.write() as tx:
            self._orders.cancel(tx, account_id, order_id, to_micros(self._now()))

    def open_orders(self, account_id: str) -> Sequence[Order]:
        """Orders of an account that are not final, oldest first."""
        account = account_number(self._tables.rows, account_id)
        return [order.order() for order in load(self._tables.rows, "o.account = ? AND o.open = 1", (account,))]

    def orders(self, account_id: str, query: OrderQuery) -> Sequence[Order]:
        """Orders of an account, including external orders, newest first unless `query.oldest_first`.

        Raises `BrokerRefused` with `NOT_FOUND` for an unknown account.
        """
        account = account_number(self._tables.rows, account_id)
        return [order.order() for order in find_orders(self._tables.rows, account, query)]

    def order(self, account_id: str, order_id: str) -> Order | None:
        """One order of an account by the broker's id, None when it does not exist."""
        found = load(self._tables.rows, "o.id = ? AND a.id = ?", (order_id, account_id))
        return found[0].order() if found else None

    def buying_power(self, account_id: str) -> Money:
        """Cash, settled or not, less what open buys and outgoing journals reserve, in dollars, never below zero
        (R-2).
        """
        return Money(max(0, account_cash(self._tables.rows, "id", account_id).free))

    def cancel_journal(self, journal_id: str) -> None:
        """Cancel a pending journal, which ends its reservation of cash.

        Raises `BrokerRefused` when the journal is unknown or not pending.
        """
        with self._tables.write() as tx:
            self._journals.cancel(tx, journal_id, to_micros(self._now()))

    def create_journal(
        self, from_account: str, to_account: str, amount: Money, description: str, idempotency_key: str
    ) -> Journal:
        """Move cash between a client and the firm (R-9); cash of a client is reserved at once if it goes to the firm.

        A journal with `/fixtures/status=rejected/fixtures/` in its description ends rejected, which ends the
        reservation. With `pending` in place of `rejected`, it waits until the next day begins in New York. With an
        `idempotency_key` used before for the same accounts, amount and description, returns the existing journal.
        Raises `BrokerRefused`.
        """
        with self._tables.write() as tx:
            return self._journals.create(
                tx, from_account, to_account, amount, description, idempotency_key, to_micros(self._now())
            )

    def journal(self, journal_id: str) -> Journal:
        """One journal. Raises `BrokerRefused` (`NOT_FOUND`) if unknown."""
        found = find_journal(self._tables.rows, "id", journal_id)
        if found is None:
            raise BrokerRefused(RefusalCode.NOT_FOUND, "no such journal")
        return found

    def cash_transferable(self, account_id: str) -> Money:
        """Settled cash less what open buys and journals reserve, in dollars, never below zero (R-2)."""
        return account_cash(self._tables.rows, "id", account_id).transferable

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        """Events with `seq` above `after`, oldest first, at most `limit`; each has the object that changed, such as an
        order, as it was right after the event.

        The cash of a fill is reported only by the fill's event, and the cash of an account's opening only by its
        `ACCOUNT` event. A settlement moves no cash: its `settled` amount becomes settled.
        """
        return read_events(self._tables, after, limit)

    def last_event(self) -> int:
        """The `seq` of the latest event, 0 when there is none; all reads include the changes of this event."""
        row = self._tables.row("SELECT coalesce(max(seq), 0) FROM sim_events")
        return int(row[0]) if row else 0

    def invariants(self) -> list[str]:
        """Inconsistencies in the broker's records, one message each; empty when there are none."""
        return find_violations(self._tables)

    def recorded_fills(self) -> dict[str, SqlRow]:
        """Each execution as a row, by execution id; the columns are those of `records.fills`."""
        return records.fills(self._tables.rows)

    def recorded_cash(self) -> dict[int, SqlRow]:
        """Each cash entry as a row, by its integer key; the columns are those of `records.cash_entries`."""
        return records.cash_entries(self._tables.rows)

    def recorded_journals(self) -> dict[str, SqlRow]:
        """Each journal as a row, by its id; the columns are those of `records.journals`."""
        return records.journals(self._tables.rows)

    def ledger_faults(self) -> list[tuple[str, str]]:
        """Accounts whose cash or shares are not the sum of their ledger entries: id and message."""
        return ledger_faults(self._tables)

    def advance(self, now: datetime) -> None:
        """Simulate the broker up to `now`: execute journals, fill, cancel and expire orders, settle sale proceeds.

        Uses one transaction, and none when nothing is due.
        """
        at_micros = to_micros(now)
        session = self._sessions.session(new_york_day(now))
        settled_through = new_york_day(now)
        if session is not None and now < session.open:
            settled_through -= timedelta(days=1)
        due = self._tables.row(
            "SELECT EXISTS (SELECT 1 FROM sim_orders WHERE open = 1 AND wake_at <= ?1)"
            " OR EXISTS (SELECT 1 FROM sim_journals WHERE due_at <= ?1)"
            " OR EXISTS (SELECT 1 FROM sim_unsettled WHERE settles_on <= ?2)",
            (at_micros, settled_through.isoformat()),
        )
        if due is None or not due[0]:
            return
        with self._tables.write() as tx:
            self._journals.advance(tx, at_micros)
            self._execution.run(tx, at_micros)
            settle(tx, settled_through, at_micros)

    def open_account(self, account: Account) -> None:
        """Add an account with cash and positions, which are its first ledger entries. Raises `BrokerRefused`."""
        self.open_accounts([account])

    def open_accounts(self, accounts: Sequence[Account]) -> None:
        """Add many accounts in one transaction: all, or none on `BrokerRefused`."""
        with self._tables.write() as tx:
            open_accounts(tx, accounts, to_micros(self._now()))

    def add_asset(self, asset: Asset) -> None:
        """Add an asset, or replace the asset that has its id."""
        self.add_assets([asset])

    def add_assets(self, assets: Sequence[Asset]) -> None:
        """Add or replace many assets in one transaction. Ends open orders that an asset no longer accepts."""
        at, given = to_micros(self._now()), {asset.id for asset in assets}
        with self._tables.write() as tx:
            put_assets(tx, assets, at)
            for asset in read_assets(self._tables, self._price) if assets else ():
                if asset.id in given:
                    self._orders.end_untradable(tx, asset.symbol, at)

    def deposit(self, account_id: str, amount: Money, at: datetime) -> CashEntry:
        """Deposit cash, which is settled at once (R-31). Raises `BrokerRefused`."""
        with self._tables.write() as tx:
            return _bank_entry(tx, account_id, CashKind.DEPOSIT, amount, at)

    def return_deposit(self, account_id: str, amount: Money, at: datetime) -> CashEntry:
        """Return an ACH deposit: block the account (R-40) and remove `amount`, or the account's free cash if that is
        less.

        Cash that is spent or reserved is not removed, so cash never falls below zero. The returned entry has the
        removed amount as a negative number; it may be 0.
        """
        with self._tables.write() as tx:
            account = account_number(tx.execute, account_id)
            entry = _bank_entry(tx, account_id, CashKind.ACH_RETURN, amount, at, max(0, free_cash(tx.execute, account)))
            (restrictions,) = tx.execute("SELECT restrictions FROM sim_accounts WHERE n = ?", (account,)).fetchone()
            present = {Restriction(text) for text in restrictions.split(",") if text}
            _change_account(
                tx, account_id, "restrictions", restrictions_text(frozenset({*present, Restriction.ACH_RETURN})), at
            )
            return entry

    def set_restrictions(self, account_id: str, restrictions: frozenset[Restriction], at: datetime) -> None:
        """Replace the broker's own restrictions of an account (R-40) at the time `at`."""
        with self._tables.write() as tx:
            _change_account(tx, account_id, "restrictions", restrictions_text(restrictions), at)

    def set_account_status(self, account_id: str, status: str, at: datetime) -> None:
        """Set an account's broker status to one of the statuses of the API. Raises `BrokerRefused` for any other."""
        if status not in set(AccountStatus):
            raise BrokerRefused(RefusalCode.REJECTED, f"expected an account status, one of {', '.join(AccountStatus)}")
        with self._tables.write() as tx:
            _change_account(tx, account_id, "status", status, at)

    def transfer_in(self, account_id: str, symbol: str, qty: Qty, price: Price, at: datetime) -> None:
        """Add shares from outside the book at the entry price `price`. Raises `BrokerRefused`."""
        check_transfer(qty, price)
        with self._tables.write() as tx:
            account, asset = account_number(tx.execute, account_id), asset_number(tx.execute, symbol)
            add_shares(tx, account, asset, qty, price)
            tx.execute(
                "INSERT INTO sim_shares (account, asset, kind, qty, at) VALUES (?, ?, 'brought_in', ?, ?)",
                (account, asset, qty, to_micros(at)),
            )
            emit_account(tx, to_micros(at), account)

    def set_asset(
        self, symbol: str, at: datetime, *, status: str | None = None, tradable: bool | None = None,
        fractionable: bool | None = None,
    ) -> None:  # fmt: skip
        """Change an asset's status, or whether it is tradable or fractionable.

        Open orders that the asset no longer accepts are ended; shares already filled stay.
        """
        if status is not None and status not in set(AssetStatus):
            raise BrokerRefused(RefusalCode.REJECTED, "expected the asset status active or inactive")
        at_micros = to_micros(at)
        with self._tables.write() as tx:
            asset = asset_number(tx.execute, symbol)
            tx.execute(
                "UPDATE sim_assets SET status = coalesce(?, status), tradable = coalesce(?, tradable),"
                " fractionable = coalesce(?, fractionable) WHERE n = ?",
                (status, tradable, fractionable, asset),
            )
            relabel_assets(tx)
            emit_asset(tx, at_micros, asset)
            (label,) = tx.execute("SELECT symbol FROM sim_assets WHERE n = ?", (asset,)).fetchone()
            self._orders.end_untradable(tx, label, at_micros)

    def corporate_action(self, action: CorporateAction, at: datetime) -> str:
        """Carry out a corporate action at once, at the current market prices; returns its id (R-54).

        The caller must adjust the market's prices in the same transaction. Raises `BrokerRefused`.
        """
        with self._tables.write() as tx:
            return self._actions.carry_out(tx, action, to_micros(at))

    def halted(self) -> frozenset[str]:
        """The symbols whose trading is halted."""
        return frozenset(row[0] for row in self._tables.rows("SELECT symbol FROM sim_assets WHERE halted = 1"))

    def halt(self, symbol: str, halted: bool, at: datetime) -> None:
        """Halt (`halted`) or resume trading of a symbol at the time `at`.

        During a halt, orders in the symbol are accepted; they fill after trading has resumed.
        """
        with self._tables.write() as tx:
            asset = asset_number(tx.execute, symbol)
            tx.execute("UPDATE sim_assets SET halted = ? WHERE n = ?", (halted, asset))
            if not halted:
                self._orders.resume(tx, symbol, to_micros(at))
            emit_asset(tx, to_micros(at), asset)

    def reject_next(self, account_id: str, symbol: str, reason: str) -> None:
        """Accept the next order of that account in that symbol, and then reject it, with this `reason`."""
        try:
            display_text(reason)
        except ValueError as error:
            raise BrokerRefused(RefusalCode.REJECTED, f"reason: {error}") from None
        with self._tables.write() as tx:
            tx.execute(
                "INSERT INTO sim_rejections (account, asset, reason) VALUES (?, ?, ?)"
                " ON CONFLICT (account, asset) DO UPDATE SET reason = excluded.reason",
                (account_number(tx.execute, account_id), asset_number(tx.execute, symbol), reason),
            )

    def place_external_order(self, account_id: str, request: OrderRequest, at: datetime) -> Order:
        """Place an order in the account at the time `at` as if by another program, under the same rules of the
        broker.
        """
        with self._tables.write() as tx:
            return self._orders.submit(tx, replace(request, account_id=account_id), to_micros(at))


def _change_account(tx: Writer, account_id: str, column: str, value: str, at: datetime) -> None:
    account = account_number(tx.execute, account_id)
    tx.execute(f"UPDATE sim_accounts SET {column} = ? WHERE n = ?", (value, account))
    emit_account(tx, to_micros(at), account)


def _bank_entry(
    tx: Writer, account_id: str, kind: CashKind, amount: Money, at: datetime, max_amount: int = MAX_NANO
) -> CashEntry:
    """Book a deposit, or the return of a deposit; at most `max_amount`, in billionths of a dollar."""
    if not 0 < amount <= MAX_NANO:
        raise BrokerRefused(RefusalCode.REJECTED, "expected an amount above 0 and up to 9,000,000,000 dollars")
    account, at_micros = account_number(tx.execute, account_id), to_micros(at)
    signed = Money(amount if kind is CashKind.DEPOSIT else -min(amount, max_amount))
    day = day_of(at_micros).isoformat()
    entry = post(tx, account, at_micros, kind, signed, day, "bank")
    emit_cash(tx, at_micros, account, entry)
    return CashEntry(entry, account_id, at, kind, signed, day, "bank")
