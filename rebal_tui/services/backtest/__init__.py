"""Backtests of rebalancing policies: histories, and verification by replay."""
