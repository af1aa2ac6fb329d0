"""Clocks, NYSE sessions and price feeds."""
