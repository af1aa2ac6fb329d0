"""Evaluation passes over every subscription, stored in chunks."""
