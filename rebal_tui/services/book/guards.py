"""The guards stored in a book; by default on with a real broker, off otherwise."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial

from rebal_tui.domain.quantities import Money, Percent, money_text, percent_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.guard_options import Guards
from rebal_tui.services.book.settings import Settings
from rebal_tui.store import book_settings
from rebal_tui.store.database import Database


def stored_guards(database: Database) -> Guards:
    """The guards stored in a book's file, with defaults for fields that are not stored."""
    live = bool(book_settings.get(database, book_settings.BROKER))
    defaults = Guards(jump_guard=live, surge_guard=live)
    stored = {name: _stored(database, name, value) for name, value in asdict(defaults).items()}
    return Guards(
        bool(stored["jump_guard"]), Percent(stored["jump_limit"]), bool(stored["surge_guard"]),
        Percent(stored["surge_limit"]), Money(stored["surge_order_limit"]), Money(stored["surge_run_limit"]),
    )  # fmt: skip


def with_guards(settings: Settings, database: Database) -> Settings:
    """The settings with the guards that are stored in the book's file."""
    return replace(settings, guards=stored_guards(database))


def apply_guards(book: Book, guards: Guards) -> tuple[str, ...]:
    """Store and apply guards; returns a display text for each change. Raises `Invalid` when a limit is out of range.

    Assets that are on hold stay so when the jump guard is switched off.
    """
    guards.check()
    before, after = asdict(book.settings.guards), asdict(guards)
    changed = [name for name in after if after[name] != before[name]]
    if not changed:
        return ()
    texts = tuple(f"{_LABELS[name]} {_text(name, after[name])}" for name in changed)
    with book.write() as tx:
        for name in changed:
            book_settings.put(tx, name, str(int(after[name])))
        tx.record("book.guards", "book", {name: after[name] for name in changed}, "advisor")
        if "jump_guard" in changed:
            tx.after_commit(book.reference_prices.forget)
        tx.after_commit(partial(setattr, book, "settings", replace(book.settings, guards=guards)))
        tx.changed()
    return texts


_LABELS = {
    "jump_guard": "price jump guard",
    "jump_limit": "price jump limit",
    "surge_guard": "surge guard",
    "surge_limit": "surge limit",
    "surge_order_limit": "limit of one order",
    "surge_run_limit": "limit of one run",
}


def _stored(database: Database, name: str, default: int) -> int:
    return int(book_settings.get(database, name, str(int(default))))


def _text(name: str, value: int) -> str:
    if name.endswith("guard"):
        return "on" if value else "off"
    if name.endswith(("order_limit", "run_limit")):
        return f"${money_text(Money(value))}" if value else "none"
    return f"{percent_text(Percent(value))} %" if value else "none"
