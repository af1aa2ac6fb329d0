"""Run lifecycle: queueing, starting, sending, finishing."""
