"""What the plans of runs are made from: a plan itself is not stored, it is made again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rebal_tui.domain.quantities import Money
from rebal_tui.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """What a plan was made from, and is made from again: money in billionths, holdings as `codec.to_positions`.

    `context` is the number of the moment; `keep` is the cash that invest_cash left, None for other types.
    """

    context: int
    cash: Money
    reserved: Money
    keep: Money | None
    positions: bytes


def keep(tx: Transaction, plans: Iterable[tuple[str, PlanInputs]]) -> None:
    """Keep what the plans of runs are made from, by run id."""
    tx.executemany(
        "UPDATE runs SET plan_context = ?, plan_cash = ?, plan_reserved = ?, plan_keep = ?, plan_positions = ? "
        "WHERE id = ?",
        ((p.context, p.cash, p.reserved, p.keep, p.positions, run_id) for run_id, p in plans),
    )


def inputs(database: Database, run_id: str) -> PlanInputs | None:
    """What the plan that a run works from is made from, None before it was planned."""
    row = database.row(
        "SELECT plan_context, plan_cash, plan_reserved, plan_keep, plan_positions FROM runs WHERE id = ?", (run_id,)
    )
    return PlanInputs(*row) if row and row[0] is not None else None
