"""What the program does, written down, so that two versions of it can be compared (see `__main__`)."""
