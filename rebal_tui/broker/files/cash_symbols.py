"""Which symbols of a custodian's file count as cash: those of cash that the custodian sweeps, and of money market funds
(R-71).
"""

from __future__ import annotations

from collections.abc import Mapping

CASH_SYMBOLS: Mapping[str, frozenset[str]] = {
    "schwab": frozenset({"CASH & CASH INVESTMENTS"}),
    "fidelity": frozenset({"SPAXX", "FDRXX", "FZFXX", "FCASH", "CORE"}),
    "vanguard": frozenset({"VMFXX"}),
    "ibkr": frozenset(),
    "generic": frozenset({"CASH", "USD", "$CASH", "MMDA1"}),
}
"""Symbols that count as cash unless the book has a list of its own, by format; money funds that a client bought are
positions.
"""


def cash_symbols_of(format_name: str) -> frozenset[str]:
    """The default cash symbols of a format; for a format without a list of its own, those of the generic format."""
    return CASH_SYMBOLS.get(format_name, CASH_SYMBOLS["generic"])
