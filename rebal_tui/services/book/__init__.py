"""An open book: its file, broker, market, and what of it is kept in memory."""
