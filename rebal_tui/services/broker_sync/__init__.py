"""Broker synchronization: applying broker events, and reconciliation."""
