"""Use cases of a files book: positions, prices, trade lists and fills (R-71 to R-75)."""
