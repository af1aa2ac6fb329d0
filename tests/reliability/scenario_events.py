"""Events of a simulated book: external ones in the market and at the broker, and actions of an advisor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.cash import JournalStatus
from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.portfolios import PortfolioStatus, Weights
from rebal_tui.domain.quantities import NANO, Money, Price, Qty
from rebal_tui.domain.runs import Approval, RunType
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services.advisory import cash, portfolios, subscriptions, withdrawals
from rebal_tui.services.book import kill_switch
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.runs import manual as run_service
from rebal_tui.store import cash as cash_store
from rebal_tui.store import runs as run_store
from tests.reliability import default_events, models
from tests.reliability.market import RESERVATIONS, edge_amount
from tests.services.factories import unsubscribe_account

if TYPE_CHECKING:
    from tests.reliability.simulation import Simulation

EXTERNAL_EVENT_PERMILLE = 120
ADVISOR_ACTION_PERMILLE = 80


def new_york(at: datetime) -> date:
    return at.astimezone(NEW_YORK).date()


def amount(simulation: Simulation, account_id: str) -> Money:
    ledger = simulation.oracle.ledger
    equity = ledger.equity(account_id, simulation.oracle.known_prices(), missing=0) // NANO
    return edge_amount(simulation.random, ledger.cash[account_id], equity, still=simulation.swarm.still)


def apply_external_event(simulation: Simulation) -> None:
    """The market moves; sometimes the broker, a client or an exchange causes an event."""
    random, enabled, feed, inner = simulation.random, simulation.swarm.enabled, simulation.feed, simulation.broker.inner
    dense = simulation.swarm.dense
    if "price_freezes" in enabled and random.random() < (0.2 if dense else 0.05):
        feed.frozen = {random.choice(feed.symbols)} if random.random() < 0.5 else set()
        if dense:
            feed.frozen = {pick_open_order(simulation, "", symbol)[1] for symbol in feed.frozen}
        for frozen in feed.frozen:
            record_fault(simulation, "price_freezes", symbol=frozen)
    if not simulation.swarm.still:
        for symbol in feed.symbols:
            if random.random() < 0.5:
                feed.move(symbol, random.randint(-12, 12), cents=random.random() < 0.5)
    if "price_jumps" in enabled and random.random() < (0.2 if dense else 0.03):
        jumps = random.choice(feed.symbols)
        feed.move(jumps, random.choice((-300, -150, 150, 300)), cents=True)
        record_fault(simulation, "price_jumps", symbol=jumps)
    kinds = [kind for kind in EXTERNAL_EVENTS if kind in enabled]
    if not kinds or random.randrange(1000) >= (350 if dense else EXTERNAL_EVENT_PERMILLE):
        return
    at, account_id, symbol = (
        simulation.clock.now(),
        f"a{random.randrange(simulation.swarm.accounts)}",
        random.choice(feed.symbols),
    )
    kind = random.choice(kinds)
    if dense:
        account_id, symbol = pick_open_order(simulation, account_id, symbol)
    simulation.oracle.log(f"{at} {kind} {account_id} {symbol}")
    if kind in ("restrictions", "statuses"):
        record_fault(simulation, kind, account_id)
    elif kind in ("halts", "dead_assets"):
        record_fault(simulation, kind, symbol=symbol)
    try:
        if kind == "deposits":
            inner.deposit(account_id, amount(simulation, account_id), at)
        elif kind == "ach_returns":
            inner.return_deposit(account_id, amount(simulation, account_id), at)
        elif kind == "restrictions":
            inner.set_restrictions(account_id, random.choice(RESTRICTIONS), at)
        elif kind == "statuses":
            inner.set_account_status(account_id, random.choice(STATUSES), at)
        elif kind == "halts":
            inner.halt(symbol, random.random() < 0.4, at)
        elif kind == "dead_assets":
            inner.set_asset(symbol, at, tradable=random.random() < 0.7)
        elif kind == "rejects":
            inner.reject_next(account_id, symbol, "rejected by the market")
        elif kind == "outside_orders":
            request = OrderRequest(account_id, f"other-{at.timestamp()}", symbol, Side.BUY, notional=Money(25 * NANO))
            inner.place_external_order(account_id, request, at)
        elif kind == "transfers_in":
            qty = Qty(random.choice((1, NANO, random.randrange(1, 50 * NANO))))
            inner.transfer_in(account_id, symbol, qty, Price(NANO), at)
            simulation.oracle.ledger.transfer_in(account_id, symbol, qty, at)
    except BrokerRefused:
        return


def pick_open_order(simulation: Simulation, account_id: str, symbol: str) -> tuple[str, str]:
    """The account and asset of an order of an unfinished run; the given ones when there is none.

    Few orders of such runs have ended; those are preferred.
    """
    found = simulation.book.database.rows(
        "SELECT accounts.id, assets.symbol, o.status IN ('canceled', 'expired', 'rejected') FROM orders o "
        "JOIN runs ON runs.key = o.run JOIN accounts ON accounts.key = runs.account "
        "JOIN assets ON assets.key = o.asset WHERE runs.status IN ('QUEUED', 'IN_PROGRESS') ORDER BY o.run, o.line"
    )
    ended = [row for row in found if row[2]]
    if ended and simulation.random.random() < 0.6:
        found = ended
    return simulation.random.choice(found)[:2] if found else (account_id, symbol)


def record_fault(simulation: Simulation, fault: str, account_id: str | None = None, symbol: str | None = None) -> None:
    """Record the states of the orders that a fault affects."""
    simulation.broker.coverage.unfinished(fault, simulation.book.database, account_id, symbol)


EXTERNAL_EVENTS = (
    "deposits", "deposits", "deposits", "ach_returns", "restrictions", "restrictions", "statuses", "halts",
    "dead_assets", "rejects", "outside_orders", "transfers_in",
)  # fmt: skip
RESTRICTIONS: tuple[frozenset[Restriction], ...] = (
    frozenset(), frozenset(), frozenset(), frozenset({Restriction.TRADING_BLOCKED}),
    frozenset({Restriction.PATTERN_DAY_TRADER, Restriction.UNSPECIFIED}),
)  # fmt: skip
STATUSES = (AccountStatus.ACTIVE, AccountStatus.ACTIVE, AccountStatus.ACTIVE, AccountStatus.DISABLED)


def pick_advisor_action(simulation: Simulation) -> partial[None] | None:
    """The advisor's next action, None most of the time. Calling the action twice performs it twice."""
    random, enabled = simulation.random, simulation.swarm.enabled
    if simulation.events.random.random() < 0.2 and default_events.ended_targets(simulation):
        return partial(default_events.replace_ended_targets, simulation)
    kinds = [kind for kind in ADVISOR_ACTIONS if kind in enabled]
    if not kinds or random.randrange(1000) >= (250 if simulation.swarm.dense else ADVISOR_ACTION_PERMILLE):
        return None
    if simulation.swarm.dense and simulation.book.open_runs and random.random() < 0.4:
        kinds = ["cancels"]
    return partial(ADVISOR_ACTIONS[random.choice(kinds)], simulation)


