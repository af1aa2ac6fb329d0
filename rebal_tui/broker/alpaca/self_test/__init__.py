"""The self-test: checks of a paper account at the broker, from keys to a trade, run by an owner of keys."""
