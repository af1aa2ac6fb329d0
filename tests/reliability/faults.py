"""Planted faults, to verify that the simulation detects them (G7). None of this is in the shipped code.

Each is the product with one mistake, active while the context is entered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from itertools import count
from typing import Any
from unittest.mock import patch

import numpy as np

from rebal_tui.broker.failures import BrokerRefused, BrokerUnavailable
from rebal_tui.broker.simulated import broker as sim_broker
from rebal_tui.broker.simulated import journals as sim_journals
from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.decisions import Decision, Plan
from rebal_tui.domain.orders import Order, OrderRequest
from rebal_tui.domain.portfolios import BandType, DriftBand, Portfolio, PortfolioStatus
from rebal_tui.domain.quantities import ATTO, CENT, NANO, Money, Value
from rebal_tui.domain.runs import Run
from rebal_tui.domain.sessions import Session
from rebal_tui.engine import allocation, buys, triggers
from rebal_tui.engine import calendar as calendar_rules
from rebal_tui.engine.allocation import Allocation, BuyIntent
from rebal_tui.engine.arrays import day_context as today_rules
from rebal_tui.engine.arrays import decide, exact
from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.frame import BLOCKING_MARKS, NEVER, AccountColumns, BookFrame, Mark
from rebal_tui.engine.arrays.memory_layout import PortfolioTable
from rebal_tui.engine.buys import resize_buys
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.situation import Situation
from rebal_tui.services.advisory import subscriptions, withdrawal_steps  # fmt: skip
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync import events as syncing
from rebal_tui.services.evaluation import account as account_evaluation
from rebal_tui.services.evaluation import history
from rebal_tui.services.evaluation_pass import context
from rebal_tui.services.runs import buy_sizes, finishing, needs_adjustment, processing, sending
from rebal_tui.services.runs.sending import PendingOrder
from rebal_tui.store import audit, fills
from rebal_tui.store import outbox as outbox_store
from rebal_tui.store import runs as run_store
from rebal_tui.store.codec import parse_client_order_id
from tests.reliability import event_faults, reservation_faults
from tests.reliability.default_events import NEW_HOLDING

Plant = Callable[[ExitStack], None]
FAULTS: dict[str, Plant] = {}
NEEDED: dict[str, tuple[str, ...]] = {
    "portfolio status is not checked": ("dead_assets", "portfolio_edits"),
    "an unfinished run is not checked": ("slow_fills", "moving"),
    "external orders are not checked": ("outside_orders", "slow_fills", "halts", "moving"),
    "eligibility is not checked": ("dead_assets",),
    "stale prices are treated as fresh": ("price_freezes", "moving"),
    "a calendar day is a day late": ("moving",),
    "a calendar day on a weekend is lost": ("moving",),
    "ten dollars are not enough": ("still",),
    "relative and absolute bands are mixed up": ("price_jumps", "moving"),
    "reserved cash is spent": ("manual_runs", "withdrawals", "deposits"),
    "review is bypassed": ("review",),
    "an unknown order is sent under a new id": ("lost_replies", "lost_requests"),
    "ended orders are sent all the same": ("cancels", "lost_requests", "late_requests", "slow_fills", "kills"),
    "blocked orders are sent all the same": ("restrictions", "slow_fills", "moving"),
    "a run starts on stale prices": ("price_freezes", "manual_runs", "moving"),
    "queued runs of an inactive portfolio stay": (NEW_HOLDING, "dead_assets", "review", "kill_switch"),
    "fills of a canceled run are ignored": ("cancels", "slow_fills", "partial_fills", "slow_cancels", "moving"),
    "accounts are not read again": ("deposits",),
    "a withdrawal sends too much": ("withdrawals",),
    "a withdrawal leaves the subscription": ("withdrawals",),
    "a withdrawal forgets the last rebalance": ("withdrawals",),
    "proceeds leave on the day of the sale": ("withdrawals",),
    **reservation_faults.NEEDED,
    **event_faults.NEEDED,
}
"""Events that must occur for a fault to show: a random seed has them by chance, a seed with these always has them."""

FIRST: dict[str, int] = {
    "portfolio status is not checked": 6,
    "restrictions are not checked": 7,
    "an unfinished run is not checked": 2,
    "external orders are not checked": 6,
    "the quota is not checked": 3,
    "stale prices are treated as fresh": 4,
    "eligibility is not checked": 1,
    "relative and absolute bands are mixed up": 5,
    "a calendar day is a day late": 6,
    "a calendar day on a weekend is lost": 35,
    "a cooldown is a day too long": 2,
    "ten dollars are not enough": 2,
    "reserved cash is spent": 5,
    "review is bypassed": 1,
    "the window ends 30 minutes late": 3,
    "an unknown order is sent under a new id": 1,
    "no answer is treated as a rejection": 1,
    "ended orders are sent all the same": 25,
    "blocked orders are sent all the same": 25,
    "a run starts on stale prices": 2,
    "queued runs of an inactive portfolio stay": 2,
    "the minimum of a dollar is ignored": 1,
    "a fill is lost": 1,
    "a fill is booked twice": 5,
    "an audit row is lost": 5,
    "the audit trail is not chained": 5,
    "a withdrawal sends too much": 1,
    "a withdrawal leaves the subscription": 1,
    "a withdrawal forgets the last rebalance": 1,
    "proceeds leave on the day of the sale": 2,
    **reservation_faults.FIRST,
    **event_faults.FIRST,
}
"""A seed that shows a fault within a few days, 0 for faults not listed: it is tried first."""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The product with one mistake in it."""
    with ExitStack() as stack:
        FAULTS[name](stack)
        yield


