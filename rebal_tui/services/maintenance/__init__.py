"""Checking a book and exporting it."""