def edit_portfolio(simulation: Simulation) -> None:
    """New weights or new conditions, or a reactivation of a portfolio that needs adjustment."""
    random, book = simulation.random, simulation.book
    chosen = random.choice(list(book.portfolios.values()))
    if chosen.status is PortfolioStatus.NEEDS_ADJUSTMENT and random.random() < 0.7:
        for symbol in chosen.weights.symbols:
            simulation.broker.inner.set_asset(symbol, book.now(), tradable=True)
        portfolios.reactivate_portfolio(book, chosen.id)
        return
    weights = _weights(simulation) if random.random() < 0.5 else chosen.weights
    conditions = models.conditions(random, simulation.swarm.still)
    body = PortfolioBody(chosen.name, "", weights, random.choice((0, 1, 7)), conditions, chosen.review)
    portfolios.update_portfolio(book, chosen.id, body)


def _weights(simulation: Simulation) -> Weights:
    return models.weights(simulation.random, simulation.swarm.still, simulation.feed.symbols)


def withdraw(simulation: Simulation) -> None:
    book, random = simulation.book, simulation.random
    opened = cash_store.withdrawals(book.database, only_open=True)
    if opened and random.random() < 0.6:
        act = withdrawals.cancel_withdrawal if random.random() < 0.4 else withdrawals.retry_withdrawal
        act(book, random.choice(opened).id)
        return
    account_id = random.choice(list(book.accounts))
    withdrawals.request_withdrawal(book, account_id, amount(simulation, account_id))


