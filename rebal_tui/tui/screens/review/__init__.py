"""The Review section."""
