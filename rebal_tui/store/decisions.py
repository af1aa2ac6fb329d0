"""Decisions stored as their inputs: for each session, an account's latest decision of each `Kind`.

A `Kind` stands for decisions with the same outcome and the same reported checks. A decision that created a run has a
row of its own, which no later decision replaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, NamedTuple

from rebal_tui.domain.decisions import REPORTED, Decision, Outcome
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Approval
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.trade_status import StatusKind, WaitsFor
from rebal_tui.store.codec import from_day, from_time, from_time_or_none, to_time
from rebal_tui.store.database import LISTED, Database, Transaction, listed
from rebal_tui.store.rows import RowTable, insert, select_list

NO_RUN = 0
"""Used instead of a run's key when the decision created no run."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Which decisions of a session count as equal: those with the same outcome and the same reported checks.

    A check is reported if its verdict is failed, due, waiting or impossible. `signature` joins outcome and checks as
    text. `deciding` is the check that the decision's reason names, empty when it names none.
    """

    signature: str
    outcome: Outcome
    deciding: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """An account's inputs of an evaluation. Money in billionths; `positions` is packed by `codec.to_positions`.

    `cash_floor` is the cash target of the account's last completed run with the same cash weight, 0 without one
    (R-14.7). `open_run` is the id of the account's open run, `open_run_awaits` whether that run awaited approval at the
    time, `quota_run` the id of the run that used the account's quota. The other times and `propose_on` are those of the
    subscription. A change of the portfolio at `update_spent_at` or before asks for no rebalance any more (R-14). On the
    day `propose_on`, a run that expired without approval is proposed again (R-27). `undone` has the sells left undone,
    as `unfinished.to_text` writes them, `rules` the account's trading rules, as `rules_text.to_text` writes them.
    """

    status: str
    restrictions: str
    cash: Money
    reserved: Money
    cash_floor: Money
    last_rebalanced_at: datetime | None
    external_orders: int
    open_run: str | None
    open_run_awaits: bool
    quota_run: str | None
    positions: bytes
    subscribed_at: datetime
    update_spent_at: datetime | None
    propose_on: date | None
    undone: str | None
    rules: str | None = None


@dataclass(frozen=True, slots=True)
class StoredStatus:
    """The status that a decision gave its account, as in `TradeStatus`."""

    kind: StatusKind
    waits_for: WaitsFor | None
    first_trade_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision as stored, with the key of its decision context and the id of the run that it created.

    `times` is how many evaluations it stands for, the last of them at `at`. `run_id` is None if it created none.
    `status` is None when an earlier version of the program, which had no statuses, stored the decision. `reviewed` is
    whether the run waited for approval (R-27).
    """

    account_id: str
    portfolio_id: str
    subscription_id: str
    session: str
    at: datetime
    kind: Kind
    times: int
    run_id: str | None
    context: int
    inputs: Inputs
    status: StoredStatus | None = None
    reviewed: bool = False


def status_code(kind: StatusKind, waits_for: WaitsFor | None) -> str:
    """A status as stored: `in_range`, or with what the account waits for, `waits:cooldown`."""
    return kind.value if waits_for is None else f"{kind}:{waits_for}"


def kind_of(decision: Decision) -> Kind:
    """The `Kind` of a decision: its outcome and the checks that it reports."""
    reported = [c.check for c in decision.trace if c.verdict in REPORTED]
    return Kind(":".join([decision.outcome.value, *reported]), decision.outcome, reported[-1] if reported else "")


def kind_keys(tx: Transaction, kinds: Iterable[Kind]) -> dict[str, int]:
    """Store those kinds of decisions that are new; returns the integer key of every stored kind, by its signature."""
    tx.executemany(
        "INSERT INTO decision_kinds (signature, outcome, deciding) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        sorted({(kind.signature, kind.outcome.value, kind.deciding) for kind in kinds}),
    )
    return dict(tx.rows("SELECT signature, key FROM decision_kinds"))


