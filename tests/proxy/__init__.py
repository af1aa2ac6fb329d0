"""A live book and a sandbox in one process, with a proxy between them that injects faults and rewrites responses."""
