"""The steps of the self-test that only read. Each returns its result as a text, and raises `Failed` or `Waits`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from rebal_tui.broker.alpaca import json_values, shapes
from rebal_tui.broker.alpaca.json_values import Json
from rebal_tui.broker.alpaca.self_test.connection import Connection, asked
from rebal_tui.broker.alpaca.self_test.results import Failed, Waits, masked
from rebal_tui.broker.alpaca.self_test.stream_probe import StreamProbe
from rebal_tui.broker.alpaca.stream_list import STREAMS
from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.quantities import DOLLAR
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import count_text

MAX_SKEW = timedelta(seconds=2)
MAX_PRICE_AGE = timedelta(seconds=60)
LIQUID = ("SPY", "VTI", "QQQ", "IVV", "AAPL")
"""The asset that is traded is the first of these that is active, tradable and fractionable."""
_STREAM_SECONDS = 15.0
_OVERLAP = timedelta(minutes=5)


def keys(connection: Connection) -> str:
    """Check that the broker accepts the API key; returns the step's result as a text."""
    connection.get("/v1/clock")
    return "the broker accepts the key"


def clock(connection: Connection) -> str:
    """Check that the clocks of the broker and of this computer agree within 2 s, and find out whether the market is
    open.

    Returns the step's result as a text.
    """
    sent = connection.now()
    data = asked(lambda: json_values.as_object(connection.client.get("/v1/clock")))
    there = asked(lambda: json_values.timestamp(data, "timestamp"))
    connection.market_open = data.get("is_open") is True
    connection.next_open = str(data.get("next_open", ""))[:16].replace("T", " ")
    skew = max(sent - there, there - connection.now(), timedelta(0))
    if skew > MAX_SKEW:
        raise Failed(
            f"this computer's clock and the broker's are {skew.total_seconds():.1f} s apart, expected at most 2"
        )
    state = "open" if connection.market_open else f"closed until {connection.next_open} New York time"
    return f"both clocks agree within 2 s; the market is {state}"


def calendar(connection: Connection) -> str:
    """Check that the broker reports sessions for the next 30 calendar days; returns the step's result as a text."""
    today = new_york_day(connection.now())
    params = {"start": today.isoformat(), "end": (today + timedelta(days=30)).isoformat()}
    sessions = asked(lambda: shapes.sessions(json_values.as_list(connection.client.get("/v1/calendar", params))))
    if not sessions:
        raise Failed("no session in the next 30 days")
    return f"{count_text(len(sessions), 'session')} in the next 30 days, the first on {sessions[0].day}"


def assets(connection: Connection) -> str:
    """Check the list of assets, and choose the asset that later steps trade; returns the step's result as a text."""
    listed = asked(lambda: json_values.as_list(connection.client.get("/v1/assets")))
    found = asked(lambda: [asset for data in listed if (asset := shapes.asset(data)) is not None])
    eligible = {a.symbol for a in found if a.status is AssetStatus.ACTIVE and a.tradable and a.fractionable}
    wanted = [symbol for symbol in LIQUID if symbol in eligible]
    if not wanted:
        raise Failed(f"none of {', '.join(LIQUID)} is active, tradable and fractionable")
    connection.symbol = wanted[0]
    return f"{len(listed):,} assets, {len(eligible):,} eligible; {connection.symbol} is traded below"


def accounts(connection: Connection) -> str:
    """Check the accounts, and choose the one that later steps trade in; returns the step's result as a text.

    The chosen account is ACTIVE, is not blocked by the broker, has $2 or more of cash, and has no open orders.
    """
    params = {"entities": "contact,identity"}
    listed = asked(lambda: json_values.as_list(connection.client.get("/v1/accounts", params)))
    connection.redactor.add_names(text for data in listed for text in _texts(data))
    clients = [data for data in listed if data.get("id") != connection.firm_account]
    wanted = [data for data in clients if connection.account_id in ("", data.get("id"))]
    if not wanted:
        raise Failed(f"no account {masked(connection.account_id)} among {count_text(len(clients), 'account')}")
    reasons: list[str] = []
    for data in wanted[:20]:
        reason = asked(partial(_why_not, connection, data))
        if not reason:
            connection.account_id = json_values.id_of(data)
            number = masked(str(data.get("account_number") or connection.account_id))
            return f"{count_text(len(clients), 'client account')}; {number} is used below"
        reasons.append(reason)
    raise Failed(f"no account can be used: {'; '.join(sorted(set(reasons)))}")