def _plant(name: str, *patches: Callable[[], Any]) -> None:
    def plant(stack: ExitStack) -> None:
        for one in patches:
            stack.enter_context(one())

    FAULTS[name] = plant


def _replace_attribute(name: str, owner: Any, attribute: str, value: Any) -> None:
    _plant(name, lambda: patch.object(owner, attribute, value))


FrameChange = Callable[[BookFrame, DayContext], tuple[BookFrame, DayContext]]


def _plant_situation(
    name: str, book: FrameChange, one: Callable[[Situation], Situation], *more: Callable[[], Any]
) -> None:
    """The evaluation sees an altered book, and so does every reader of its decisions.

    Both forms of the rule contain the mistake, so that they agree and only an external oracle can detect it.
    """

    def decided(frame: BookFrame, day_context: DayContext, *, original: Any = decide.decide) -> Any:
        return original(*book(frame, day_context))

    def again(situation: Situation) -> Decision:
        return evaluate(one(situation))

    _plant(
        name,
        lambda: patch.object(decide, "decide", decided),
        lambda: patch.object(account_evaluation, "evaluate", again),
        lambda: patch.object(history, "evaluate", again),
        *more,
    )


def _accounts(change: Callable[[AccountColumns, DayContext], AccountColumns]) -> FrameChange:
    return lambda frame, day_context: (frame.with_accounts(change(frame.accounts, day_context)), day_context)


def _table(change: Callable[[PortfolioTable], PortfolioTable]) -> FrameChange:
    return lambda frame, day_context: (replace(frame, table=change(frame.table)), day_context)


def _unmarked(marks: int) -> FrameChange:
    return _accounts(lambda accounts, day_context: replace(accounts, marks=accounts.marks & ~np.uint16(marks)))


# Conditions checked first by an evaluation.


def _unrestricted(situation: Situation) -> Situation:
    return replace(situation, account=replace(situation.account, restrictions=frozenset(), status=AccountStatus.ACTIVE))


def _eligible_assets(frame: BookFrame, day_context: DayContext) -> tuple[BookFrame, DayContext]:
    everything = np.ones_like(frame.assets.eligible)
    assets = replace(frame.assets, eligible=everything, sellable=everything)
    return replace(frame, assets=assets), day_context


def _all_eligible(situation: Situation) -> Situation:
    return replace(situation, assets={s: replace(a, tradable=True) for s, a in situation.assets.items()})


