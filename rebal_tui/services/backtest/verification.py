"""Verification of backtested policies by a replay, in which the program's engine trades a book over the same prices.

Backtest and replay must rebalance on the same days; otherwise the first day with a difference is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from rebal_tui.domain.accounts import Account, AccountStatus
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.quantities import Money, parse_money
from rebal_tui.domain.text import count_text
from rebal_tui.lab.backtest import Backtest, Outcome
from rebal_tui.lab.progress import Cancelled, Progress
from rebal_tui.market.closes import Closes
from rebal_tui.services.advisory import portfolios, subscriptions
from rebal_tui.services.advisory.cash import sandbox
from rebal_tui.services.backtest.engine_days import rebalance_days
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import reload_from_broker, sync
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.simulation import replay
from rebal_tui.store import book_settings

OPENING_CASH = parse_money("100000000")
"""So large that rounding to cents and tolerances of dollars do not change the day of a rebalance."""

OpenReplay = Callable[[Closes, date, date], Book]
"""Opens a book in memory that replays closes from one day to another."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The result for one policy: its outcome in the backtest, and the first day on which the replay differs from it.

    `difference` is a text, empty when the days are identical.
    """

    outcome: Outcome
    difference: str

    @property
    def identical(self) -> bool:
        return not self.difference


def verifiable(backtest: Backtest, outcome: Outcome) -> str:
    """The reason why an outcome cannot be verified by a replay; empty when it can."""
    policy = outcome.policy
    if policy.look != 1:
        return "the engine looks at bands in every session"
    if backtest.fill_delay:
        return "a replay fills orders at the close of the decision"
    if backtest.cost_bps:
        return "a replay has no trading costs"
    if any(not band.percent for band in policy.bands):
        return "a band of 0 is not possible in a portfolio"
    return ""


def verify(
    backtest: Backtest,
    outcomes: Sequence[Outcome],
    open_replay: OpenReplay,
    progress: Progress | None = None,
    canceled: Cancelled | None = None,
) -> tuple[Verified, ...]:
    """Replay the policies in one book, and compare the days of rebalances; one result for each of `outcomes`, in order.

    Each policy has an account with $100 million in cash.

    Raises `Conflict` naming every outcome that cannot be verified, and `Canceled`.
    """
    reasons = [f"{outcome.policy.label}: {why}" for outcome in outcomes if (why := verifiable(backtest, outcome))]
    if reasons:
        raise Conflict("; ".join(reasons))
    history = backtest.history
    first, last = history.days[0], history.days[-1]
    book = open_replay(Closes(history.symbols, history.days, history.rows), first, last)
    try:
        replay.begin(book, first)
        accounts = _subscribe(book, backtest, outcomes)

        days = rebalance_days(book, book.calendar.days(first, last), progress, canceled)
    finally:
        book.database.close()
    return tuple(
        Verified(outcome, difference(outcome.days, days[account][1:]))
        for outcome, account in zip(outcomes, accounts, strict=True)
    )


def difference(backtested: Sequence[date], replayed: Sequence[date]) -> str:
    """The first day on which only backtest or only replay has a rebalance, as text; empty when the days are equal."""
    for ours, theirs in zip(backtested, replayed, strict=False):
        if ours != theirs:
            where, day = ("backtest", ours) if ours < theirs else ("replay", theirs)
            return f"{day}: a rebalance in the {where} only"
    if len(backtested) == len(replayed):
        return ""
    longer, where = (backtested, "backtest") if len(backtested) > len(replayed) else (replayed, "replay")
    return f"{longer[min(len(backtested), len(replayed))]}: a rebalance in the {where} only"


def verification_text(results: Sequence[Verified]) -> str:
    """One sentence about all results."""
    wrong = [result for result in results if not result.identical]
    if not wrong:
        total = sum(len(result.outcome.days) for result in results)
        policies = "1 policy" if len(results) == 1 else f"{len(results):,} policies"
        return f"Verified by the engine: {policies}, {count_text(total, 'identical date')}."
    return "; ".join(f"{result.outcome.policy.label} differs on {result.difference}" for result in wrong)


def _subscribe(book: Book, backtest: Backtest, outcomes: Sequence[Outcome]) -> list[str]:
    """Open an account for each outcome, and subscribe it to a portfolio with the outcome's policy.

    Returns the ids of the accounts in the order of `outcomes`.
    """
    broker = sandbox(book)
    symbols = backtest.weights.symbols
    with book.write() as tx:
        ids = book_settings.next_ids(tx, len(symbols) + len(outcomes))
    broker.add_assets(
        [Asset(ids[n], symbol, symbol, "", AssetStatus.ACTIVE, True, True) for n, symbol in enumerate(symbols)]
    )
    accounts = ids[len(symbols) :]
    broker.open_accounts(
        [
            Account(
                identity, str(number), f"Policy {number}", AccountStatus.ACTIVE, OPENING_CASH, Money(0), frozenset(),
                (), book.now(),
            )
            for number, identity in enumerate(accounts, start=1)
        ]
    )  # fmt: skip
    sync(book)
    reload_from_broker(book)
    for number, (identity, outcome) in enumerate(zip(accounts, outcomes, strict=True), start=1):
        policy = outcome.policy
        body = PortfolioBody(
            f"Policy {number}", "", backtest.weights, policy.cooldown_days, policy.conditions,
            rebalance_to=policy.destination, rebalance_scope=policy.scope,
        )  # fmt: skip
        subscriptions.subscribe(book, identity, portfolios.create_portfolio(book, body).id)
    return accounts
