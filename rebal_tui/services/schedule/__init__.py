"""What starts by time, and the thread that owns a book."""
