"""The Lab section."""
