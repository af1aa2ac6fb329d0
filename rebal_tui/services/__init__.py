"""Use cases, one package for each area, and the scheduler that starts jobs."""
