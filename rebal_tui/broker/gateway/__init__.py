"""Gateway: sends a book's requests to a broker on the network, beside the book's thread and within one budget."""