def manual_run(simulation: Simulation) -> None:
    book, random = simulation.book, simulation.random
    account_id, kind = random.choice(list(book.accounts)), random.choice(list(RunType))
    weights = None if account_id in book.subscriptions else _weights(simulation)
    wanted = amount(simulation, account_id) if kind is RunType.PARTIAL_LIQUIDATION else None
    run_service.create_run(book, account_id, kind, weights=weights, amount=wanted)


def cancel(simulation: Simulation) -> None:
    for run in list(simulation.book.open_runs.values())[:2]:
        simulation.oracle.canceled.add(run.id)
        run_service.cancel_run(simulation.book, run.id)


def review(simulation: Simulation) -> None:
    """Answer every run that awaits review, mostly with approval."""
    book = simulation.book
    for run in list(book.open_runs.values()):
        plan = plan_of(book.database, run)
        if run.approval is not Approval.AWAITING or plan is None:
            continue
        if simulation.random.random() < 0.8:
            simulation.oracle.approved.add(run.id)
            try:
                run_service.approve_run(book, run.id, plan)
            except Refusal:
                if run_store.get(book.database, run.id).approval is Approval.AWAITING:
                    simulation.oracle.approved.discard(run.id)
        else:
            run_service.reject_run(book, run.id, "not today")


def journal(simulation: Simulation) -> None:
    book, random = simulation.book, simulation.random
    account_id = random.choice(list(book.accounts))
    cash.create_journal(book, account_id, amount(simulation, account_id), incoming=random.random() < 0.5)


def reserved_cash(simulation: Simulation) -> None:
    """Journals that wait or fail, liquidations, releases, and withdrawals during which other cash leaves."""
    book, random = simulation.book, simulation.random
    account_id, chance = random.choice(list(book.accounts)), random.random()
    opened = cash_store.withdrawals(book.database, only_open=True)
    if opened and random.random() < 0.5:
        account_id = random.choice(opened).account_id
    if chance < 0.4:
        text = f"/fixtures/status={random.choice(('pending', 'rejected'))}/fixtures/"
        cash.create_journal(book, account_id, amount(simulation, account_id), incoming=False, description=text)
    elif chance < 0.5:
        pending = [one for _, one in cash_store.open_journals(book.database) if one.status is JournalStatus.PENDING]
        if pending:
            cash.cancel_journal(book, random.choice(pending).id)
    elif chance < 0.65:
        run_service.create_run(
            book, account_id, RunType.PARTIAL_LIQUIDATION, amount=amount(simulation, account_id),
            weights=None if account_id in book.subscriptions else _weights(simulation),
        )  # fmt: skip
    elif chance < 0.7:
        simulation.oracle.reservations.released.add(account_id)
        cash.release(book, account_id)
    elif opened and random.random() < 0.3:
        withdrawals.cancel_withdrawal(book, random.choice(opened).id)
    else:
        everything = random.random() < 0.2
        wanted = None if everything else amount(simulation, account_id)
        withdrawals.request_withdrawal(book, account_id, wanted)


def resubscribe(simulation: Simulation) -> None:
    book, random = simulation.book, simulation.random
    account_id = random.choice(list(book.accounts))
    before = set(simulation.oracle.moved)
    simulation.oracle.moved.add(account_id)
    try:
        if account_id not in book.subscriptions:
            subscriptions.subscribe_manually(book, account_id, random.choice(list(book.portfolios)))
        elif random.random() < 0.5:
            subscriptions.move(book, account_id, random.choice(list(book.portfolios)))
        else:
            unsubscribe_account(book, account_id)
    except BaseException:
        # Refused, interrupted or killed at a request to the broker: nothing was moved.
        simulation.oracle.moved = before
        raise


def turn_kill_switch(simulation: Simulation) -> None:
    kill_switch.set_halt(simulation.book, not kill_switch.halted(simulation.book))


ADVISOR_ACTIONS: dict[str, Callable[[Simulation], None]] = {
    "portfolio_edits": edit_portfolio,
    "withdrawals": withdraw,
    "manual_runs": manual_run,
    "cancels": cancel,
    "review": review,
    "journals": journal,
    "subscriptions": resubscribe,
    "kill_switch": turn_kill_switch,
    RESERVATIONS: reserved_cash,
}
