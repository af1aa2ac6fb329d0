"""Export of runs, orders, decisions, accounts, portfolios, cash and the audit trail as CSV or JSON."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from textwrap import indent
from typing import TYPE_CHECKING, Any

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import money_text, price_text
from rebal_tui.domain.runs import RunDetail
from rebal_tui.services.advisory.cash import transferable
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import latest_decisions
from rebal_tui.services.wire.account_shapes import account_json
from rebal_tui.services.wire.shapes import (
    AssetId,
    asset_ids,
    decision_json,
    order_json,
    portfolio_json,
    run_json,
    time_or_null,
    time_text,
)
from rebal_tui.store import accounts, archives, audit, cash, past_rows, run_orders

if TYPE_CHECKING:
    from rebal_tui.services.wire.models import rebalancing

Json = dict[str, Any]

EXPORTS = ("runs", "orders", "decisions", "accounts", "portfolios", "assets", "cash", "audit")
FORMATS = ("csv", "json")

ITEMS_PER_CHUNK = 100
"""Items per chunk; a chunk takes some hundredths of a second."""
_ALL = 2**62
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_FORMULA_STARTS = frozenset("=+-@|%\t\r\n\0")


class Export:
    """An export of one kind of records (`EXPORTS`) as CSV or JSON, oldest record first, produced in chunks.

    JSON contains the last audit entry; for CSV, `export_head` returns it. In CSV no text cell is a spreadsheet formula,
    and every number stays a number. The export is consistent only if the book does not change between chunks. `done`
    counts the records so far; `total` estimates how many there will be.
    """

    def __init__(self, book: Book, what: str, fmt: str) -> None:
        """Raises `Invalid` for an unknown export or format."""
        faults = []
        if what not in EXPORTS:
            faults.append(Fault("what", f"expected one of {', '.join(EXPORTS)}"))
        if fmt not in FORMATS:
            faults.append(Fault("format", "expected csv or json"))
        if faults:
            raise Invalid(faults)
        self.done, self.total = 0, _TOTALS[what](book)
        self._items = _ITEMS[what](book)
        self._columns = _COLUMNS[what] if fmt == "csv" else None
        head = json.dumps({"audit_head": export_head(book), what: []}, ensure_ascii=False, indent=2)
        self._chunks = [head.removesuffix("]\n}") if self._columns is None else csv_text(self._columns, ())]

    def advance(self) -> bool:
        """Produce one more chunk; returns whether there may be another."""
        chunk = list(islice(self._items, ITEMS_PER_CHUNK))
        if chunk:
            self._chunks.append(self._rows(chunk))
            self.done += len(chunk)
        return len(chunk) == ITEMS_PER_CHUNK

    def _rows(self, chunk: Sequence[Json]) -> str:
        if self._columns is not None:
            return csv_text(self._columns, ({**item, **_summary_cells(item)} for item in chunk), header=False)
        dumped = (indent(json.dumps(item, ensure_ascii=False, indent=2), "    ") for item in chunk)
        return (",\n" if self.done else "\n") + ",\n".join(dumped)

    def text(self) -> str:
        """The export produced so far, as a complete document."""
        if self._columns is not None:
            return "".join(self._chunks)
        return "".join(self._chunks) + ("\n  ]\n}\n" if self.done else "]\n}\n")


def export_text(book: Book, what: str, fmt: str) -> str:
    """The text of a whole export. Raises `Invalid` for an unknown export or format."""
    export = Export(book, what, fmt)
    while export.advance():
        pass
    return export.text()


def export_head(book: Book) -> Json:
    """The number and hash of the last audit entry now.

    Someone who keeps a copy of this pair can find out later whether entries at the end of the trail were removed.
    """
    seq, digest = audit.head(book.database)
    return {"seq": seq, "hash": digest, "at": time_text(book.now())}


def table_text(columns: Sequence[str], items: Sequence[Json], fmt: str) -> str:
    """A table in the format `fmt`: `csv`, as `csv_text` returns it, or `json`, a list of objects."""
    if fmt == "csv":
        return csv_text(columns, items)
    return json.dumps(items, ensure_ascii=False, indent=2) + "\n"


def csv_text(columns: Sequence[str], items: Iterable[Json], *, header: bool = True) -> str:
    """A CSV table, with or without a header row, safe to open in a spreadsheet."""
    from defusedcsv import csv

    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    if header:
        writer.writerow(columns)
    writer.writerows([safe_cell(item.get(column)) for column in columns] for item in items)
    return out.getvalue()


def safe_cell(value: Any) -> str:
    """A value as one CSV cell. Text that a spreadsheet could take for a formula gets a leading apostrophe.

    Covers cases that defusedcsv does not: leading spaces, tabs, carriage returns and full-width signs.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    text = str(value)
    if not text or _NUMBER.fullmatch(text):
        return text
    start = unicodedata.normalize("NFKC", text.lstrip()[:1])[:1]
    return "'" + text if start in _FORMULA_STARTS or text[0] in _FORMULA_STARTS else text


