"""Domain types: frozen values and exact quantities. No I/O, no clock, no imports from other layers."""
