"""The actions that change the book."""

from __future__ import annotations

WRITES = frozenset(
    """
    desk.evaluate portfolios.new portfolios.edit portfolios.duplicate portfolios.inactivate portfolios.reactivate
    portfolios.paste runs.cancel runs.approve runs.reject runs.list log.pause log.resume log.run log.acknowledge
    market.shock market.action market.halt market.tradable market.release review.approve review.reject review.override
    review.policy review.evaluate review.list accounts.positions accounts.enter accounts.subscribe accounts.move
    accounts.unsubscribe accounts.run accounts.deposit accounts.withdraw accounts.release accounts.reconcile
    accounts.simulate cash.withdraw cash.cancel cash.retry cash.journal_in cash.journal_out exceptions.answer app.undo
    market.pause market.faster market.slower market.step app.halt
    """.split()
)
"""Ids of `action_table.ACTIONS`; these are refused with a message while the book is read-only."""
