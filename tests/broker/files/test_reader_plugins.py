"""A reader of another package is found by its entry point, and reads before the built-in ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from rebal_tui.broker.files import recognizer
from rebal_tui.broker.files.readers.generic import GenericReader
from rebal_tui.broker.files.readers.options import ReadOptions
from rebal_tui.broker.files.statement import Statement
from rebal_tui.broker.files.table import Table


class AcmeReader:
    """The example: ACME writes `ACME HOLDINGS` in its first cell, and its columns have common names."""

    name = "acme"

    def recognizes(self, table: Table) -> bool:
        return bool(table.rows) and table.rows[0].cells[0] == "ACME HOLDINGS"

    def read(self, table: Table, options: ReadOptions) -> Statement:
        return replace(GenericReader().read(table, options), format=self.name)


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    point = EntryPoint("acme", "tests.broker.files.test_reader_plugins:AcmeReader", recognizer.ENTRY_POINTS)
    monkeypatch.setattr(recognizer, "entry_points", lambda group: [point] if group == point.group else [])
    recognizer.readers.cache_clear()
    yield
    recognizer.readers.cache_clear()


ACME = b"ACME HOLDINGS,2026-11-27\nAccount,Symbol,Quantity,Price\nA1,AAA,3,2.5\n"


@pytest.mark.usefixtures("plugged")
def test_an_entry_point_adds_a_custodian() -> None:
    statement = recognizer.read_statement(ACME)
    assert (statement.format, str(statement.as_of)) == ("acme", "2026-11-27")
    assert [held.symbol for held in statement.accounts[0].holdings] == ["AAA"]
    assert recognizer.format_names()[0] == "acme"


def test_without_it_the_file_is_a_generic_table() -> None:
    assert recognizer.read_statement(ACME).format == "generic"
