"""Random commands through the services, compared with a simple model of the rules; a refused command changes nothing.

`MODEL_STEPS` is the number of commands: a few thousand in the suite, 20,000 or more in a long run. With
`MODEL_SHRINK=1` a failing sequence is shrunk, which takes minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.errors import Conflict, PlanChanged, Refusal
from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import NANO, Money, parse_money
from rebal_tui.domain.runs import Approval, InitiatedFrom, RunStatus, RunType
from rebal_tui.services.advisory import portfolios, subscriptions, withdrawals
from rebal_tui.services.advisory.cash import create_journal, deposit, release
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.parsing.portfolio_input import parse_portfolio
from rebal_tui.services.runs.manual import approve_run, cancel_run, create_run, reject_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation import account_events, simulator
from rebal_tui.store import cash as cash_store
from rebal_tui.store import run_orders, runs
from tests.services.brokers import broker
from tests.services.factories import account, balanced, fill_book, make_book, set_price, unsubscribe_account
from tests.services.rule_model import (
    ENDING,
    INVALID,
    NEXT,
    REFUSED,
    UNKNOWN,
    Model,
    ModelAccount,
    ModelPortfolio,
    ModelWithdrawal,
)

pytestmark = pytest.mark.slow

STEPS = int(os.environ.get("MODEL_STEPS", "1200"))
COMMANDS = 50
PRICES = {"SPY": "400.00", "TLT": "100.00", "GLD": "180.00"}
SYMBOLS = sorted(PRICES)
WEIGHTS = (
    {"SPY": "60", "TLT": "40"},
    {"SPY": "30", "TLT": "30", "GLD": "40"},
    {"GLD": "100"},
    {"TLT": "99.99", "SPY": "0.01"},
)
accounts = st.sampled_from(["a", "a", "b", "b", "c", "c", "d", "nobody"])
weights = st.sampled_from(WEIGHTS)
amounts = st.sampled_from(["-5", "0", "0.01", "9.99", "10", "250.37", "5000", "30000", "900000"])
indexes = st.integers(0, 50)
MALFORMED: tuple[Callable[[dict[str, Any]], object], ...] = (
    lambda raw: raw["weights"].append(dict(raw["weights"][0])),
    lambda raw: raw["weights"][0].update(percent="60.001"),
    lambda raw: raw["weights"][0].update(percent="0"),
    lambda raw: raw["weights"][0].update(percent="1e1"),
    lambda raw: raw["weights"].pop(),
    lambda raw: raw["weights"][0].pop("symbol"),
    lambda raw: raw.pop("name"),
    lambda raw: raw.update(cooldown_days=-1),
    lambda raw: raw.update(rebalance_conditions=[{"type": "drift_band", "sub_type": "weekly", "percent": "5"}]),
    lambda raw: raw.update(rebalance_conditions=[{"type": "calendar", "sub_type": "monthly", "day": "32"}]),
    lambda raw: raw.update(
        rebalance_conditions=[{"type": "calendar", "sub_type": "weekly", "day": "Friday"}] * 2
    ),
)  # fmt: skip


def raw_portfolio(percents: dict[str, str], *, review: bool = False) -> dict[str, Any]:
    return {
        "name": "Drawn",
        "weights": [{"type": "asset", "symbol": s, "percent": p} for s, p in percents.items()],
        "cooldown_days": 1,
        "rebalance_conditions": [{"type": "drift_band", "sub_type": "absolute", "percent": "3"}],
        "review": review,
    }


def body(percents: dict[str, str], *, review: bool = False) -> PortfolioBody:
    return parse_portfolio(raw_portfolio(percents, review=review))


def dollars(text: str) -> Fraction:
    return Fraction(text)


class BookStateMachine(RuleBasedStateMachine):
    """Advisors, clients, the market and time, all at once."""

    def __init__(self) -> None:
        super().__init__()
        self.book = make_book("2026-03-02 09:29")
        opened = [
            account("a", "1000", {"SPY": "100", "GLD": "20"}),
            account("b", "20000"),
            account("c", "0.5"),
            account("d", "7"),
        ]
        fill_book(self.book, opened, [balanced(conditions=balanced().conditions, cooldown=1)], {"a": "balanced"})
        self.model = Model(
            accounts={
                one.id: ModelAccount(Fraction(one.cash, NANO), {p.symbol: Fraction(p.qty, NANO) for p in one.positions})
                for one in opened
            },
            portfolios={"balanced": ModelPortfolio("active", frozenset({"SPY", "TLT"}))},
            eligible=dict.fromkeys(SYMBOLS, True),
            prices={s: Fraction(p) for s, p in PRICES.items()},
            cursor=broker(self.book).last_event(),
        )
        self.model.accounts["a"].follows = "balanced"
        self.weights: dict[str, Weights] = {p.id: p.weights for p in self.book.portfolios.values()}
        self.rebalanced: dict[str, object] = {}

    def set_aside(self, account_id: str, *owners: str) -> Fraction:
        """Dollars that owners of these kinds have reserved in an account."""
        found = self.book.database.rows(
            "SELECT owner_kind, amount FROM reservations WHERE account = (SELECT key FROM accounts WHERE id = ?)",
            (account_id,),
        )
        return Fraction(sum(amount for kind, amount in found if kind in owners), NANO)

    # Checks of every command.

    def state(self) -> tuple[object, ...]:
        book = self.book
        memory = (dict(book.accounts), dict(book.extras), dict(book.subscriptions), book.portfolios, book.open_runs)
        return book.database.connection.serialize(), *(repr(part) for part in memory)

    def check_command(self, expected: int | None, command: Callable[[], Any]) -> Any:
        """Run a command; it is refused as the model expects and changes nothing, or it is carried out."""
        refusal: Refusal | None
        before = self.state()
        try:
            answer = command()
        except Refusal as error:
            refusal = error
        else:
            refusal = None
        if refusal is not None:
            assert refusal.status == expected, (expected, str(refusal))
            assert self.state() == before, str(refusal)
            return None
        assert expected is None, f"expected a refusal with {expected}"
        return answer

    def open_orders(self, account_id: str) -> bool:
        return account_id in self.model.accounts and bool(broker(self.book).open_orders(account_id))

    def reserved(self, account_id: str) -> Money:
        return self.book.reserved(account_id) if account_id in self.model.accounts else Money(0)

    def portfolio(self, index: int) -> str:
        names = [*self.model.portfolios, "nothing"]
        return names[index % len(names)]

    def run_id(self, index: int) -> str:
        names = [*list(self.model.runs)[-6:], "nothing"]
        return names[index % len(names)]

    def withdrawal(self, index: int) -> str:
        names = [*list(self.model.withdrawals)[-4:], "nothing"]
        return names[index % len(names)]

    # Portfolios.

    @rule(percents=weights, review=st.booleans())
    def create_portfolio(self, percents: dict[str, str], review: bool) -> None:
        if len(self.model.portfolios) > 5:
            return
        symbols = frozenset(percents)
        expected = None if self.model.all_eligible(symbols) else REFUSED
        made = self.check_command(
            expected, lambda: portfolios.create_portfolio(self.book, body(percents, review=review))
        )
        if made:
            self.model.portfolios[made.id] = ModelPortfolio("active", symbols)
            self.weights[made.id] = made.weights

    @rule(fault=st.sampled_from(MALFORMED))
    def malformed_portfolio(self, fault: Callable[[dict[str, Any]], object]) -> None:
        raw = raw_portfolio(dict(WEIGHTS[1]))
        fault(raw)
        self.check_command(INVALID, lambda: portfolios.create_portfolio(self.book, parse_portfolio(raw)))

    @rule(index=indexes, percents=weights)
    def update_portfolio(self, index: int, percents: dict[str, str]) -> None:
        name, edited = self.portfolio(index), body(percents)
        same = self.weights.get(name) == edited.weights
        expected = self.model.updating(name, frozenset(percents), same=same)
        if self.check_command(expected, lambda: portfolios.update_portfolio(self.book, name, edited)):
            known = self.model.portfolios[name]
            self.model.portfolios[name] = ModelPortfolio(known.status if same else "active", frozenset(percents))
            self.weights[name] = edited.weights

    @rule(index=indexes)
    def inactivate(self, index: int) -> None:
        name = self.portfolio(index)
        if self.check_command(self.model.inactivating(name), lambda: portfolios.inactivate_portfolio(self.book, name)):
            self.model.portfolios[name].status = "inactive"

    @rule(index=indexes)
    def reactivate(self, index: int) -> None:
        name = self.portfolio(index)
        if self.check_command(self.model.reactivating(name), lambda: portfolios.reactivate_portfolio(self.book, name)):
            self.model.portfolios[name].status = "active"

    # Subscriptions.

    @rule(who=accounts, index=indexes)
    def subscribe(self, who: str, index: int) -> None:
        name = self.portfolio(index)
        expected = self.model.subscribing(who, name, moving=False, open_orders=self.open_orders(who))
        if self.check_command(expected, lambda: subscriptions.subscribe_manually(self.book, who, name)):
            self.model.accounts[who].follows = name

    @rule(who=accounts, index=indexes)
    def move(self, who: str, index: int) -> None:
        name = self.portfolio(index)
        expected = self.model.subscribing(who, name, moving=True, open_orders=self.open_orders(who))
        if self.check_command(expected, lambda: subscriptions.move(self.book, who, name)):
            self.model.accounts[who].follows = name

    @rule(who=accounts)
    def unsubscribe(self, who: str) -> None:
        self.check_command(self.model.unsubscribing(who), lambda: unsubscribe_account(self.book, who))
        if who in self.model.accounts:
            self.model.accounts[who].follows = None

    # Runs.

    @rule(who=accounts, kind=st.sampled_from(RunType), percents=st.none() | weights, amount=st.none() | amounts)
    def run_manually(self, who: str, kind: RunType, percents: dict[str, str] | None, amount: str | None) -> None:
        given = body(percents).weights if percents else None
        requested = dollars(amount) if amount else None
        expected = self.model.running(
            who, kind, frozenset(percents) if percents else None, requested, self.reserved(who)
        )
        money = parse_money(amount) if amount else None
        made = self.check_command(expected, lambda: create_run(self.book, who, kind, weights=given, amount=money))
        if made:
            assert made.initiated_from is InitiatedFrom.API

    @rule(index=indexes)
    def cancel(self, index: int) -> None:
        name = self.run_id(index)
        done = self.check_command(self.model.canceling(name), lambda: cancel_run(self.book, name))
        if done:
            assert done.status in (RunStatus.CANCELED, RunStatus.CANCELED_MID_RUN) or done.cancel_requested

    @rule(index=indexes, yes=st.booleans(), note=st.sampled_from(["not today", " ", "ctl\x1b"]))
    def review(self, index: int, yes: bool, note: str) -> None:
        name = self.run_id(index)
        run = self.book.open_runs.get(self.model.runs[name][0]) if name in self.model.runs else None
        waits = run is not None and run.id == name and run.approval is Approval.AWAITING
        expected = UNKNOWN if name not in self.model.runs else None if waits else REFUSED
        if not yes:
            expected = INVALID if expected is None and note != "not today" else expected
            self.check_command(expected, lambda: reject_run(self.book, name, note))
            return
        plan = plan_of(self.book.database, run) if run is not None and waits else None
        if plan is None:
            expected = expected or REFUSED
            shown = next(iter(self.plans()), None)
            if shown is not None and not waits:
                self.check_command(expected, lambda: approve_run(self.book, name, shown))
            return
        try:
            approve_run(self.book, name, plan)
        except PlanChanged:
            assert self.book.open_runs[self.model.runs[name][0]].approval is Approval.AWAITING

    def plans(self) -> list[Any]:
        return [
            plan
            for name in self.model.runs
            if (plan := plan_of(self.book.database, runs.get(self.book.database, name)))
        ]

    # Cash.

    @rule(who=accounts, amount=amounts)
    def make_deposit(self, who: str, amount: str) -> None:
        expected = UNKNOWN if who not in self.model.accounts else INVALID if dollars(amount) <= 0 else None
        self.check_command(expected, lambda: deposit(self.book, who, parse_money(amount)))

    @rule(who=accounts, amount=amounts, incoming=st.booleans())
    def journal(self, who: str, amount: str, incoming: bool) -> None:
        known, wanted = who in self.model.accounts, dollars(amount)
        expected = UNKNOWN if not known else INVALID if wanted <= 0 else None
        if expected is None and not incoming:
            ready = Fraction(broker(self.book).cash_transferable(who), NANO)
            ready = max(ready - self.set_aside(who, "withdrawal", "person"), Fraction(0))
            assert 0 <= ready <= self.model.accounts[who].cash
            expected = REFUSED if wanted > ready else None
        if expected is None and not self.model.accounts[who].active:
            return
        if expected == REFUSED:
            # The key of the refused journal is used up.
            with pytest.raises(Conflict):
                create_journal(self.book, who, parse_money(amount), incoming=incoming)
            return
        self.check_command(expected, lambda: create_journal(self.book, who, parse_money(amount), incoming=incoming))

    @rule(who=accounts)
    def return_some_deposit(self, who: str) -> None:
        if who not in self.model.accounts:
            expected: int | None = UNKNOWN
        else:
            expected = None if self.set_aside(who, "run", "person") else REFUSED
        self.check_command(expected, lambda: release(self.book, who))

    @rule(who=accounts, amount=amounts)
    def withdraw(self, who: str, amount: str) -> None:
        expected = self.model.withdrawing_more(who, dollars(amount), self.reserved(who))
        made = self.check_command(expected, lambda: withdrawals.request_withdrawal(self.book, who, parse_money(amount)))
        if made:
            self.model.withdrawals[made.id] = ModelWithdrawal(who, self.model.accounts[who].follows)

    @rule(index=indexes)
    def cancel_withdrawal(self, index: int) -> None:
        name = self.withdrawal(index)
        known = self.model.withdrawals.get(name)
        expected = self.model.canceling_withdrawal(
            name, open_orders=known is not None and self.open_orders(known.account)
        )
        self.check_command(expected, lambda: withdrawals.cancel_withdrawal(self.book, name))

    @rule(index=indexes)
    def retry_withdrawal(self, index: int) -> None:
        name = self.withdrawal(index)
        known = self.model.withdrawals.get(name)
        expected = UNKNOWN if known is None else REFUSED if known.stage.final or not known.stopped else None
        self.check_command(expected, lambda: withdrawals.retry_withdrawal(self.book, name))

    # Events of accounts, assets and prices.

    @rule(who=accounts, on=st.booleans(), what=st.sampled_from([Restriction.ACH_RETURN, Restriction.TRADING_BLOCKED]))
    def restrict(self, who: str, on: bool, what: Restriction) -> None:
        expected = None if who in self.model.accounts else UNKNOWN
        self.check_command(expected, lambda: account_events.set_restriction(self.book, who, what, on))
        if expected is None:
            held = self.model.accounts[who].restrictions
            self.model.accounts[who].restrictions = held | {what.value} if on else held - {what.value}

    @rule(who=accounts, status=st.sampled_from([AccountStatus.ACTIVE, AccountStatus.ACTIVE, AccountStatus.DISABLED]))
    def account_status(self, who: str, status: AccountStatus) -> None:
        expected = None if who in self.model.accounts else UNKNOWN
        self.check_command(expected, lambda: account_events.set_status(self.book, who, status))
        if expected is None:
            self.model.accounts[who].active = status is AccountStatus.ACTIVE

    @rule(symbol=st.sampled_from([*SYMBOLS, "NONE"]), tradable=st.sampled_from([True, True, False]))
    def tradable(self, symbol: str, tradable: bool) -> None:
        expected = None if symbol in self.model.prices else UNKNOWN
        self.check_command(expected, lambda: simulator.set_tradable(self.book, symbol, tradable))
        if expected is None:
            self.model.eligible[symbol] = tradable

    @rule(symbol=st.sampled_from(SYMBOLS), halted=st.sampled_from([False, False, True]))
    def halt(self, symbol: str, halted: bool) -> None:
        self.check_command(None, lambda: simulator.halt(self.book, symbol, halted))

    @rule(symbol=st.sampled_from(SYMBOLS), percent=st.integers(70, 135))
    def price(self, symbol: str, percent: int) -> None:
        cents = max(int(self.model.prices[symbol] * percent), 100)
        set_price(self.book, symbol, f"{cents // 100}.{cents % 100:02d}")
        self.model.prices[symbol] = Fraction(cents, 100)

    # Time.

    @rule(leap=st.sampled_from([30, 900, 900, 3_600, 6 * 3_600, 20 * 3_600, 70 * 3_600]))
    def time_passes(self, leap: int) -> None:
        clock: Any = self.book.clock
        clock.advance(timedelta(seconds=leap))
        scheduler.tick(self.book)

    @rule()
    def next_open(self) -> None:
        opening = self.book.calendar.next_open(self.book.now())
        clock: Any = self.book.clock
        clock.set(opening)
        scheduler.tick(self.book)

    # Invariants after each command.

    @invariant()
    def the_model_and_the_book_agree(self) -> None:
        book, model, inner = self.book, self.model, broker(self.book)
        for event in inner.events(model.cursor):
            model.apply(event)
        assert inner.invariants() == []
        self.see_runs()
        self.see_withdrawals()
        for name, one in model.accounts.items():
            ours = book.accounts[name]
            assert Fraction(ours.cash, NANO) == one.cash, name
            assert one.cash >= 0, name
            assert {p.symbol: Fraction(p.qty, NANO) for p in ours.positions} == one.shares
            follows = book.subscriptions.get(name)
            assert (follows.portfolio_id if follows else None) == one.follows, name
            open_run = book.open_runs.get(name)
            assert (open_run.id if open_run else None) == model.open_run(name), name
        for name, known in model.portfolios.items():
            status = book.portfolios[name].status.value
            if status != known.status:
                assert (known.status, status) == ("active", "needs_adjustment"), name
                assert not model.all_eligible(known.symbols), name
                known.status = status

    def see_runs(self) -> None:
        """New and changed runs: legal transitions, one open run an account, one system run a session, R-12."""
        book, model = self.book, self.model
        for run in reversed(runs.newest(book.database, 25)):
            if run.id in model.runs:
                before = model.runs[run.id][1]
                reached = {before} | NEXT.get(before, set())
                reached |= set().union(*(NEXT.get(status, set()) for status in reached))
                assert run.status.value in reached, (before, run.status)
            elif run.initiated_from is InitiatedFrom.SYSTEM:
                session = book.session(run.created_at)
                assert session is not None
                assert session.in_window(run.created_at)
                assert not model.stopped(run.account_id) or run.status.value in ENDING
                assert run.type in (RunType.FULL_REBALANCE, RunType.INVEST_CASH)
            model.runs[run.id] = (run.account_id, run.status.value)
            if run.status.completed and run.type is RunType.FULL_REBALANCE and run.subscription_id:
                orders = run_orders.counts(book.database, [run.id]).get(run.id)
                if orders and orders.total:  # a run without orders moves no last rebalance.
                    self.rebalanced[run.subscription_id] = run.completed_at
        for name in model.accounts:
            assert sum(a == name and status not in ENDING for a, status in model.runs.values()) <= 1
        system = book.database.rows(
            "SELECT 1 FROM runs WHERE initiated_from = 'system' AND counts_quota = 1 "
            "GROUP BY account, session HAVING count(*) > 1"
        )
        assert system == []
        for follows in book.subscriptions.values():
            if follows.last_rebalanced_at is not None and follows.id in self.rebalanced:
                assert follows.last_rebalanced_at == self.rebalanced[follows.id]

    def see_withdrawals(self) -> None:
        """A withdrawal ends the subscription when it begins and restores it when it ends (R-32)."""
        for name, known in self.model.withdrawals.items():
            if known.stage.final:
                continue
            seen = cash_store.withdrawal(self.book.database, name)
            one = self.model.accounts[known.account]
            known.stopped, known.run = seen.stopped is not None, seen.run_id
            if seen.stage is not known.stage:
                one.follows = known.portfolio if seen.stage.final else None
            known.stage = seen.stage

    def teardown(self) -> None:
        self.book.database.close()


TestBookStateMachine = BookStateMachine.TestCase
TestBookStateMachine.settings = settings(
    max_examples=max(1, STEPS // COMMANDS),
    stateful_step_count=COMMANDS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if "MODEL_SHRINK" in os.environ else [])],
)
