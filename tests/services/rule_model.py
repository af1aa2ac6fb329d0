"""The rules for a small book, modeled in a few dictionaries: refused commands, and the effects of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from rebal_tui.broker.protocol import BrokerEvent, EventKind
from rebal_tui.domain.cash import CashKind, WithdrawalStage
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import NANO
from rebal_tui.domain.runs import RunType
from tests.engine import oracle

REFUSED, INVALID, UNKNOWN = 422, 400, 404
NEXT = {
    "QUEUED": {"IN_PROGRESS", "CANCELED", "ERROR"},
    "IN_PROGRESS": {"CANCELED_MID_RUN", "ERROR", "TIMEOUT", "COMPLETED_SUCCESS", "COMPLETED_ADJUSTED"},
}
"""The transitions of a run's status (R-7, R-25); other statuses are final."""
ENDING = {"CANCELED", "CANCELED_MID_RUN", "ERROR", "TIMEOUT", "COMPLETED_SUCCESS", "COMPLETED_ADJUSTED"}


@dataclass
class ModelPortfolio:
    status: str
    symbols: frozenset[str]


@dataclass
class ModelAccount:
    """Cash and shares in dollars and shares, according to the broker's own events."""

    cash: Fraction = Fraction(0)
    shares: dict[str, Fraction] = field(default_factory=dict)
    active: bool = True
    restrictions: set[str] = field(default_factory=set)
    follows: str | None = None


@dataclass
class ModelWithdrawal:
    account: str
    portfolio: str | None
    stage: WithdrawalStage = WithdrawalStage.REQUESTED
    stopped: bool = False
    run: str | None = None


