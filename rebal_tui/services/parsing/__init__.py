"""Input parsing: JSON is read exactly and validated in full; every error has its location."""
