"""The Rebalancing API over HTTP, on the same services as the screens. Requires the extra `api`."""
