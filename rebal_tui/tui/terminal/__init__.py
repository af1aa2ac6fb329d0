"""The terminal on POSIX systems. Output never blocks, and the program exits when the terminal is closed."""
