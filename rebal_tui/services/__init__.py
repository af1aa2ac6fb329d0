"""Use cases: one module each, and the scheduler that drives them."""
