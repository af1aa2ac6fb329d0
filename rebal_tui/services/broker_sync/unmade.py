"""Orders and journals that a real broker refused, or that were not sent to it."""

from __future__ import annotations

from rebal_tui.broker.protocol import Unmade
from rebal_tui.services.book.book import BookTransaction
from rebal_tui.store import codec, journal_requests, outbox, run_orders


def apply_unmade(tx: BookTransaction, unmade: Unmade) -> None:
    """Record that the broker refused an order or journal, or that it was never sent.

    An order or journal that was never sent can still be sent. An order that the broker is known to have is not changed.
    """
    if unmade.what == "journal":
        if unmade.sent:
            journal_requests.refuse(tx, unmade.key, f"{unmade.code}: {unmade.message}")
            tx.record("journal.refused", unmade.key, {"code": unmade.code}, "broker")
        else:
            journal_requests.remove(tx, unmade.key)
        return
    order_key = outbox.unanswered(tx.database, unmade.key)
    if order_key is None:
        return
    if not unmade.sent:
        outbox.unmark(tx, [order_key])
        tx.after_commit(tx.book.rate_limiter.forget)
        return
    run_id, line = codec.parse_client_order_id(unmade.key) or ("", 0)
    run_orders.refuse(tx, run_id, line, tx.book.now(), f"{unmade.code}: {unmade.message}")
    tx.record("order.refused", unmade.key, {"code": unmade.code}, "broker")
