"""Unknown and definitive responses of the broker, on a scripted transport."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from datetime import UTC, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from rebal_tui.broker.alpaca import shapes
from rebal_tui.broker.alpaca.client import MAX_ATTEMPTS, KeysRefused
from rebal_tui.broker.failures import BrokerRefused, BrokerUnavailable, RefusalCode
from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.broker.unreadable import AccountUnreadable
from rebal_tui.credentials import Keys
from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.cash import JournalStatus
from rebal_tui.domain.orders import OrderRequest, OrderStatus, Side
from rebal_tui.domain.quantities import parse_money, parse_price, parse_qty
from tests.live.transports import CLIENT, FIRM, NOW, Answer, FakeConnection, always, order, raising

BUY = OrderRequest(CLIENT, "run-1", "SPY", Side.BUY, notional=parse_money("30443.17"))
AMBIGUOUS_ANSWERS: dict[str, Answer] = {
    "no connection": raising(httpx.ConnectError),
    "connecting took too long": raising(httpx.ConnectTimeout),
    "no answer in time": raising(httpx.ReadTimeout),
    "hung up": raising(httpx.RemoteProtocolError),
    "reset": raising(httpx.ReadError),
    "500 without a code": always(500, {"error": "x", "message": "internal"}),
    "502 of a proxy": always(502, text="<html>bad gateway</html>"),
    "503": always(503, {"code": 50310000, "message": "unavailable"}),
    "504": always(504, text=""),
    "429 after it was sent": always(429, {"code": 42910000, "message": "rate limit exceeded"}),
    "408": always(408, {"code": 40810000, "message": "timeout"}),
    "a 404 of something in between": always(404, text="<html>not found</html>"),
    "a 403 without the API's body": always(403, {"message": "forbidden"}),
    "a redirection": always(302, text=""),
    "keys refused": always(401, {"code": 40110000, "message": "request is not authorized"}),
    "success that is no JSON": always(200, text="<html>ok</html>"),
    "success cut off": always(200, text='{"id": "61e69015'),
    "success that is a list": always(200, [order()]),
    "an order without an id": always(200, order(id=None)),
    "an order with NaN": always(200, text='{"id": NaN}'),
    "an order with a quantity that is none": always(200, order(filled_qty="a lot")),
}


@pytest.mark.parametrize("why", AMBIGUOUS_ANSWERS)
def test_any_unclear_answer_to_a_submit_is_unknown_and_the_order_is_sent_once(why: str) -> None:
    connection = FakeConnection(AMBIGUOUS_ANSWERS[why])
    with pytest.raises(BrokerUnavailable):
        connection.broker.submit_order(BUY)
    assert len(connection.requests) == 1


@pytest.mark.parametrize("why", AMBIGUOUS_ANSWERS)
def test_an_unclear_lookup_is_never_treated_as_order_not_found(why: str) -> None:
    connection = FakeConnection(AMBIGUOUS_ANSWERS[why])
    with pytest.raises(BrokerUnavailable):
        connection.broker.order_by_client_id(CLIENT, "run-1")
    lookups = [request for request in connection.requests if request.url.path != "/v1/clock"]
    assert len(lookups) <= MAX_ATTEMPTS
    assert len(connection.requests) <= len(lookups) + 1


@pytest.mark.parametrize("why", [why for why in AMBIGUOUS_ANSWERS if not why.startswith(("success", "an order"))])
def test_a_cancel_without_an_answer_is_unknown_and_requested_once(why: str) -> None:
    connection = FakeConnection(AMBIGUOUS_ANSWERS[why])
    with pytest.raises(BrokerUnavailable):
        connection.broker.cancel_order(CLIENT, "61e69015-8549-4bfd-b9c3-01e75843f47d")
    assert len(connection.requests) == 1


def test_a_lookup_is_none_only_if_the_broker_answers_not_found() -> None:
    for message in ("order not found for run-1", "no order with client_order_id run-1"):
        connection = FakeConnection(always(404, {"code": 40410000, "message": message}))
        assert connection.broker.order_by_client_id(CLIENT, "run-1") is None
    for body in (
        {"code": 40410000, "message": "endpoint not found"},
        {"code": 40410000, "message": "account not found"},
        {"message": "order not found"},
        {"code": "40410000", "message": "order not found"},
    ):
        with pytest.raises(BrokerUnavailable):
            FakeConnection(always(404, body)).broker.order_by_client_id(CLIENT, "run-1")


def test_a_lookup_that_finds_another_order_is_unknown() -> None:
    with pytest.raises(BrokerUnavailable):
        FakeConnection(always(200, order(client_order_id="run-2"))).broker.order_by_client_id(CLIENT, "run-1")


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (422, "client_order_id must be unique", RefusalCode.DUPLICATE_CLIENT_ORDER_ID),
        (403, "insufficient buying power", RefusalCode.INSUFFICIENT_BUYING_POWER),
        (403, "insufficient qty available for order (requested: 2, available: 1)", RefusalCode.INSUFFICIENT_QTY),
        (422, "requested asset is not fractionable", RefusalCode.ASSET_NOT_FRACTIONABLE),
        (422, "asset XYZ is not tradable", RefusalCode.ASSET_NOT_TRADABLE),
        (422, "asset XYZ is not active", RefusalCode.ASSET_NOT_TRADABLE),
        (422, "minimal amount of order is 1", RefusalCode.BELOW_MINIMUM),
        (422, "a buy must be at least $1", RefusalCode.BELOW_MINIMUM),
        (403, "account is restricted to liquidation", RefusalCode.ACCOUNT_RESTRICTED),
        (403, "trading denied", RefusalCode.ACCOUNT_RESTRICTED),
        (403, "potential wash trade detected. use complex orders", RefusalCode.REJECTED),
        (404, "account not found", RefusalCode.NOT_FOUND),
        (400, "qty is invalid", RefusalCode.REJECTED),
    ],
)
def test_a_definitive_rejection_is_a_refusal_with_its_reason(status: int, message: str, code: RefusalCode) -> None:
    connection = FakeConnection(always(status, {"code": status * 100_000, "message": message}))
    with pytest.raises(BrokerRefused) as refused:
        connection.broker.submit_order(BUY)
    assert (refused.value.code, message in refused.value.message, len(connection.requests)) == (code, True, 1)


def test_an_order_is_sent_with_decimals_as_text() -> None:
    connection = FakeConnection(always(200, order()))
    connection.broker.submit_order(BUY)
    connection.broker.submit_order(
        OrderRequest(CLIENT, "run-1", "SPY", Side.SELL, qty=parse_qty("123456789.123456789"))
    )
    assert connection.bodies("POST") == [
        {"symbol": "SPY", "side": "buy", "type": "market", "time_in_force": "day", "client_order_id": "run-1",
         "notional": "30443.17"},
        {"symbol": "SPY", "side": "sell", "type": "market", "time_in_force": "day", "client_order_id": "run-1",
         "qty": "123456789.123456789"},
    ]  # fmt: skip


def test_figures_are_read_exactly_as_text_and_as_numbers() -> None:
    for text in ('"123456789.123456789"', "123456789.123456789"):
        body = json.dumps(order(status="partially_filled")).replace('"filled_qty": "0"', f'"filled_qty": {text}')
        read = FakeConnection(always(200, text=body)).broker.submit_order(BUY)
        assert read.filled_qty == parse_qty("123456789.123456789")


def test_an_unknown_order_status_is_an_open_order_and_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read = FakeConnection(always(200, order(status="quantum_superposition"))).broker.submit_order(BUY)
    assert (read.status, read.status.final) == (OrderStatus.ACCEPTED, False)
    assert "quantum_superposition" in caplog.text


def test_an_answer_with_fills_causes_one_read_of_the_account() -> None:
    connection = FakeConnection(always(200, order(status="filled", filled_qty="75", filled_avg_price="400")))
    for _ in range(3):
        connection.broker.submit_order(BUY)
    assert [event.account_id for event in connection.broker.events(0)] == [CLIENT]


def test_a_read_is_tried_again_and_waits_for_the_rate_limit() -> None:
    reset = str(int(NOW.timestamp()) + 20)
    headers = {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    answers = [
        httpx.Response(502, text="bad gateway"),
        httpx.Response(429, json={"code": 42910000, "message": "rate limit exceeded"}, headers=headers),
        httpx.Response(200, json={"timestamp": "2026-11-23T10:00:00.5-05:00"}, headers=headers),
    ]
    connection = FakeConnection(lambda _request: answers.pop(0))

    connection.broker.clock()

    assert len(connection.requests) == 3
    assert connection.waits[0] < 1 < 20 <= connection.waits[1] < 25
    limit = connection.broker.rate_limit
    assert limit is not None
    assert (limit.limit, limit.remaining, int(limit.reset_at.timestamp())) == (200, 0, int(reset))


def test_a_rate_window_ends_by_the_brokers_clock_for_any_offset() -> None:
    there = NOW + timedelta(days=3)
    headers = {
        "Date": format_datetime(there.astimezone(UTC), usegmt=True),
        "X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(there.timestamp()) + 20),
    }  # fmt: skip
    connection = FakeConnection(always(200, {"timestamp": "2026-11-23T10:00:00.5-05:00"}, headers))

    connection.broker.clock()

    limit = connection.broker.rate_limit
    assert limit is not None
    assert limit.reset_at == NOW + timedelta(seconds=20)


def test_an_implausibly_long_rate_window_is_ignored() -> None:
    headers = {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "0"}
    headers["X-RateLimit-Reset"] = str(int(NOW.timestamp()) + 3_600)
    connection = FakeConnection(always(200, {"timestamp": "2026-11-23T10:00:00.5-05:00"}, headers))
    connection.broker.clock()
    assert connection.broker.rate_limit is None


def test_too_many_requests_while_some_are_left_is_not_the_limit_and_is_tried_again_soon() -> None:
    headers = {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "150"}
    headers["X-RateLimit-Reset"] = str(int(NOW.timestamp()) + 50)
    clock = httpx.Response(200, json={"timestamp": "2026-11-23T10:00:00.5-05:00"}, headers=headers)
    answers = [clock, httpx.Response(429, text="slow down"), clock]
    connection = FakeConnection(lambda _request: answers.pop(0))

    connection.broker.clock()
    connection.broker.clock()

    assert len(connection.waits) == 1
    assert connection.waits[0] < 1


def test_journals_have_their_key_and_the_firm_account_has_one_name() -> None:
    body = {
        "id": "e2769c3a-3a4d-4cbd-b6e6-05fd7a6e2f1d", "entry_type": "JNLC", "from_account": CLIENT, "to_account": FIRM,
        "status": "queued", "net_amount": "51.00", "description": "withdrawal", "symbol": "", "qty": None,
    }  # fmt: skip
    connection = FakeConnection(always(200, body))
    journal = connection.broker.create_journal(CLIENT, FIRM_ACCOUNT, parse_money("51"), "withdrawal", "wd-1")
    assert (journal.from_account, journal.to_account, journal.amount) == (CLIENT, FIRM_ACCOUNT, parse_money("51"))
    assert journal.status is JournalStatus.QUEUED
    assert connection.requests[0].headers["Idempotency-Key"] == "wd-1"
    assert connection.bodies("POST")[0]["to_account"] == FIRM
    assert connection.bodies("POST")[0]["amount"] == "51.00"


def test_an_account_is_read_with_its_restrictions() -> None:
    listed = {"id": CLIENT, "account_number": "927584925", "status": "ACTIVE", "created_at": "2019-09-30T23:55:31Z",
              "identity": {"given_name": "Ann\u202e", "family_name": "Ó [@click=x]Li"}}  # fmt: skip
    trading: dict[str, Any] = {
        "cash": "1000.10", "cash_withdrawable": "400.10", "buying_power": "900.10", "multiplier": "1",
        "status": "ACTIVE", "trading_blocked": False, "account_blocked": False,
        "admin_configurations": {"restrict_to_liquidation_reasons": {"ach_return": True, "brand_new_reason": True}},
    }  # fmt: skip
    held = [
        {"symbol": "SPY", "qty": "1.5", "side": "long", "asset_class": "us_equity",
         "avg_entry_price": "400.123456789123"},
        {"symbol": "BTCUSD", "qty": "1", "side": "long", "asset_class": "crypto"},
    ]  # fmt: skip

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        body: Any = trading if path.endswith("/account") else held if path.endswith("/positions") else listed
        return httpx.Response(200, json=body)

    read = FakeConnection(answer).broker.account(CLIENT)

    assert (read.name, read.cash, read.unsettled) == ("Ann Ó [@click=x]Li", parse_money("1000.10"), parse_money("500"))
    assert read.restrictions == {Restriction.ACH_RETURN, Restriction.UNSPECIFIED, Restriction.CRYPTO_POSITION}
    (spy,) = read.positions
    assert (spy.symbol, spy.qty, spy.avg_entry_price) == ("SPY", parse_qty("1.5"), parse_price("400.123456789"))


@pytest.mark.parametrize(
    ("position", "restrictions"),
    [
        ({"symbol": "SPY", "qty": "-3", "side": "short"}, {Restriction.SHORT_POSITION}),
        ({"symbol": "SPY", "qty": "3", "side": "short"}, {Restriction.SHORT_POSITION}),
        ({"symbol": "BTCUSD", "qty": "1", "asset_class": "crypto"}, {Restriction.CRYPTO_POSITION}),
        ({"symbol": "SPY261218C00500000", "qty": "1", "asset_class": "us_option"}, {Restriction.UNSPECIFIED}),
        ({"symbol": "SPY", "qty": "3", "side": "long", "asset_class": "us_equity"}, set()),
    ],
)
def test_a_position_that_no_rule_covers_is_a_restriction_of_its_own(
    position: dict[str, str], restrictions: set[Restriction]
) -> None:
    listed = {"id": CLIENT, "account_number": "1", "status": "ACTIVE", "created_at": "2019-09-30T23:55:31Z"}
    assert shapes.account(listed, {"cash": "10"}, [position]).restrictions == restrictions


@pytest.mark.parametrize("status", ["ACTIVE", "SUBMITTED"])
def test_only_an_account_that_is_not_open_yet_may_lack_figures(status: str) -> None:
    listed = {"id": CLIENT, "account_number": "1", "status": status, "created_at": "2019-09-30T23:55:31Z"}

    def answer(request: httpx.Request) -> httpx.Response:
        if "/trading/" in request.url.path:
            return httpx.Response(404, json={"code": 40410000, "message": "account not found"})
        return httpx.Response(200, json=listed)

    connection = FakeConnection(answer)
    if status == "ACTIVE":
        with pytest.raises(AccountUnreadable, match="HTTP 404: account not found"):
            connection.broker.account(CLIENT)
    else:
        assert connection.broker.account(CLIENT).cash == 0


def test_a_price_is_the_middle_of_a_newer_quote_and_never_of_a_crossed_one() -> None:
    def snapshot(trade: float, at: str, bid: str, ask: str) -> dict[str, Any]:
        return {
            "latestTrade": {"p": trade, "t": at},
            "latestQuote": {"bp": bid, "ap": ask, "t": "2026-11-23T14:59:58.123456789Z"},
        }

    body = {
        "NEW": snapshot(99.5, "2026-11-23T14:50:00Z", "100.01", "100.02"),
        "OLD": snapshot(99.5, "2026-11-23T14:59:59Z", "100.01", "100.02"),
        "CROSSED": snapshot(99.5, "2026-11-23T14:50:00Z", "100.02", "100.01"),
        "NOBID": snapshot(99.5, "2026-11-23T14:50:00Z", "0", "100.01"),
        "WIDE": snapshot(99.5, "2026-11-23T14:50:00Z", "90", "110"),
        "NONE": {"latestTrade": None, "latestQuote": None},
    }
    prices = FakeConnection(always(200, body)).broker.latest_prices([*body, "MISSING"])
    assert {symbol: price for symbol, (price, _) in prices.items()} == {
        "NEW": parse_price("100.015"),
        **{symbol: parse_price("99.5") for symbol in ("OLD", "CROSSED", "NOBID", "WIDE")},
    }


def test_keys_show_their_secret_nowhere() -> None:
    keys = Keys("KEYKEYKEY", "CANARY-SECRET")
    assert "CANARY" not in repr(keys) + str(keys) + f"{keys!r:>40}"
    with pytest.raises(TypeError):
        pickle.dumps(keys)
    with pytest.raises(TypeError):
        copy.deepcopy(keys)
    signed = keys(httpx.Request("GET", "https://broker.test"))
    assert "CANARY" not in repr(signed) + repr(signed.headers)
    with pytest.raises(BrokerUnavailable) as trouble:
        FakeConnection(raising(httpx.ConnectError)).broker.clock()
    assert "CANARY" not in str(trouble.value)


def test_refused_keys_are_reported() -> None:
    with pytest.raises(KeysRefused, match="does not accept the API key"):
        FakeConnection(AMBIGUOUS_ANSWERS["keys refused"]).broker.clock()