def _summary_cells(item: Json) -> Json:
    """Short text for values that are lists in JSON: order counts, the trace and positions."""
    cells: Json = {name: len(item[name]) for name in ("orders", "failed_orders", "skipped_orders") if name in item}
    if "trace" in item:
        cells["trace"] = "; ".join(
            f"{check['check']}: {check['verdict']}: {check['detail']}" for check in item["trace"]
        )
    if "positions" in item:
        cells["positions"] = "; ".join(f"{position['symbol']} {position['qty']}" for position in item["positions"])
    if "weights" in item:
        cells["weights"] = "; ".join(f"{weight['symbol'] or 'cash'} {weight['percent']}" for weight in item["weights"])
    if "restrictions" in item:
        cells["restrictions"] = ", ".join(item["restrictions"])
    return cells


def _run_details(book: Book) -> Iterable[RunDetail]:
    for run in reversed(past_rows.newest(book.database, _ALL)):
        yield run_orders.detail(archives.holding(book.database, run.id), run)


def _runs(book: Book) -> Iterator[Json]:
    ids = asset_ids(book.assets)
    return (_with_names(book, run_json(detail, ids)) for detail in _run_details(book))


def _with_names(book: Book, item: rebalancing.RunRecord | rebalancing.Decision) -> Json:
    account = book.accounts.get(item["account_id"])
    portfolio = book.portfolios.get(item["portfolio_id"])
    return {
        **item,
        "account_number": account.account_number if account else None,
        "client": account.name if account else None,
        "portfolio": portfolio.name if portfolio else None,
    }


def _orders(book: Book) -> Iterator[Json]:
    ids = asset_ids(book.assets)
    return (order for detail in _run_details(book) for order in _orders_of(book, detail, ids))


def _orders_of(book: Book, detail: RunDetail, ids: AssetId) -> list[Json]:
    run = detail.run
    account = book.accounts.get(run.account_id)
    named = {
        "run_id": run.id,
        "account_id": run.account_id,
        "account_number": account.account_number if account else None,
        "client": account.name if account else None,
    }
    placed = sorted([*detail.orders, *detail.failed_orders], key=lambda order: _line(order.client_order_id))
    return [{**named, **order_json(order, ids)} for order in placed]


def _line(client_order_id: str) -> int:
    last = client_order_id.rpartition("-")[2]
    return int(last) if last.isdecimal() else 0


def _decisions(book: Book) -> Iterator[Json]:
    decisions = [d for account_id in book.accounts for d in latest_decisions(book.database, account_id, _ALL)]
    decisions.sort(key=lambda decision: decision.at)
    return (_with_names(book, decision_json(decision)) for decision in decisions)


def _accounts(book: Book) -> Iterator[Json]:
    for account in book.accounts.values():
        held = {p.symbol: book.assets[p.symbol] for p in account.positions if p.symbol in book.assets}
        record = account_json(account, held, transferable(book, account.id))
        subscription = book.subscriptions.get(account.id)
        portfolio = book.portfolios[subscription.portfolio_id] if subscription else None
        yield {
            **record,
            "portfolio_id": portfolio.id if portfolio else None,
            "portfolio": portfolio.name if portfolio else None,
            "last_rebalanced_at": time_or_null(subscription.last_rebalanced_at) if subscription else None,
        }


def _portfolios(book: Book) -> Iterator[Json]:
    """Portfolios as in the API, with the ids of their assets."""
    ids = asset_ids(book.assets)
    for portfolio in book.portfolios.values():
        shape = portfolio_json(portfolio)
        weights = [{**w, "asset_id": ids(w["symbol"]) if w["symbol"] else None} for w in shape["weights"]]
        yield {**shape, "weights": weights, "subscribers": len(book.subscribers(portfolio.id))}


