"""A column `Name` of a generic file: its values decide whether it has clients or assets; unused columns are named."""

from __future__ import annotations

import pytest

from rebal_tui.broker.files.readers.options import ReadOptions
from rebal_tui.broker.files.recognizer import read_statement
from rebal_tui.broker.files.statement import Statement

CLIENT, ASSET = "The column Name is read as the client's name.", "The column Name is read as the asset's name."
EITHER = "The column Name may have"


def _read(*rows: str, head: str = "Account,Name,Symbol,Quantity") -> Statement:
    return read_statement("\n".join((head, *rows)).encode())


def _names(statement: Statement) -> tuple[list[str | None], list[str]]:
    """Names of the accounts, and of their assets."""
    held = {holding.name for account in statement.accounts for holding in account.holdings}
    return [account.name for account in statement.accounts], sorted(held)


def test_a_name_for_each_account_is_the_clients() -> None:
    statement = _read("1,Ann,VTI,5", "1,Ann,BND,5", "1,Ann,CASH,7", "2,Bo,VTI,5", "2,Bo,CASH,1")
    assert _names(statement) == (["Ann", "Bo"], [""])
    assert statement.notes == (CLIENT,)


def test_a_name_for_each_symbol_is_the_assets() -> None:
    statement = _read("1,Stocks,VTI,5", "1,Bonds,BND,5", "1,,CASH,7", "2,Stocks,VTI,5", "2,Sweep,CASH,1")
    assert _names(statement) == ([None, None], ["Bonds", "Stocks"])
    assert statement.notes == (ASSET,)


@pytest.mark.parametrize(
    ("rows", "notes"),
    [
        (("1,Ann,VTI,5", "2,Bo,BND,5"), 2),
        (("1,Same,VTI,5", "1,Same,BND,5", "2,Same,VTI,5"), 2),
        (("1,Total,VTI,5", "2,Total,VTI,5"), 2),
        (("1,Ann,VTI,5", "1,,BND,5", "2,Bo,VTI,5"), 1),
        (("1,a,VTI,5", "1,b,BND,5", "2,c,VTI,5"), 1),
    ],
)
def test_names_that_do_not_decide_are_not_used_which_is_said(rows: tuple[str, ...], notes: int) -> None:
    statement = _read(*rows)
    assert _names(statement) == ([None] * len(statement.accounts), [""])
    assert statement.notes[-1] == "Columns not used: Name."
    assert len(statement.notes) == notes
    assert notes == 1 or statement.notes[0].startswith(EITHER)


def test_one_name_for_several_symbols_of_one_account_is_the_clients() -> None:
    assert _names(_read("1,Ann,VTI,5", "1,Ann,BND,5")) == (["Ann"], [""])
    assert _names(_read("1,Ann,VTI,5", "1,Ann,BND,5", "2,Bo,SPY,5"))[0] == ["Ann", "Bo"]


def test_a_column_of_clients_or_assets_stays_what_it_is() -> None:
    both = _read("1,Ann,Roth,VTI,5", "1,Ann,Roth,BND,5", head="Account,Client,Name,Symbol,Quantity")
    assert (_names(both), both.notes) == ((["Ann"], [""]), ("Columns not used: Name.",))
    described = _read("1,Ann,Stocks,VTI,5", "1,Ann,Bonds,BND,5", head="Account,Name,Description,Symbol,Quantity")
    assert _names(described) == (["Ann"], ["Bonds", "Stocks"])


def test_a_mapping_says_what_the_name_is() -> None:
    mapping = {"account": "Account", "symbol": "Symbol", "quantity": "Quantity", "description": "Name"}
    statement = read_statement(b"Account,Name,Symbol,Quantity\n1,Ann,VTI,5\n", ReadOptions(mapping=mapping), "generic")
    assert (_names(statement), statement.notes) == (([None], ["Ann"]), ())


def test_many_unused_columns_are_counted() -> None:
    extra = ",".join(f"X{n}" for n in range(14))
    statement = _read("1,VTI,5", head=f"Account,Symbol,Quantity,{extra}")
    assert statement.notes == (f"Columns not used: {', '.join(f'X{n}' for n in range(12))} and 2 more.",)
