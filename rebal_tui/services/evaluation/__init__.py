"""Deciding and planning: one account or the whole book, and reading decisions back."""
