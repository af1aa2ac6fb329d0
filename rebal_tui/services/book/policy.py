"""The policy that an advisor sets for a whole book, stored in the book's file so that every command applies it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import partial

from rebal_tui.domain.sessions import NEW_YORK, Session
from rebal_tui.domain.text import count_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.policy_options import BookPolicy
from rebal_tui.services.book.settings import Mode, Settings
from rebal_tui.store import book_settings
from rebal_tui.store.database import Database

EVALUATE_EVERY_KEY, EVALUATE_AT_KEY, QUARTERLY_MONTHS_KEY, FRESH_PRICE_KEY, REVIEW_KEY = (
    "evaluate_every",
    "evaluate_at",
    "quarterly_months",
    "fresh_price",
    "review",
)
ORDERS_PER_MINUTE_KEY = "orders_per_minute"
"""The policy keys in the book settings."""


def policy_of(book: Book) -> BookPolicy:
    """The current policy of the book."""
    return stored_policy(book.database)


def stored_policy(database: Database) -> BookPolicy:
    """The policy stored in a book's file, with defaults for fields that are not stored."""
    defaults = BookPolicy()
    at, months = book_settings.get(database, EVALUATE_AT_KEY), book_settings.get(database, QUARTERLY_MONTHS_KEY)
    return BookPolicy(
        review=book_settings.get(database, REVIEW_KEY) == "1",
        evaluate_minutes=int(book_settings.get(database, EVALUATE_EVERY_KEY, str(defaults.evaluate_minutes))),
        evaluate_at=tuple(time.fromisoformat(text) for text in at.split(",")) if at else (),
        quarterly_months=tuple(int(month) for month in months.split(",")) if months else defaults.quarterly_months,
        fresh_seconds=int(book_settings.get(database, FRESH_PRICE_KEY, str(defaults.fresh_seconds))),
        orders_per_minute=int(book_settings.get(database, ORDERS_PER_MINUTE_KEY, str(defaults.orders_per_minute))),
    )


def with_policy(settings: Settings, policy: BookPolicy) -> Settings:
    """The settings with a policy applied. Review is not in the settings: it is read from the book each time."""
    return replace(
        settings,
        price_max_age=_price_max_age(settings, policy),
        quarterly_months=frozenset(policy.quarterly_months),
        slots=settings.slots if settings.mode is Mode.FILES else slots_for(policy),
        orders_per_minute=policy.orders_per_minute or None,
    )


def _price_max_age(settings: Settings, policy: BookPolicy) -> timedelta | None:
    """The greatest age of a price that may be used, None for any; in a files book it follows from sessions (R-72)."""
    if settings.mode is Mode.FILES:
        return settings.price_max_age
    return timedelta(seconds=policy.fresh_seconds) if policy.fresh_seconds else None


def set_review(book: Book, on: bool) -> None:
    """Require review of every automatic run of the book, or stop requiring it (R-27)."""
    with book.write() as tx:
        book_settings.put(tx, REVIEW_KEY, "1" if on else "0")
        tx.record("book.review", "book", {"on": on}, "advisor")


def apply_policy(book: Book, policy: BookPolicy) -> tuple[str, ...]:
    """Store and apply a policy; returns a display text for each change. Raises `Invalid` for a value out of range."""
    policy.check()
    before = policy_of(book)
    changes = tuple(
        f"{name} {new}" for name, old, new in zip(_NAMES, _texts(before), _texts(policy), strict=True) if old != new
    )
    if not changes:
        return ()
    with book.write() as tx:
        book_settings.put(tx, EVALUATE_EVERY_KEY, str(policy.evaluate_minutes))
        book_settings.put(tx, EVALUATE_AT_KEY, ",".join(at.isoformat("minutes") for at in policy.evaluate_at))
        book_settings.put(tx, QUARTERLY_MONTHS_KEY, ",".join(map(str, policy.quarterly_months)))
        book_settings.put(tx, FRESH_PRICE_KEY, str(policy.fresh_seconds))
        book_settings.put(tx, ORDERS_PER_MINUTE_KEY, str(policy.orders_per_minute))
        tx.record("book.settings", "book", {"changed": list(changes)}, "advisor")
        if policy.review != before.review:
            set_review(book, policy.review)
        tx.after_commit(partial(setattr, book, "settings", with_policy(book.settings, policy)))
        tx.changed()
    return changes


def apply_review(book: Book, on: bool) -> tuple[str, ...]:
    """Require review of every automatic run of the book, or not; returns a display text if that is a change."""
    return apply_policy(book, replace(policy_of(book), review=on))


def slots_for(policy: BookPolicy) -> Callable[[Session], list[datetime]]:
    """A function from a session to its evaluation times (UTC).

    These are the times of `evaluate_at` within the session's window; if the policy names none, one every
    `evaluate_minutes` from the open to the end of the window.
    """

    def slots(session: Session) -> list[datetime]:
        if policy.evaluate_at:
            named = (datetime.combine(session.day, at, NEW_YORK) for at in sorted(set(policy.evaluate_at)))
            return [at.astimezone(UTC) for at in named if session.in_window(at)]
        step = timedelta(minutes=policy.evaluate_minutes)
        count = (session.window_end - session.open) // step
        return [session.open + step * index for index in range(count + 1)]

    return slots


_NAMES = ("review", "evaluation", "quarterly months", "price age", "orders")


def _texts(policy: BookPolicy) -> tuple[str, str, str, str, str]:
    named = ", ".join(at.isoformat("minutes") for at in policy.evaluate_at)
    return (
        "of every automatic run" if policy.review else "only of automatic runs of portfolios that require it",
        f"at {named}" if named else f"every {count_text(policy.evaluate_minutes, 'minute')}",
        ", ".join(map(str, policy.quarterly_months)),
        f"at most {policy.fresh_seconds} s" if policy.fresh_seconds else "unlimited",
        f"at most {policy.orders_per_minute:,} a minute"
        if policy.orders_per_minute
        else "as fast as the broker accepts them",
    )
