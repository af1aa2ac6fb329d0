"""Corporate actions through the sandbox: effective at once, strict bodies (R-54)."""

from __future__ import annotations

import pytest

from tests.api.servers import OPEN, Server, running

pytestmark = pytest.mark.slow


def test_a_split_and_a_dividend_take_effect_at_once() -> None:
    with running("--sandbox", "--at", OPEN) as server:
        account_id = server.account("50000", "Dana")
        order = {"symbol": "SPY", "side": "buy", "type": "market", "time_in_force": "day", "qty": "10"}
        server.post(f"/v1/trading/accounts/{account_id}/orders", order)
        before = server.get(f"/v1/trading/accounts/{account_id}/account")
        answer = server.post("/sandbox/corporate-actions", {"kind": "split", "symbol": "SPY", "ratio": "10"})
        assert answer["confirmation"] == "SPY 10 for 1: 1 account, 0 unexplained"
        after = server.get(f"/v1/trading/accounts/{account_id}/account")
        (held,) = server.get(f"/v1/trading/accounts/{account_id}/positions")
        assert (held["qty"], after["equity"]) == ("100", before["equity"])


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        ({"kind": "split", "symbol": "SPY"}, 400, "ratio"),
        ({"kind": "split", "symbol": "SPY", "ratio": "2", "dated": "today"}, 400, "dated"),
        ({"kind": "cash_dividend", "symbol": "SPY", "amount": "1", "ratio": "2"}, 400, "ratio"),
        ({"kind": "split", "symbol": "NOPE", "ratio": "2"}, 422, "NOPE"),
        ({"kind": "symbol_change", "symbol": "SPY", "new_symbol": "TLT"}, 422, "TLT"),
    ],
)
def test_a_wrong_body_is_refused_with_its_place(server: Server, body: dict[str, str], status: int, place: str) -> None:
    assert place in server.post("/sandbox/corporate-actions", body, status)["message"]
