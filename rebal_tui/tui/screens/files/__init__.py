"""Dialogs of a files book: importing positions, writing a trade list."""
