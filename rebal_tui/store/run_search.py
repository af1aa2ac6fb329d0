"""Search for runs in the whole book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rebal_tui.domain.runs import EVERY_RUN, Approval, Run, RunGroup, RunStatus, RunType
from rebal_tui.store import codec, runs
from rebal_tui.store.database import LISTED, Database, SqlValue, listed

ID_SHOWN = 8
"""Characters of a run's id that lists show."""
_OPERATORS = frozenset({"=", "<", "<=", ">", ">="})
_AWAITING = f"(runs.status = '{RunStatus.QUEUED.value}' AND runs.approval = '{Approval.AWAITING.value}')"
_OF_WITHDRAWALS = "SELECT w.run FROM withdrawals w JOIN portfolios p ON p.key = w.portfolio WHERE w.run IS NOT NULL"
"""The last run of each withdrawal whose account followed a portfolio `p`."""


@dataclass(frozen=True, slots=True)
class Match:
    """A condition that a run meets when at least one field of the condition applies to it.

    An empty field applies to no run. `left` are portfolios that the account left for the withdrawal for which the run
    sells; `origins` are values of `initiated_from`. `part` is a part of the run's session, of the first `ID_SHOWN`
    characters of the run's id, or, if `part` has at least `ID_SHOWN` characters, of the whole id. `month` is a month as
    it stands in a session's date, such as `-11-`.
    """

    accounts: Sequence[str] = ()
    portfolios: Sequence[str] = ()
    left: Sequence[str] = ()
    without_portfolio: bool = False
    statuses: Sequence[str] = ()
    types: Sequence[str] = ()
    origins: Sequence[str] = ()
    part: str = ""
    month: str = ""


@dataclass(frozen=True, slots=True)
class DateBound:
    """A bound on a run's session: `operator` (=, <, <=, > or >=) and `date`, a day, a month (`2026-03`) or a year."""

    operator: str
    date: str


def find(
    database: Database, matches: Sequence[Match], dates: Sequence[DateBound], limit: int, group: RunGroup = EVERY_RUN
) -> list[Run]:
    """The newest runs, at most `limit`, that belong to `group` and meet every match and every date bound."""
    where, values = _where(database, matches, dates, group)
    rows = database.rows(
        f"SELECT {codec.RUN_COLUMNS} FROM {codec.RUN_TABLES} WHERE {where} ORDER BY runs.key DESC LIMIT ?",
        [*values, limit],
    )
    return runs.read(database, rows)


def counts(
    database: Database, matches: Sequence[Match], dates: Sequence[DateBound], kind: RunType | None = None
) -> Counter[tuple[str, bool]]:
    """The number of runs that meet every match and every date bound, by (status, whether they await approval)."""
    where, values = _where(database, matches, dates, RunGroup(type=kind))
    tables = "runs JOIN accounts ON accounts.key = runs.account LEFT JOIN portfolios ON portfolios.key = runs.portfolio"
    rows = database.rows(f"SELECT runs.status, {_AWAITING}, count(*) FROM {tables} WHERE {where} GROUP BY 1, 2", values)
    return Counter({(status, bool(awaiting)): count for status, awaiting, count in rows})


def _where(
    database: Database, matches: Sequence[Match], dates: Sequence[DateBound], group: RunGroup
) -> tuple[str, list[SqlValue]]:
    conditions: list[str] = [database.listed]
    values: list[SqlValue] = []
    for match in matches:
        condition, more = _condition(match)
        conditions.append(condition)
        values += more
    for bound in dates:
        if bound.operator not in _OPERATORS:
            raise ValueError(f"unknown operator {bound.operator}")
        conditions.append(f"substr(runs.session, 1, ?) {bound.operator} ?")
        values += [len(bound.date), bound.date]
    if group.statuses:
        # As literals: only then an index of open runs is used.
        quoted = ", ".join(f"'{status.value}'" for status in sorted(group.statuses))
        conditions.append(f"runs.status IN ({quoted})")
    if group.awaiting:
        conditions.append(_AWAITING)
    if group.type is not None:
        conditions.append("runs.type = ?")
        values.append(group.type.value)
    return " AND ".join(conditions), values


def _condition(match: Match) -> tuple[str, list[SqlValue]]:
    one_of: list[str] = ["0"]
    values: list[SqlValue] = []
    for column, wanted in (
        ("accounts.id", match.accounts), ("portfolios.id", match.portfolios), ("runs.status", match.statuses),
        ("runs.type", match.types), ("runs.initiated_from", match.origins),
    ):  # fmt: skip
        if wanted:
            one_of.append(f"{column} IN {LISTED}")
            values.append(listed(wanted))
    if match.without_portfolio:
        one_of.append(f"runs.portfolio IS NULL AND runs.id NOT IN ({_OF_WITHDRAWALS})")
    if match.left:
        one_of.append(f"runs.id IN ({_OF_WITHDRAWALS} AND p.id IN {LISTED})")
        values.append(listed(match.left))
    if match.part:
        shown = "runs.id" if len(match.part) >= ID_SHOWN else f"substr(runs.id, 1, {ID_SHOWN})"
        one_of.append(f"lower(runs.id) = ? OR instr(lower({shown}), ?) OR instr(runs.session, ?)")
        values += [match.part, match.part, match.part]
    if match.month:
        one_of.append("instr(runs.session, ?)")
        values.append(match.month)
    return f"({' OR '.join(one_of)})", values
