"""The Cash section."""
