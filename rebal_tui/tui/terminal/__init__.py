"""The terminal on POSIX systems: output that never waits; the program ends when the terminal goes away."""
