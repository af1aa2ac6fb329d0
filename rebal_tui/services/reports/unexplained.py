"""Changes of holdings and cash between two evaluations that no record of the book explains."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import NANO, Money, Qty
from rebal_tui.services.book.book import Book
from rebal_tui.services.reports.audit_index import AuditIndex
from rebal_tui.services.reports.model import Entry
from rebal_tui.services.reports.texts import minute_text, money, shares
from rebal_tui.store import accounts, assets, corporate_actions, past_rows
from rebal_tui.store.codec import from_positions
from rebal_tui.store.database import Database
from rebal_tui.store.decisions import StoredDecision

_ALL = 2**62
_CASH = ""
"""Stands for cash among symbols."""
_TOLERANCE = NANO
"""Dollars of cash in billionths: brokers round cash by fill, which is no change to report."""
_LATEST = timedelta(hours=1)
"""How long before the first evaluation a known change can be that it does not show yet."""
_TELLING = ("corporate_action", "reconciliation.released", "files.holding_set")
"""Actions whose own entries report how they changed holdings."""

Balances = Mapping[str, int]
"""Billionths of shares by symbol, and of dollars under `_CASH`."""


class Standing(NamedTuple):
    """What an account held at a time, usually that of an evaluation; or a change of its holdings at a time."""

    at: datetime
    held: Balances


def unexplained_entries(
    book: Book, account_id: str, decided: Sequence[tuple[Database, StoredDecision]], trail: AuditIndex
) -> Iterator[Entry]:
    """An entry for each change of holdings or cash between evaluations that no record of the book explains.

    Such records are executions, cash movements and corporate actions. `decided` are the account's decisions, each with
    the database that has it.
    """
    standings, known = _standings(decided), _explained(book, account_id)
    for start, end, change in changes(standings, known, _told_elsewhere(book, account_id, trail)):
        named = [f"{shares(Qty(amount))} {symbol}" for symbol, amount in sorted(change.items()) if symbol != _CASH]
        named += [f"{money(Money(change[_CASH]))} of cash"] if _CASH in change else []
        sentence = (
            f"Holdings changed between {minute_text(start)} and {minute_text(end)} without an order of rebal-tui and "
            f"without another record of why: {', '.join(named)}."
        )
        yield Entry(end, "broker", sentence)


def changes(
    standings: Sequence[Standing], known: Sequence[Standing], told_elsewhere: Sequence[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime, Balances]]:
    """The changes of `standings` that `known` does not explain, as (last time before, first time after, change).

    `standings` are what an account held at each evaluation; `known` are known changes, such as executions. A broker can
    report an execution later than its time, so a change counts only when the next evaluation still has it. Changes that
    fall into a time span of `told_elsewhere` are left out, because another entry of the report has them.
    """
    ordered = sorted(known, key=_time)
    part: list[Standing] = []
    for standing in standings:
        if part and any(part[-1].at <= until and since <= standing.at for since, until in told_elsewhere):
            yield from _changes_of_part(part, ordered)
            part = []
        part.append(standing)
    yield from _changes_of_part(part, ordered)


def _changes_of_part(
    standings: Sequence[Standing], ordered: Sequence[Standing]
) -> Iterator[tuple[datetime, datetime, Balances]]:
    """The unexplained changes between successive evaluations; `ordered` are the known changes, oldest first."""
    levels: list[Balances] = [{}]
    for before, after in pairwise(standings):
        first, last = (bisect_right(ordered, one.at, key=_time) for one in (before, after))
        moved = _sum([after.held], [before.held, *(one.held for one in ordered[first:last])])
        late = len(levels) == 1 and _reported_late(before.at, ordered[:first], moved)
        levels.append({} if late else _sum([levels[-1], moved], []))
    told: Balances = {}
    told_at = standings[0].at if standings else None
    for position, (standing, level) in enumerate(zip(standings, levels, strict=False)):
        change = _noticeable(_sum([level], [told]))
        if not change:
            told, told_at = level, standing.at
        elif position + 1 < len(levels) and not _noticeable(_sum([levels[position + 1]], [level])) and told_at:
            yield told_at, standing.at, change
            told, told_at = level, standing.at


def _reported_late(at: datetime, earlier: Sequence[Standing], moved: Balances) -> bool:
    """Whether the change `moved`, found after the first evaluation at `at`, is the effect of known changes until then.

    If so, the broker reported these changes late.
    """
    late: Balances = {}
    for one in reversed(earlier):
        if one.at < at - _LATEST:
            return False
        late = _sum([late, one.held], [])
        if not _noticeable(_sum([moved], [late])):
            return True
    return False


def _standings(decided: Sequence[tuple[Database, StoredDecision]]) -> list[Standing]:
    """What the account held at each evaluation, oldest first, under the present symbols of its assets."""
    databases = {id(database): database for database, _ in decided}
    labels = {number: assets.labels_by_key(database) for number, database in databases.items()}
    found = []
    for database, stored in decided:
        held = {labels[id(database)][key]: int(qty) for key, qty in from_positions(stored.inputs.positions)}
        found.append(Standing(stored.at, held | {_CASH: int(stored.inputs.cash)}))
    return sorted(found, key=_time)


def _time(standing: Standing) -> datetime:
    return standing.at


def _told_elsewhere(book: Book, account_id: str, trail: AuditIndex) -> list[tuple[datetime, datetime]]:
    """The time spans of changes that have report entries of their own.

    A corporate action is recorded after its effect, so its span begins at the effect.
    """
    effects = {one.report.id: one.at for one in corporate_actions.newest(book.database, _ALL)}
    found = []
    for entry in trail.about([account_id]):
        if entry.action in _TELLING:
            effect = effects.get(str(json.loads(entry.detail).get("id")), entry.at)
            found.append((min(effect, entry.at), entry.at))
    return found


def _explained(book: Book, account_id: str) -> list[Standing]:
    """Every execution and cash movement of an account, as a change at its time."""
    found = []
    for fill in past_rows.fills_of_account(book.database, account_id, _ALL):
        sign = -1 if fill.side is Side.SELL else 1
        found.append(Standing(fill.at, {fill.symbol: sign * fill.qty, _CASH: -sign * fill.amount}))
    for entry in accounts.cash_entries(book.database, account_id, _ALL):
        found.append(Standing(entry.at, {_CASH: int(entry.amount)}))
    return found


def _sum(added: Sequence[Balances], taken: Sequence[Balances]) -> dict[str, int]:
    """The balances `added` less those `taken`, by name, without those that are 0."""
    total: dict[str, int] = {}
    for sign, some in ((1, added), (-1, taken)):
        for one in some:
            for name, amount in one.items():
                total[name] = total.get(name, 0) + sign * amount
    return {name: amount for name, amount in total.items() if amount}


def _noticeable(change: Balances) -> dict[str, int]:
    return {name: amount for name, amount in change.items() if name != _CASH or abs(amount) >= _TOLERANCE}
