"""The changes of each account's cash and shares that the events of a real broker account for (R-53)."""
