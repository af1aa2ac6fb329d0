"""Simulated books: the demonstration, the sandbox, replays."""
