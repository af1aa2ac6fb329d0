"""Parsing of input: JSON with numbers as exact decimals, and models that report all errors, each with its path."""
