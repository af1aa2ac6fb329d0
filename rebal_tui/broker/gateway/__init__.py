"""The gateway: sends a book's requests to a broker on the network, by its own threads and within one request budget.

So the book's thread, the only thread that writes the book, never waits for the network.
"""
