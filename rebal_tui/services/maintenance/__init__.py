"""Checks and exports of a book."""