class DecisionRow(NamedTuple):
    """A decision as inserted: keys of other tables, money in billionths, times in microseconds.

    `run` is `NO_RUN` when the decision created none; `positions` is packed by `codec.to_positions`. `trade_status` is
    written by `status_code`. The columns of `Inputs` mean the same here; `outside_orders` corresponds to
    `Inputs.external_orders`.
    """

    session: str
    account: int
    portfolio: int
    kind: int
    run: int
    context: int
    subscription: int
    status: str
    restrictions: str
    cash: int
    reserved: int
    cash_floor: int
    last_rebalanced_at: int | None
    outside_orders: int
    open_run: int | None
    quota_run: int | None
    positions: bytes
    update_spent_at: int | None
    propose_on: str | None
    undone: str | None = None
    rules: str | None = None
    trade_status: str | None = None
    first_trade_at: int | None = None
    times: int = 1


_KEY = ("session", "account", "portfolio", "kind", "run")
_REPLACED = [name for name in DecisionRow._fields if name not in (*_KEY, "times")]


def add(tx: Transaction, rows: RowTable[DecisionRow]) -> None:
    """Store decisions.

    A decision without a run replaces the account's last decision of the same session, portfolio and `Kind`, and
    increments `times`.
    """
    tx.executemany(
        f"{insert('decisions', DecisionRow)} ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET times = times + 1, "
        + ", ".join(f"{name} = excluded.{name}" for name in _REPLACED),
        rows,
    )


class _Record(NamedTuple):
    """A decision as read, with the ids of the rows that it refers to."""

    account_id: str
    portfolio_id: str
    subscription_id: str
    session: str
    at: int
    signature: str
    outcome: str
    deciding: str
    times: int
    run_id: str | None
    context: int
    status: str
    restrictions: str
    cash: Money
    reserved: Money
    cash_floor: Money
    last_rebalanced_at: int | None
    outside_orders: int
    open_run: str | None
    open_run_awaits: int
    quota_run: str | None
    positions: bytes
    subscribed_at: int
    update_spent_at: int | None
    propose_on: str | None
    undone: str | None
    rules: str | None
    trade_status: str | None
    first_trade_at: int | None
    approval: str | None


_AWAITED = (
    "o.key IS NOT NULL AND o.approval <> 'not_needed' AND (o.started_at IS NULL OR o.started_at > c.at) AND NOT EXISTS "
    "(SELECT 1 FROM run_events e WHERE e.run = o.key AND e.what = 'approved' AND e.at <= c.at)"
)
_EXPRESSIONS = {
    "account_id": "a.id", "portfolio_id": "p.id", "subscription_id": "s.id", "at": "c.at", "signature": "k.signature",
    "outcome": "k.outcome", "deciding": "k.deciding", "run_id": "r.id", "open_run": "o.id", "quota_run": "q.id",
    "open_run_awaits": _AWAITED, "subscribed_at": "s.created_at", "approval": "r.approval",
}  # fmt: skip
_COLUMNS = (
    f"SELECT {select_list(_Record, _EXPRESSIONS, 'd')} "
    "FROM decisions d JOIN accounts a ON a.key = d.account JOIN portfolios p ON p.key = d.portfolio "
    "JOIN subscriptions s ON s.key = d.subscription JOIN contexts c ON c.key = d.context "
    "JOIN decision_kinds k ON k.key = d.kind LEFT JOIN runs r ON r.key = d.run "
    "LEFT JOIN runs o ON o.key = d.open_run LEFT JOIN runs q ON q.key = d.quota_run"
)


def latest(database: Database, account_id: str, limit: int = 1) -> list[StoredDecision]:
    """An account's decisions, newest first, at most `limit`; all of them when `limit` is below 0."""
    found: list[StoredDecision] = []
    for session in _sessions(database):
        if 0 <= limit <= len(found):
            break
        rows = database.rows(
            f"{_COLUMNS} WHERE d.session = ? AND d.account = (SELECT key FROM accounts WHERE id = ?) "
            "ORDER BY d.context DESC, d.run, d.kind LIMIT ?",
            (session, account_id, limit - len(found) if limit >= 0 else -1),
        )
        found += [_stored(row) for row in rows]
    return found


def _sessions(database: Database, last: date = date.max) -> Iterator[str]:
    """The sessions up to and including `last` that have decisions, latest first."""
    row = database.row("SELECT max(session) FROM decisions WHERE session <= ?", (last.isoformat(),))
    while row and row[0] is not None:
        yield row[0]
        row = database.row("SELECT max(session) FROM decisions WHERE session < ?", (row[0],))


