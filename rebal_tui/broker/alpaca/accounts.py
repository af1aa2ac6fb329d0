"""Reads accounts from the broker. An account whose data cannot be used never prevents reading the others (R-52)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from rebal_tui.broker.alpaca import json_values, shapes
from rebal_tui.broker.alpaca.client import AlpacaClient, Denied, KeysRefused, RateLimited
from rebal_tui.broker.alpaca.firm_account import firm_candidates, firm_reason, has_person
from rebal_tui.broker.alpaca.json_values import Json, Malformed
from rebal_tui.broker.alpaca.refusals import refusal
from rebal_tui.broker.failures import BrokerUnavailable, RefusalCode
from rebal_tui.broker.unreadable import AccountUnreadable, Listing, Unreadable
from rebal_tui.domain.accounts import Account, AccountStatus

BULK_MIN_ACCOUNTS = 5
"""With at least this many accounts, all positions are read by one request."""
BULK_MAX_AGE = timedelta(minutes=1)
"""How old positions read by one request may be; if they are older, the positions of each account are read."""
PROBE_INTERVAL = timedelta(seconds=5)
"""How long a response to a request for the broker's clock proves that the broker responds."""
_NOT_FOUND = 404


class AccountReader:
    """Reads client accounts with their balances and positions.

    `firm_account` is the id of the firm's own account, which is left out. If it is empty, an account that may be the
    firm's own is reported as unreadable.
    """

    def __init__(
        self, client: AlpacaClient, pool: ThreadPoolExecutor, now: Callable[[], datetime], firm_account: str
    ) -> None:
        self._client = client
        self._pool = pool
        self._now = now
        self._firm_account = firm_account
        self._listed: dict[str, Json] = {}
        self._maybe_firm: dict[str, str] = {}
        self._others_have_person = False
        self._responded_at: datetime | None = None

    def forget(self, account_id: str) -> None:
        """Discard the cached name, number and status of an account, so that its next read gets them again."""
        self._listed.pop(account_id, None)

    def all(self) -> Listing[Account]:
        """Every client account that can be read; `unreadable` of the result has the other accounts, each with the
        reason.

        Raises `BrokerUnavailable` when the list cannot be read. Also when two or more accounts, and more than half of
        all, cannot be read: the broker is then at fault, not the accounts.
        """
        try:
            rows = self._client.get("/v1/accounts", {"entities": "contact,identity"})
        except Denied as denied:
            raise refusal(denied) from None
        if not isinstance(rows, list):
            raise BrokerUnavailable("invalid response: the accounts are no list")
        clients, unreadable = self._clients(rows)
        self._listed = clients
        self._others_have_person = any(map(has_person, clients.values()))
        if not self._firm_account:
            self._maybe_firm = firm_candidates(clients, self._journals())
            unreadable += [Unreadable(account_id, reason) for account_id, reason in self._maybe_firm.items()]
            clients = {account_id: data for account_id, data in clients.items() if account_id not in self._maybe_firm}
        held = self._all_positions() if len(clients) >= BULK_MIN_ACCOUNTS else {}
        read = self._pool.map(lambda item: self._try(item[0], item[1], held.get(item[0])), clients.items())
        found: list[Account] = []
        for account in read:
            if isinstance(account, Unreadable):
                unreadable.append(account)
            else:
                found.append(account)
        if len(unreadable) > max(1, len(rows) // 2):
            first = unreadable[0]
            raise BrokerUnavailable(
                f"{len(unreadable)} of {len(rows)} accounts cannot be read; account {first.key}: {first.reason}"
            )
        return Listing(found, unreadable)

    def one(self, account_id: str) -> Account:
        """One account with its positions.

        Raises `BrokerRefused` with `NOT_FOUND` when the broker has no such account, `AccountUnreadable` when only this
        account's data cannot be used, and `BrokerUnavailable` when the broker does not respond.
        """
        data = self._listed.get(account_id)
        if data is None:
            with self.of_account(account_id, missing=True):
                data = json_values.as_object(self._client.get(f"/v1/accounts/{account_id}"))
                if json_values.id_of(data) != account_id:
                    raise Malformed("id: expected the requested account")
            self._listed[account_id] = data
        if not self._firm_account:
            reason = self._maybe_firm.get(account_id) or firm_reason(data, others_have_person=self._others_have_person)
            if reason:
                raise AccountUnreadable(account_id, reason)
        with self.of_account(account_id):
            return self._full(account_id, data, None)

    @contextmanager
    def of_account(self, account_id: str, *, missing: bool = False) -> Iterator[None]:
        """A `with` block that reads data of one account; an error in it is attributed to the account or to the broker.

        A malformed response becomes `AccountUnreadable`. So does any other failure if the broker still answers a
        request for its clock; if it does not, the failure becomes `BrokerUnavailable`. `RateLimited` is raised
        unchanged. With `missing`, a 404 of the broker's own API becomes `BrokerRefused`.
        """
        try:
            yield
        except Denied as denied:
            if missing and denied.status == _NOT_FOUND:
                raise refusal(denied) from None
            self._require_response()
            raise AccountUnreadable(account_id, f"HTTP {denied.status}: {denied}") from None
        except Malformed as error:
            raise AccountUnreadable(account_id, f"invalid response: {error}") from None
        except (AccountUnreadable, RateLimited):
            raise
        except KeysRefused:
            self._require_response()
            raise AccountUnreadable(account_id, "HTTP 401: the keys are not accepted for it") from None
        except BrokerUnavailable as error:
            self._require_response()
            raise AccountUnreadable(account_id, str(error)) from None

    def _require_response(self) -> None:
        """Raise `BrokerUnavailable` unless the broker answers a request for its clock."""
        now = self._now()
        if self._responded_at is not None and abs(now - self._responded_at) < PROBE_INTERVAL:
            return
        try:
            self._client.send("GET", "/v1/clock")
        except Denied as denied:
            raise BrokerUnavailable(f"the broker refuses its clock: {denied}") from None
        self._responded_at = now

    def _clients(self, rows: Sequence[Any]) -> tuple[dict[str, Json], list[Unreadable]]:
        """The rows of client accounts by id; and the rows that have no usable id, or the id of an earlier row."""
        clients: dict[str, Json] = {}
        unreadable: list[Unreadable] = []
        for number, row in enumerate(rows, 1):
            try:
                data = json_values.as_object(row)
                account_id = json_values.id_of(data)
                if account_id in clients:
                    raise Malformed(f"two rows have the id {account_id}")
            except Malformed as error:
                unreadable.append(Unreadable(f"row {number}", f"invalid response: {error}"))
                continue
            if account_id != self._firm_account:
                clients[account_id] = data
        return clients, unreadable

    def _journals(self) -> list[Json]:
        """Every journal; an empty list when they cannot be read."""
        try:
            return json_values.as_list(self._client.get("/v1/journals"))
        except (Denied, Malformed):
            return []

    def _all_positions(self) -> Mapping[str, Any]:
        """The positions of all accounts by account id, read by one request; empty if the broker refuses it or its data
        is old.
        """
        try:
            answer = json_values.as_object(self._client.get("/v1/accounts/positions"))
            current = abs(self._now() - json_values.timestamp(answer, "as_of")) <= BULK_MAX_AGE
            return json_values.as_object(answer.get("positions")) if current else {}
        except (Denied, Malformed):
            return {}

    def _try(self, account_id: str, data: Json, held: Any) -> Account | Unreadable:
        try:
            with self.of_account(account_id):
                return self._full(account_id, data, held)
        except AccountUnreadable as error:
            return Unreadable(account_id, str(error))

    def _full(self, account_id: str, data: Json, held: Any) -> Account:
        """An account with its balances and positions. Only an account that is not ACTIVE may have none at the
        broker.
        """
        path = f"/v1/trading/accounts/{account_id}"
        status = shapes.account_status(data)
        try:
            trading = json_values.as_object(self._client.get(f"{path}/account"))
        except Denied as denied:
            if status is AccountStatus.ACTIVE or refusal(denied).code != RefusalCode.NOT_FOUND:
                raise
            return shapes.account(data, None, [])
        if trading.get("id") not in (None, account_id):
            raise Malformed("id: expected the requested account")
        if held is None:
            held = self._client.get(f"{path}/positions")
        return shapes.account(data, trading, json_values.as_list(held))
