"""The policy lab: cost, tracking and return of rebalancing policies over a price history."""
