"""Comparison of an account's cash and positions with the broker's, and the effect of events on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from rebal_tui.broker.protocol import ActionHolder, ActionNotice, BrokerEvent
from rebal_tui.domain.accounts import Account, Position
from rebal_tui.domain.corporate_actions import ActionKind
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import Money, Qty, money_text, qty_text
from rebal_tui.domain.split_ratios import split_like


def with_events_applied(known: Mapping[str, Account], events: Iterable[BrokerEvent]) -> dict[str, Account]:
    """The accounts after the cash entries, executions and corporate actions in `events`; other events are ignored."""
    cash_of: dict[str, int] = {}
    qty_of: dict[str, dict[str, int]] = {}
    seen: set[object] = set()
    for event in events:
        key = _identity(event)
        account = known.get(event.account_id or "")
        if key is None or key in seen or account is None:
            continue
        seen.add(key)
        balance = cash_of.setdefault(account.id, account.cash)
        if event.fill is not None:
            bought = event.fill.side is Side.BUY
            cash_of[account.id] = balance + (-event.fill.amount if bought else event.fill.amount)
            held = qty_of.setdefault(account.id, {position.symbol: position.qty for position in account.positions})
            held[event.fill.symbol] = held.get(event.fill.symbol, 0) + (event.fill.qty if bought else -event.fill.qty)
        elif event.cash is not None:
            cash_of[account.id] = balance + event.cash.amount
        elif event.action is not None and event.action.holder is not None:
            held = qty_of.setdefault(account.id, {position.symbol: position.qty for position in account.positions})
            _act(held, event.symbol or "", event.action, event.action.holder)
    after = dict(known)
    for account_id, balance in cash_of.items():
        after[account_id] = replace(after[account_id], cash=Money(balance))
    for account_id, held in qty_of.items():
        account = after[account_id]
        prices = {position.symbol: position for position in account.positions}
        after[account_id] = replace(
            account,
            positions=tuple(
                replace(prices[symbol], qty=Qty(qty)) if symbol in prices else Position(symbol, Qty(qty))
                for symbol, qty in sorted(held.items())
                if qty
            ),
        )
    return after


def _identity(event: BrokerEvent) -> object:
    """A key for what an event changes, by which a repetition is recognized; None if it changes no cash or shares."""
    if event.fill is not None:
        return event.fill.execution_id
    if event.cash is not None:
        return ("cash", event.cash.seq)
    return ("action", event.action.id, event.account_id) if event.action and event.action.holder else None


def _act(held: dict[str, int], symbol: str, notice: ActionNotice, holder: ActionHolder) -> None:
    """Apply a corporate action to `held`, the shares by symbol; `symbol` is that of the asset after the action."""
    action = notice.terms.action
    if action.kind is ActionKind.SYMBOL_CHANGE and action.symbol in held:
        held[symbol] = held.pop(action.symbol)
    held[symbol] = held.get(symbol, 0) + holder.qty - holder.held.qty
    if holder.received and action.new_symbol is not None:
        held[action.new_symbol] = held.get(action.new_symbol, 0) + holder.received


def explains(ours: Account, moves: Sequence[BrokerEvent], theirs: Account, *, shares: bool = True) -> bool:
    """Whether the events in `moves` account for the difference between the account in the book and at the broker.

    `ours` may already include the first of these events, because an account that is read can be ahead of the delivered
    events. Without `shares`, only cash has to match.
    """
    for first in range(len(moves) + 1):
        after = with_events_applied({ours.id: ours}, moves[first:])[ours.id]
        if after.cash == theirs.cash and not (shares and any(mismatches(after, theirs))):
            return True
    return False


def mismatches(ours: Account, theirs: Account) -> Iterator[str]:
    """Each difference in cash or a position, as text."""
    if ours.cash != theirs.cash:
        yield f"cash is {money_text(ours.cash)} in the book, {money_text(theirs.cash)} at the broker"
    held = {position.symbol: position.qty for position in ours.positions}
    there = {position.symbol: position.qty for position in theirs.positions}
    if held == there:
        return
    for symbol in sorted(held.keys() | there.keys()):
        mine, yours = held.get(symbol, Qty(0)), there.get(symbol, Qty(0))
        if mine != yours:
            split = split_like(mine, yours)
            text = f"{symbol}: {qty_text(mine)} in the book, {qty_text(yours)} at the broker"
            yield f"{text}, as after a {split} split" if split else text
