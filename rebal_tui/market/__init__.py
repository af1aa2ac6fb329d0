"""Clocks, NYSE sessions (trading days) and price feeds."""
