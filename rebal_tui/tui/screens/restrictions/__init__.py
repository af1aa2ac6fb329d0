"""Restrictions of accounts and portfolios: list, add, lift (R-60)."""
