"""Inputs of run plans: a plan is not stored but recomputed from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rebal_tui.domain.quantities import Money
from rebal_tui.store.database import LISTED, Database, Transaction, listed


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """The inputs of a plan: money in billionths, positions packed by `codec.to_positions`.

    `context` is the database key of the decision context, the row of prices and assets that all decisions of one time
    share; `cash_target` is that of a run of the type invest_cash, None for other types. `rules` is written by
    `rules_text.to_text`.
    """

    context: int
    cash: Money
    reserved: Money
    cash_target: Money | None
    positions: bytes
    rules: str | None = None


def store(tx: Transaction, plans: Iterable[tuple[str, PlanInputs]]) -> None:
    """Store the plan inputs of runs, by run id."""
    tx.executemany(
        "UPDATE runs SET plan_context = ?, plan_cash = ?, plan_reserved = ?, plan_keep = ?, plan_positions = ?, "
        "plan_rules = ? WHERE id = ?",
        ((p.context, p.cash, p.reserved, p.cash_target, p.positions, p.rules, run_id) for run_id, p in plans),
    )


def context_keys(database: Database, run_ids: Sequence[str]) -> dict[str, int]:
    """The key of the decision context with which each run was planned, by run id; runs without a plan are left out."""
    sql = f"SELECT id, plan_context FROM runs WHERE plan_context IS NOT NULL AND id IN {LISTED}"
    return dict(database.rows(sql, (listed(run_ids),)))


def inputs(database: Database, run_id: str) -> PlanInputs | None:
    """The inputs of a run's plan, None before it was planned."""
    row = database.row(
        "SELECT plan_context, plan_cash, plan_reserved, plan_keep, plan_positions, plan_rules FROM runs WHERE id = ?",
        (run_id,),
    )
    return PlanInputs(*row) if row and row[0] is not None else None
