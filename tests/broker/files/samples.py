"""Small invented files in the layout of each custodian."""

from __future__ import annotations

_SCHWAB_HEAD = '"Symbol","Description","Qty (Quantity)","Price","Mkt Val (Market Value)","Security Type",'
SCHWAB = "\r\n".join(
    [
        '"Positions for All-Accounts as of 04:31 PM ET, 11/27/2026"',
        "",
        '"Individual ...417"',
        _SCHWAB_HEAD,
        '"AAA","ALPHA FUND","1,250.5","$10.00","$12,505.00","ETFs & Closed End Funds",',
        '"BRK/B","CLASS SHARE","2","400.25","$800.50","Equity",',
        '"SWVXX","MONEY FUND","100.25","1.00","$100.25","Cash and Money Market",',
        '"AAPL 01/16/2026 250.00 C","CALL","1","2.50","$250.00","Option",',
        '"Cash & Cash Investments","--","--","--","-$16.50","Cash and Money Market",',
        '"Positions Total","","--","--","$13,639.25","--",',
        "",
        '"Roth IRA ...902"',
        _SCHWAB_HEAD,
        '"Cash & Cash Investments","--","--","--","$96.41","Cash and Money Market",',
        '"Account Total","","--","--","$96.41","--",',
        "",
    ]
).encode()

FIDELITY = (
    b"\xef\xbb\xbf"
    + "\r\n".join(
        [
            "Account number,Account name,Symbol,Description,Quantity,Last price,Last price change,Current value,Type",
            "Z40118827,Individual,SPAXX**,HELD IN MONEY MARKET,,,,$4120.66,Cash,",
            "Z40118827,Individual,AAA,ALPHA,250.118,$118.425,+$0.12,$29620.22,Cash,",
            "Z40118827,Individual,AAA,ALPHA,10,$118.425,+$0.12,$1184.25,Margin,",
            "Z40118827,Individual,Pending activity,,,,-$75.10,,,",
            '012345678,"Doe, Jane",FDRXX**,HELD IN MONEY MARKET,,,,$17.03,Cash,',
            "",
            '"Nobody provides this, and nobody keeps it."',
            '"Date downloaded Nov-27-2026 4:52 p.m ET"',
        ]
    ).encode()
)

VANGUARD = b"""Account Number,Investment Name,Symbol,Shares,Share Price,Total Value,
40771203,SETTLEMENT FUND,VMFXX,8210.44,1.0,8210.44,
40771203,ALPHA,AAA,350.0000,118.425,41448.75,
65300188,BETA,BBB,12.0000,87.34,1048.08,


Account Number,Trade Date,Settlement Date,Transaction Type,Symbol,Shares,
40771203,2026-11-20,2026-11-23,Buy,AAA,10.0,
"""

FLEX_MARKED = b"""BOF,F1,Positions,1,20261127,20261127
BOA,U9400173
BOS,POST,Open Positions
ClientAccountID,AccountAlias,CurrencyPrimary,AssetClass,Symbol,ReportDate,Quantity,MarkPrice,PositionValue,LevelOfDetail
U9400173,Alias,USD,STK,AAA,20261127,210,118.425,24869.25,SUMMARY
U9400173,Alias,USD,STK,BRK B,20261127,14,412.77,5778.78,SUMMARY
U9400173,Alias,EUR,STK,SAP,20261127,1,100,100,SUMMARY
EOS,POST,3,30748.03
BOS,CRTT,Cash Report
ClientAccountID,AccountAlias,CurrencyPrimary,ToDate,EndingCash
U9400173,Alias,BASE_SUMMARY,20261127,1834.1276
U9400173,Alias,USD,20261127,1834.1276
EOS,CRTT,2,3668.2552
EOA,U9400173
EOF
"""

FLEX_PLAIN = b"""\
ClientAccountID,CurrencyPrimary,AssetClass,Symbol,ReportDate,Quantity,MarkPrice,PositionValue,LevelOfDetail
U1,USD,STK,AAA,20261127,10,2.5,25,SUMMARY
U1,USD,STK,AAA,20261127,4,2.5,10,LOT
U1,USD,STK,AAA,20261127,6,2.5,15,LOT
ClientAccountID,CurrencyPrimary,EndingCash
U1,USD,5.25
"""

ACTIVITY = b"""\xef\xbb\xbfStatement,Header,Field Name,Field Value
Statement,Data,Period,"November 1, 2026 - November 27, 2026"
Account Information,Header,Field Name,Field Value
Account Information,Data,Account,U7705512
Cash Report,Header,Currency Summary,Currency,Total
Cash Report,Data,Ending Cash,Base Currency Summary,2480.117399
Cash Report,Data,Ending Cash,USD,2480.117399
Open Positions,Header,DataDiscriminator,Asset Category,Currency,Symbol,Quantity,Mult,Close Price,Value
Open Positions,Data,Summary,Stocks,USD,AAA,140.5,1,118.425,16638.7125
Open Positions,Data,Lot,Stocks,USD,AAA,140.5,1,118.425,16638.7125
Open Positions,Data,Summary,Equity and Index Options,USD,AAA 16JAN26 250 C,1,100,2.5,250
Open Positions,Total,,Stocks,USD,,,,,16888.7125
"""

GENERIC = """Holdings;;;;
As of;27.11.2026;;;

Account no.;Ticker;Units;Price;Market value
10-2231;AAA;1.250;118,4250;148.031,25
10-2231;CASH;;;4.830,05
;Subtotal;;;152.861,30
007;BBB;80,5;73,91;5.949,76
""".encode("utf-16")

ALL = {
    "schwab": SCHWAB,
    "fidelity": FIDELITY,
    "vanguard": VANGUARD,
    "flex_marked": FLEX_MARKED,
    "flex_plain": FLEX_PLAIN,
    "activity": ACTIVITY,
    "generic": GENERIC,
}
