"""Comparison of each account at a real broker with the changes of cash and shares that its events report (R-53)."""
