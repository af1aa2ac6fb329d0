"""The simulated broker: accounts, orders, cash and journals that behave as at a real broker, stored in SQLite."""
