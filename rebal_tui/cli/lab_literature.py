"""The output of `rebal-tui lab --literature`: published numbers next to those of the lab."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from rebal_tui.cli.tables import plain_table
from rebal_tui.lab.literature import NOT_LISTED, NOT_REACHED, Comparison

_HEADER = ("", "PUBLISHED", "LAB", "TOLERANCE", "NOTE")


def literature_text(rows: Sequence[Comparison], *, complete: bool) -> str:
    """A table of the published numbers with the lab's numbers, by source, then a list of those that are not reproduced.

    Without `complete`, a note explains that the comparisons that need further data sets are missing.
    """
    reached = sum(row.reached for row in rows)
    blocks = [f"{reached} of {len(rows)} published numbers within their tolerance; ■ marks the others.\n"]
    for source, group in groupby(rows, key=lambda row: row.source):
        cells = [
            (
                f"{'  ' if row.reached else '■ '}{row.what}",
                f"{row.published:,.{row.decimals}f}",
                f"{row.ours:,.{row.decimals}f}",
                f"±{row.tolerance:.4g}",
                row.note,
            )
            for row in group
        ]
        blocks.append(f"{source}\n{plain_table(_HEADER, cells)}")
    if not complete:
        blocks.append("Data sets of online portfolio selection, 12 numbers: computed with --data-sets only.\n")
    blocks.append("Reproduced, not listed:\n" + "".join(f"  {sentence}\n" for sentence in NOT_LISTED))
    blocks.append("Not reproduced:\n" + "".join(f"  {sentence}\n" for sentence in NOT_REACHED))
    return "\n".join(blocks)


def literature_json(rows: Sequence[Comparison]) -> dict[str, Any]:
    """The comparisons as JSON, with decimals as strings."""
    return {
        "reached": sum(row.reached for row in rows),
        "numbers": [
            {
                "source": row.source,
                "what": row.what,
                "published": f"{row.published:.{row.decimals}f}",
                "ours": f"{row.ours:.{max(row.decimals, 4)}f}",
                "tolerance": f"{row.tolerance:g}",
                "reached": row.reached,
                "note": row.note,
            }
            for row in rows
        ],
        "not_listed": list(NOT_LISTED),
        "not_reproduced": list(NOT_REACHED),
    }
