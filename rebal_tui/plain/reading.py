"""Commands that only read the book."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar, overload

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.text import count_text, fold
from rebal_tui.plain import texts
from rebal_tui.plain.session import Listed, Session, chosen, counted
from rebal_tui.plain.speech import dollars, label, sentence, spoken, when
from rebal_tui.services.view_models.accounts import AccountGroup, InGroup
from rebal_tui.services.view_models.cash import WithdrawalView
from rebal_tui.services.view_models.desk import InTile
from rebal_tui.services.view_models.exceptions import ExceptionView
from rebal_tui.services.view_models.filter_terms import (
    ACCOUNT_FIELDS,
    DESK_CHOICES,
    DESK_FIELDS,
    NO_CHOICES,
    FieldKind,
    parse_filter,
)
from rebal_tui.services.view_models.log import AlertView
from rebal_tui.services.view_models.portfolios import PortfolioRow
from rebal_tui.services.view_models.runs import RunRow
from rebal_tui.services.view_models.standing import Tile
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import (
    account_pages,
    account_queries,
    cash_queries,
    desk_queries,
    exception_list,
    portfolio_queries,
    review_queries,
    run_queries,
    run_search,
)
from rebal_tui.tui.screens.accounts import columns as account_columns
from rebal_tui.tui.screens.cash import columns as cash_columns
from rebal_tui.tui.screens.desk import columns as desk_columns
from rebal_tui.tui.screens.portfolios import columns as portfolio_columns
from rebal_tui.tui.screens.runs import columns as run_columns
from rebal_tui.tui.widgets.table_order import Columnar

R = TypeVar("R")

MAX_RUNS = 200
"""Runs of which a list has numbers."""


async def status(session: Session, _text: str) -> None:
    """Write the mode and time of the book, the totals of the firm, and the counts of accounts by status."""
    session.write(texts.status_text(await session.ask(desk_queries.desk_snapshot), session.backend.trouble))


async def read_exceptions(session: Session) -> list[ExceptionView | AlertView]:
    """The exceptions, then the alerts, as one list. Later commands accept the numbers of its rows."""
    found = await session.ask(exception_list.exception_list)
    session.exceptions = [*found.items, *found.alerts] if found is not None else []
    return session.exceptions


async def exceptions(session: Session, text: str) -> None:
    """List exceptions and alerts; if `text` is a number, write the entry with this number in the last list in full."""
    if text:
        number, row = numbered(session, text)
        session.write(texts.exception_text(number, row, whole=True))
        return
    rows = await read_exceptions(session)
    alerts = sum(isinstance(row, AlertView) for row in rows)
    if not rows:
        session.say("Nothing needs a person")
        return
    head = f"{count_text(len(rows) - alerts, 'exception')} and {count_text(alerts, 'alert')}"

    def line_of(at: int) -> str:
        return next(texts.exception_text(at + 1, rows[at]))

    session.write_list(f"{head}. Type exception and a number for what to do", len(rows), line_of)


def numbered(session: Session, text: str) -> tuple[int, ExceptionView | AlertView]:
    """Parse `text` as a number in the last list of exceptions and alerts; returns it with its exception or alert.

    Raises `Invalid` when `text` is no number, or one that the list does not have.
    """
    row = chosen(session.exceptions, text, "Type exceptions first, then a number of that list")
    return int(text), row


async def accounts(session: Session, text: str) -> None:
    """List accounts by a filter of the Accounts screen, or those of one of its tabs, such as `unsubscribed`.

    `text` is the filter or the name of the tab.
    """
    snapshot = await session.ask(account_queries.accounts_snapshot)
    if snapshot is None:  # Only for a version that was seen.
        return
    rows = snapshot.rows
    group = next((group for group in AccountGroup if fold(group) == fold(text)), None)
    _require_readable(text if group is None else "", ACCOUNT_FIELDS)
    found = arranged(rows, None if group is None else InGroup(group), "" if group else text)
    session.accounts = found
    session.listed = Listed(found, account_columns.columns(), len(rows), "account", "accounts")
    head = counted(len(found), "account", len(rows))
    session.write_list(head, len(found), lambda at: texts.account_line(at + 1, found[at]))


async def desk(session: Session, text: str) -> None:
    """List subscribed accounts, the most urgent first.

    `text` is a filter of the Desk, or the name of one of its tabs, such as `needs you`.
    """
    rows = (await session.ask(desk_queries.desk_snapshot)).rows
    tile = next((tile for tile in Tile if fold(tile) == fold(text)), None)
    _require_readable(text if tile is None else "", DESK_FIELDS, DESK_CHOICES)
    found = arranged(rows, None if tile in (None, Tile.ALL) else InTile(tile or Tile.ALL), "" if tile else text)
    session.accounts = found
    session.listed = Listed(found, desk_columns.columns(), len(rows), "account", "desk")
    head = counted(len(found), "subscribed account", len(rows))
    session.write_list(head, len(found), lambda at: texts.desk_line(at + 1, found[at]))


def _require_readable(
    text: str, fields: Mapping[str, FieldKind], choices: Mapping[str, Collection[str]] = NO_CHOICES
) -> None:
    """Raise `Invalid` when a filter has a term that cannot be parsed."""
    if fault := parse_filter(text, fields, choices).fault:
        raise Invalid(fault)


class Found(Sequence[R]):
    """A sequence of the rows that a filter selects; the object of a row is built when it is accessed."""

    def __init__(self, rows: Sequence[R], positions: Sequence[int]) -> None:
        self._rows = rows
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[R]: ...
    def __getitem__(self, index: int | slice) -> R | Sequence[R]:
        if isinstance(index, slice):
            return Found(self._rows, self._positions[index])
        return self._rows[int(self._positions[index])]


def arranged(rows: Sequence[R], accept: Callable[[R], bool] | None, text: str) -> Sequence[R]:
    """The rows that `accept` and the filter `text` select, in the order of `rows`. An `accept` of None selects all."""
    if not isinstance(rows, Columnar):
        raise TypeError(f"{type(rows).__name__} cannot be filtered")
    return Found(rows, rows.arrange(accept, text, None, False))


async def account(session: Session, text: str) -> None:
    """Write figures, holdings, status and latest runs of the account that `text` names."""
    row = await session.find_account(text)
    session.write(texts.account_text(await session.ask(account_pages.account_page, row.account_id)))


async def why(session: Session, text: str) -> None:
    """Write every check of the decision that an evaluation would make now for the account that `text` names."""
    row = await session.find_account(text)
    session.write([label("Client", row.client)])
    session.write(texts.why_text(await session.ask(desk_queries.account_view, row.account_id), whole=True))


async def decisions(session: Session, text: str) -> None:
    """Write the stored decisions for the account that `text` names, newest first."""
    row = await session.find_account(text)
    page = await session.ask(account_pages.account_page, row.account_id)
    found = page.detail.decisions

    def line_of(at: int) -> str:
        reason = f". {sentence(found[at].reason)}" if found[at].reason else ""
        return label(when(found[at].at), f"{formats.words(found[at].outcome)}{reason}")

    session.write_list(f"{count_text(len(found), 'decision')} of {row.client}", len(found), line_of)


async def portfolios(session: Session, _text: str) -> None:
    """List the portfolios."""
    rows = await session.ask(run_queries.portfolio_rows)
    head = count_text(len(rows), "portfolio")
    session.listed = Listed(rows, portfolio_columns.columns(), len(rows), "portfolio", "portfolios")
    session.write_list(head, len(rows), lambda at: texts.portfolio_line(at + 1, rows[at]))


async def find_portfolio(session: Session, text: str) -> PortfolioRow:
    """The portfolio that `text` names: by its number in the list of portfolios, its name or words of it, or its id.

    Raises `Invalid` when none or several match.
    """
    rows: tuple[PortfolioRow, ...] = await session.ask(run_queries.portfolio_rows)
    if text.isdecimal() and 0 < int(text) <= len(rows):
        return rows[int(text) - 1]
    words = fold(text).split()
    exact = [row for row in rows if fold(row.name) == fold(text) or row.id == text]
    found = exact or [row for row in rows if words and all(word in fold(row.name) for word in words)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Invalid(f"{len(found)} portfolios match: {', '.join(row.name for row in found)}")
    raise Invalid("No portfolio has that name; the command portfolios lists them")


async def portfolio(session: Session, text: str) -> None:
    """Write the portfolio that `text` names."""
    row = await find_portfolio(session, text)
    view = await session.ask(portfolio_queries.portfolio_view, row.id)
    session.write([label("Portfolio", row.name), label("Status", formats.words(row.status))])
    session.write([label("Description", row.description)] if row.description else [])
    session.write(texts.weights_text(portfolio_columns.shares_of(row.weights)))
    session.write([label("Conditions", row.conditions_text), label("Cooldown", count_text(row.cooldown_days, "day"))])
    session.write([label("Runs await review", "yes" if row.review else "no")])
    session.write([label("Cannot be bought", culprit) for culprit in view.culprits])
    session.write([label("Accounts", f"{row.subscribers:,}")])


async def runs(session: Session, text: str) -> None:
    """List the newest runs; if `text` is a filter, all runs of the book that it selects."""
    if text:
        snapshot = await session.ask(run_search.find_runs, text, MAX_RUNS)
    else:
        snapshot = await session.ask(run_queries.runs_snapshot, MAX_RUNS)
    _list_runs(session, snapshot.rows, counted(snapshot.matching, "run", snapshot.total), snapshot.total)


def _list_runs(session: Session, rows: Sequence[RunRow], head: str, total: int) -> None:
    session.runs = [row.id for row in rows]
    session.listed = Listed(rows, run_columns.columns(), total, "run", "runs")
    session.write_list(head, len(rows), lambda at: texts.run_line(at + 1, rows[at]))


async def find_run(session: Session, text: str) -> RunRow:
    """The run that `text` names: its number in the last list of runs, or the beginning of its id. Raises `Invalid`."""
    wanted = text.lower()
    if text.isdecimal() and 0 < int(text) <= len(session.runs):
        wanted = session.runs[int(text) - 1]
    if not wanted:
        raise Invalid("Name a run: its number in the last list of runs, or the beginning of its id")
    for snapshot in (await session.ask(run_queries.runs_snapshot), await session.ask(run_search.find_runs, wanted)):
        found = [row for row in snapshot.rows if row.id.lower().startswith(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise Invalid(f"{len(found)} runs begin with {text}; type more of the id")
    raise Invalid("No run has that number or id; the command runs lists them")


async def run(session: Session, text: str) -> None:
    """Write the run that `text` names: orders, weights, timeline and plan."""
    row = await find_run(session, text)
    session.write(texts.run_text(await session.ask(run_queries.run_view, row.id)))


async def review(session: Session, _text: str) -> None:
    """List the runs that await review, oldest first."""
    rows = (await session.ask(review_queries.review_snapshot)).rows
    _list_runs(session, rows, f"{count_text(len(rows), 'run')} to review", len(rows))


async def withdrawals(session: Session, _text: str) -> None:
    """List the withdrawals, newest first."""
    snapshot = await session.ask(cash_queries.cash_snapshot)
    rows = snapshot.withdrawals
    session.withdrawals = [row.id for row in rows]
    movements = [row for row in cash_columns.cash_rows(snapshot) if row.withdrawal is not None]
    session.listed = Listed(movements, cash_columns.columns(), len(movements), "withdrawal", "withdrawals")

    def line_of(at: int) -> str:
        amount = "everything" if rows[at].everything else dollars(rows[at].amount)
        return f"{at + 1}. {spoken(rows[at].client)}: {amount}. {sentence(cash_columns.withdrawal_state(rows[at]))}"

    session.write_list(count_text(len(rows), "withdrawal"), len(rows), line_of)


async def preview(session: Session, text: str) -> None:
    """Write, line by line, the run that would be made now for the account that `text` names."""
    row = await session.find_account(text)
    session.write(texts.preview_text(await session.ask(desk_queries.preview, row.account_id)))
    session.say("Nothing has been sent. The command trade makes this run")


async def news(session: Session, _text: str) -> None:
    """Write the new alerts and changed runs since this command was last used."""
    await session.news.look(session.ask)
    taken = session.news.take()
    session.write_list("Nothing new" if not taken else counted(len(taken), "message"), len(taken), lambda at: taken[at])


async def announce(session: Session, text: str) -> None:
    """Turn the announcements of news before the prompt on or off; `text` is `on` or `off`."""
    if text.lower() not in ("on", "off"):
        raise Invalid("Type announce on, or announce off")
    session.announces = text.lower() == "on"
    session.say(f"News is {'announced before the prompt' if session.announces else 'read only when you ask for it'}")


async def more(session: Session, _text: str) -> None:
    """Write the next rows of the last list."""
    if session.has_more:
        session.more()
    else:
        session.say("There is no more of the last list")


async def find_withdrawal(session: Session, text: str, command: str) -> WithdrawalView:
    """The withdrawal whose number in the last list of withdrawals is `text`. Raises `Invalid`.

    `command` is the name of the command that needs the withdrawal, for the message of the error.
    """
    usage = f"Type withdrawals first, then {command} and a number of that list"
    wanted = chosen(session.withdrawals, text, usage)
    rows = (await session.ask(cash_queries.cash_snapshot)).withdrawals
    view = next((row for row in rows if row.id == wanted), None)
    if view is None:
        raise Invalid("That withdrawal is no longer listed")
    return view
