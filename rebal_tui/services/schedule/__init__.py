"""Scheduled jobs, and the thread that owns a book."""
