"""The actions that act on the row under the cursor of a list."""

from __future__ import annotations

NEEDS_ROW = frozenset(
    """
    desk.preview desk.runs desk.account portfolios.edit portfolios.impact portfolios.duplicate portfolios.inactivate
    portfolios.reactivate portfolios.restrictions portfolios.stops portfolios.versions portfolios.json
    portfolios.accounts accounts.subscribe accounts.move accounts.unsubscribe accounts.mark_shown accounts.preview
    accounts.run accounts.deposit accounts.withdraw accounts.restrictions accounts.release accounts.reconcile
    accounts.simulate accounts.runs accounts.desk accounts.portfolio runs.cancel runs.approve runs.reject runs.json
    runs.account cash.cancel cash.retry cash.account cash.runs market.shock market.action market.halt market.tradable
    market.release log.run lab.bootstrap lab.fan lab.adopt lab.export lab.verify review.approve review.reject
    review.mark_shown review.override review.run review.account exceptions.answer log.acknowledge log.go list.copy
    """.split()
)
"""Ids of `action_table.ACTIONS`; these only show a message while the list has no row under the cursor."""
