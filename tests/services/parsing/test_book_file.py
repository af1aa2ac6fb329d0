"""BOOK.json: its content, and every fault with its location."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.accounts import AccountStatus, Position, Restriction
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import parse_money, parse_price, parse_qty
from rebal_tui.services.parsing.book_file import book_schema, parse_book
from rebal_tui.services.parsing.fields import MAX_FAULTS

Raw = dict[str, Any]
Text = Callable[[], str]


def faults_of(text: str) -> list[str]:
    with pytest.raises(Invalid) as refused:
        parse_book(text)
    return [str(fault) for fault in refused.value.faults]


def test_a_book_is_read_exactly(as_text: Text) -> None:
    book = parse_book(as_text())
    assert book.as_of == datetime(2026, 3, 4, 17, 0, 0, 123456, tzinfo=UTC)
    spy, tlt, gld = book.assets
    assert (spy.price, tlt.price, gld.price) == (parse_price("500"), parse_price("100"), None)
    assert (spy.price_at, gld.price_at) == (book.as_of, None)
    assert (spy.name, tlt.name, spy.eligible, gld.eligible) == ("S&P 500", "TLT", True, False)
    first, second = book.accounts
    assert first.cash == parse_money("50000")
    assert first.positions == (Position("GLD", parse_qty("1.5"), parse_price("180.25")),)
    assert (second.cash, second.status) == (0, AccountStatus.ACTIVE)
    assert second.restrictions == frozenset({Restriction.ACH_RETURN})
    ((identity, status, body),) = book.portfolios
    assert (identity, status, body.name) == ("p1", PortfolioStatus.ACTIVE, "Balanced")
    assert book.subscriptions == (("a1", "p1", None, None),)


def test_numbers_are_read_without_a_float() -> None:
    text = """{"assets": [{"symbol": "A", "price": 0.100000001}], "accounts": [{"id": "x", "cash": 8999999999.000000001,
      "positions": [{"symbol": "A", "qty": 1e-9}]}]}"""
    book = parse_book(text)
    assert book.assets[0].price == 100_000_001
    assert book.accounts[0].cash == 8_999_999_999_000_000_001
    assert book.accounts[0].positions[0].qty == 1


def test_ids_without_a_referenced_row_are_derived_and_stable(raw_book: Raw, as_text: Text) -> None:
    del raw_book["accounts"][1]["id"], raw_book["as_of"]
    raw_book["portfolios"].append({**raw_book["portfolios"][0]})
    del raw_book["portfolios"][1]["id"]
    book = parse_book(as_text())
    assert book == parse_book(as_text())
    assert book.as_of is None
    assert len({account.id for account in book.accounts} | {p.id for p in book.portfolios}) == 4


def test_an_account_can_have_negative_equity(raw_book: Raw, as_text: Text) -> None:
    raw_book["accounts"][0]["cash"] = "-100.000000001"
    assert parse_book(as_text()).accounts[0].cash == -100_000_000_001


def test_an_active_portfolio_may_hold_an_asset_that_became_ineligible(raw_book: Raw, as_text: Text) -> None:
    raw_book["portfolios"][0]["weights"][2]["symbol"] = "GLD"
    raw_book["portfolios"][0]["status"] = "active"
    assert parse_book(as_text()).portfolios[0].body.weights.symbols == ("SPY", "GLD")


def put(path: str, value: object) -> Callable[[Raw], None]:
    """Set the value at a path such as `accounts.0.cash`."""

    def change(raw: Raw) -> None:
        *parents, last = path.split(".")
        target: Any = raw
        for step in parents:
            target = target[int(step)] if isinstance(target, list) else target[step]
        if isinstance(target, list):
            target.append(value)
        else:
            target[last] = value

    return change


TIME = "expected a time with an offset, such as 2026-03-02T15:00:00Z, between 1970 and 2199"
MONEY = "expected dollars within ±9,000,000,000 with at most nine decimals"
QTY = "expected a quantity above 0 and up to 9,000,000,000 with at most nine decimals"
RESTRICTION = (
    "expected trading_blocked, account_blocked, pattern_day_trader, ach_return, position_to_equity_ratio, crypto, "
    "options, unspecified, "
    "short_position or crypto_position"
)
PORTFOLIO_FIELDS = (
    "expected cooldown_days, description, id, minimum_trade, name, rebalance_conditions, rebalance_scope, "
    "rebalance_to, rebalancing_conditions, review, stagger_sessions, status, weights"
)
PRICE = "expected a price above 0 and up to 9,000,000,000 with at most nine decimals"

REFUSED: list[tuple[Callable[[Raw], object], str]] = [
    (put("asof", None), 'unknown field "asof"; did you mean as_of?'),
    (put("as_of", "2026-03-04T12:00:00"), f'as_of: {TIME}, got "2026-03-04T12:00:00"'),
    (put("as_of", "2026-02-30T12:00:00Z"), f'as_of: {TIME}, got "2026-02-30T12:00:00Z"'),
    (put("as_of", "2026-03-04T12:00:00.1234567890Z"), f'as_of: {TIME}, got "2026-03-04T12:00:00.1234567890Z"'),
    (put("as_of", 1772643600), f"as_of: {TIME}, got 1772643600"),
    (
        lambda r: r.pop("assets") and r.update(accounts=[], portfolios=[], subscriptions=[]),
        "assets: assets is required: expected a list",
    ),
    (lambda r: r.pop("accounts") and r.update(subscriptions=[]), "accounts: accounts is required: expected a list"),
    (put("assets.-", 7), "assets[3]: expected an asset, got 7"),
    (put("assets.-", {"symbol": "SPY"}), 'assets[3].symbol: duplicate symbol "SPY", already used in assets[0]'),
    (put("assets.0.price", "0"), f'assets[0].price: {PRICE}, got "0"'),
    (put("assets.0.price", "1.0000000001"), f'assets[0].price: {PRICE}, got "1.0000000001"'),
    (put("assets.0.status", "dead"), 'assets[0].status: expected active or inactive, got "dead"'),
    (put("assets.0.tradable", "yes"), 'assets[0].tradable: expected true or false, got "yes"'),
    (put("assets.0.fractionable", 1), "assets[0].fractionable: expected true or false, got 1"),
    (put("assets.0.prise", "1"), 'assets[0]: unknown field "prise"; did you mean price?'),
    (put("accounts.-", {"name": "Nobody"}), "accounts[2]: expected an id or an account_number"),
    (put("accounts.1.id", "a1"), 'accounts[1].id: duplicate id "a1", already used in accounts[0]'),
    (
        put("accounts.1.account_number", "900001"),
        'accounts[1].account_number: duplicate account_number "900001", already used in accounts[0]',
    ),
    (
        put("accounts.1.id", " b"),
        'accounts[1].id: expected an id of 1 to 64 characters without leading or trailing blanks, got " b"',
    ),
    (put("accounts.1.id", "x" * 65), "accounts[1].id: expected at most 64 characters, got 65"),
    (
        put("accounts.1.id", FIRM_ACCOUNT),
        "accounts[1].id: expected another id: this one is the firm account's",
    ),
    (
        put("accounts.1.name", "Eve\u202e"),
        r'accounts[1].name: control or invisible character U+202E at position 4, got "Eve\u202e"',
    ),
    (put("accounts.0.cash", "1,000"), f'accounts[0].cash: {MONEY}, got "1,000"'),
    (put("accounts.0.cash", "9000000001"), f'accounts[0].cash: {MONEY}, got "9000000001"'),
    (put("accounts.0.restrictions", ["pdt"]), f'accounts[0].restrictions[0]: {RESTRICTION}, got "pdt"'),
    (
        put("accounts.1.restrictions.-", "ach_return"),
        "accounts[1].restrictions[1]: duplicate restriction ach_return; list each restriction once",
    ),
    (
        put("accounts.0.positions.-", {"symbol": "XYZ", "qty": "1"}),
        "accounts[0].positions[1].symbol: unknown asset XYZ: not listed in assets",
    ),
    (
        put("accounts.0.positions.-", {"symbol": "GLD", "qty": "1"}),
        'accounts[0].positions[1].symbol: duplicate symbol "GLD", already used in accounts[0].positions[0]',
    ),
    (put("accounts.0.positions.0.qty", "0"), f'accounts[0].positions[0].qty: {QTY}, got "0"'),
    (put("accounts.0.positions.0.qty", -1), f"accounts[0].positions[0].qty: {QTY}, got -1"),
    (
        put("accounts.0.positions.-", {"symbol": "SPY", "qty": "9000000000"}),
        "accounts[0]: expected an account worth at most 9,000,000,000 dollars",
    ),
    (
        put("portfolios.0.weights.1.percent", "60.123"),
        'portfolios[0].weights[1].percent: expected a percent above 0 with at most two decimals, got "60.123"',
    ),
    (
        put("portfolios.0.weights.1.symbol", "QQQ"),
        "portfolios[0].weights: unknown asset QQQ: not listed in assets",
    ),
    (
        put("portfolios.0.status", "archived"),
        'portfolios[0].status: expected active, inactive or needs_adjustment, got "archived"',
    ),
    (
        put("portfolios.0.created_at", "2026-01-01T00:00:00Z"),
        f'portfolios[0]: unknown field "created_at"; {PORTFOLIO_FIELDS}',
    ),
    (put("subscriptions.0.account_id", "a9"), 'subscriptions[0].account_id: unknown account "a9"'),
    (put("subscriptions.0.portfolio_id", "p9"), 'subscriptions[0].portfolio_id: unknown portfolio "p9"'),
    (
        put("subscriptions.0.last_rebalanced_at", "yesterday"),
        f'subscriptions[0].last_rebalanced_at: {TIME}, got "yesterday"',
    ),
    (
        put("subscriptions.-", {"account_id": "a1", "portfolio_id": "p1"}),
        'subscriptions[1].account_id: account "a1" already has a subscription in subscriptions[0]',
    ),
    (put("subscriptions.-", {"portfolio_id": "p1"}), "subscriptions[1].account_id: account_id is required"),
]


@pytest.mark.parametrize(("spoil", "message"), REFUSED, ids=[message[:60] for _, message in REFUSED])
def test_a_fault_is_refused_with_its_location(
    raw_book: Raw, as_text: Text, spoil: Callable[[Raw], object], message: str
) -> None:
    spoil(raw_book)
    assert faults_of(as_text()) == [message]


def test_every_fault_of_the_file_is_listed(raw_book: Raw, as_text: Text) -> None:
    raw_book["assets"][0]["price"] = "-1"
    raw_book["accounts"][0]["cash"] = None
    raw_book["accounts"][0]["positions"][0]["qty"] = "0"
    raw_book["portfolios"][0]["weights"][1]["percent"] = "1"
    raw_book["subscriptions"][0]["account_id"] = "nobody"
    assert [fault.partition(":")[0] for fault in faults_of(as_text())] == [
        "assets[0].price",
        "accounts[0].positions[0].qty",
        "portfolios[0].weights",
        "subscriptions[0].account_id",
    ]


def test_the_faults_after_the_thousandth_are_counted() -> None:
    faults = faults_of(json.dumps({"assets": [1] * 1_500, "accounts": []}))
    assert len(faults) == MAX_FAULTS + 1
    assert faults[-1] == "and 500 more faults"


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        '{"assets": [], "accounts": [' + "{}," * 300_000 + "{}]}",
        '{"assets": [], "accounts": [' + '{"zz":1},' * 100_000 + "{}]}",
        "{" + ",".join(f'"k{n}":1' for n in range(80_000)) + "}",
        '{"assets": ' + "[" * 1_000_000,
    ],
    ids=["empty objects", "unknown fields", "many keys", "deep"],
)
def test_a_hostile_megabyte_is_refused_quickly(text: str) -> None:
    start = time.process_time()
    assert len(faults_of(text)) <= MAX_FAULTS + 1
    assert time.process_time() - start < 5


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mutated_book_is_read_or_refused(raw_book: Raw, data: st.DataObject) -> None:
    junk = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.floats(allow_nan=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=5,
    )
    raw = json.loads(json.dumps(raw_book))
    target: Any = raw
    while isinstance(target, (dict, list)) and target:
        key = data.draw(st.sampled_from(sorted(target) if isinstance(target, dict) else range(len(target))))
        if not isinstance(target[key], (dict, list)) or not target[key] or data.draw(st.booleans()):
            target[key] = data.draw(junk)
            break
        target = target[key]
    with contextlib.suppress(Invalid):
        parse_book(json.dumps(raw))


def test_the_schema_names_every_field_of_the_contract() -> None:
    schema = book_schema()
    definitions = schema["$defs"]
    assert set(schema["properties"]) == {
        "as_of", "assets", "accounts", "portfolios", "subscriptions", "restrictions", "minimum_trade"
    }  # fmt: skip
    expected = {
        "BookAsset": {"id", "symbol", "name", "price", "status", "tradable", "fractionable"},
        "BookAccount": {
            *("id", "account_number", "name", "status", "cash", "restrictions", "positions", "whole_shares"),
            "minimum_trade",
        },
        "BookPosition": {"asset_id", "symbol", "qty", "avg_entry_price"},
        "BookSubscription": {"account_id", "portfolio_id", "last_rebalanced_at", "overrides"},
    }
    assert {name: set(definitions[name]["properties"]) for name in expected} == expected
    assert definitions["OnPortfolioUpdate"]["properties"]["type"]["const"] == "on_portfolio_update"
    assert all(not definition.get("additionalProperties", False) for definition in definitions.values())
    assert set(definitions["Restriction"]["enum"]) == {member.value for member in Restriction}
