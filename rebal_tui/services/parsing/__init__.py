"""Input parsing: JSON with exact decimals, and shapes that report all errors, each with its path."""
