"""The broker of a files book: orders wait for a trade list and for fills that files or a person report (R-70)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from rebal_tui.broker.failures import BrokerRefused, RefusalCode
from rebal_tui.broker.files.events import emit_order, read_events
from rebal_tui.broker.files.ports import Ids, Tables
from rebal_tui.broker.files.records import (
    OPEN,
    StoredOrder,
    account_number,
    load_orders,
    micros,
    read_account,
    read_accounts,
    read_assets,
    read_listing,
)
from rebal_tui.broker.protocol import AccountListing, BrokerEvent
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.cash import Journal
from rebal_tui.domain.orders import Order, OrderRequest, OrderStatus, Side
from rebal_tui.domain.quantities import Money

NO_TRANSFERS = "a files book moves no cash: make the transfer at the custodian and import the next positions"


class FilesBroker:
    """The accounts, assets and orders of a files book (`Broker`). It sends nothing to a market and moves no cash."""

    def __init__(self, tables: Tables, now: Callable[[], datetime], ids: Ids) -> None:
        self._tables = tables
        self._now = now
        self._ids = ids

    def assets(self) -> Sequence[Asset]:
        """Every asset, ordered by symbol. Prices are not filled in."""
        return read_assets(self._tables)

    def asset(self, name: str) -> Asset | None:
        """One asset by id or symbol, None when there is none."""
        return next((asset for asset in self.assets() if name in (asset.id, asset.symbol)), None)

    def accounts(self) -> Sequence[Account]:
        """Every account with its positions, in the order in which the accounts were imported."""
        return read_accounts(self._tables)

    def account(self, account_id: str) -> Account:
        """One account. Raises `BrokerRefused` (`NOT_FOUND`) if unknown."""
        return read_account(self._tables, account_id)

    def account_listing(self) -> AccountListing:
        """Every account as columns (see `AccountListing`)."""
        return read_listing(self._tables)

    def ledger_faults(self) -> list[tuple[str, str]]:
        """Accounts whose ledger does not add up: always none, as the custodian keeps the ledger (R-70)."""
        return []

    def submit_order(self, request: OrderRequest) -> Order:
        """Store an order for the next trade list, at any hour.

        Raises `BrokerRefused` for an unknown account or asset, a client_order_id used before, or a sell of more shares
        than the account holds less its other open sells.
        """
        sizes = [size for size in (request.notional, request.qty) if size is not None]
        if len(sizes) != 1 or sizes[0] <= 0:
            raise BrokerRefused(RefusalCode.REJECTED, "expected either notional or qty, above 0")
        with self._tables.write() as tx:
            if self._found("o.client_order_id = ?", (request.client_order_id,)):
                raise BrokerRefused(RefusalCode.DUPLICATE_CLIENT_ORDER_ID, "this client_order_id is already used")
            account = account_number(self._tables, request.account_id)
            asset = self._tables.row("SELECT n FROM files_assets WHERE symbol = ?", (request.symbol,))
            if asset is None:
                raise BrokerRefused(RefusalCode.ASSET_NOT_TRADABLE, f"asset {request.symbol} is not known")
            if request.side is Side.SELL and (request.qty or 0) > self._free_qty(account, asset[0]):
                raise BrokerRefused(RefusalCode.INSUFFICIENT_QTY, "insufficient quantity available")
            at = micros(self._now())
            tx.execute(
                "INSERT INTO files_orders (id, client_order_id, account, asset, side, notional, qty, status,"
                " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self._ids(f"order:{request.client_order_id}"), request.client_order_id, account, asset[0],
                    request.side.value, request.notional, request.qty, OrderStatus.ACCEPTED.value, at, at,
                ),
            )  # fmt: skip
        return self._found("o.client_order_id = ?", (request.client_order_id,))[0].order()

    def batch(self) -> AbstractContextManager[object]:
        """A `with` block whose orders are one transaction."""
        return self._tables.write()

    def reading(self) -> AbstractContextManager[object]:
        """A `with` block without effect: every read returns at once."""
        return nullcontext()

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        """The order with that client order id, None when there is none."""
        found = self._found("o.client_order_id = ? AND a.id = ?", (client_order_id, account_id))
        return found[0].order() if found else None

    def cancel_order(self, account_id: str, order_id: str) -> None:
        """Cancel an order at once; shares already filled stay. Raises `BrokerRefused` when it is final or unknown."""
        with self._tables.write() as tx:
            found = self._found("o.id = ? AND a.id = ?", (order_id, account_id))
            if not found:
                raise BrokerRefused(RefusalCode.NOT_FOUND, "no such order in this account")
            if found[0].status.final:
                raise BrokerRefused(RefusalCode.NOT_CANCELABLE, f"the order is already {found[0].status}")
            at = micros(self._now())
            tx.execute(
                "UPDATE files_orders SET status = ?, updated_at = ? WHERE n = ?",
                (OrderStatus.CANCELED.value, at, found[0].n),
            )
            emit_order(tx, at, found[0]._replace(status=OrderStatus.CANCELED))

    def open_orders(self, account_id: str) -> Sequence[Order]:
        """Orders of an account that are not final, in order of arrival."""
        return [stored.order() for stored in self._found(f"a.id = ? AND {OPEN}", (account_id,))]

    def create_journal(
        self,
        from_account: str,  # noqa: ARG002 - the protocol's signature
        to_account: str,  # noqa: ARG002 - the protocol's signature
        amount: Money,  # noqa: ARG002 - the protocol's signature
        description: str,  # noqa: ARG002 - the protocol's signature
        idempotency_key: str,  # noqa: ARG002 - the protocol's signature
    ) -> Journal:
        """Always refused: a files book moves no cash."""
        raise BrokerRefused(RefusalCode.REJECTED, NO_TRANSFERS)

    def journal(self, journal_id: str) -> Journal:  # noqa: ARG002 - the protocol's signature
        """Always refused: there are no journals."""
        raise BrokerRefused(RefusalCode.NOT_FOUND, "no such journal")

    def cash_transferable(self, account_id: str) -> Money:
        """The account's cash in dollars: that of the last imported file, changed by fills booked since then. Never
        below zero.
        """
        return Money(max(0, self.account(account_id).cash))

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        """Events with `seq` above `after`, oldest first, at most `limit`."""
        return read_events(self._tables, after, limit)

    def _found(self, condition: str, parameters: tuple[str, ...]) -> list[StoredOrder]:
        return load_orders(self._tables, condition, parameters)

    def _free_qty(self, account: int, asset: int) -> int:
        held = self._tables.row("SELECT qty FROM files_positions WHERE account = ? AND asset = ?", (account, asset))
        selling = load_orders(
            self._tables, f"o.account = ? AND o.asset = ? AND o.side = 'sell' AND {OPEN}", (account, asset)
        )
        return (int(held[0]) if held else 0) - sum(order.left for order in selling)