def _cash(book: Book) -> Iterator[Json]:
    """Withdrawals, journals and deposits; amounts are signed from the account's point of view.

    A journal that pays a withdrawal has the withdrawal's id as `withdrawal_id`, because both move the same cash.
    """
    withdrawals = cash.withdrawals(book.database, limit=_ALL)
    paid = {w.journal_id: w.id for w in withdrawals if w.journal_id}
    items: list[Json] = [
        {"id": w.id, "kind": "withdrawal", "account_id": w.account_id, "at": w.created_at, "amount": -w.amount,
         "status": w.stage.value, "reason": w.stopped, "withdrawal_id": None}
        for w in withdrawals
    ]  # fmt: skip
    for j in cash.journals(book.database, _ALL):
        incoming = j.from_account == FIRM_ACCOUNT
        items.append(
            {"id": j.id, "kind": "journal", "account_id": j.to_account if incoming else j.from_account,
             "at": j.created_at, "amount": j.amount if incoming else -j.amount, "status": j.status.value,
             "reason": j.reason, "withdrawal_id": paid.get(j.id)}
        )  # fmt: skip
    items += [
        {"id": None, "kind": e.kind.value, "account_id": e.account_id, "at": e.at, "amount": e.amount,
         "status": "settled", "reason": None, "withdrawal_id": None}
        for e in accounts.latest_deposits(book.database, _ALL)
    ]  # fmt: skip
    items.sort(key=lambda item: item["at"])
    for item in items:
        account = book.account(item["account_id"])
        item["account_number"], item["client"] = account.account_number, account.name
        item["at"], item["amount"] = time_text(item["at"]), money_text(item["amount"])
    return iter(items)


def _assets(book: Book) -> Iterator[Json]:
    return (
        {
            "id": asset.id,
            "symbol": asset.symbol,
            "name": asset.name,
            "exchange": asset.exchange,
            "status": asset.status.value,
            "tradable": asset.tradable,
            "fractionable": asset.fractionable,
            "price": price_text(asset.price) if asset.price is not None else None,
            "price_at": time_text(asset.price_at) if asset.price_at else None,
        }
        for _, asset in sorted(book.assets.items())
    )


def _audit(book: Book) -> Iterator[Json]:
    return (
        {
            "seq": entry.seq,
            "at": time_text(entry.at),
            "actor": entry.actor,
            "action": entry.action,
            "subject": entry.subject,
            "detail": json.loads(entry.detail),
            "hash": entry.hash,
        }
        for entry in reversed(audit.entries(book.database, _ALL))
    )


def _count(table: str) -> Callable[[Book], int]:
    return lambda book: sum(
        int((one.row(f"SELECT count(*) FROM {table}") or (0,))[0]) for one in archives.databases(book.database)
    )


_TOTALS: dict[str, Callable[[Book], int]] = {
    "runs": _count("runs"),
    "orders": _count("orders"),
    "decisions": _count("decisions"),
    "accounts": lambda book: len(book.accounts),
    "portfolios": lambda book: len(book.portfolios),
    "assets": lambda book: len(book.assets),
    "cash": lambda book: (
        cash.withdrawal_count(book.database) + cash.journal_count(book.database) + accounts.deposit_count(book.database)
    ),
    "audit": lambda book: audit.head(book.database)[0],
}
_ITEMS: dict[str, Callable[[Book], Iterator[Json]]] = {
    "runs": _runs,
    "orders": _orders,
    "decisions": _decisions,
    "accounts": _accounts,
    "portfolios": _portfolios,
    "assets": _assets,
    "cash": _cash,
    "audit": _audit,
}
_COLUMNS: dict[str, tuple[str, ...]] = {
    "runs": (
        "id", "created_at", "type", "status", "reason", "amount", "initiated_from", "account_id", "account_number",
        "client", "portfolio_id", "portfolio", "orders", "failed_orders", "skipped_orders", "completed_at",
        "canceled_at", "updated_at",
    ),
    "orders": (
        "id", "client_order_id", "run_id", "account_id", "account_number", "client", "asset_id", "symbol", "side",
        "notional", "qty", "filled_qty",
        "filled_avg_price", "status", "reject_reason", "created_at", "submitted_at", "filled_at", "canceled_at",
        "expired_at", "failed_at", "updated_at",
    ),
    "decisions": (
        "at", "session", "account_id", "account_number", "client", "portfolio_id", "portfolio", "outcome", "reason",
        "status", "trace",
    ),
    "accounts": (
        "id", "account_number", "name", "status", "currency", "cash", "cash_withdrawable", "position_market_value",
        "equity", "restrictions", "portfolio_id", "portfolio", "last_rebalanced_at", "created_at", "positions",
    ),
    "assets": (
        "symbol", "name", "exchange", "status", "tradable", "fractionable", "price", "price_at", "id",
    ),
    "portfolios": (
        "id", "name", "description", "status", "weights", "rebalance_conditions", "cooldown_days", "review",
        "subscribers", "created_at", "updated_at",
    ),
    "cash": (
        "at", "kind", "account_id", "account_number", "client", "amount", "status", "reason", "id", "withdrawal_id",
    ),
    "audit": ("seq", "at", "actor", "action", "subject", "detail", "hash"),
}  # fmt: skip
