"""Reconciliation with the broker: at the start, and when an advisor resumes a paused account."""
