"""Backtests of rebalancing policies: price histories, comparison, and a check against a simulated book (REPLAY)."""
