"""Exceptions section: what needs a person, and open alerts."""
