"""Data of the Exceptions screen."""

from __future__ import annotations

from rebal_tui.services.queries.exception_list import exception_list
from rebal_tui.services.view_models.exceptions import ExceptionKind
from rebal_tui.store import jobs
from tests.services import factories


def test_the_list_has_exceptions_and_alerts_and_is_read_again_only_after_a_change_or_some_time() -> None:
    book = factories.make_book("2026-03-02 10:00")
    account = factories.account("a", "1000", restrictions=["trading_blocked"])
    factories.fill_book(book, [account], [factories.balanced()], {"a": "balanced"})
    found = exception_list(book)
    assert found is not None
    assert [(one.kind, one.account_id) for one in found.items] == [(ExceptionKind.ACCOUNT_RESTRICTED, "a")]
    assert (found.total, found.alerts) == (1, ())
    assert exception_list(book, found.stamp) is None
    with book.write() as tx:
        jobs.raise_alert(tx, book.now(), "run", "r", "r failed")
        tx.record("run.error", "r")
        tx.changed()
    later = exception_list(book, found.stamp)
    assert later is not None
    assert [alert.subject for alert in later.alerts] == ["r"]
    factories.set_clock(book, "2026-03-02 10:01")
    assert exception_list(book, later.stamp) is not None


def test_the_most_urgent_kind_is_first_then_the_client() -> None:
    book = factories.make_book("2026-03-02 10:00")
    some = [
        factories.account("c", "1000", restrictions=["ach_return"]),
        factories.account("b", "-1"),
        factories.account("a", "1000", restrictions=["crypto", "options"]),
    ]
    factories.fill_book(book, some, [factories.balanced()], {})
    with book.write() as tx:
        tx.execute("UPDATE portfolios SET status = 'needs_adjustment'")
        tx.reload_portfolios()
    found = exception_list(book)
    assert found is not None
    assert [one.brief for one in found.items] == [
        "Client b: cash is $-1.00",
        "Balanced: all its assets can be bought again",
        "Client a: crypto limited, options limited",
        "Client c: ACH return",
    ]
