"""Evaluation passes: every subscription is evaluated, and the decisions are stored in chunks."""
