"""Filling an open book from a file."""
