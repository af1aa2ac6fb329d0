"""Gateway: sends a book's requests to a broker on the network, on threads of its own and within one budget."""
