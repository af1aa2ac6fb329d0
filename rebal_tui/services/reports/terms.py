"""Definitions of the words used in a report, for a reader who does not know the program."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    ("system, broker", "The program itself, without a person; the broker that holds the accounts."),
    ("advisor, api …", "A person at the terminal; a program that used the key of that name."),
    (
        "Evaluation",
        "At fixed times of a session the program compares an account with its portfolio and decides whether to trade.",
    ),
    ("Full rebalance", "Sells and buys bring every asset to its target."),
    ("Invest cash", "Buys spend cash above its target; nothing is sold."),
    ("Partial liquidation", "Sells raise an amount of cash."),
    ("Drift, band", "Actual minus target percent of an asset; how far it may drift before a full rebalance is due."),
    ("Cooldown", "Days after a full rebalance in which drift and calendar do not make another one."),
    (
        "One run a session",
        "An account has at most one automatic run in a session; what a person requests is not counted.",
    ),
    (
        "Approval",
        "A portfolio, an account or a limit of the book can require that a person approves a run before an order is "
        "sent. A run that required none was made and sent by the program alone.",
    ),
    ("Price of", "The time of the quote that was used."),
    ("Rule", "The number of the rule in RULES.md, which comes with the program."),
    (
        "Audit entry",
        "A number in the trail that records every change in order. Each entry has a hash over itself and the one "
        "before; the last is at the foot.",
    ),
)
"""Term and meaning, in the order in which a report uses them."""
