"""An evaluation as an entry of a report: the outcome, every check, and the prices used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.decisions import Decision, Outcome, Verdict
from rebal_tui.domain.quantities import NANO, Money, Percent, Qty, Value, market_value
from rebal_tui.domain.text import count_text
from rebal_tui.domain.trade_status import StatusKind, TradeStatus
from rebal_tui.engine.shares import CASH, share
from rebal_tui.engine.situation import Situation, cash_target_of
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import decision_of, situation_of
from rebal_tui.services.reports.evaluation_times import times_text
from rebal_tui.services.reports.model import Entry, Table
from rebal_tui.services.reports.portfolio_changes import change_notes
from rebal_tui.services.reports.terms import RULE
from rebal_tui.services.reports.texts import (
    NONE,
    cut_text,
    dollars,
    minute_text,
    money,
    percent_cell,
    price_cell,
    shares,
)
from rebal_tui.services.view_models.check_names import check_name, verdict_word
from rebal_tui.services.view_models.standing import STATUS_THEN
from rebal_tui.store import decision_contexts
from rebal_tui.store.database import Database
from rebal_tui.store.decisions import StoredDecision

_OUTCOMES = {
    Outcome.FULL_REBALANCE: "full rebalance",
    Outcome.INVEST_CASH: "invest cash",
    Outcome.NONE: "no trade",
    Outcome.BLOCKED: "no trade, blocked",
}
_DONE = (Verdict.PASS, Verdict.INFO)
_QUIET = frozenset({"quota", "in_cooldown"})
"""Checks that stop an account on ordinary days: after its run it is not traded again in the session, nor in the
cooldown. A condition that holds meanwhile is another check."""


def decision_entry(
    book: Book,
    stored: StoredDecision,
    database: Database,
    times: Sequence[datetime] = (),
    *,
    audit: int | None = None,
    opening: bool = False,
    previous: datetime | None = None,
) -> Entry:
    """The entry of a decision of the book or its archive, with the trace that the engine recomputes from stored inputs.

    `database` is the one that has the decision. `times` are the times of the evaluations that the decision counts,
    empty when they are not certain; `audit` is the number of the audit entry of the last of them. `opening` marks the
    first decision of a report, which lists the holdings with their shares even if there was nothing to do. `previous`
    is the time of the account's decision before this one: changes of the portfolio since then are listed.
    """
    decision = decision_of(database, stored)
    situation = situation_of(stored, decision_contexts.get(database, stored.context))
    status = (
        f" {STATUS_THEN}: {cut_text(decision.status.sentence)}"
        if decision.status is not None and decision.status.sentence
        else ""
    )
    portfolio, reason = book.portfolios[stored.portfolio_id].name, _reason(decision)
    sentence = (
        f"Evaluated against {portfolio}{_counted(stored, times)}: {_OUTCOMES[decision.outcome]} – {reason}.{status}"
    )
    known = tuple(times) or ((stored.at,) if stored.times == 1 else ())
    makes_run = decision.outcome in (Outcome.FULL_REBALANCE, Outcome.INVEST_CASH)
    waited = "" if makes_run else f"Did not trade: {reason}.{status}{_earliest(decision.status, situation)}"
    rows = _holdings(situation)
    kept = _kept_target(situation, decision)
    tables: tuple[Table, ...]
    if _is_quiet(decision):
        notes = (*_conditions(decision), *kept, *(() if opening else (_prices(rows),)))
        tables = (_table(rows),) if opening else ()
    else:
        tables, notes = (_checks(decision), _table(rows)), kept
    changes = change_notes(book, stored.portfolio_id, previous, stored.at)
    return Entry(stored.at, "system", sentence, tables, audit, (*changes, *notes), waited=waited, times=known)


def _counted(stored: StoredDecision, times: Sequence[datetime]) -> str:
    """How often and when an evaluation came to this result, as text.

    Empty for a single evaluation, because the entry shows its time.
    """
    if stored.times == 1:
        return ""
    return f" {count_text(stored.times, 'time')}, {'at ' + times_text(times) if times else 'the last at this time'}"


def _reason(decision: Decision) -> str:
    """The reason of a decision as text.

    A cooldown that delayed nothing is named after the conditions, because these decided.
    """
    held = [check.check for check in decision.trace if check.verdict in (Verdict.HOLDS_BACK, Verdict.CANNOT)]
    if decision.outcome is Outcome.NONE and held == ["in_cooldown"]:
        return f"no rebalance condition is met; also {decision.reason}"
    return cut_text(decision.reason)


def _earliest(status: TradeStatus | None, situation: Situation) -> str:
    """When an account that did not trade could do so at the earliest, as a sentence to follow others."""
    if status is None:
        return ""
    start = " Could trade at the earliest"
    at = None if status.first_trade_at is None else minute_text(status.first_trade_at)
    if status.kind is StatusKind.NEEDS_YOU:
        return f"{start} once {status.note}." if status.note else ""
    if status.kind is StatusKind.IN_RANGE:
        session = " of the next session" if situation.quota_run else ""
        due = f"; its calendar is next due on {at}" if at else ""
        return f"{start} at the first evaluation{session} that finds a condition met{due}."
    return f"{start} on {at}." if at else f"{start} once what it waits for has ended."


def _kept_target(situation: Situation, decision: Decision) -> tuple[str, ...]:
    """Where the cash target of an evaluation comes from, as sentences (R-14.7).

    Empty if the cash target is the portfolio's cash weight.
    """
    if not any(check.check == "invest_cash" for check in decision.trace):
        return ()
    weight = situation.portfolio.weights.cash
    by_weight = cash_target_of(replace(situation, cash_floor=Money(0)))
    if situation.cash_floor <= by_weight:
        return ()
    share = "the reachable cash" if situation.goals is not None else f"{percent_cell(weight)} of equity"
    return (
        f"Cash target {money(situation.cash_floor)}: that of the last completed run, because it is more than "
        f"{share} ({money(by_weight)}).",
    )


def _is_quiet(decision: Decision) -> bool:
    """Whether an evaluation found nothing to do, so that one line is enough for it in the report."""
    unusual = {check.check for check in decision.trace if check.verdict not in (*_DONE, Verdict.NO)}
    return decision.outcome in (Outcome.NONE, Outcome.BLOCKED) and unusual <= _QUIET


def _conditions(decision: Decision) -> tuple[str, ...]:
    """A sentence with the conditions that are not met and the checks that stopped a run, with their figures."""
    open_checks = (check for check in decision.trace if check.verdict not in _DONE)
    found = [f"{check_name(check.check)}: {cut_text(check.detail)}" for check in open_checks]
    return (f"Conditions: {'; '.join(found)}. Every other check passed.",) if found else ()


def _checks(decision: Decision) -> Table:
    rows = tuple(
        (check_name(one.check), verdict_word(one.check, one.verdict), cut_text(one.detail), one.rule)
        for one in decision.trace
    )
    return Table("Checks", ("Check", "Result", "Figures", RULE), rows)


class _Holding(NamedTuple):
    """A holding of an evaluation as text, with the price that it used; cash has no shares and no price."""

    symbol: str
    shares: str
    price: str
    price_of: str
    value: str
    weight: str
    target: str


def _holdings(situation: Situation) -> list[_Holding]:
    """The holdings of an account at the prices of an evaluation, with targets.

    Cash is last, less reservations.
    """
    weights = situation.portfolio.weights
    targets = {weight.symbol: weight.percent for weight in weights.assets}
    held = {position.symbol: position.qty for position in situation.account.positions}
    symbols = [*targets, *(symbol for symbol in held if symbol not in targets)]
    equity = situation.valuation.equity
    complete = equity > 0 and all(symbol in situation.prices for symbol in situation.positions)
    rows = []
    for symbol in symbols:
        asset = situation.assets.get(symbol)
        value = _value(held.get(symbol, Qty(0)), asset)
        managed = complete and symbol not in situation.rules.unmanaged
        part = share(value or 0, equity) if managed else None
        price, price_at = (asset.price, asset.price_at) if asset else (None, None)
        rows.append(
            _Holding(
                symbol, shares(held.get(symbol)), price_cell(price), minute_text(price_at) if price_at else NONE,
                NONE if value is None else dollars(value), percent_cell(part),
                percent_cell(targets.get(symbol, Percent(0))),
            )
        )  # fmt: skip
    part = share(situation.cash * NANO, equity) if complete else None
    rows.append(_Holding(CASH, NONE, NONE, NONE, money(situation.cash), percent_cell(part), percent_cell(weights.cash)))
    return rows


def _table(rows: list[_Holding]) -> Table:
    columns = ("Asset", "Shares", "Price", "Price of", "Value", "Weight", "Target")
    return Table("Holdings and prices", columns, tuple(rows), frozenset({1, 2, 4, 5, 6}))


def _prices(rows: list[_Holding]) -> str:
    """The prices, weights and targets of holdings in one sentence, without values."""
    named = [f"{row.symbol} {row.price}, {row.weight} (target {row.target})" for row in rows[:-1]]
    cash = f"cash {rows[-1].weight} (target {rows[-1].target})"
    return f"Prices and weights: {'; '.join([*named, cash])}."


def _value(held: Qty, asset: Asset | None) -> Value | None:
    """The value of shares at the asset's price; 0 without shares, None without a price."""
    if not held:
        return Value(0)
    return None if asset is None or asset.price is None else market_value(held, asset.price)
