"""A recorded baseline of the program's output, for comparing two versions (see `__main__`)."""