def restrictions_before(database: Database, account_id: str, at: datetime) -> str | None:
    """The broker's blocks in an account's last stored decision before `at`.

    Only the last two sessions up to then that have decisions are searched, as a subscribed account has a decision in
    each of them. None if the account has none there.
    """
    for session in islice(_sessions(database, new_york_day(at)), 2):
        row = database.row(
            "SELECT d.restrictions FROM decisions d JOIN contexts c ON c.key = d.context WHERE d.session = ? "
            "AND d.account = (SELECT key FROM accounts WHERE id = ?) AND c.at < ? ORDER BY d.context DESC LIMIT 1",
            (session, account_id, to_time(at)),
        )
        if row:
            return str(row[0])
    return None


def of_run(database: Database, run_id: str) -> StoredDecision | None:
    """The decision that created a run, None for a manual run."""
    row = database.row(
        f"{_COLUMNS} WHERE r.id = ? AND (d.session, d.account, d.run) = "
        "(SELECT session, account, key FROM runs WHERE id = ?)",
        (run_id, run_id),
    )
    return _stored(row) if row else None


def deciding_of_runs(database: Database, run_ids: Iterable[str]) -> dict[str, str]:
    """The check that the reason of the decision behind each run names, by run id; manual runs are left out."""
    return dict(
        database.rows(
            "SELECT runs.id, k.deciding FROM runs JOIN decisions d ON d.session = runs.session "
            "AND d.account = runs.account AND d.run = runs.key JOIN decision_kinds k ON k.key = d.kind "
            f"WHERE runs.id IN {LISTED}",
            (listed(run_ids),),
        )
    )


def everything(database: Database) -> Iterator[StoredDecision]:
    """Every decision, by session and account."""
    for row in database.connection.execute(f"{_COLUMNS} ORDER BY d.session, d.account, d.portfolio, d.kind, d.run"):
        yield _stored(row)


def _stored(row: Sequence[Any]) -> StoredDecision:
    found = _Record._make(row)
    return StoredDecision(
        account_id=found.account_id,
        portfolio_id=found.portfolio_id,
        subscription_id=found.subscription_id,
        session=found.session,
        at=from_time(found.at),
        kind=Kind(found.signature, Outcome(found.outcome), found.deciding),
        times=found.times,
        run_id=found.run_id,
        context=found.context,
        inputs=Inputs(
            status=found.status,
            restrictions=found.restrictions,
            cash=found.cash,
            reserved=found.reserved,
            cash_floor=found.cash_floor,
            last_rebalanced_at=from_time_or_none(found.last_rebalanced_at),
            external_orders=found.outside_orders,
            open_run=found.open_run,
            open_run_awaits=bool(found.open_run_awaits),
            quota_run=found.quota_run,
            positions=found.positions,
            subscribed_at=from_time(found.subscribed_at),
            update_spent_at=from_time_or_none(found.update_spent_at),
            propose_on=from_day(found.propose_on),
            undone=found.undone,
            rules=found.rules,
        ),
        status=_status(found),
        reviewed=found.approval not in (None, Approval.NOT_NEEDED),
    )


def _status(found: _Record) -> StoredStatus | None:
    if found.trade_status is None:
        return None
    kind, _, waits_for = found.trade_status.partition(":")
    at = from_time_or_none(found.first_trade_at)
    return StoredStatus(StatusKind(kind), WaitsFor(waits_for) if waits_for else None, at)


def outcomes(database: Database) -> dict[str, int]:
    """The number of decisions of each outcome."""
    rows = database.rows(
        "SELECT outcome, sum(times) FROM decisions JOIN decision_kinds ON decision_kinds.key = kind "
        "GROUP BY outcome ORDER BY outcome"
    )
    return dict(rows)


class BlockedCount(NamedTuple):
    """How often a check blocked evaluations, and the first session in which it did."""

    check: str
    times: int
    first_session: str


def blocked_counts(database: Database) -> tuple[BlockedCount, ...]:
    """Blocked evaluations by the check that failed, the most frequent first."""
    rows = database.rows(
        "SELECT deciding, sum(times), min(session) FROM decisions JOIN decision_kinds ON decision_kinds.key = kind "
        "WHERE outcome = ? GROUP BY deciding ORDER BY sum(times) DESC, deciding",
        (Outcome.BLOCKED.value,),
    )
    return tuple(BlockedCount._make(row) for row in rows)
