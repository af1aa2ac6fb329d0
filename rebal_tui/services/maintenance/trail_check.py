"""Check that the state of a book follows from its audit trail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.domain.errors import Fault
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import Money, money_text
from rebal_tui.domain.runs import Approval, RunStatus
from rebal_tui.domain.text import count_text
from rebal_tui.services.book.kill_switch import HALT
from rebal_tui.services.maintenance.trail_replay import TrailState, replay
from rebal_tui.store import book_settings
from rebal_tui.store.database import Database


def trail_faults(database: Database) -> Iterator[Fault]:
    """Rows that do not follow from the audit trail, and entries of the trail whose rows are missing.

    What an entry does not record, such as the subscriptions of an import, is compared by count.
    """
    state = replay(database)
    for check in (
        _subscriptions, _runs, _portfolios, _withdrawals, _journals, _cash, _fills, _raised, _run_events, _kill_switch,
    ):  # fmt: skip
        yield from check(database, state)


def _subscriptions(database: Database, state: TrailState) -> Iterator[Fault]:
    found, unlogged = set(), 0
    for identity, account, portfolio, ended_at in database.rows(
        "SELECT s.id, a.id, p.id, s.ended_at FROM subscriptions s JOIN accounts a ON a.key = s.account "
        "JOIN portfolios p ON p.key = s.portfolio"
    ):
        location = f"subscription {identity}"
        found.add(identity)
        recorded = state.subscriptions.get(identity)
        if recorded is None:
            unlogged += 1
        elif recorded != (account, portfolio):
            yield Fault(location, "its account or portfolio differs from the audit trail")
        if (ended_at is not None) != (identity in state.ended):
            yield Fault(location, f"{'has' if ended_at else 'has not'} ended, unlike in the audit trail")
    yield from _missing("subscription", {*state.subscriptions, *state.ended} - found)
    if state.unlogged is not None and unlogged != state.unlogged:
        yield Fault("subscriptions", f"{unlogged} have no audit entry of their own, {state.unlogged} were imported")
    for (identity,) in database.rows(
        "SELECT DISTINCT s.id FROM decisions d JOIN subscriptions s ON s.key = d.subscription "
        "WHERE d.account <> s.account OR d.portfolio <> s.portfolio"
    ):
        yield Fault(f"subscription {identity}", "its account or portfolio differs from its decisions")


def _runs(database: Database, state: TrailState) -> Iterator[Fault]:
    queued, started = _keys(state.queued), _keys(state.started)
    awaited = (Approval.APPROVED.value, Approval.REJECTED.value)
    for key, identity, status, approval in database.rows("SELECT key, id, status, approval FROM runs"):
        location = f"run {identity}"
        if identity in state.lost:
            continue
        if key not in queued:
            yield Fault(location, "was not queued in the audit trail")
        queued.discard(key)
        default = RunStatus.IN_PROGRESS if key in started else RunStatus.QUEUED
        expected = state.run_ends.pop(identity, default.value)
        if status != expected:
            yield Fault(location, f"its status is {status}, {expected} in the audit trail")
        if approval == Approval.APPROVED and identity not in state.approved:
            yield Fault(location, "is approved, unlike in the audit trail")
        if identity in state.approved and approval not in awaited:
            yield Fault(location, f"its approval is {approval}, approved in the audit trail")
    for identity, key in database.rows("SELECT id, key FROM archived_runs"):
        queued.discard(key)
        state.run_ends.pop(identity, None)
    yield from _missing("run", state.run_ends)
    if queued:
        yield Fault("runs", f"{len(queued)} that were queued in the audit trail do not exist")


def _keys(ranges: Iterable[tuple[int, int]]) -> set[int]:
    return {key for first, last in ranges for key in range(first, last + 1)}


def _portfolios(database: Database, state: TrailState) -> Iterator[Fault]:
    expected = dict(state.portfolios)
    for identity, status in database.rows("SELECT id, status FROM portfolios"):
        recorded = expected.pop(identity, PortfolioStatus.ACTIVE.value if state.statuses_known else status)
        if status != recorded:
            yield Fault(f"portfolio {identity}", f"is {status}, {recorded} in the audit trail")
    yield from _missing("portfolio", expected)


def _withdrawals(database: Database, state: TrailState) -> Iterator[Fault]:
    expected = dict(state.withdrawals)
    final = (WithdrawalStage.COMPLETED.value, WithdrawalStage.CANCELED.value)
    for identity, account, amount, stage in database.rows(
        "SELECT w.id, a.id, w.amount, w.stage FROM withdrawals w JOIN accounts a ON a.key = w.account"
    ):
        location, recorded = f"withdrawal {identity}", expected.pop(identity, None)
        if recorded is None:
            yield Fault(location, "was not requested in the audit trail")
            continue
        if account != recorded.account_id or recorded.amount not in (None, amount):
            yield Fault(location, "its account or amount differs from the audit trail")
        if stage in final if recorded.stage is None else stage != recorded.stage:
            yield Fault(location, f"its stage is {stage}, {recorded.stage or 'stopped'} in the audit trail")
    yield from _missing("withdrawal", expected)


def _journals(database: Database, state: TrailState) -> Iterator[Fault]:
    expected = dict(state.journals)
    for identity, status, amount in database.rows("SELECT id, status, amount FROM journals"):
        recorded = expected.pop(identity, None)
        if recorded != (status, amount):
            text = f"{recorded[0]} with ${money_text(Money(recorded[1]))}" if recorded else "missing"
            yield Fault(
                f"journal {identity}", f"is {status} with ${money_text(Money(amount))}, {text} in the audit trail"
            )
    yield from _missing("journal", expected)


def _cash(database: Database, state: TrailState) -> Iterator[Fault]:
    expected = dict(state.cash)
    for seq, account, kind, amount in database.rows(
        "SELECT c.seq, a.id, c.kind, c.amount FROM cash_entries c JOIN accounts a ON a.key = c.account"
    ):
        if expected.pop(seq, None) != (account, kind, amount):
            yield Fault(f"cash entry {seq}", "differs from the audit trail, or is not in it")
    yield from _missing("cash entry", expected)


def _fills(database: Database, state: TrailState) -> Iterator[Fault]:
    """Check executions against the audit trail, without the asset's label, which may have changed since."""
    for execution, name, side, qty, price, amount in database.connection.execute(
        "SELECT execution_id, client_order_id, side, qty, price, amount FROM fills"
    ):
        recorded = state.fills.get(execution)
        if recorded is not None and (recorded[0], *recorded[2:]) != (name, side, qty, price, amount):
            yield Fault(f"fill {execution}", "differs from the audit trail")
    for (execution,) in database.rows(
        "SELECT f.execution_id FROM fills f JOIN runs r ON r.key = f.run WHERE f.account <> r.account"
    ):
        yield Fault(f"fill {execution}", "is of another account than its run")


