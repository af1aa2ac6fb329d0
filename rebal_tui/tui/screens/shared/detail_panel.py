"""The panel with the detail of the row under the cursor of a list."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

from textual import on

from rebal_tui.domain.errors import Refusal
from rebal_tui.tui.screens.shared.row_page import HasPages
from rebal_tui.tui.widgets.lines import Builder, LinesView, nothing
from rebal_tui.tui.widgets.table import BookTable


class Detail(NamedTuple):
    """The detail of a row, with the key of the row."""

    key: str
    builder: Builder


class DetailPanel(HasPages):
    """A section with a list, and a panel for the detail of the row under its cursor."""

    DETAIL_DELAY_SECONDS = 0.06

    def __init__(self) -> None:
        super().__init__()
        self._request = 0
        self._shown: str | None = None

    @property
    def detail(self) -> LinesView:
        return self.query_one("#detail", LinesView)

    @property
    def detail_in_sight(self) -> bool:
        """Whether the terminal is wide enough for the detail panel."""
        return not self.has_class("-narrow")

    def row_here(self, key: str) -> Any:
        """Return the row under the cursor if it has this key, else None."""
        return self.table.cursor_row if self.table.cursor_key == key else None

    async def detail_of(self, key: str) -> Builder | None:
        """Return the builder of a row's detail; None leaves the panel as it is."""
        raise NotImplementedError

    def clear_detail(self) -> None:
        """Clear the detail panel."""
        self.detail.show(nothing, top=True)

    def request_detail(self, key: Hashable | None, delay: float = 0.0) -> None:
        """Show the keys of the actions that work on a row at once; show the detail of the row after `delay` seconds,
        unless another detail is requested by then. None (no row) clears the panel.
        """
        self.show_keys()
        self._request += 1
        request = self._request
        if key is None:
            self.clear_detail()
        elif self.detail_in_sight:
            self.set_timer(max(delay, 0.001), lambda: self._start_detail(str(key), request))

    def _start_detail(self, key: str, request: int) -> None:
        if self._is_wanted(request):
            self.host.work(self._load_detail(key, request), name="detail")

    async def _load_detail(self, key: str, request: int) -> None:
        builder = await self.detail_of(key)
        if builder is not None and self._is_wanted(request):
            self._show_built(key, builder)

    @property
    def detail_key(self) -> str | None:
        """The key of the row under the cursor; None without a row or a panel."""
        key = self.table.cursor_key
        return None if key is None or not self.detail_in_sight else str(key)

    async def read_detail(self) -> Detail | None:
        """Read the detail of the row under the cursor, before new rows are shown; None if there is none to show.

        Not for lists with figures that depend on prices: a heartbeat may change prices after the detail is read and
        before the rows are.
        """
        key = self.detail_key
        if key is None:
            return None
        try:
            builder = await self.detail_of(key)
        except Refusal:
            return None
        return None if builder is None else Detail(key, builder)

    def show_detail(self, detail: Detail | None) -> None:
        """Show a detail in the same screen update as the new rows, so that rows and panel agree. If it is not the
        detail of the row under the cursor, request that detail instead.
        """
        key = self.table.cursor_key
        if detail is None or key is None or str(key) != detail.key:
            self.request_detail(key)
            return
        self.show_keys()
        self._request += 1
        self._show_built(detail.key, detail.builder)

    def _show_built(self, key: str, builder: Builder) -> None:
        self.detail.show(builder, top=key != self._shown)
        self._shown = key

    def _is_wanted(self, request: int) -> bool:
        return request == self._request and self.is_attached

    @on(BookTable.Highlighted)
    def _highlighted(self, event: BookTable.Highlighted) -> None:
        self.request_detail(event.key, self.DETAIL_DELAY_SECONDS)
