"""Subscriptions in the API's shape, with their trade markers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rebal_tui.domain.portfolios import Subscription
from rebal_tui.services.advisory.subscriptions import subscribe_manually
from rebal_tui.services.advisory.trade_settings import set_overrides
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.requests import UNSOLICITED, CreateSubscription
from rebal_tui.services.wire.shapes import subscription_json
from rebal_tui.store import trade_markers

if TYPE_CHECKING:
    from rebal_tui.services.wire.models import rebalancing


def make_subscription(book: Book, given: CreateSubscription) -> rebalancing.Subscription:
    """Subscribe an account, with the given trade marker and overrides. Raises the errors of `subscribe_manually`."""
    with book.write() as tx:
        made = subscribe_manually(book, given.account_id, given.portfolio_id)
        if given.trade_marker == UNSOLICITED:
            trade_markers.add(tx, made.id, UNSOLICITED)
    if given.overrides is not None:
        set_overrides(book, made.id, given.overrides)
    return show_subscriptions(book, [made])[0]


def show_subscriptions(book: Book, some: Sequence[Subscription]) -> list[rebalancing.Subscription]:
    """Subscriptions in the API's form, with trade markers and overrides."""
    markers = trade_markers.of(book.database, [one.id for one in some])
    overrides = book.rules_view.overrides
    return [subscription_json(one, markers.get(one.id), overrides.get(one.account_id)) for one in some]
