"""The page of one account, for every section that lists accounts."""
