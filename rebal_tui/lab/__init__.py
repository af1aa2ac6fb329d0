"""The policy lab: what rebalancing policies would have cost and held over a price history."""