_plant_situation(
    "portfolio status is not checked",
    _table(lambda table: replace(table, active=np.ones_like(table.active))),
    lambda s: replace(s, portfolio=replace(s.portfolio, status=PortfolioStatus.ACTIVE)),
)
_plant_situation("restrictions are not checked", _unmarked(BLOCKING_MARKS), _unrestricted)
_plant_situation("an unfinished run is not checked", _unmarked(Mark.OPEN_RUN), lambda s: replace(s, open_run=None))
_plant_situation(
    "external orders are not checked", _unmarked(Mark.EXTERNAL_ORDERS), lambda s: replace(s, external_orders=0)
)
_plant_situation(
    "the quota is not checked",
    _accounts(
        lambda accounts, day_context: replace(accounts, system_run_on=np.full_like(accounts.system_run_on, NEVER))
    ),
    lambda s: replace(s, quota_run=None),
)
_plant_situation(
    "stale prices are treated as fresh",
    lambda frame, day_context: (frame, replace(day_context, fresh=frame.assets.price > 0)),
    lambda s: replace(s, price_max_age=None),
)
_plant_situation("eligibility is not checked", _eligible_assets, _all_eligible)

# Rebalance conditions.


def _other_kind(condition: Any) -> Any:
    if not isinstance(condition, DriftBand):
        return condition
    kind = BandType.RELATIVE if condition.sub_type is BandType.ABSOLUTE else BandType.ABSOLUTE
    return DriftBand(kind, condition.percent)


def _mixed_up(portfolio: Portfolio) -> Portfolio:
    return replace(portfolio, conditions=tuple(_other_kind(condition) for condition in portfolio.conditions))


def _same_book(frame: BookFrame, day_context: DayContext) -> tuple[BookFrame, DayContext]:
    return frame, day_context


def _same(situation: Situation) -> Situation:
    return situation


def _a_day_late(condition: Any, session: date, following: date, months: Any) -> date | None:
    day = timedelta(days=1)
    return calendar_rules.fires_on(condition, session - day, following - day, months)


def _on_the_day_only(condition: Any, session: date, following: date, months: Any) -> date | None:
    return calendar_rules.fires_on(condition, session, session + timedelta(days=1), months)


def _cooldown_of(more: int) -> tuple[FrameChange, Callable[[], Any]]:
    def cooling(last: datetime | None, days: int, now: date) -> bool:
        return calendar_rules.in_cooldown(last, days + more, now)

    return (
        _table(lambda table: replace(table, cooldown=table.cooldown + more)),
        lambda: patch.object(triggers, "in_cooldown", cooling),
    )


def _calendar(name: str, fires: Any) -> None:
    in_both = [lambda owner=owner: patch.object(owner, "fires_on", fires) for owner in (today_rules, triggers)]
    _plant_situation(name, _same_book, _same, *in_both)


def _cooldown(name: str, more: int) -> None:
    frame_change, also = _cooldown_of(more)
    _plant_situation(name, frame_change, _same, also)


def _long_ago(accounts: AccountColumns, day_context: DayContext) -> AccountColumns:
    last = accounts.rebalanced_on
    return replace(accounts, rebalanced_on=np.where(last == NEVER, day_context.day - 900, last).astype(last.dtype))


_plant_situation(
    "relative and absolute bands are mixed up",
    lambda frame, day_context: (
        frame.with_portfolios([_mixed_up(portfolio) for portfolio in frame.portfolios]),
        day_context,
    ),
    lambda s: replace(s, portfolio=_mixed_up(s.portfolio)),
)
_calendar("a calendar day is a day late", _a_day_late)
_calendar("a calendar day on a weekend is lost", _on_the_day_only)
_cooldown("a cooldown is a day too long", 1)
_cooldown("a cooldown is a day too short", -1)
_plant_situation(
    "ten dollars are not enough",
    _same_book,
    _same,
    lambda: patch.object(exact, "MIN_INVEST_VALUE", Value(10 * ATTO + 1)),
    lambda: patch.object(triggers, "MIN_INVEST_VALUE", Value(10 * ATTO + 1)),
)
_plant_situation(
    "the last cash target is ignored",
    _accounts(lambda accounts, day_context: replace(accounts, cash_floor=np.zeros_like(accounts.cash_floor))),
    lambda s: replace(s, cash_floor=Money(0)),
)
_plant_situation(
    "a first rebalance needs a trigger",
    _accounts(_long_ago),
    lambda s: replace(
        s,
        subscription=replace(
            s.subscription, last_rebalanced_at=s.subscription.last_rebalanced_at or s.now - timedelta(days=900)
        ),
    ),
)
_plant_situation(
    "reserved cash is spent",
    _accounts(lambda accounts, day_context: replace(accounts, reserved=np.zeros_like(accounts.reserved))),
    lambda s: replace(s, reserved=Money(0)),
    lambda: patch.object(Book, "reserved", lambda book, account_id: Money(0)),
)
_replace_attribute("review is bypassed", context, "reviewed_portfolios", lambda book: frozenset())
_replace_attribute(
    "the window ends 30 minutes late", Session, "window_end", property(lambda session: session.close)
)  # fmt: skip

