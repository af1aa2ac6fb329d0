"""The gateway sends a book's requests to a broker on the network, by its own threads and within one request budget."""
