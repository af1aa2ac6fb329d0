"""The terminal on POSIX systems. Output never blocks, and the program ends when the terminal goes away."""
