"""Plans for the current state of an account, for runs and previews."""

from __future__ import annotations

from rebal_tui.domain.decisions import LineReason, Plan
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import NANO, Money
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.trading_rules import NO_RULES, RunOverride
from rebal_tui.engine.bounds import RestrictionsConflict
from rebal_tui.engine.complete_plan import money_up
from rebal_tui.engine.liquidation import AmountTooLarge, plan_partial_liquidation
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import goals_cash, plan_full_rebalance, plan_goals, plan_invest_cash
from rebal_tui.engine.trace_text import money, money_down
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.rules_view import followed_portfolio, rules_of


def holdings(book: Book, account_id: str, *, by_band: bool = False, override: RunOverride | None = None) -> Holdings:
    """An account's cash in the book less its reservations, its positions, the current assets, and its trading rules.

    `by_band` is for a run that a drift band made, which may stop before the target (R-62); `override` for a run that
    ignores restrictions (R-61).
    """
    account = book.account(account_id)
    positions = {position.symbol: position.qty for position in account.positions}
    rules = rules_of(book, account_id)
    if rules is not NO_RULES:
        rules = rules.of_run(followed_portfolio(book, account_id).bands if by_band else ())
        rules = rules.overriding(override)
    return Holdings(Money(account.cash - book.reserved(account_id)), positions, book.assets, rules)


def unpriced(start: Holdings) -> list[str]:
    """The symbols of managed holdings without a price, sorted."""
    return sorted(s for s in start.managed if (asset := start.assets.get(s)) is None or asset.price is None)


def plan_run(
    book: Book,
    account_id: str,
    kind: RunType,
    weights: Weights,
    amount: Money | None = None,
    *,
    by_band: bool = False,
    override: RunOverride | None = None,
) -> Plan:
    """The current plan of a run of this type (R-20 to R-23); `by_band` and `override` as in `holdings`.

    Raises `Conflict` when the amount is too large, when a restriction puts the account on hold, when its restrictions
    contradict each other (R-60), and when a price is missing. A full_rebalance with weights of 100 % cash does not need
    every price: it sells what can be sold.
    """
    start = holdings(book, account_id, by_band=by_band, override=override)
    return plan_start(book, account_id, start, kind, weights, amount)


def plan_start(
    book: Book, account_id: str, start: Holdings, kind: RunType, weights: Weights, amount: Money | None = None
) -> Plan:
    """The plan of a run that starts from `start`, the result of `holdings`. Raises the errors of `plan_run`."""
    if start.rules.holds:
        raise Conflict(f"{LineReason.ACCOUNT_HOLD}: " + "; ".join(one.text for one in start.rules.holds))
    missing = unpriced(start)
    if missing and (weights.assets or kind is not RunType.FULL_REBALANCE):
        raise Conflict(f"no price for {', '.join(missing)}: the account cannot be valued")
    try:
        cash_target = invest_cash_target(book, account_id, start, weights) if kind is RunType.INVEST_CASH else Money(0)
        return plan_from(start, kind, weights, cash_target, amount)
    except RestrictionsConflict as error:
        raise Conflict(f"{LineReason.RESTRICTIONS_CONFLICT}: {error}") from error
    except AmountTooLarge as error:
        kept = f"; kept by restrictions: {error.held}" if error.held else ""
        raise Conflict(too_large_text(error.max_amount, book.reserved(account_id)) + kept) from error


def too_large_text(max_amount: Money, reserved: Money) -> str:
    """Why an amount is refused, as text: what the account can raise, and the cash that is reserved (R-23)."""
    besides = f", besides {money(reserved)} that is reserved" if reserved > 0 else ""
    return f"amount too large: the account can raise at most {money_down(max_amount)}{besides}"


def plan_from(start: Holdings, kind: RunType, weights: Weights, cash_target: Money, amount: Money | None) -> Plan:
    """The plan of a run of this type from `start`; `cash_target` applies to invest_cash only.

    Raises `AmountTooLarge`.
    """
    if kind is RunType.FULL_REBALANCE:
        return plan_full_rebalance(start, weights, start.rules.bands)
    if kind is RunType.INVEST_CASH:
        return plan_invest_cash(start, weights, cash_target)
    return plan_partial_liquidation(start, weights, amount or Money(0))


def invest_cash_target(book: Book, account_id: str, start: Holdings, weights: Weights) -> Money:
    """Cash target of invest_cash: the larger of cash weight × equity and the last run's cash target (R-14.7).

    With restrictions, the cash of the reachable target replaces cash weight × equity (R-61). Raises
    `RestrictionsConflict`.
    """
    goals = plan_goals(start, weights, start.equity)
    by_weight = money_up(start.equity * weights.cash) if goals is None else goals_cash(goals)
    return Money(max(by_weight, book.cash_floor(account_id, weights.cash)))


def same_orders(shown: Plan, now: Plan) -> bool:
    """Whether two plans agree (R-27).

    They have the same assets and sides, and no amount in `now` differs from that in `shown` by more than the larger of
    $1 and 1 % of the latter.
    """
    old = {line.symbol: line for line in shown.lines if line.side}
    new = {line.symbol: line for line in now.lines if line.side}
    if {(s, x.side) for s, x in old.items()} != {(s, x.side) for s, x in new.items()}:
        return False
    return all(abs(old[s].wanted - new[s].wanted) <= max(NANO, old[s].wanted // 100) for s in old)
