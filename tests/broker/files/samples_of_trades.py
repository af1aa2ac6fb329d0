"""Small invented transactions files in the layout of each custodian."""

from __future__ import annotations

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
DECIMAL_COMMA = """Datum;Nr
Date;Account;Action;Symbol;Quantity;Price;Fees;Amount
30.11.2026;A1;Sell;BRK.B;2;400,25;0,52;799,98
30.11.2026;A1;Buy;AAA;1.250,5;10;;-12.505,00
"""
IBKR_ACTIVITY = """\
Account Information,Header,Field Name,Field Value
Account Information,Data,Account,U7705512
Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,C. Price,Proceeds,Comm/Fee
Trades,Data,Order,Stocks,USD,BRK B,"2026-11-30, 10:14:02",-2,400.25,400,800.5,-0.52
Trades,Data,Order,Stocks,USD,AAA,"2026-11-30, 10:14:03","1,250.5",10,10,-12505,0
Trades,SubTotal,,Stocks,USD,AAA,,"1,250.5",,,-12505,0
Trades,Data,Order,Stocks,EUR,SAP,"2026-11-30, 10:15:00",1,100,100,-100,0
Trades,Total,,Stocks,USD,,,,,,-11704.5,-0.52
Notes/Legal Notes,Header,Type,Note
Notes/Legal Notes,Data,Notes,"Trades are in."
"""
IBKR_FLEX = """\
BOF,F1,Trades,1,20261130,20261130
BOA,U9400173
BOS,TRNT,Trades; trade date basis
ClientAccountID,CurrencyPrimary,AssetClass,Symbol,TradeDate,TransactionType,Quantity,TradePrice,IBCommission,NetCash,\
Buy/Sell,OrderReference,LevelOfDetail
U9400173,USD,STK,BRK B,20261130,ExchTrade,-2,400.25,-0.52,799.98,SELL,L1-1,EXECUTION
U9400173,USD,STK,AAA,20261130,ExchTrade,1250.5,9,-1,-11255.5,BUY,L1-2,EXECUTION
U9400173,USD,STK,AAA,20261130,TradeCancel,-1250.5,9,1,11255.5,BUY (Ca.),L1-2,EXECUTION
U9400173,USD,STK,AAA,20261130,ExchTrade,1250.5,10,0,-12505,BUY,L1-2,EXECUTION
U9400173,USD,STK,AAA,20261130,,1250.5,10,0,-12505,BUY,L1-2,ORDER
EOS,TRNT,5,0
EOA,U9400173
EOF
"""
TRANSACTIONS = {
    "schwab": SCHWAB,
    "fidelity": FIDELITY,
    "vanguard": VANGUARD,
    "generic": GENERIC,
    "decimal comma": DECIMAL_COMMA,
    "ibkr activity": IBKR_ACTIVITY,
    "ibkr flex": IBKR_FLEX,
}
