"""Decisions and plans for one account or the whole book, and past decisions."""