@dataclass
class Model:
    """Each method returns the status with which a command is refused, or None when it is carried out."""

    accounts: dict[str, ModelAccount] = field(default_factory=dict)
    portfolios: dict[str, ModelPortfolio] = field(default_factory=dict)
    eligible: dict[str, bool] = field(default_factory=dict)
    prices: dict[str, Fraction] = field(default_factory=dict)
    runs: dict[str, tuple[str, str]] = field(default_factory=dict)
    withdrawals: dict[str, ModelWithdrawal] = field(default_factory=dict)
    cursor: int = 0

    def apply(self, event: BrokerEvent) -> None:
        """Book an event of the broker."""
        self.cursor = event.seq
        if event.kind is EventKind.FILL and event.fill is not None:
            fill, account = event.fill, self.accounts[event.fill.account_id]
            sign = 1 if fill.side is Side.BUY else -1
            held = account.shares.get(fill.symbol, Fraction(0)) + sign * Fraction(fill.qty, NANO)
            account.cash -= sign * Fraction(fill.amount, NANO)
            account.shares = {s: q for s, q in {**account.shares, fill.symbol: held}.items() if q}
        elif event.kind is EventKind.CASH and event.cash is not None and event.cash.kind not in _TRADES:
            self.accounts[event.cash.account_id].cash += Fraction(event.cash.amount, NANO)

    def open_run(self, account: str) -> str | None:
        """The account's run that has not ended."""
        return next((i for i, (a, status) in self.runs.items() if a == account and status not in ENDING), None)

    def withdrawing(self, account: str) -> bool:
        return any(w.account == account and not w.stage.final for w in self.withdrawals.values())

    def all_eligible(self, symbols: frozenset[str]) -> bool:
        return all(self.eligible.get(symbol, False) for symbol in symbols)

    def stopped(self, account: str) -> bool:
        """R-40, for books where cash is never below zero and no ratio can be exceeded."""
        one = self.accounts[account]
        return not one.active or bool(one.restrictions)

    def most_raised(self, account: str, reserved: int) -> Fraction:
        """R-23, R-26: assets that are no longer tradable can still be sold."""
        one = self.accounts[account]
        book = oracle.Book(one.cash, Fraction(reserved, NANO), one.shares, self.prices, {}, Fraction(0))
        return max(Fraction(0), oracle.most_raised(book))

    def subscribing(self, account: str, portfolio: str, *, moving: bool, open_orders: bool) -> int | None:
        """R-6; a withdrawal itself subscribes again (R-32)."""
        one = self.accounts.get(account)
        if one is not None and self.withdrawing(account):
            return REFUSED
        if one is not None and moving and one.follows is not None and one.follows == portfolio:
            return REFUSED
        if one is None or portfolio not in self.portfolios:
            return UNKNOWN
        if not one.active or self.portfolios[portfolio].status != "active" or open_orders:
            return REFUSED
        return REFUSED if one.follows is not None and not moving else None

    def unsubscribing(self, account: str) -> int | None:
        one = self.accounts.get(account)
        if one is None:
            return UNKNOWN
        return None if one.follows is not None else REFUSED

    def running(
        self, account: str, kind: RunType, symbols: frozenset[str] | None, amount: Fraction | None, reserved: int
    ) -> int | None:
        """Manual runs (R-23, R-24)."""
        one = self.accounts.get(account)
        if one is None:
            return UNKNOWN
        if (kind is RunType.PARTIAL_LIQUIDATION) != (amount is not None) or (amount is not None and amount <= 0):
            return INVALID
        if self.stopped(account) or self.open_run(account):
            return REFUSED
        partial = kind is RunType.PARTIAL_LIQUIDATION
        if symbols is not None:
            if (one.follows is not None and not partial) or not self.all_eligible(symbols):
                return REFUSED
        elif one.follows is None or (self.portfolios[one.follows].status != "active" and not partial):
            return REFUSED
        too_much = amount is not None and amount > self.most_raised(account, reserved)
        return REFUSED if too_much else None

    def withdrawing_more(self, account: str, amount: Fraction, reserved: int) -> int | None:
        if account not in self.accounts:
            return UNKNOWN
        if amount <= 0:
            return INVALID
        if self.withdrawing(account) or self.stopped(account):
            return REFUSED
        return REFUSED if amount > self.most_raised(account, reserved) else None

    def updating(self, portfolio: str, symbols: frozenset[str], *, same: bool) -> int | None:
        """R-4, R-13; unchanged weights are not checked again."""
        if portfolio not in self.portfolios:
            return UNKNOWN
        if self.portfolios[portfolio].status == "inactive":
            return REFUSED
        return None if same or self.all_eligible(symbols) else REFUSED

    def inactivating(self, portfolio: str) -> int | None:
        if portfolio not in self.portfolios:
            return UNKNOWN
        followed = any(one.follows == portfolio for one in self.accounts.values())
        return REFUSED if followed or self.portfolios[portfolio].status == "inactive" else None

    def reactivating(self, portfolio: str) -> int | None:
        if portfolio not in self.portfolios:
            return UNKNOWN
        return None if self.all_eligible(self.portfolios[portfolio].symbols) else REFUSED

    def canceling(self, run: str) -> int | None:
        if run not in self.runs:
            return UNKNOWN
        return REFUSED if self.runs[run][1] in ENDING else None

    def canceling_withdrawal(self, name: str, *, open_orders: bool) -> int | None:
        """R-32: before the journal, and only when the account can be subscribed again."""
        withdrawal = self.withdrawals.get(name)
        if withdrawal is None:
            return UNKNOWN
        early = ("requested", "unsubscribed", "selling", "settling")
        selling = withdrawal.run is not None and self.runs[withdrawal.run][1] == "IN_PROGRESS"
        if withdrawal.stage.value not in early or selling:
            return REFUSED
        one = self.accounts[withdrawal.account]
        if withdrawal.portfolio is None or one.follows is not None:
            return None
        can = one.active and self.portfolios[withdrawal.portfolio].status == "active" and not open_orders
        return None if can else REFUSED


_TRADES = (CashKind.BUY, CashKind.SELL)
