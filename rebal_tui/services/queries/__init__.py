"""Read-only queries of the screens."""
