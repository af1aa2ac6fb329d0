"""Restrictions that a single run overrides, with the note that gives the reason (R-61)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rebal_tui.domain.trading_rules import RunOverride
from rebal_tui.store.codec import to_time
from rebal_tui.store.database import LISTED, Database, Transaction, listed


def put(tx: Transaction, run_id: str, override: RunOverride, at: datetime) -> None:
    """Store what a run overrides, in place of what was stored for it before."""
    tx.execute("DELETE FROM run_overrides WHERE run = (SELECT key FROM runs WHERE id = ?)", (run_id,))
    tx.executemany(
        "INSERT INTO run_overrides SELECT runs.key, r.key, ?, ?, ? FROM runs, trade_restrictions r "
        "WHERE runs.id = ? AND r.id = ?",
        ((override.note, override.made_by, to_time(at), run_id, one) for one in override.restriction_ids),
    )


def of_runs(database: Database, run_ids: Iterable[str]) -> dict[str, RunOverride]:
    """The restrictions that each of these runs overrides, by run id; runs that override nothing are left out."""
    rows = database.rows(
        "SELECT runs.id, r.id, o.note, o.made_by FROM run_overrides o JOIN runs ON runs.key = o.run "
        f"JOIN trade_restrictions r ON r.key = o.restriction WHERE runs.id IN {LISTED} ORDER BY o.run, o.restriction",
        (listed(run_ids),),
    )
    found: dict[str, RunOverride] = {}
    for run_id, restriction_id, note, made_by in rows:
        before = found[run_id].restriction_ids if run_id in found else ()
        found[run_id] = RunOverride((*before, restriction_id), note, made_by)
    return found


def texts_of_runs(database: Database, run_ids: Iterable[str]) -> dict[str, str]:
    """The restrictions that each of these runs overrides, as text by run id: `no sell SPY (low basis): as agreed`."""
    rows = database.rows(
        "SELECT runs.id, "
        "replace(r.kind, '_', ' ') || coalesce(' ' || assets.symbol, '') || ' (' || r.reason || ')', o.note "
        "FROM run_overrides o JOIN runs ON runs.key = o.run JOIN trade_restrictions r ON r.key = o.restriction "
        f"LEFT JOIN assets ON assets.key = r.asset WHERE runs.id IN {LISTED} ORDER BY o.run, o.restriction",
        (listed(run_ids),),
    )
    named: dict[str, list[str]] = {}
    for run_id, text, _ in rows:
        named.setdefault(run_id, []).append(text)
    return {run_id: f"{'; '.join(named[run_id])}: {note}" for run_id, _, note in rows}
