"""Forms of a files book: they enter accounts, holdings, cash, assets and fills, remove some of these, or undo the last
import (R-70, R-75).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from rebal_tui.domain.errors import Fault, Invalid, Refusal
from rebal_tui.domain.quantities import Money, parse_price
from rebal_tui.services.book.book import Book
from rebal_tui.tui.amounts import read_dollars, read_shares
from rebal_tui.tui.book_services import (
    account_queries,
    files_by_hand,
    files_custodians,
    files_fills,
    files_importing,
    files_lists,
    name_queries,
)
from rebal_tui.tui.screens.files.questions import text_lines
from rebal_tui.tui.screens.shared.form import Field, FormScreen, Proposal, Values
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.screens.shared.picker import Choice, PickScreen

T = TypeVar("T")
Act = Callable[[Book, Values], str]
UNDO = "undo"
CUSTODIANS = ("schwab", "fidelity", "ibkr", "vanguard", "generic")


@dataclass(frozen=True, slots=True)
class HandForm:
    """One form: label, note, fields and the action `act`, which returns its result as text.

    `fields` are (key, label, hint); the fields in `needed` must not be empty. `sentence` describes what will be done,
    with field keys in braces; `done` describes what was done.
    """

    label: str
    done: str
    note: str
    fields: tuple[tuple[str, str, str], ...]
    needed: tuple[str, ...]
    sentence: str
    act: Act
    state: Callable[[Book, Values], str] | None = None
    """Returns what the book has now, shown above the sentence."""


def enter_by_hand(screen: ListScreen) -> None:
    """Let the user choose what to enter, and show its form."""
    choices = [Choice(key, form.label, form.note) for key, form in FORMS.items()]
    choices.append(Choice(UNDO, "Undo the last import", "while nothing depends on it"))

    async def show(key: str) -> None:
        await screen.host.ask(files_by_hand.require_files)
        names = await screen.host.ask(name_queries.names_of)
        accounts = tuple(f"{name} · {number}" for _, name, number in names.accounts)
        if screen.is_current:
            screen.app.push_screen(hand_form(FORMS[key], accounts, names.symbols))

    def picked(key: str | None) -> None:
        if key == UNDO:
            what = "Accounts, cash, positions and prices become what they were before the last import."
            screen.host.confirm_sending(
                "Undo the last import?", what, "Undo", partial(screen.host.ask, _undo), "Import undone"
            )
        elif key:
            screen.host.work(show(key), name="form")

    screen.app.push_screen(PickScreen("Enter data", choices, "entry"), picked)


def hand_form(form: HandForm, accounts: tuple[str, ...], symbols: tuple[str, ...]) -> FormScreen:
    """Create the screen of a form, with these accounts and symbols as completions."""
    completions = {"account": accounts, "symbol": symbols, "custodian": CUSTODIANS, "fractions": ("yes", "no")}
    fields = [Field(key, label, hint=hint, choices=completions.get(key, ())) for key, label, hint in form.fields]

    def propose(book: Book, values: Values) -> Proposal:
        faults: list[Fault] = []
        for key, _, _ in form.fields:
            try:
                if values[key].strip():
                    _READERS[key](book, values[key])
                elif key in form.needed:
                    faults.append(Fault(key, "expected a value"))
            except ValueError as error:
                faults.append(Fault(key, str(error)))
            except Refusal as refusal:
                faults += refusal.faults
        if faults:
            raise Invalid(faults)
        text = form.sentence.format(**{key: _found(book, key, value.strip()) for key, value in values.items()})
        stated = [] if form.state is None else [f"Now {form.state(book, values)}."]

        def act(book: Book) -> str:
            return form.act(book, values)

        return Proposal(text_lines([*stated, text]), f"{form.label}?", text, "Save", act, form.done)

    return FormScreen(form.label, fields, propose, blame=form.fields[0][0])


def _account(book: Book, text: str) -> str:
    return account_queries.find_account(book, text).account_id


def _found(book: Book, key: str, text: str) -> str:
    """The text of a field as the confirmation shows it: an account by client and number, so that the user notices a
    wrong one.
    """
    if key == "symbol":
        return files_by_hand.read_symbol(text)
    if key != "account":
        return text
    row = account_queries.find_account(book, text)
    return f"{row.client} ({row.account_number})" if row.client else row.account_number


def _number(_book: Book, text: str) -> int:
    if not text.strip().isascii() or not text.strip().isdigit():
        raise ValueError("expected a whole number")
    return int(text)


_READERS: dict[str, Callable[[Book, str], object]] = {
    "account": _account,
    "number": lambda _book, text: text,
    "name": lambda _book, text: text,
    "full_number": lambda _book, text: text,
    "symbol": lambda _book, text: files_by_hand.read_symbol(text),
    "cash": lambda _book, text: read_dollars(text),
    "shares": lambda _book, text: read_shares(text),
    "price": lambda _book, text: parse_price(text.strip()),
    "fees": lambda _book, text: read_dollars(text),
    "list": _number,
    "line": _number,
    "custodian": lambda _book, text: files_custodians.read_custodian(text),
    "counted": lambda _book, text: files_custodians.read_cash_list(text),
    "pairs": lambda _book, text: files_custodians.read_pairs(text),
    "fractions": lambda _book, text: files_custodians.read_fractions(text),
}


def _add_account(book: Book, values: Values) -> str:
    files_by_hand.add_account(book, values["number"], values["name"], _dollars(values, "cash"))
    return values["number"].strip()


def _edit_account(book: Book, values: Values) -> str:
    cash = read_dollars(values["cash"]) if values["cash"].strip() else None
    name, full_number = values["name"].strip() or None, values["full_number"].strip() or None
    account_id = _account(book, values["account"])
    return files_by_hand.edit_account(book, account_id, name=name, cash=cash, full_number=full_number)


def _set_holding(book: Book, values: Values) -> str:
    account_id = _account(book, values["account"])
    return files_by_hand.set_holding(book, account_id, values["symbol"], read_shares(values["shares"]))


def _put_asset(book: Book, values: Values) -> str:
    return "added" if files_by_hand.put_asset(book, values["symbol"], values["name"]) else "name stored"


def _set_price(book: Book, values: Values) -> str:
    stored = files_by_hand.set_price(book, values["symbol"], parse_price(values["price"].strip()))
    return values["price"].strip() if stored else "the book has a newer one"


def _fill(book: Book, values: Values) -> str:
    number, line = _number(book, values["list"]), _number(book, values["line"])
    qty, price = read_shares(values["shares"]), parse_price(values["price"].strip())
    files_fills.fill_by_hand(book, number, line, qty, price, _dollars(values, "fees"))
    return f"line {number}-{line}"


def _close_list(book: Book, values: Values) -> str:
    return f"{files_lists.close_list(book, _number(book, values['list'])):,} lines ended"


def _remove_account(book: Book, values: Values) -> str:
    return files_by_hand.remove_account(book, _account(book, values["account"]))


def _remove_asset(book: Book, values: Values) -> str:
    files_by_hand.remove_asset(book, values["symbol"])
    return values["symbol"].strip()


def _change_custodian(book: Book, values: Values) -> str:
    counted, pairs, fractions = (values[key].strip() for key in ("counted", "pairs", "fractions"))
    return files_custodians.change_custodian(
        book,
        values["custodian"],
        cash=files_custodians.read_cash_list(counted) if counted else None,
        pairs=files_custodians.read_pairs(pairs) if pairs else None,
        fractions=files_custodians.read_fractions(fractions) if fractions else None,
    )


def _custodian_state(book: Book, values: Values) -> str:
    return files_custodians.custodian_text(book, files_custodians.read_custodian(values["custodian"]))


def _undo(book: Book) -> str:
    return files_importing.undo_import(book).rstrip(".")


def _dollars(values: Values, key: str) -> Money:
    return read_dollars(values[key]) if values[key].strip() else Money(0)


_CLIENT = ("account", "Account", "client, number or id")
_SYMBOL = ("symbol", "Symbol", "such as VTI")
_SHARES, _PRICE = ("shares", "Shares", "such as 12.5"), ("price", "Price", "such as 285.42")
_LIST, _LINE = ("list", "List", "its number"), ("line", "Line", "its number")
FORMS: dict[str, HandForm] = {
    "account": HandForm(
        "New account", "Account added", "a new account with its cash",
        (("number", "Number", "as the custodian writes it"), ("name", "Client", ""), ("cash", "Cash", "dollars")),
        ("number",), "Account {number} will be added.", _add_account,
    ),
    "holding": HandForm(
        "Set a holding", "Holding set", "shares of a symbol in an account; 0 removes the holding",
        (_CLIENT, _SYMBOL, _SHARES), ("account", "symbol", "shares"),
        "{account} will hold {shares} shares of {symbol}.", _set_holding,
    ),
    "edit": HandForm(
        "Change an account", "Account changed", "cash, client, or the full number for trade lists; empty fields stay",
        (_CLIENT, ("cash", "Cash", "dollars"), ("name", "Client", ""), ("full_number", "Full number", "for uploads")),
        ("account",), "{account} will be changed; another amount of cash is recorded as a flow.", _edit_account,
    ),
    "price": HandForm(
        "Set a price", "Price stored", "the price of an asset, now", (_SYMBOL, _PRICE), ("symbol", "price"),
        "{symbol} will cost {price}, from now on.", _set_price,
    ),
    "asset": HandForm(
        "New asset or name", "Asset stored", "a new asset, or another name", (_SYMBOL, ("name", "Name", "")),
        ("symbol",), "{symbol} will be in the book.", _put_asset,
    ),
    "fill": HandForm(
        "Book a fill", "Fill booked", "an execution of a line of a trade list",
        (_LIST, _LINE, _SHARES, _PRICE, ("fees", "Fees", "dollars, or empty")), ("list", "line", "shares", "price"),
        "{shares} shares at {price} will be booked for line {line} of list {list}.", _fill,
    ),
    "close": HandForm(
        "Close a list", "List closed", "end the open lines of a trade list; what was filled stands",
        (_LIST,), ("list",),
        "Nothing more of list {list} will be filled.", _close_list,
    ),
    "custodian": HandForm(
        "Custodian", "Custodian set", "what counts as cash, symbols it writes otherwise, fractions of shares",
        (("custodian", "Custodian", "schwab, fidelity, ibkr, vanguard or generic"),
         ("counted", "Counts as cash", "the whole list, or none; empty stays"),
         ("pairs", "Symbol pairs", "BRKB=BRK.B, or none; empty stays"), ("fractions", "Fractions", "yes or no")),
        ("custodian",), "It counts for the next file and the next evaluation.", _change_custodian, _custodian_state,
    ),
    "remove account": HandForm(
        "Remove an account", "Account removed", "an account that no record refers to", (_CLIENT,), ("account",),
        "{account} and its holdings will be removed.", _remove_account,
    ),
    "remove asset": HandForm(
        "Remove an asset", "Asset removed", "an asset that nothing refers to", (_SYMBOL,), ("symbol",),
        "{symbol} will be removed.", _remove_asset,
    ),
}  # fmt: skip
"""The forms, by the key of the choice that opens them."""
