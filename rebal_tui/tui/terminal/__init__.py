"""The terminal of the screens on POSIX systems: output that never waits, and an end when the terminal goes away."""
