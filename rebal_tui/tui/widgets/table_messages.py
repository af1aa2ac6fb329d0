"""Messages that a table posts."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from textual.message import Message
from textual.widget import Widget


class TableMessage(Message):
    """Base of the messages of a table."""

    def __init__(self, table: Widget) -> None:
        super().__init__()
        self.table: Any = table

    @property
    def control(self) -> Any:
        return self.table


class Highlighted(TableMessage):
    """The cursor moved to another row; `key` is None when no row is shown."""

    def __init__(self, table: Widget, key: Hashable | None) -> None:
        super().__init__(table)
        self.key = key


class Opened(TableMessage):
    """A row was opened with enter or a double click."""

    def __init__(self, table: Widget, key: Hashable) -> None:
        super().__init__(table)
        self.key = key


class Counted(TableMessage):
    """The number of rows shown or the number of all rows has changed."""


class Moved(TableMessage):
    """The number of rows that are out of the sort order has changed; `moved` is the new number."""

    def __init__(self, table: Widget, moved: int) -> None:
        super().__init__(table)
        self.moved = moved
