"""Backtests of rebalancing policies: price histories, comparison, and verification by replay."""
