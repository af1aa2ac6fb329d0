"""Audit entries about evaluations, runs, orders and fills as sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import Money, Qty
from rebal_tui.domain.runs import Run, RunStatus
from rebal_tui.domain.text import count_text, minute_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.reports.names import account_name, why
from rebal_tui.services.reports.texts import money, shares
from rebal_tui.store import archives, past_rows, run_orders
from rebal_tui.store.codec import parse_client_order_id

Detail = Mapping[str, Any]
Sentence = Callable[[Book, str, Detail], str]


def run_name(book: Book, run_id: str) -> str:
    """A run's name such as `run 6b87c1d2 of Moreau, Vera`; a text that is not the id of a run is returned unchanged."""
    run = _run(book, run_id)
    return run_id if run is None else f"run {run_id[:8]} of {account_name(book, run.account_id)}"


def _run(book: Book, run_id: str) -> Run | None:
    return past_rows.run_or_none(book.database, run_id)


def _evaluation(_book: Book, subject: str, detail: Detail) -> str:
    count = sum(int(detail[outcome]) for outcome in ("full_rebalance", "invest_cash", "none", "blocked"))
    made = [f"{detail[kind]:,} {kind}" for kind in ("full_rebalance", "invest_cash") if detail[kind]]
    blocked = f", {detail['blocked']:,} blocked" if detail["blocked"] else ""
    result = f"{' and '.join(made) or 'no run'}{blocked}"
    return f"Evaluation of {minute_text(datetime.fromisoformat(subject))}: {count_text(count, 'account')}, {result}."


def _queued(book: Book, subject: str, _detail: Detail) -> str:
    return f"Queued {run_name(book, subject)}."


def _started(book: Book, subject: str, _detail: Detail) -> str:
    return f"Started {run_name(book, subject)}."


def _approved(book: Book, subject: str, detail: Detail) -> str:
    note = f", noting: {detail['note']}" if detail.get("note") else ""
    return f"Approved {run_name(book, subject)}{_orders_of(book, subject)}{note}."


def _overridden(book: Book, subject: str, detail: Detail) -> str:
    named = (
        f"{kind.replace('_', ' ')}{f' of {symbol}' if symbol else ''} ({reason})"
        for _, kind, symbol, reason in detail["restrictions"]
    )
    return f"Let {run_name(book, subject)} override {', '.join(named)}, noting: {detail['note']}."


def _orders_of(book: Book, run_id: str) -> str:
    """The orders of a run as text, such as `: 4 buys, $1,501.56`; empty without orders."""
    run = _run(book, run_id)
    placed = run_orders.detail(archives.holding(book.database, run_id), run).orders if run is not None else ()
    parts = []
    for side, noun in ((Side.SELL, "sell"), (Side.BUY, "buy")):
        some = [order for order in placed if order.side is side]
        dollars = sum(order.notional or 0 for order in some)
        if some:
            parts.append(count_text(len(some), noun) + (f", {money(Money(dollars))}" if dollars else ""))
    return f": {'; '.join(parts)}" if parts else ""


def _ended(book: Book, subject: str, detail: Detail) -> str:
    ended: Sequence[tuple[str, str, str | None]] = detail["runs"]
    if len(ended) == 1:
        identifier, status, reason = ended[0]
        return f"Ended {run_name(book, identifier)}: {_status(status)}{why(reason)}."
    counts = {status: sum(one[1] == status for one in ended) for status in dict.fromkeys(one[1] for one in ended)}
    return f"Ended {subject}: {', '.join(f'{count:,} {_status(status)}' for status, count in counts.items())}."


def _status(status: str) -> str:
    return RunStatus(status).value.replace("_", " ").lower()


def _canceled(book: Book, subject: str, detail: Detail) -> str:
    return f"Canceled {run_name(book, subject)}{why(detail.get('reason'))}."


def _sent(book: Book, _subject: str, detail: Detail) -> str:
    orders: Sequence[tuple[str, str, str, int | None, int | None]] = detail["orders"]
    named = [
        (order, f"{side} {_asset(book, symbol)} {money(Money(notional)) if notional is not None else _shares(qty)}")
        for order, symbol, side, notional, qty in orders[:_NAMED]
    ]
    what = f"{count_text(len(orders), 'order')}{_by_account(book, named, len(orders))}"
    return f"Made {what}, for a trade list." if book.settings.one_list else f"Sent {what}."


def _filled(book: Book, _subject: str, detail: Detail) -> str:
    fills: Sequence[tuple[str, str, str, str, int, int, int]] = detail["fills"]
    named = [
        (order, f"{side} {_asset(book, symbol)} {_shares(qty)} for {money(Money(amount))}")
        for _, order, symbol, side, qty, _, amount in fills[:_NAMED]
    ]
    return f"{count_text(len(fills), 'fill')}{_by_account(book, named, len(fills))}."


_NAMED = 4
"""Orders or fills that a sentence names."""


def _by_account(book: Book, named: Sequence[tuple[str, str]], total: int) -> str:
    """Texts about orders, grouped by the names of their accounts: ` of NAME: …; NAME: …`.

    `named` has pairs of client_order_id and text. An order that is not of a run of this book has no name.
    """
    texts: dict[str, list[str]] = {}
    for order, text in named:
        texts.setdefault(_client(book, order), []).append(text)
    parts = [f" of {client}: {', '.join(some)}" if client else f": {', '.join(some)}" for client, some in texts.items()]
    return ";".join(parts) + (f" and {total - len(named):,} more" if total > len(named) else "")


def _client(book: Book, order: str) -> str:
    ours = parse_client_order_id(order)
    run = _run(book, ours[0]) if ours is not None else None
    return account_name(book, run.account_id) if run is not None else ""


def _asset(book: Book, symbol: str) -> str:
    """An asset as `VTI (Total Stock Market)`; the symbol alone when the book has no name besides it."""
    asset = book.assets.get(symbol)
    return f"{symbol} ({asset.name})" if asset is not None and asset.name not in ("", symbol) else symbol


def _shares(qty: int | None) -> str:
    return f"{shares(Qty(qty or 0))} shares"


def _refused(_book: Book, subject: str, detail: Detail) -> str:
    return f"The broker refused order {subject} with code {detail['code']}."


def _placed(_book: Book, subject: str, _detail: Detail) -> str:
    return f"Placed order {subject} manually."


def _lost(_book: Book, subject: str, _detail: Detail) -> str:
    return f"The broker has orders of run {subject[:8]}, which this book did not have."


TRADING: Mapping[str, Sentence] = {
    "evaluation": _evaluation,
    "runs.queued": _queued,
    "runs.started": _started,
    "runs.ended": _ended,
    "runs.canceled": _canceled,
    "run.approved": _approved,
    "run.overridden": _overridden,
    "run.cancel_asked": lambda book, subject, _: f"Requested the cancel of {run_name(book, subject)}.",
    "run.lost": _lost,
    "orders.sent": _sent,
    "orders.filled": _filled,
    "order.refused": _refused,
    "order.placed": _placed,
    "order.cancel_asked": lambda _book, subject, _: f"Requested the cancel of order {subject}.",
    "rebalance.finished": lambda book, subject, _: f"The last rebalance of {account_name(book, subject)} is finished.",
    "rebalance.given_up": lambda book, subject, _: (
        f"The last rebalance of {account_name(book, subject)} was given up: its assets cannot be sold."
    ),
}
"""Sentences by action."""
