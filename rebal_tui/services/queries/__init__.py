"""Queries that read the data of the screens; some start the action that they preview."""
