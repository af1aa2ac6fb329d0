"""The result of a replay as text and as JSON (R-59)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rebal_tui.cli.tables import dollars, plain_table
from rebal_tui.domain.quantities import NANO, Money, Value, format_scaled, money_text, price_text
from rebal_tui.domain.text import count_text
from rebal_tui.services.simulation.closes_review import JumpDay
from rebal_tui.services.simulation.replay_result import Replay

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book


def replay_json(book: Book, result: Replay, jumps: Sequence[JumpDay], notes: Sequence[str]) -> dict[str, Any]:
    """A replay as JSON. Money and ratios are strings; `turnover` is the dollars sold (one-way, R-59).

    `jumps` and `notes` are as in `replay_text`.
    """
    from rebal_tui.services.wire.shapes import asset_ids, run_json, value_text

    ids = asset_ids(book.assets)
    worst = result.worst
    by_status: dict[str, int] = {}
    for (_, status), count in result.by_type_and_status.items():
        by_status[status] = by_status.get(status, 0) + count
    turnover = result.turnover
    return {
        "from": result.first.isoformat(),
        "to": result.last.isoformat(),
        "sessions": result.sessions,
        "basis": result.basis,
        "first_equity": value_text(result.first_equity),
        "final_equity": value_text(result.final_equity),
        "runs_by_type": result.by_type,
        "runs_by_status": by_status,
        "first_purchase": money_text(turnover.first_purchase),
        "turnover": money_text(turnover.sold),
        "turnover_per_year": _ratio(result, turnover.sold),
        "turnover_two_sided": money_text(turnover.two_sided),
        "turnover_two_sided_per_year": _ratio(result, turnover.two_sided),
        "worst_drift": _points(result),
        "worst_drift_at": None
        if worst is None
        else {"date": worst.day.isoformat(), "symbol": worst.drift.symbol, "account_id": worst.account_id},
        "days_outside": result.days_outside,
        "decisions": dict(result.decisions),
        "blocked": [
            {"check": count.check, "times": count.times, "first": count.first_session} for count in result.blocked
        ],
        "corporate_actions": [
            {
                "date": done.day.isoformat(),
                "symbol": done.report.action.symbol,
                "kind": done.report.action.kind.value,
                "text": done.report.action.text,
                "accounts": done.report.accounts,
                "unexplained": done.report.unexplained,
            }
            for done in result.actions
        ],
        "price_jumps": [
            {
                "date": jump.day.isoformat(),
                "symbol": jump.symbol,
                "close": price_text(jump.price),
                "last_close": price_text(jump.last_close),
                "ratio": jump.ratio_text,
                "looks_like": jump.jump.split_text or None,
            }
            for jump in jumps
        ],
        "notes": list(notes),
        "runs": [run_json(detail, ids) for detail in result.runs],
    }


def replay_text(result: Replay, jumps: Sequence[JumpDay], notes: Sequence[str]) -> str:
    """A replay as text: a summary of aligned rows, a table of runs, and notes about the prices.

    `jumps` are the days with price jumps in the closes (R-55); `notes` are further sentences about the closes.
    """
    worst = result.worst
    turnover = result.turnover
    drift = "none" if worst is None else f"{_points(result)} points, {worst.drift.symbol} on {worst.day}"
    rows = [
        ("Sessions", f"{result.sessions:,}, {result.first} to {result.last}"),
        ("Basis", result.basis),
        ("First equity", dollars(result.first_equity)),
        ("Final equity", dollars(result.final_equity)),
        ("First purchase", _dollars(turnover.first_purchase)),
        ("Turnover", f"{_yearly(result, turnover.sold)} one-way ({_dollars(turnover.sold)} sold)"),
        ("", f"{_yearly(result, turnover.two_sided)} two-sided ({_dollars(turnover.two_sided)}), no first purchase"),
        ("Worst drift", drift),
        ("Days outside", f"{count_text(result.days_outside, 'session')} with an account outside a drift band"),
        ("Evaluations", ", ".join(f"{times:,} {outcome}" for outcome, times in result.decisions.items()) or "none"),
        *(
            ("Blocked", f"{count_text(count.times, 'evaluation')} by {count.check}, first on {count.first_session}")
            for count in result.blocked
        ),
    ]
    by_type = [(kind, status, f"{count:,}") for (kind, status), count in result.by_type_and_status.items()]
    runs = plain_table(("RUNS", "STATUS", "COUNT"), by_type) if by_type else "No runs.\n"
    actions = "".join(f"- {done.day}  {done.report.text}\n" for done in result.actions)
    listed = f"\nCorporate actions\n{actions}" if actions else ""
    said = [*(f"price jump of {jump.symbol} on {jump.day}: {jump}" for jump in jumps), *notes]
    listed += "\nNotes\n" + "".join(f"- {note}\n" for note in said) if said else ""
    return plain_table(None, rows) + "\n" + runs + listed


def _dollars(amount: Money) -> str:
    return dollars(Value(amount * NANO))


def _ratio(result: Replay, amount: Money) -> str | None:
    """An amount as a multiple of average equity a year, rounded to four decimals."""
    yearly = result.per_year(amount)
    return None if yearly is None else format_scaled(round(yearly * 10_000), 4, 2)


def _yearly(result: Replay, amount: Money) -> str:
    """An amount in percent of average equity a year, rounded to two decimals: `11.25\u00a0% a year`."""
    yearly = result.per_year(amount)
    return "no equity" if yearly is None else f"{format_scaled(round(yearly * 10_000), 2, 2)}\u00a0% a year"


def _points(result: Replay) -> str | None:
    if result.worst is None:
        return None
    points = result.worst.points
    return format_scaled(points.numerator * 10_000 // points.denominator, 4, 2)
