"""rebal-tui keeps client accounts at their target allocation, from a full-screen terminal."""

__version__ = "1.0.0"
