"""The demonstration: a realistic book and a script of events."""
