"""How a book is run, as an advisor sets it: kept in the book, so that every command obeys it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from rebal_tui.domain.sessions import NEW_YORK, Session
from rebal_tui.services.book import Book, Settings
from rebal_tui.services.rules import BookRules
from rebal_tui.services.runs import set_review
from rebal_tui.store import meta
from rebal_tui.store.database import Database

EVERY, AT, MONTHS, FRESH, REVIEW = "evaluate_every", "evaluate_at", "quarterly_months", "fresh_price", "review"
ORDERS = "orders_per_minute"
"""The names under which they are kept."""


def rules_of(book: Book) -> BookRules:
    """The rules that the book is run by now."""
    return stored_rules(book.database)


def stored_rules(database: Database) -> BookRules:
    """The rules kept in a file; the usual ones where none were set."""
    usual = BookRules()
    at, months = meta.get(database, AT), meta.get(database, MONTHS)
    return BookRules(
        review=meta.get(database, REVIEW) == "1",
        evaluate_minutes=int(meta.get(database, EVERY, str(usual.evaluate_minutes))),
        evaluate_at=tuple(time.fromisoformat(text) for text in at.split(",")) if at else (),
        quarterly_months=tuple(int(month) for month in months.split(",")) if months else usual.quarterly_months,
        fresh_seconds=int(meta.get(database, FRESH, str(usual.fresh_seconds))),
        orders_per_minute=int(meta.get(database, ORDERS, str(usual.orders_per_minute))),
    )


def with_rules(settings: Settings, rules: BookRules) -> Settings:
    """Settings that follow the rules. Review is not part of them: it is looked up in the book each time."""
    return replace(
        settings,
        price_max_age=timedelta(seconds=rules.fresh_seconds) if rules.fresh_seconds else None,
        quarterly_months=frozenset(rules.quarterly_months),
        slots=slots_by(rules),
        orders_per_minute=rules.orders_per_minute or None,
    )


def apply_rules(book: Book, rules: BookRules) -> tuple[str, ...]:
    """Run the book by these rules from now on; returns what changed, in words. Raises `Invalid`."""
    rules.check()
    before = rules_of(book)
    told = tuple(
        f"{name} {new}" for name, old, new in zip(_NAMES, _texts(before), _texts(rules), strict=True) if old != new
    )
    if not told:
        return ()
    with book.database.write():
        meta.put(book.database, EVERY, str(rules.evaluate_minutes))
        meta.put(book.database, AT, ",".join(at.isoformat("minutes") for at in rules.evaluate_at))
        meta.put(book.database, MONTHS, ",".join(map(str, rules.quarterly_months)))
        meta.put(book.database, FRESH, str(rules.fresh_seconds))
        meta.put(book.database, ORDERS, str(rules.orders_per_minute))
        book.record("book.settings", "book", {"changed": list(told)}, "advisor")
        if rules.review != before.review:
            set_review(book, rules.review)
    book.settings = with_rules(book.settings, rules)
    book.version += 1
    return told


def slots_by(rules: BookRules) -> Callable[[Session], list[datetime]]:
    """The evaluation times of a session: the ones named that lie in its window, else one every so many minutes."""

    def slots(session: Session) -> list[datetime]:
        if rules.evaluate_at:
            named = (datetime.combine(session.day, at, NEW_YORK) for at in sorted(set(rules.evaluate_at)))
            return [at.astimezone(UTC) for at in named if session.in_window(at)]
        step = timedelta(minutes=rules.evaluate_minutes)
        count = (session.window_end - session.open) // step
        return [session.open + step * index for index in range(count + 1)]

    return slots


_NAMES = ("review", "evaluation", "quarterly months", "fresh price", "orders")


def _texts(rules: BookRules) -> tuple[str, str, str, str, str]:
    named = ", ".join(at.isoformat("minutes") for at in rules.evaluate_at)
    return (
        "of every run" if rules.review else "only where a portfolio asks for it",
        f"at {named}" if named else f"every {rules.evaluate_minutes} minutes",
        ", ".join(map(str, rules.quarterly_months)),
        f"{rules.fresh_seconds} s" if rules.fresh_seconds else "of any age",
        f"at most {rules.orders_per_minute:,} a minute"
        if rules.orders_per_minute
        else "as fast as the broker takes them",
    )
