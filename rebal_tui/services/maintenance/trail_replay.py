"""The state of a book that follows from its audit trail, as far as the entries record it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rebal_tui.domain.cash import JournalStatus, OwnerKind, WithdrawalStage
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.runs import RunStatus
from rebal_tui.store.audit_digests import QUEUED, STARTED
from rebal_tui.store.database import Database

Detail = Mapping[str, Any]


@dataclass(slots=True)
class TrackedWithdrawal:
    """A withdrawal according to its audit entries.

    `stage` is None after the withdrawal stopped, because a stop may return it to an earlier stage.
    """

    account_id: str
    amount: int | None
    stage: str | None = WithdrawalStage.REQUESTED.value


@dataclass(slots=True)
class TrailState:
    """The state of a book according to its audit trail.

    `queued` and `started` have ranges of the runs' keys in the database (first, last), `run_ends` the runs by id.
    "Imported" means from the BOOK.json with which the book began. `unlogged` is the number of subscriptions that were
    imported without an audit entry of their own, None if no import recorded it. `lost` are the ids of runs that the
    book lost when an older file was restored; a stand-in row is stored for each. `raised` is the cash that runs
    reserved for themselves or for a withdrawal, by account and owner; `touched` are the accounts and withdrawals whose
    reservations were changed otherwise. `statuses_known` is True if portfolios that are not in `portfolios` were
    imported active; imports of earlier releases did not record the statuses.
    """

    unlogged: int | None = None
    subscriptions: dict[str, tuple[str, str]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    queued: list[tuple[int, int]] = field(default_factory=list)
    started: list[tuple[int, int]] = field(default_factory=list)
    run_ends: dict[str, str] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    portfolios: dict[str, str] = field(default_factory=dict)
    statuses_known: bool = True
    withdrawals: dict[str, TrackedWithdrawal] = field(default_factory=dict)
    journals: dict[str, tuple[str, int]] = field(default_factory=dict)
    cash: dict[int, tuple[str, str, int]] = field(default_factory=dict)
    fills: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    raised: dict[tuple[str, str], int] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    halted: bool = False


def replay(database: Database) -> TrailState:
    """Read the whole audit trail. Raises `KeyError`, `ValueError` or `TypeError` for an entry of unknown form."""
    state = TrailState()
    handlers = _handlers(state)
    for action, subject, text in database.connection.execute("SELECT action, subject, detail FROM audit ORDER BY seq"):
        handler = handlers.get(action)
        if handler is not None:
            handler(subject, json.loads(text))
        elif action.startswith("cash."):
            detail = json.loads(text)
            if "seq" in detail:
                state.cash[detail["seq"]] = (subject, action.removeprefix("cash."), detail["amount"])
    return state


def _handlers(state: TrailState) -> dict[str, Callable[[str, Detail], None]]:
    found: dict[str, Callable[[str, Detail], None]] = {
        "book.imported": lambda _, detail: _import(state, detail),
        "book.demonstration": lambda _, detail: _import(state, detail),
        "book.halted": lambda _, __: setattr(state, "halted", True),
        "book.released": lambda _, __: setattr(state, "halted", False),
        "subscription.created": lambda subject, detail: _subscribe(state, subject, detail),
        "subscription.ended": lambda subject, _: state.ended.add(subject),
        QUEUED: lambda _, detail: state.queued.extend(_ranges(detail)),
        STARTED: lambda _, detail: state.started.extend(_ranges(detail)),
        "runs.ended": lambda _, detail: _end(state, detail),
        "runs.canceled": lambda _, detail: state.run_ends.update(
            dict.fromkeys(detail["runs"], RunStatus.CANCELED.value)
        ),
        "run.lost": lambda subject, _: state.lost.add(subject),
        "run.approved": lambda subject, _: state.approved.add(subject),
        "portfolio.created": lambda subject, _: state.portfolios.update({subject: PortfolioStatus.ACTIVE.value}),
        "portfolio.needs_adjustment": lambda subject, _: state.portfolios.update(
            {subject: PortfolioStatus.NEEDS_ADJUSTMENT.value}
        ),
        "withdrawal.requested": lambda subject, detail: state.withdrawals.update(
            {subject: TrackedWithdrawal(detail["account"], None if detail.get("everything") else detail["amount"])}
        ),
        "withdrawal.stopped": lambda subject, _: _move(state, subject, None),
        "orders.filled": lambda _, detail: state.fills.update({fill[0]: tuple(fill[1:]) for fill in detail["fills"]}),
        "cash.released": lambda subject, _: state.touched.add(subject),
    }
    for action in ("updated", "inactivated", "reactivated"):
        found[f"portfolio.{action}"] = lambda subject, detail: state.portfolios.update({subject: detail["to"]})
    for stage in WithdrawalStage:
        if stage is not WithdrawalStage.REQUESTED:
            found[f"withdrawal.{stage}"] = _mover(state, stage.value)
    for status in JournalStatus:
        found[f"journal.{status}"] = _journal(state, status.value)
    return found


def _import(state: TrailState, detail: Detail) -> None:
    state.portfolios.update(detail.get("statuses", {}))
    state.statuses_known &= "statuses" in detail
    count = detail.get("subscriptions")
    if count is not None:
        state.unlogged = (state.unlogged or 0) + count


def _subscribe(state: TrailState, subject: str, detail: Detail) -> None:
    """Apply the begin of a subscription; the undo of its end has an entry of the same form."""
    state.subscriptions[subject] = (detail["account"], detail["portfolio"])
    state.ended.discard(subject)


def _end(state: TrailState, detail: Detail) -> None:
    state.run_ends.update({run: status for run, status, _ in detail["runs"]})
    for account, kind, owner, amount in detail.get("reserved", ()):
        if kind in (OwnerKind.RUN, OwnerKind.WITHDRAWAL):
            state.raised[account, owner] = state.raised.get((account, owner), 0) + amount


def _move(state: TrailState, withdrawal_id: str, stage: str | None) -> None:
    if withdrawal_id in state.withdrawals:
        state.withdrawals[withdrawal_id].stage = stage


def _mover(state: TrailState, stage: str) -> Callable[[str, Detail], None]:
    def move(subject: str, detail: Detail) -> None:
        _move(state, subject, stage)
        if detail.get("why"):
            state.touched.add(subject)

    return move


def _journal(state: TrailState, status: str) -> Callable[[str, Detail], None]:
    return lambda subject, detail: state.journals.update({subject: (status, detail["amount"])})


def _ranges(detail: Detail) -> Iterator[tuple[int, int]]:
    return ((first, last) for first, last in detail["runs"])