def _raised(database: Database, state: TrailState) -> Iterator[Fault]:
    """Check that the cash that runs have reserved is still reserved.

    A journal, a person or a later step of a withdrawal may have released it.
    """
    touched = state.touched | {account for (account,) in database.rows("SELECT DISTINCT from_account FROM journals")}
    open_stages = (WithdrawalStage.UNSUBSCRIBED, WithdrawalStage.SELLING, WithdrawalStage.SETTLING)
    touched |= {
        identity for identity, one in state.withdrawals.items() if one.stage not in open_stages or not one.amount
    }
    reserved: dict[tuple[str, str], int] = {
        (account, owner): amount
        for account, owner, amount in database.rows(
            "SELECT a.id, r.owner, sum(r.amount) FROM reservations r JOIN accounts a ON a.key = r.account "
            "WHERE r.owner_kind IN ('run', 'withdrawal') GROUP BY a.id, r.owner"
        )
    }
    for (account, owner), amount in state.raised.items():
        left = reserved.get((account, owner), 0)
        if left != amount and not touched & {account, owner}:
            text = f"reserves ${money_text(Money(left))}, ${money_text(Money(amount))} in the audit trail"
            yield Fault(f"{'withdrawal' if owner in state.withdrawals else 'run'} {owner}", text)


def _run_events(database: Database, state: TrailState) -> Iterator[Fault]:  # noqa: ARG001 - as every check here
    """The events of a run are numbered from 1 without a gap, and a run with a buy has at least one."""
    for run, missing in database.rows(
        "SELECT runs.id, max(e.seq) - count(*) AS missing FROM run_events e JOIN runs ON runs.key = e.run "
        "GROUP BY e.run HAVING missing <> 0 UNION ALL "
        "SELECT DISTINCT runs.id, 1 FROM orders o JOIN runs ON runs.key = o.run WHERE o.side = 'buy' "
        "AND NOT EXISTS (SELECT 1 FROM run_events e WHERE e.run = o.run)"
    ):
        yield Fault(f"run {run}", f"{count_text(missing, 'timeline event')} missing")


def _kill_switch(database: Database, state: TrailState) -> Iterator[Fault]:
    on = book_settings.get(database, HALT) == "1"
    if on != state.halted:
        yield Fault("kill switch", f"is {'on' if on else 'off'}, unlike in the audit trail")


def _missing(what: str, identities: Iterable[object]) -> Iterator[Fault]:
    for identity in sorted(map(str, identities)):
        yield Fault(f"{what} {identity}", "is in the audit trail but does not exist")
