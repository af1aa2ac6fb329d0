"""Use cases, one module each, and the scheduler that runs them."""
