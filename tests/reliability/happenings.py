"""What happens to a simulated book: outside, at the market and the broker, and inside, by an advisor's hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

from rebal_tui.broker.protocol import BrokerRefused
from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import NANO, Money, Price, Qty
from rebal_tui.domain.runs import Approval, RunType
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services import cash, kill_switch, portfolios, subscriptions, withdrawals
from rebal_tui.services import runs as run_service
from rebal_tui.services.intake.portfolio_input import PortfolioBody
from rebal_tui.services.records import plan_of
from rebal_tui.store import cash as cash_store
from rebal_tui.store import runs as run_store
from tests.reliability import models
from tests.reliability.market import SYMBOLS, edge_amount

if TYPE_CHECKING:
    from tests.reliability.simulation import World

OUTSIDE_PERMILLE = 120
INSIDE_PERMILLE = 80


def new_york(at: datetime) -> date:
    return at.astimezone(NEW_YORK).date()


def amount(world: World, account_id: str) -> Money:
    ledger = world.judge.ledger
    equity = ledger.equity(account_id, world.judge._prices()) // NANO
    return edge_amount(world.random, ledger.cash[account_id], equity, still=world.swarm.still)


def outside(world: World) -> None:
    """The market moves; now and then the broker, a client or an exchange does something."""
    random, on, feed, inner = world.random, world.swarm.on, world.feed, world.broker.inner
    dense = world.swarm.dense
    if "price_freezes" in on and random.random() < (0.2 if dense else 0.05):
        feed.frozen = {random.choice(SYMBOLS)} if random.random() < 0.5 else set()
        if dense:
            feed.frozen = {concerned(world, "", symbol)[1] for symbol in feed.frozen}
        for frozen in feed.frozen:
            meets(world, "price_freezes", symbol=frozen)
    if not world.swarm.still:
        for symbol in SYMBOLS:
            if random.random() < 0.5:
                feed.move(symbol, random.randint(-12, 12), cents=random.random() < 0.5)
    if "price_jumps" in on and random.random() < (0.2 if dense else 0.03):
        jumps = random.choice(SYMBOLS)
        feed.move(jumps, random.choice((-300, -150, 150, 300)), cents=True)
        meets(world, "price_jumps", symbol=jumps)
    kinds = [kind for kind in OUTSIDE if kind in on]
    if not kinds or random.randrange(1000) >= (350 if dense else OUTSIDE_PERMILLE):
        return
    at, account_id, symbol = world.clock.now(), f"a{random.randrange(world.swarm.accounts)}", random.choice(SYMBOLS)
    kind = random.choice(kinds)
    if dense:
        account_id, symbol = concerned(world, account_id, symbol)
    world.judge.say(f"{at} {kind} {account_id} {symbol}")
    if kind in ("restrictions", "statuses"):
        meets(world, kind, account_id)
    elif kind in ("halts", "dead_assets"):
        meets(world, kind, symbol=symbol)
    try:
        if kind == "deposits":
            inner.deposit(account_id, amount(world, account_id), at)
        elif kind == "ach_returns":
            inner.return_deposit(account_id, amount(world, account_id), at)
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
            inner.place_outside_order(account_id, request, at)
        elif kind == "transfers_in":
            qty = Qty(random.choice((1, NANO, random.randrange(1, 50 * NANO))))
            inner.bring_in(account_id, symbol, qty, Price(NANO), at)
            world.judge.ledger.bring_in(account_id, symbol, qty)
    except BrokerRefused:
        return


def concerned(world: World, account_id: str, symbol: str) -> tuple[str, str]:
    """The account and the asset of an order of a run that is not finished, those given where there is none.

    Of such a run few orders have ended, and mostly one of those is taken.
    """
    found = world.book.database.rows(
        "SELECT accounts.id, assets.symbol, o.status IN ('canceled', 'expired', 'rejected') FROM orders o "
        "JOIN runs ON runs.key = o.run JOIN accounts ON accounts.key = runs.account "
        "JOIN assets ON assets.key = o.asset WHERE runs.status IN ('QUEUED', 'IN_PROGRESS') ORDER BY o.run, o.line"
    )
    ended = [row for row in found if row[2]]
    if ended and world.random.random() < 0.6:
        found = ended
    return world.random.choice(found)[:2] if found else (account_id, symbol)


def meets(world: World, fault: str, account_id: str | None = None, symbol: str | None = None) -> None:
    """Count what the orders are like that a fault meets."""
    world.broker.met.unfinished(fault, world.book.database, account_id, symbol)


OUTSIDE = (
    "deposits", "deposits", "deposits", "ach_returns", "restrictions", "restrictions", "statuses", "halts",
    "dead_assets", "rejects", "outside_orders", "transfers_in",
)  # fmt: skip
RESTRICTIONS: tuple[frozenset[Restriction], ...] = (
    frozenset(), frozenset(), frozenset(), frozenset({Restriction.TRADING_BLOCKED}),
    frozenset({Restriction.PATTERN_DAY_TRADER, Restriction.UNSPECIFIED}),
)  # fmt: skip
STATUSES = (AccountStatus.ACTIVE, AccountStatus.ACTIVE, AccountStatus.ACTIVE, AccountStatus.DISABLED)


def inside(world: World) -> partial[None] | None:
    """What an advisor does now, None most of the time. Called twice it is done twice."""
    random, on = world.random, world.swarm.on
    kinds = [kind for kind in INSIDE if kind in on]
    if not kinds or random.randrange(1000) >= (250 if world.swarm.dense else INSIDE_PERMILLE):
        return None
    if world.swarm.dense and world.book.open_runs and random.random() < 0.4:
        kinds = ["cancels"]
    return partial(INSIDE[random.choice(kinds)], world)


def edit_portfolio(world: World) -> None:
    """New weights, new conditions, or a portfolio that needed adjustment comes back."""
    random, book = world.random, world.book
    chosen = random.choice(list(book.portfolios.values()))
    if chosen.status is PortfolioStatus.NEEDS_ADJUSTMENT and random.random() < 0.7:
        for symbol in chosen.weights.symbols:
            world.broker.inner.set_asset(symbol, book.now(), tradable=True)
        portfolios.reactivate_portfolio(book, chosen.id)
        return
    weights = models.weights(random, world.swarm.still) if random.random() < 0.5 else chosen.weights
    conditions = models.conditions(random, world.swarm.still)
    body = PortfolioBody(chosen.name, "", weights, random.choice((0, 1, 7)), conditions, chosen.review)
    portfolios.update_portfolio(book, chosen.id, body)


def withdraw(world: World) -> None:
    book, random = world.book, world.random
    opened = cash_store.withdrawals(book.database, only_open=True)
    if opened and random.random() < 0.6:
        act = withdrawals.cancel_withdrawal if random.random() < 0.4 else withdrawals.retry_withdrawal
        act(book, random.choice(opened).id)
        return
    account_id = random.choice(list(book.accounts))
    withdrawals.request_withdrawal(book, account_id, amount(world, account_id))


def run_by_hand(world: World) -> None:
    book, random = world.book, world.random
    account_id, kind = random.choice(list(book.accounts)), random.choice(list(RunType))
    weights = None if account_id in book.subscriptions else models.weights(random, world.swarm.still)
    wanted = amount(world, account_id) if kind is RunType.PARTIAL_LIQUIDATION else None
    run_service.create_run(book, account_id, kind, weights=weights, amount=wanted)


def cancel(world: World) -> None:
    for run in list(world.book.open_runs.values())[:2]:
        world.judge.canceled.add(run.id)
        run_service.cancel_run(world.book, run.id)


def review(world: World) -> None:
    """Answer every run that waits, mostly with yes."""
    book = world.book
    for run in list(book.open_runs.values()):
        plan = plan_of(book.database, run)
        if run.approval is not Approval.AWAITING or plan is None:
            continue
        if world.random.random() < 0.8:
            world.judge.approved.add(run.id)
            try:
                run_service.approve_run(book, run.id, plan)
            except Refusal:
                if run_store.get(book.database, run.id).approval is Approval.AWAITING:
                    world.judge.approved.discard(run.id)
        else:
            run_service.reject_run(book, run.id, "not today")


def journal(world: World) -> None:
    book, random = world.book, world.random
    account_id = random.choice(list(book.accounts))
    cash.create_journal(book, account_id, amount(world, account_id), incoming=random.random() < 0.5)


def resubscribe(world: World) -> None:
    book, random = world.book, world.random
    account_id = random.choice(list(book.accounts))
    before = set(world.judge.moved)
    world.judge.moved.add(account_id)
    try:
        if account_id not in book.subscriptions:
            subscriptions.subscribe_by_hand(book, account_id, random.choice(list(book.portfolios)))
        elif random.random() < 0.5:
            subscriptions.move(book, account_id, random.choice(list(book.portfolios)))
        else:
            subscriptions.unsubscribe_account(book, account_id)
    except BaseException:
        # Refused, cut off or killed at a question to the broker: nothing was moved.
        world.judge.moved = before
        raise


def turn_kill_switch(world: World) -> None:
    kill_switch.set_halt(world.book, not kill_switch.halted(world.book))


INSIDE: dict[str, Callable[[World], None]] = {
    "portfolio_edits": edit_portfolio,
    "withdrawals": withdraw,
    "manual_runs": run_by_hand,
    "cancels": cancel,
    "review": review,
    "journals": journal,
    "subscriptions": resubscribe,
    "kill_switch": turn_kill_switch,
}
