"""Simulated books: demonstration, sandbox and replay."""
