"""What the events of a real broker explain of each account's cash and shares (R-53)."""
