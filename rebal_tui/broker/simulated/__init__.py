"""The simulated broker: accounts, orders, cash and journals that behave as at the real one, stored in SQLite."""
