"""An open book: file, broker, market data and in-memory state."""
