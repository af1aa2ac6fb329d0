"""An open book: its file, broker, market data and in-memory state."""
