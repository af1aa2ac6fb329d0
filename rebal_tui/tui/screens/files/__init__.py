"""Dialogs of a files book: importing files, entering data by hand, writing a trade list."""
