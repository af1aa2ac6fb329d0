"""A broker inside the program: accounts, orders, cash and journals that behave as the real one's, kept in SQLite."""
