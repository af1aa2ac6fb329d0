"""Advisor actions: portfolios, subscriptions, cash, withdrawals, manual orders."""
