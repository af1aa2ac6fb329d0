"""Checks of a paper account at the broker, end to end, for an owner who has keys."""
