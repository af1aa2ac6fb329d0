"""Checks, archives, copies and exports of a book."""
