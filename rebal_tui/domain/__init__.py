"""What things are: frozen values and exact quantities. Imports nothing of ours, does no I/O, knows no time."""
