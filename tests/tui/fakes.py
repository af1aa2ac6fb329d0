"""Fake backend: answers some services with prepared view models, the others from a small real book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Concatenate, ParamSpec, TypeVar

from rebal_tui.domain.errors import Conflict, NotFound, ReadOnly
from rebal_tui.domain.runs import EVERY_RUN, RunGroup
from rebal_tui.domain.text import fold
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.names import Names
from rebal_tui.services.view_models.desk import AccountView, DeskRow, DeskSnapshot, PreviewView
from rebal_tui.services.view_models.runs import RunRow, RunsSnapshot, RunView
from rebal_tui.services.view_models.shown_rows import ShownRows
from rebal_tui.services.view_models.standing import Tile
from rebal_tui.tui.book_services import (
    account_pages,
    account_queries,
    desk_queries,
    export,
    manual_runs,
    name_queries,
    run_queries,
    run_search,
    scheduler,
    status_queries,
)
from tests.services.factories import simple_book
from tests.tui import account_views, run_views, views

P = ParamSpec("P")
T = TypeVar("T")


class DeskRows(tuple[DeskRow, ...]):
    """Rows of the Desk that know how wide their names are."""

    def zero_columns(self) -> frozenset[str]:
        return frozenset()

    def widest(self) -> dict[str, int]:
        return {name: max((len(getattr(row, name)) for row in self), default=0) for name in ("client", "portfolio")}


class FakeBackend:
    """`answers` maps services to functions or coroutine functions; `calls` records the commands received."""

    def __init__(self, count: int = 40, client: str | None = None, portfolio: str | None = None) -> None:
        rows = [views.desk_row(index, client) for index in range(count)]
        self.rows = tuple(replace(row, portfolio=portfolio or row.portfolio) for row in rows)
        self.version = 1
        self.calls: list[str] = []
        blocked = sum(row.exception for row in self.rows)
        self.line = views.status(exceptions=blocked) if count else views.status(mode="NEW", alerts=0)
        self.book: Book | None = None
        self.halted: ReadOnly | None = None
        self.answers: dict[Callable[..., Any], Callable[..., Any]] = {
            status_queries.status_line: lambda: self.line,
            account_queries.is_empty: lambda: not self.rows,
            desk_queries.desk_snapshot: self.desk,
            desk_queries.desk_with_account: self._desk_with_account,
            desk_queries.account_view: lambda account_id: views.account_view(self._row(account_id)),
            account_pages.account_page: lambda account_id, *_: account_views.account_page(self._row(account_id)),
            desk_queries.preview: self._preview,
            run_queries.runs_snapshot: self.runs,
            name_queries.names_of: self._names,
            run_search.changed_runs: lambda seen, *asked: None if seen == self.version else self.find_runs(*asked),
            run_queries.run_view: self._run,
            run_queries.portfolio_rows: tuple,
            manual_runs.cancel_run: lambda run: self._did(f"cancel {run}", SimpleNamespace(status="CANCELED")),
            scheduler.run_now: lambda job, _seconds: self._did(f"run {job}", "40 accounts, 4 runs"),
            export.Export: lambda what, fmt: self._did(
                f"export {what} {fmt}", SimpleNamespace(done=0, total=0, advance=bool, text=lambda: "[]\n")
            ),
        }

    async def ask(self, service: Callable[Concatenate[Book, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        answer = self.answers.get(service)
        if answer is None:
            self.book = self.book or simple_book()
            return service(self.book, *args, **kwargs)
        result: Any = answer(*args, **kwargs)
        if isinstance(result, Awaitable):
            result = await result
        made: T = result
        return made

    async def tick(self) -> bool:
        return False

    def start_heartbeat(self) -> None:
        """The fake book never changes on its own."""

    @property
    def trouble(self) -> str:
        return ""

    @property
    def open_error(self) -> str:
        return ""

    def held(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def write_again(self) -> None:
        self.halted = None

    def desk(self, seen: DeskSnapshot | None = None, shown: ShownRows | None = None) -> DeskSnapshot:
        tiles = tuple((tile, sum(tile in row.tiles for row in self.rows)) for tile in Tile)
        return DeskSnapshot(self.version, self.line, tiles, DeskRows(self.rows), firm=run_views.firm(self.rows))

    def _desk_with_account(
        self, seen: DeskSnapshot | None, shown: ShownRows | None, account_id: str | None
    ) -> tuple[DeskSnapshot, AccountView | None]:
        snapshot = self.answers[desk_queries.desk_snapshot](seen, shown)
        if seen is not None and (snapshot.version, snapshot.stamp) == (seen.version, seen.stamp):
            return snapshot, None
        known = any(row.account_id == account_id for row in self.rows)
        return snapshot, self.answers[desk_queries.account_view](account_id) if known else None

    def runs(self) -> RunsSnapshot:
        made = [run_views.run_row(index, desk) for index, desk in run_views.desks(self.rows)]
        rows = tuple(sorted(made, key=lambda row: row.created_at, reverse=True))
        return RunsSnapshot(self.version, rows, len(rows), len(rows), counts=_counts(rows))

    def find_runs(self, text: str, limit: int = 500, group: RunGroup = EVERY_RUN) -> RunsSnapshot:
        """The runs of a group and type whose client, account or id contains the text."""
        known = self.runs()
        rows = tuple(
            row
            for row in known.rows
            if fold(text) in fold(f"{row.client} {row.account_id} {row.id}") and group.type in (None, row.type)
        )
        found = tuple(row for row in rows if group.has(row.status, awaiting=row.awaiting_approval))
        return RunsSnapshot(
            self.version, found[:limit], known.total, len(rows), len(found) > limit, counts=_counts(rows)
        )

    def _names(self) -> Names:
        accounts = tuple((row.account_id, row.client, row.account_number) for row in self.rows)
        return Names(accounts, frozenset(row.account_id for row in self.rows), (), ())

    def _row(self, account_id: str) -> DeskRow:
        for row in self.rows:
            if row.account_id == account_id:
                return row
        raise NotFound("no such account")

    def _preview(self, account_id: str) -> PreviewView:
        row = self._row(account_id)
        if row.exception:
            raise Conflict("No run would be made: an ACH deposit was returned.")
        return views.preview(row)

    def _run(self, run_id: str) -> RunView:
        row = next(row for row in self.runs().rows if row.id == run_id)
        return run_views.run_view(row, self._row(row.account_id))

    def _did(self, what: str, answer: object) -> object:
        self.calls.append(what)
        return answer


def _counts(rows: Sequence[RunRow]) -> Counter[tuple[str, bool]]:
    return Counter((row.status, row.awaiting_approval) for row in rows)