def prices(connection: Connection) -> str:
    """Check that the chosen asset has a current price; returns the step's result as a text."""
    answer = connection.get("/v2/stocks/snapshots", {"symbols": connection.symbol}, data=True)
    trade = answer.get(connection.symbol, {}).get("latestTrade") if isinstance(answer, dict) else None
    if not isinstance(trade, dict):
        raise Failed(f"no trade of {connection.symbol} in the snapshot")
    at = asked(lambda: json_values.timestamp(trade, "t"))
    age = connection.now() - at
    if age < -MAX_SKEW:
        raise Failed(f"the price of {connection.symbol} is {-age.total_seconds():.0f} s in the future")
    if connection.market_open and age > MAX_PRICE_AGE:
        raise Failed(f"the price of {connection.symbol} is {age.total_seconds():.0f} s old, expected at most 60")
    if not connection.market_open:
        raise Waits(f"the last price of {connection.symbol} is of {at:%Y-%m-%d %H:%M} UTC; whether prices are delayed "
                    "shows while the market is open")  # fmt: skip
    return f"the price of {connection.symbol} is {max(0.0, age.total_seconds()):.0f} s old"


def streams(connection: Connection) -> str:
    """Check that every event stream opens; returns the step's result as a text."""
    begin = connection.now() - _OVERLAP
    connection.streams = [StreamProbe(connection.client, stream, begin, connection.now) for stream in STREAMS]
    faults = []
    for probe in connection.streams:
        if not probe.answered(_STREAM_SECONDS):
            faults.append(f"{probe.name}: no answer in {_STREAM_SECONDS:.0f} s")
        elif probe.error:
            faults.append(f"{probe.name}: {probe.error}")
    if faults:
        raise Failed("; ".join(faults))
    return f"open: {', '.join(probe.name for probe in connection.streams)}"


def journals(connection: Connection) -> str:
    """Check that journals can be read; creates none. Returns the step's result as a text."""
    since = (new_york_day(connection.now()) - timedelta(days=30)).isoformat()
    listed = asked(lambda: json_values.as_list(connection.client.get("/v1/journals", {"after": since})))
    statuses = sorted({str(data.get("status")) for data in listed})
    return f"{count_text(len(listed), 'journal')} in 30 days" + (f": {', '.join(statuses)}" if statuses else "")


def _why_not(connection: Connection, data: Json) -> str:
    """Why an account cannot be traded in, "" if it can."""
    if shapes.account_status(data) is not AccountStatus.ACTIVE:
        return f"status {data.get('status')}"
    path = f"/v1/trading/accounts/{json_values.id_of(data)}"
    trading = json_values.as_object(connection.client.get(f"{path}/account"))
    held = json_values.as_list(connection.client.get(f"{path}/positions"))
    account = shapes.account(data, trading, held)
    if account.restrictions:
        return f"restricted ({', '.join(sorted(account.restrictions))})"
    if account.cash < 2 * DOLLAR:
        return "less than $2 of cash"
    if json_values.as_list(connection.client.get(f"{path}/orders", {"status": "open"})):
        return "open orders"
    return ""


def _texts(data: Any) -> Sequence[str]:
    """Every text about the client in an account's data: the names, the identity and the contact."""
    found = [str(data[name]) for name in ("account_name", "name") if data.get(name)]
    for part in ("identity", "contact"):
        inner = data.get(part)
        if isinstance(inner, dict):
            found += [value for value in inner.values() if isinstance(value, str)]
    return found
