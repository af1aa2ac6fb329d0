"""History of asset labels: which asset an earlier label belonged to (R-50)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from rebal_tui.domain.portfolios import Weights
from rebal_tui.store.assets import Rename
from rebal_tui.store.codec import to_time
from rebal_tui.store.database import Database, Transaction

Labels = Mapping[str, str]
"""Labels of an earlier time with the labels of the same assets today; those that did not change are missing."""


def record(tx: Transaction, renames: Iterable[Rename], at: datetime) -> None:
    """Record new labels with the key that the next run will have.

    Runs with lower keys were created under the earlier labels.
    """
    tx.executemany(
        "INSERT INTO asset_renames (at, asset, before, after, next_run) "
        "SELECT ?, ?, ?, ?, coalesce(max(key), 0) + 1 FROM runs",
        ((to_time(at), rename.key, rename.before, rename.after) for rename in renames),
    )


def relabel_skipped_orders(tx: Transaction, renames: Sequence[Rename]) -> None:
    """Replace earlier labels in skipped orders, which store the label of their asset as text."""
    names = {rename.before: rename.after for rename in renames}
    rows = tx.database.rows(
        f"SELECT run, line, symbol FROM skipped_orders WHERE symbol IN ({', '.join('?' * len(names))})", tuple(names)
    )
    tx.executemany(
        "UPDATE skipped_orders SET symbol = ? WHERE run = ? AND line = ?",
        ((names[symbol], run, line) for run, line, symbol in rows),
    )


def first_labels(database: Database) -> Labels:
    """The first label of each asset whose label has ever changed in this book, by its present label."""
    rows = database.rows(
        "SELECT min(seq), assets.symbol, before FROM asset_renames JOIN assets ON assets.key = asset GROUP BY asset"
    )
    return {today: before for _, today, before in rows}


def count(database: Database) -> int:
    """How many times labels have changed in this book."""
    row = database.row("SELECT count(*) FROM asset_renames")
    return int(row[0]) if row else 0


def any_renames(database: Database) -> bool:
    """Whether a label has ever changed in this book."""
    return database.row("SELECT 1 FROM asset_renames LIMIT 1") is not None


def since_run(database: Database, run_id: str) -> Labels:
    """For each label that an asset had when a run was created and has lost since: the label that the asset has today.

    If several assets have had the label since, the entry is for the first of them to lose it.
    """
    rows = database.rows(
        "SELECT min(seq), before, assets.symbol FROM asset_renames JOIN assets ON assets.key = asset "
        "WHERE next_run > (SELECT key FROM runs WHERE id = ?) GROUP BY before",
        (run_id,),
    )
    return {before: today for _, before, today in rows if before != today}


def relabeled(weights: Weights, labels: Labels) -> Weights:
    """The same weights with symbols replaced as `labels` maps them; a symbol without an entry stays."""
    return replace(
        weights,
        assets=tuple(replace(weight, symbol=labels.get(weight.symbol, weight.symbol)) for weight in weights.assets),
    )
