"""rebal-tui keeps client accounts at their target allocation, from a full-screen terminal."""

__version__ = "0.1.0"
