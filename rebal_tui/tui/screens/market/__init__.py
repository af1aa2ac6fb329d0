"""The Market section."""