# Orders.


def _renamed(order: Order) -> Order:
    """The same order under an id that the broker does not know yet."""
    name, _, line = order.client_order_id.rpartition("-")
    return replace(order, client_order_id=f"{name}-{int(line) + 50}")


def _sent_twice(book: Book, orders: Sequence[PendingOrder], *, send: Any = sending._send) -> Any:
    done = send(book, orders)
    for _, _, order in orders:
        again = _renamed(order)
        with suppress(BrokerRefused, BrokerUnavailable):
            book.broker.submit_order(
                OrderRequest(
                    again.account_id, again.client_order_id, again.symbol, again.side, again.notional, again.qty
                )
            )
    return done


def _resent_under_new_id(book: Book, one: PendingOrder) -> bool:
    sending._send(book, [(one[0], one[1], _renamed(one[2]))])
    return True


def _no_answer_is_a_no(book: Book, order: Order) -> bool:
    ours = parse_client_order_id(order.client_order_id)
    if ours is not None:
        with book.write() as tx:
            sending._refuse(tx, *ours, order, "failed", "no answer")
    return True


def _sent_at_the_end(book: Book, run: Run) -> bool:
    for one in sending._unknown_orders(book):
        if one[1] == run.id:
            sending._send(book, [one])
    return True


def _not_waiting(database: Any, run_ids: Any, *, progress: Any = outbox_store.progress) -> Any:
    return {identity: replace(far, open=0) for identity, far in progress(database, run_ids).items()}


