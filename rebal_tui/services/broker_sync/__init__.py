"""Applying what happened at the broker, and reconciling with it."""
