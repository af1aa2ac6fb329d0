"""Dialogs of a files book: importing files, entering data in forms, writing a trade list."""
