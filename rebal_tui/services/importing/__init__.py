"""Import of accounts, portfolios and subscriptions into an open book."""
