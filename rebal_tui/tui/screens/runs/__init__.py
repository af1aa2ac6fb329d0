"""The Runs section."""