def _from_the_plan(plan: Plan, cash: Money, *, size: Any = resize_buys) -> Any:
    proceeds = sum((line.qty or 0) * (line.price or 0) // NANO for line in plan.sells)
    return size(plan, Money(max(cash, plan.cash + proceeds)))


def _without_minimum(intents: Sequence[BuyIntent], budget: Money, *, spread_rest: bool) -> Allocation:
    free = [replace(intent, minimum=Fraction(0)) for intent in intents]
    return allocation.allocate(free, budget, spread_rest=spread_rest)


def _ignoring_cash_target(plan: Plan, cash: Money, *, size: Any = resize_buys) -> Any:
    return size(replace(plan, cash_target=Money(0)), cash)


_replace_attribute("an order is sent twice", sending, "_send", _sent_twice)
_plant(
    "an unknown order is sent under a new id",
    lambda: patch.object(sending, "_look_up", lambda book, order: False),
    lambda: patch.object(sending, "_resent", _resent_under_new_id),
)
_replace_attribute("no answer is treated as a rejection", sending, "_look_up", _no_answer_is_a_no)
_replace_attribute("ended orders are sent all the same", finishing, "resolve_orders", _sent_at_the_end)
_replace_attribute("blocked orders are sent all the same", sending, "_skip_reason", lambda book, order: None)
_replace_attribute("a run starts on stale prices", processing, "_stale_prices", lambda book, run: False)
_replace_attribute("buys do not wait for sells", outbox_store, "progress", _not_waiting)
_replace_attribute("buys are paid from sells that were planned", buy_sizes, "resize_buys", _from_the_plan)
_replace_attribute("the cash target is spent", buy_sizes, "resize_buys", _ignoring_cash_target)
_replace_attribute(
    "amounts are rounded up", allocation, "floor_cents", lambda value: Money(-(-value // (ATTO // 100)) * CENT)
)
_replace_attribute("the minimum of a dollar is ignored", buys, "allocate", _without_minimum)
_replace_attribute("after the close a run stays open", processing, "after_close", lambda book, closed: [])
_replace_attribute(
    "queued runs of an inactive portfolio stay", needs_adjustment, "cancel_queued", lambda tx, queued, why: []
)

# Applied events.


def _every_nth(number: int, original: Callable[..., Any], replacement: Any) -> Callable[..., Any]:
    """Every n-th call returns `replacement` instead."""
    calls = count(1)

    def call(*arguments: Any, **named: Any) -> Any:
        return replacement if next(calls) % number == 0 else original(*arguments, **named)

    return call


def _fill_twice(database: Any, fill: Any, *, add: Any = fills.add) -> bool:
    add(database, replace(fill, execution_id=fill.execution_id + "+"))
    new: bool = add(database, fill)
    return new


def _cancel_forgets(database: Any, fill: Any, *, add: Any = fills.add) -> bool:
    ours = fill.client_order_id.startswith("rt-")
    digits = fill.client_order_id[3:35]
    if ours:
        run_id = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        if run_store.get(database, run_id).cancel_requested:
            return False
    new: bool = add(database, fill)
    return new


def _unchained(database: Any, at: Any, actor: str, action: str, subject: str, detail: Any = None) -> None:
    with patch.object(audit, "_digest", lambda *fields: sha256(repr(fields[:4]).encode()).hexdigest()):
        _APPEND(database, at, actor, action, subject, detail)


def _no_fills(tx: BookTransaction, action: str, subject: str, detail: object = None, actor: str | None = None) -> None:
    if action != "orders.filled":
        _RECORD(tx, action, subject, detail, actor)


def _only_new_accounts(
    tx: BookTransaction, fresh: Any, listed: Any = (), *, store: Any = syncing.apply_accounts
) -> None:
    store(tx, [account for account in fresh if account.id not in tx.book.accounts], listed)


_APPEND, _RECORD, _APPLY = audit.append, BookTransaction.record, syncing._apply
_plant("a fill is lost", lambda: patch.object(fills, "add", _every_nth(4, fills.add, False)))
_replace_attribute("a fill is booked twice", fills, "add", _fill_twice)
_replace_attribute("fills of a canceled run are ignored", fills, "add", _cancel_forgets)
_plant("an event is lost", lambda: patch.object(syncing, "_apply", _every_nth(9, _APPLY, None)))
_replace_attribute("accounts are not read again", syncing, "apply_accounts", _only_new_accounts)
_replace_attribute("an audit row is lost", BookTransaction, "record", _no_fills)
_replace_attribute("the audit trail is not chained", audit, "append", _unchained)

# Withdrawals.


def _too_much(book: Book, withdrawal: Any, *, journal: Any = withdrawal_steps._journal) -> Any:
    return journal(book, replace(withdrawal, amount=Money(withdrawal.amount + CENT)))


def _new_subscription(book: Book, account_id: str, portfolio_id: str, *, last_rebalanced_at: Any = None) -> Any:
    return _SUBSCRIBE(book, account_id, portfolio_id)


def _on_the_same_day(query: Any, account: int) -> Money:
    ((cash,),) = query("SELECT cash FROM sim_accounts WHERE n = ?", (account,))
    return Money(max(0, cash))


_SUBSCRIBE = subscriptions.subscribe
_plant(
    "a withdrawal sends too much",
    lambda: patch.object(withdrawal_steps, "_journal", _too_much),
)
_replace_attribute(
    "a withdrawal leaves the subscription", subscriptions, "unsubscribe", lambda book, subscription_id: None
)
_replace_attribute("a withdrawal forgets the last rebalance", subscriptions, "subscribe", _new_subscription)
_plant(
    "proceeds leave on the day of the sale",
    lambda: patch.object(sim_journals, "transferable", _on_the_same_day),
    lambda: patch.object(sim_broker, "transferable", _on_the_same_day),
)

for name, (owner, attribute, value) in (*reservation_faults.REPLACED.items(), *event_faults.REPLACED.items()):
    _replace_attribute(name, owner, attribute, value)

# Negative cash, and holdings without a price.


def _as_if_deposited(situation: Situation) -> Situation:
    return replace(situation, account=replace(situation.account, cash=Money(abs(situation.account.cash))))


def _only_priced(situation: Situation) -> Situation:
    priced = tuple(p for p in situation.account.positions if p.symbol in situation.prices)
    return replace(situation, account=replace(situation.account, positions=priced))


_plant_situation(
    "cash below zero is buying power",
    _accounts(lambda accounts, day_context: replace(accounts, cash=np.abs(accounts.cash))),
    _as_if_deposited,
)
_plant_situation(
    "a holding without a price is worth nothing",
    lambda frame, day_context: (frame, replace(day_context, fresh=day_context.fresh | (frame.assets.price == 0))),
    _only_priced,
)
