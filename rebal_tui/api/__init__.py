"""The Rebalancing API over HTTP, over the same services as the screens. Needs the extra `api`."""
