"""Definitions of the words used in a report, for a reader who does not know the program."""

from __future__ import annotations

RULE = "Rule"
"""The column with the number of a check's rule, and the term for it."""
TERMS: tuple[tuple[str, str], ...] = (
    (
        "system, scheduler",
        "The program itself, without a person: at its fixed times, and in the steps of a withdrawal after its request.",
    ),
    ("broker", "The firm that holds the accounts and executes their orders; what it reported is entered under it."),
    (
        "advisor, you",
        "A person of the advisory firm at the screens or the command line of the program. The program has no log-in "
        "names: every such person is entered as advisor.",
    ),
    ("api …", "Another program, which used the access key of that name."),
    ("Book", "The file of the program with all its accounts, portfolios, runs and records."),
    ("Subscription", "The link between an account and the portfolio that it follows; without one it is not evaluated."),
    (
        "Evaluation",
        "At fixed times of a session the program compares an account with its portfolio and decides whether to trade. "
        "Evaluations of a session that come to the same result are one entry, at the time of the last: its prices, "
        "figures and audit entry are those of the last. The first one of a report lists every holding with its shares.",
    ),
    ("Full rebalance", "Sells and buys bring every asset to its target."),
    ("Invest cash", "Buys spend cash above its target; nothing is sold."),
    ("Partial liquidation", "Sells raise an amount of cash."),
    ("Drift, band", "Actual minus target percent of an asset; how far it may drift before a full rebalance is due."),
    (
        "% used, % of its band",
        "Drift as a percentage of the band: above 100 % it is outside. A sentence rounds to whole percents, a check "
        "to two decimals.",
    ),
    (
        "±5 pp, ±20 %",
        "Bands in percentage points of equity (an asset with target 60 % may be 55 % to 65 %) and in percent of the "
        "target (an asset with target 10 % may be 8 % to 12 %). With both, the narrower decides.",
    ),
    (
        "Weight",
        "The share of equity in percent. Each is rounded by itself to two decimals, in tables as in checks, so the "
        "weights of an account may add up to 99.99 % or 100.01 %. A check has more decimals where two would read as "
        "its limit. A holding that the program does not manage has no weight.",
    ),
    (
        "Target value",
        "An asset's target percent of the equity at the start of a run. A run that raises cash, as for a withdrawal, "
        "aims at the target percents of what is left: the equity less the amount to raise. The title of its plan has "
        "that figure.",
    ),
    (
        "Goal, goal value",
        "What a run brings an asset to, where a restriction or the portfolio's destination does not let it reach its "
        "target.",
    ),
    ("Equity", "The value of the holdings that the program manages plus cash that is not reserved."),
    (
        "Cash target, excess cash",
        "The cash that an account keeps: the portfolio's percentage of equity, or, for a run that invests cash, the "
        "cash target of the last completed run if that is more. Excess cash is the cash above it; below 0, cash is "
        "short and none is invested.",
    ),
    ("Reserved", "Cash kept for a withdrawal or transfer, which no order spends."),
    (
        "Journal",
        "A transfer of cash between an account and the firm's account at the broker: queued, sent to clearing (the "
        "broker is working on it), then executed.",
    ),
    ("ACH return", "The bank took back a deposit; the broker blocks the account until that is settled."),
    (
        "Outside rebal-tui",
        "An order that this program did not send, such as one placed at the broker by the client or the firm.",
    ),
    ("Cooldown", "Days after a full rebalance in which drift and calendar do not make another one."),
    (
        "One run a session",
        "An account has at most one automatic run in a session; what a person requests is not counted.",
    ),
    (
        "Approval",
        "A portfolio, an account or a limit of the book can require that a person approves a run before an order is "
        "sent. A run that required none was sent without one; if a person requested it, its result states this.",
    ),
    (
        "Amounts, prices",
        "The program counts in billionths of a dollar and of a share. Amounts are "
        "printed to the nearest cent. Totals, and the cash after a "
        "plan's orders, follow from the printed amounts of the orders; those of an order's fills may add up to a cent "
        "more or less. A buy order in dollars is rounded down to the cent. Average prices in sentences are rounded to "
        "the nearest cent, half to the even one; tables have prices and shares with all their digits.",
    ),
    ("Price of", "The time of the quote that was used."),
    (RULE, "The number of the rule in RULES.md, which comes with the program."),
    (
        "Audit entry",
        "A number in the trail that records every change in order; one entry can record several runs, orders or fills "
        "of several accounts. Each entry has a hash over itself and the one before; the last is at the foot.",
    ),
)
"""Term and meaning, in the order in which a report uses them."""
