"""Parsing of input: JSON with exact decimals, and models that report all errors, each with its path."""
