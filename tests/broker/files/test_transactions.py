"""Transactions files as each custodian writes them (R-75)."""

from __future__ import annotations

import pytest

from rebal_tui.broker.files.transactions import Kind, read_transactions
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import money_text, price_text, qty_text

SCHWAB = """"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"
"12/01/2026 as of 11/30/2026","Sell","BRK/B","CLASS SHARE","2","$400.25","$0.02","$800.48"
"11/30/2026","Buy","AAA","ALPHA FUND","1,250.5","$10.00","","-$12,505.00"
"11/30/2026","Qualified Dividend","AAA","ALPHA FUND","","","","$3.10"
"11/30/2026","MoneyLink Transfer","","","","","","-$50.00"
"Transactions Total","","","","","","","-$11,751.42"
"""
FIDELITY = """\ufeff

Run Date,Account,Account Number,Action,Symbol,Description,Type,Price ($),Quantity,Commission ($),Fees ($),Amount ($)
12/01/2026,Joint,Z40118827,YOU SOLD CLASS SHARE (BRKB) (Cash),BRK.B,CLASS SHARE,Cash,400.25,-2,0.5,0.02,799.98
11/30/2026,Joint,Z40118827,YOU BOUGHT ALPHA FUND (AAA) (Cash),AAA,ALPHA FUND,Cash,10,1250.5,,,-12505
11/30/2026,Joint,Z40118827,DIVIDEND RECEIVED ALPHA FUND (AAA) (Cash),AAA,ALPHA FUND,Cash,,,,,3.1
11/30/2026,Joint,Z40118827,REINVESTMENT CASH (SPAXX) (Cash),SPAXX,HELD IN MONEY MARKET,Cash,1,3.1,,,-3.1

"Nobody provides this, and nobody keeps it."
"""
VANGUARD = """Account Number,Investment Name,Symbol,Shares,Share Price,Total Value,
55501,ALPHA,AAA,10,10.0,100.0,


Account Number,Trade Date,Settlement Date,Transaction Type,Transaction Description,Investment Name,Symbol,Shares,\
Share Price,Principal Amount,Commissions and Fees,Net Amount,Accrued Interest,Account Type,
55501,2026-11-30,2026-12-01,Sell,Sell,CLASS,BRK.B,-2.0,400.25,800.5,0.52,799.98,0.0,CASH,
55501,2026-11-30,2026-12-01,Buy,Buy,ALPHA,AAA,1250.5,10.0,-12505.0,0.0,-12505.0,0.0,CASH,
55501,2026-11-30,2026-11-30,Sweep in,Sweep into settlement fund,VMFXX,VMFXX,3.1,1.0,-3.1,0.0,-3.1,0.0,CASH,
"""
GENERIC = """date;account;side;symbol;shares;price;fees
2026-11-30;A1;S;BRK.B;2;400.25;0.52
2026-11-30;A1;B;AAA;1250.5;10;
"""


@pytest.mark.parametrize(
    ("text", "account", "fees", "others"),
    [
        (SCHWAB, "", "0.02", [Kind.DIVIDEND, Kind.WITHDRAWAL]),
        (FIDELITY, "Z40118827", "0.52", [Kind.DIVIDEND, Kind.REINVESTMENT]),
        (VANGUARD, "55501", "0.52", [Kind.SWEEP]),
        (GENERIC, "A1", "0.52", []),
    ],
    ids=["schwab", "fidelity", "vanguard", "generic"],
)
def test_trades_are_read_with_their_fees(text: str, account: str, fees: str, others: list[Kind]) -> None:
    rows = read_transactions(text.encode())

    trades = [row for row in rows if row.kind in (Kind.BUY, Kind.SELL)]
    read = [
        (row.account, row.kind, row.symbol, qty_text(row.qty), price_text(row.price), money_text(row.fees))
        for row in trades
        if row.qty is not None and row.price is not None
    ]
    assert read == [
        (account, Kind.SELL, "BRK.B", "2", "400.25", fees),
        (account, Kind.BUY, "AAA", "1250.5", "10", "0.00"),
    ]
    assert str(trades[0].day) == "2026-11-30" or text is FIDELITY
    assert [row.kind for row in rows if row not in trades] == others


def test_faults_name_line_and_column() -> None:
    with pytest.raises(Invalid, match=r"line 2: shares: got 'two'"):
        read_transactions(GENERIC.replace("BRK.B;2;", "BRK.B;two;").encode())
