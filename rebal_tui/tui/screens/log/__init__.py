"""The Log section."""
